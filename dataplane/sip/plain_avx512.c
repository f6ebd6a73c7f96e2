/* SPDX-License-Identifier: BSD-3-Clause */
/* Compiled for AVX-512 BW: a masked load reads a value's bytes and not one more. */
#include "dataplane/sip/plain.h"

#include <immintrin.h>
#include <string.h>

#define VALUE_MAX 120u /* bytes; longer ones leave no zero bit to end a run */

typedef unsigned __int128 bits; /* one a byte */

struct value {
	__m512i block[2];
	__m512i power[2]; /* 1 << high nibble, 0 for bytes above 0x7f */
	unsigned n;
	struct stw_span span;
	char text[160]; /* a copy, zero behind its end: may be read without care */
};

/* Sets of bytes as rows by low nibble, bit = high nibble; test_plain.c compares with chars.h. */
typedef const uint8_t byte_set[16];

static byte_set token = {0xe8, 0xfc, 0xf8, 0xf8, 0xf8, 0xfc, 0xf8, 0xfc,
			 0xf8, 0xf8, 0xf4, 0x54, 0x50, 0x54, 0xd4, 0x70};
static byte_set host_byte = {0xa8, 0xf8, 0xf8, 0xf8, 0xf8, 0xf8, 0xf8, 0xf8,
			     0xf8, 0xf8, 0xf0, 0x50, 0x50, 0x54, 0x54, 0x70};
/* an unquoted parameter value: token or an IPv6 address */
static byte_set value_byte = {0xe8, 0xfc, 0xf8, 0xf8, 0xf8, 0xfc, 0xf8, 0xfc,
			      0xf8, 0xf8, 0xfc, 0x74, 0x50, 0x74, 0xd4, 0x70};
static byte_set user_byte = {0xa8, 0xfc, 0xf8, 0xf8, 0xfc, 0xf8, 0xfc, 0xfc,
			     0xfc, 0xfc, 0xf4, 0x5c, 0x54, 0x5c, 0xd4, 0x7c};
static byte_set param_byte = {0xa8, 0xfc, 0xf8, 0xf8, 0xfc, 0xf8, 0xfc, 0xfc,
			      0xfc, 0xfc, 0xfc, 0x74, 0x50, 0x74, 0xd4, 0x74};
static byte_set uri_byte = {0xb8, 0xfc, 0xf8, 0xf8, 0xfc, 0xf8, 0xfc, 0xfc,
			    0xfc, 0xfc, 0xfc, 0x7c, 0x54, 0x7c, 0xd4, 0x7c};
/* in a quoted string: ASCII without quote, backslash and control bytes */
static byte_set quoted_byte = {0xfc, 0xfc, 0xf8, 0xfc, 0xfc, 0xfc, 0xfc, 0xfc,
			       0xfc, 0xfd, 0xfc, 0xfc, 0xdc, 0xfc, 0xfc, 0x7c};
/* a display name of tokens: token and SP */
static byte_set display_byte = {0xec, 0xfc, 0xf8, 0xf8, 0xf8, 0xfc, 0xf8, 0xfc,
				0xf8, 0xf8, 0xf4, 0x54, 0x50, 0x54, 0xd4, 0x70};

static inline __mmask64 first(unsigned n)
{
	return n < 64 ? (1ull << n) - 1 : ~0ull;
}

static inline bool load(struct value *v, const char *buf, struct stw_span span, unsigned n)
{
	const __m512i powers = _mm512_set4_epi32(0, 0, (int)0x80402010, 0x08040201);
	const char *p = buf + span.off;

	if (n - 1 >= VALUE_MAX)
		return false;
	v->n = n;
	v->span = span;
	v->block[0] = _mm512_maskz_loadu_epi8(first(n), p);
	v->block[1] = _mm512_maskz_loadu_epi8(first(n > 64 ? n - 64 : 0), p + (n > 64 ? 64 : 0));
	for (int i = 0; i < 2; i++) {
		__m512i high =
			_mm512_and_si512(_mm512_srli_epi16(v->block[i], 4), _mm512_set1_epi8(0x0f));
		v->power[i] = _mm512_shuffle_epi8(powers, high);
		_mm512_storeu_si512(v->text + 64 * i, v->block[i]);
	}
	memset(v->text + 128, 0, sizeof(v->text) - 128);
	return true;
}

static inline bits in(const struct value *v, byte_set set)
{
	__m512i rows = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)set));
	uint64_t low = _mm512_test_epi8_mask(_mm512_shuffle_epi8(rows, v->block[0]), v->power[0]);
	uint64_t high = _mm512_test_epi8_mask(_mm512_shuffle_epi8(rows, v->block[1]), v->power[1]);

	return low | (bits)high << 64;
}

/* Where the run of ones that begins at @from ends. */
static inline unsigned run(bits ones, unsigned from)
{
	bits rest = ~ones >> from;
	uint64_t low = (uint64_t)rest, high = (uint64_t)(rest >> 64);

	return from + (unsigned)(low ? __builtin_ctzll(low) : 64 + __builtin_ctzll(high));
}

static inline uint64_t word(const struct value *v, unsigned at)
{
	uint64_t w;
	memcpy(&w, v->text + at, sizeof(w));
	return w;
}

/*
 * A name of up to eight bytes as word() reads it. Put together of its letters, which are constants:
 * copied, it is stored in pieces and read as a whole, and that waits for all stores before.
 */
#define LETTER(text, i) \
	((uint64_t)(uint8_t)(text)[(i) < sizeof(text) - 1 ? (i) : sizeof(text) - 1] << 8 * (i))
#define NAME(text)                                                                                 \
	(LETTER(text, 0) | LETTER(text, 1) | LETTER(text, 2) | LETTER(text, 3) | LETTER(text, 4) | \
	 LETTER(text, 5) | LETTER(text, 6) | LETTER(text, 7))

/* The first @n bytes there, 1..8, letters made lower case. */
static inline uint64_t lower(const struct value *v, unsigned at, unsigned n)
{
	return (word(v, at) | 0x2020202020202020u) & ~0ull >> (64 - 8 * n);
}

/* "sip:" in any letter case; the colon exactly, which 0x1a would become in lower case. */
static inline bool is_sip(const struct value *v, unsigned at)
{
	return lower(v, at, 3) == NAME("sip") && v->text[at + 3] == ':';
}

static inline struct stw_span span(const struct value *v, unsigned from, unsigned to)
{
	return (struct stw_span){(uint16_t)(v->span.off + from), (uint16_t)(to - from)};
}

/* 1..65535 in one to five digits. @return where they end, 0 when they are none */
static inline unsigned port_end(const struct value *v, unsigned at, uint16_t *out)
{
	const uint64_t ones = 0x0101010101010101u;
	uint64_t w = word(v, at) ^ ones * '0';
	uint64_t not_digit = ((w + ones * 0x76) | w) & ones * 0x80;
	unsigned n = not_digit ? (unsigned)__builtin_ctzll(not_digit) / 8 : 8;

	if (n - 1 >= 5)
		return 0;
	w <<= 64 - 8 * n; /* zeros before the first digit */
	w = w * 10 + (w >> 8);
	w = ((w & 0x000000ff000000ffu) * 0x000f424000000064u +
	     ((w >> 16) & 0x000000ff000000ffu) * 0x0000271000000001u) >>
	    32;
	*out = (uint16_t)w;
	return (uint32_t)w - 1 < UINT16_MAX ? at + n : 0;
}

/* [":" port]. @return where it ends, 0 when the port is none */
static inline unsigned after_port(const struct value *v, unsigned at, uint16_t *out)
{
	return v->text[at] == ':' ? port_end(v, at + 1, out) : at;
}

enum via_param { BRANCH, RPORT, RECEIVED, MADDR, OTHER, N_VIA_PARAMS };

static inline enum via_param which_param(const struct value *v, unsigned at, unsigned n)
{
	uint64_t w = lower(v, at, n < 8 ? n : 8);
	enum via_param which = OTHER;

	which = w == NAME("branch") ? BRANCH : which;
	which = w == NAME("rport") ? RPORT : which;
	which = w == NAME("received") && n == 8 ? RECEIVED : which;
	which = w == NAME("maddr") ? MADDR : which;
	return which;
}

struct via_params {
	struct stw_span whole[N_VIA_PARAMS], value[N_VIA_PARAMS];
	unsigned seen[N_VIA_PARAMS];
};

static inline bool take_via_params(const struct value *v, unsigned at, struct via_params *out)
{
	const bits tokens = in(v, token), values = in(v, value_byte);

	while (at < v->n) {
		unsigned end = run(tokens, at + 1), begin = end, n = end - at - 1;

		if (v->text[at] != ';' || n == 0)
			return false;
		if (v->text[end] == '=') {
			begin = end + 1;
			end = run(values, begin);
			if (end == begin || v->text[begin] == '[')
				return false;
		}
		enum via_param which = which_param(v, at + 1, n);
		out->seen[which]++;
		out->whole[which] = span(v, at, end);
		out->value[which] = span(v, begin, end);
		at = end;
	}
	return true;
}

/* Each at most once, and a value where one is needed. */
static inline bool via_params_ok(const struct via_params *p)
{
	for (int i = BRANCH; i <= MADDR; i++)
		if (p->seen[i] > 1 || (i != RPORT && p->seen[i] && p->value[i].len == 0))
			return false;
	return true;
}

/* "SIP/2.0/UDP" SP host [":" port] and parameters; no second element. */
static bool plain_via(const char *buf, struct stw_span all, struct stw_sip_via *out)
{
	struct via_params p = {0};
	uint16_t port = 0, rport = 0;
	struct value v;

	if (!load(&v, buf, all, all.len) || word(&v, 0) != NAME("SIP/2.0/") ||
	    (uint32_t)word(&v, 8) != (uint32_t)NAME("UDP "))
		return false;
	unsigned host = run(in(&v, host_byte), 12), at = after_port(&v, host, &port);
	if (host == 12 || at == 0 || !take_via_params(&v, at, &p) || !via_params_ok(&p))
		return false;
	unsigned begin = (unsigned)p.value[RPORT].off - all.off;
	if (p.value[RPORT].len != 0 && port_end(&v, begin, &rport) != begin + p.value[RPORT].len)
		return false;
	*out = (struct stw_sip_via){
		.all = all,
		.protocol = span(&v, 0, 11),
		.host = span(&v, 12, host),
		.branch = p.value[BRANCH],
		.received = p.value[RECEIVED],
		.maddr = p.value[MADDR],
		.rport = p.value[RPORT],
		.received_param = p.whole[RECEIVED],
		.rport_param = p.whole[RPORT],
		.port = port,
		.rport_value = rport,
		.transport = STW_TRANSPORT_UDP,
	};
	return true;
}

/* A display name. @return where the "<" should be, VALUE_MAX (a zero byte) when not plain */
static inline unsigned take_display(const struct value *v, struct stw_span *out)
{
	unsigned end;

	if (v->text[0] == '"') {
		end = run(in(v, quoted_byte), 1);
		if (v->text[end++] != '"')
			return VALUE_MAX;
		*out = span(v, 0, end);
		return end + (v->text[end] == ' ');
	}
	unsigned at = end = run(in(v, display_byte), 0);
	while (end > 0 && v->text[end - 1] == ' ')
		end--;
	*out = span(v, 0, end);
	return v->text[0] == ' ' ? VALUE_MAX : at;
}

/* ";tag=" token. @return where it ends, @at when there is none, 0 when not plain */
static inline unsigned take_tag(const struct value *v, unsigned at, struct stw_span *out)
{
	if (v->text[at] != ';')
		return at;
	unsigned end = run(in(v, token), at + 5);
	if (lower(v, at + 1, 3) != NAME("tag") || v->text[at + 4] != '=' || end == at + 5)
		return 0;
	*out = span(v, at, end);
	return end;
}

/* A comma and the next element. */
static inline bool take_comma(const struct value *v, unsigned at, struct stw_sip_name_addr *out)
{
	if (at >= v->n || v->text[at] != ',')
		return false;
	at += 1 + (v->text[at + 1] == ' ');
	out->more = true;
	out->next = (uint16_t)(v->span.off + at);
	return at < v->n && (uint8_t)v->text[at] > ' ';
}

/* [display-name] "<sip:" ... ">" [";tag=" token], alone or before a comma. */
static bool plain_name_addr(const char *buf, struct stw_span all, struct stw_sip_name_addr *out)
{
	struct stw_sip_name_addr na = {.bracketed = true};
	unsigned at = 0;
	struct value v;

	if (!load(&v, buf, all, all.len < VALUE_MAX ? all.len : VALUE_MAX))
		return false;
	if (v.text[0] != '<')
		at = take_display(&v, &na.display);
	if (v.text[at] != '<' || !is_sip(&v, at + 1))
		return false;
	unsigned gt = run(in(&v, uri_byte), at + 5);
	if (gt == at + 5 || v.text[gt] != '>')
		return false;
	na.uri = span(&v, at + 1, gt);
	at = take_tag(&v, gt + 1, &na.params);
	if (at == 0 || (at != all.len && !take_comma(&v, at, &na)))
		return false;
	na.all = span(&v, 0, at);
	*out = na;
	return true;
}

/* Parameters we know but need more care. */
static inline bool is_delicate(uint64_t w)
{
	return w == NAME("transpor") || (w & 0xffffffffff) == NAME("maddr");
}

static inline bool take_uri_params(const struct value *v, unsigned at, struct stw_sip_uri *uri)
{
	const bits params = in(v, param_byte);
	const unsigned from = at;

	while (at < v->n) {
		unsigned end = run(params, at + 1), n = end - at - 1;

		if (v->text[at] != ';' || n == 0 || is_delicate(lower(v, at + 1, 8)))
			return false;
		uri->lr |= n == 2 && lower(v, at + 1, 2) == NAME("lr");
		at = v->text[end] == '=' ? run(params, end + 1) : end;
	}
	if (at > from)
		uri->params = span(v, from, at);
	return true;
}

/* "sip:" [user "@"] host [":" port] and parameters; no escapes, password or headers. */
static bool plain_uri(const char *buf, struct stw_span all, struct stw_sip_uri *out)
{
	struct stw_sip_uri uri = {.all = all, .scheme = STW_SCHEME_SIP};
	struct value v;

	if (!load(&v, buf, all, all.len) || !is_sip(&v, 0))
		return false;
	unsigned user = run(in(&v, user_byte), 4), at = 4;
	if (v.text[user] == '@') {
		uri.user = span(&v, 4, user);
		uri.has_user = true;
		at = user + 1;
	}
	unsigned host = run(in(&v, host_byte), at);
	if (user == 4 || host == at)
		return false;
	uri.host = span(&v, at, host);
	uri.host_is_ip = stw_ip_parse(v.text + at, host - at, &uri.ip) == STW_OK;
	at = after_port(&v, host, &uri.port);
	if (at == 0 || !take_uri_params(&v, at, &uri))
		return false;
	*out = uri;
	return true;
}

const struct stw_plain stw_plain_avx512 = {plain_via, plain_name_addr, plain_uri};
