/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where a response goes: the Via line it is sent by, and an IPv4 address. Compiled for AVX-512 as
 * Ice Lake and Zen 4 have it: a line's bytes are in two registers, its semicolons become a list of
 * places and the letters behind them a list of names, so that there is no loop over parameters, and
 * no guess in which order they are.
 */
#include "dataplane/sip/plain.h"
#include "dataplane/sip/rows.h"

#include <immintrin.h>
#include <string.h>

#include <strowger/likely.h>

/* Sixteen bytes in a row, and each four times: a list of places as one of words. */
#define ROW(n)	     n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6, n + 7
#define BYTES(n)     ROW(n), ROW(n + 8), ROW(n + 16), ROW(n + 24)
#define FOUR(n)	     n, n, n, n
#define FOURS(n)     FOUR(n), FOUR(n + 1), FOUR(n + 2), FOUR(n + 3)

#define PARAMS_MAX   15u /* one place in the list of sixteen is that of the end */
#define RECEIVED_MIN 10u /* "received=" and a byte */

static const uint8_t places[128]
	__attribute__((aligned(64))) = {BYTES(0), BYTES(32), BYTES(64), BYTES(96)};
static const uint8_t four_each[64]
	__attribute__((aligned(64))) = {FOURS(0), FOURS(4), FOURS(8), FOURS(12)};

static inline uint16_t load2(const char *p)
{
	uint16_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

static inline uint32_t load4(const char *p)
{
	uint32_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

/* In one store, as it will be loaded in one. */
static inline struct stw_span span(uint32_t from, uint32_t to)
{
	uint32_t word = from | (to - from) << 16;
	struct stw_span out;

	memcpy(&out, &word, sizeof(out));
	return out;
}

/* From memory, where an instruction takes it without another. */
static inline __m512i each(char c)
{
	return _mm512_load_si512(stw_spread[(uint8_t)c]);
}

static inline __m128i each16(uint8_t c)
{
	return _mm_load_si128((const void *)stw_spread[c]);
}

/* A number by its digits: how many, before which byte. */
struct digits {
	const char *end;
	uint32_t n;
};

/*
 * Two at once, without a guess as to whether they are there and how long they are: none is 0. The
 * second in the upper half of @out. @return false: no numbers, or of more than five digits
 */
static inline bool numbers(struct digits a, struct digits b, uint64_t *out)
{
	const __m128i last = _mm_unpacklo_epi64(_mm_loadl_epi64((const void *)(a.end - 8)),
						_mm_loadl_epi64((const void *)(b.end - 8)));
	const uint32_t keep = (0xff00u >> a.n & 0xff) | (0xff00u >> b.n & 0xff) << 8;
	__m128i x = _mm_maskz_sub_epi8((__mmask16)keep, last, each16('0'));

	if (a.n > 5 || b.n > 5 || _mm_cmpgt_epu8_mask(x, each16(9)) != 0)
		return false;
	x = _mm_maddubs_epi16(x, _mm_set1_epi16(10 | 1 << 8));
	x = _mm_madd_epi16(x, _mm_set1_epi32(100 | 1 << 16));
	x = _mm_madd_epi16(_mm_packus_epi32(x, x), _mm_set1_epi32(10000 | 1 << 16));
	*out = (uint64_t)_mm_cvtsi128_si64(x);
	return true;
}

/* A port, if it is one: of no digits it is 0. */
static inline bool is_port(uint32_t value, uint32_t n)
{
	return value - 1 < UINT16_MAX || n == 0;
}

/* "Via: SIP/2.0/UDP " or "v: SIP/2.0/UDP ", the name in any case. @return bytes, 0: neither */
static inline uint32_t begin(const char *p)
{
	const __m256i head = _mm256_loadu_si256((const void *)p);
	const __m256i small = _mm256_setr_epi32(0x202020, 0, 0, 0, 0, 0, 0, 0);
	const __m256i name = _mm256_or_si256(head, small);
	const __m256i full =
		_mm256_setr_epi8('v', 'i', 'a', ':', ' ', 'S', 'I', 'P', '/', '2', '.', '0', '/',
				 'U', 'D', 'P', ' ', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
	const __m128i compact = _mm_setr_epi8('v', ':', ' ', 'S', 'I', 'P', '/', '2', '.', '0', '/',
					      'U', 'D', 'P', ' ', 0);
	/* ':' and ' ' have the bit that small letters have, and the 'S' is not made one */
	const __m128i short_name =
		_mm_or_si128(_mm256_castsi256_si128(head), _mm_setr_epi32(0x20, 0, 0, 0));
	bool is_full = (~_mm256_cmpeq_epi8_mask(name, full) & 0x1ffff) == 0;
	bool is_compact = (~_mm_cmpeq_epi8_mask(short_name, compact) & 0x7fff) == 0;

	return stw_likely(is_full) ? 17 : is_compact ? 15 : 0;
}

/* The line's semicolons, and where it ends. */
struct params {
	uint8_t at[PARAMS_MAX + 1]; /* of each semicolon, then of the end */
	uint32_t end;
	uint32_t branch, rport, received; /* a bit: which of them; 0: none */
};

/* @return false: not usual */
static inline bool find_params(const char *p, struct params *out)
{
	const __m512i a = _mm512_loadu_si512(p), b = _mm512_loadu_si512(p + 64);
	/* Blanks, quotes and commas, none of which is in a usual one, and the end of the line. */
	uint64_t stop_a =
		_mm512_cmple_epu8_mask(a, each('"')) | _mm512_cmpeq_epi8_mask(a, each(','));
	uint64_t stop_b =
		_mm512_cmple_epu8_mask(b, each('"')) | _mm512_cmpeq_epi8_mask(b, each(','));
	uint32_t end_a = (uint32_t)_tzcnt_u64(stop_a);
	uint32_t end_b = stop_a != 0 ? 0 : (uint32_t)_tzcnt_u64(stop_b);
	uint64_t semi_a = _bzhi_u64(_mm512_cmpeq_epi8_mask(a, each(';')), end_a);
	uint64_t semi_b = _bzhi_u64(_mm512_cmpeq_epi8_mask(b, each(';')), end_b);
	uint32_t n_a = (uint32_t)_mm_popcnt_u64(semi_a), n = n_a + (uint32_t)_mm_popcnt_u64(semi_b);
	uint32_t after = load4(p + end_a + end_b), next = after >> 16 & 0xff;

	/* a name that begins with the last bytes would be looked for beyond them */
	if (n > PARAMS_MAX || semi_b >> 60 != 0 || (after & 0xffff) != ('\r' | '\n' << 8) ||
	    next == ' ' || next == '\t')
		return false;
	out->end = end_a + end_b;
	__m128i at = _mm512_castsi512_si128(
		_mm512_mask_compress_epi8(_mm512_set1_epi8((char)out->end), semi_b,
					  _mm512_load_si512(places + 64)));
	at = _mm_mask_expand_epi8(_mm512_castsi512_si128(
					  _mm512_maskz_compress_epi8(semi_a,
								     _mm512_load_si512(places))),
				  (__mmask16)(0xffffu << n_a), at);
	_mm_storeu_si128((void *)out->at, at);

	const __m512i fours =
		_mm512_shuffle_epi8(_mm512_broadcast_i32x4(at), _mm512_load_si512(four_each));
	const __m512i letters = _mm512_or_si512(
		_mm512_permutex2var_epi8(a, _mm512_add_epi8(fours, _mm512_set1_epi32(0x04030201)),
					 b),
		each(' '));
	const __mmask16 all = (__mmask16)_bzhi_u32(0xffff, n);
	uint32_t empty =
		_mm_mask_cmpeq_epi8_mask(all, _mm_sub_epi8(_mm_bsrli_si128(at, 1), at), each16(1));
#define NAMED(i) \
	_mm512_mask_cmpeq_epi32_mask(all, letters, _mm512_set1_epi32((int)stw_next_hop_names[i]))
	out->branch = NAMED(0);
	out->rport = NAMED(1);
	out->received = NAMED(2);
	return (empty | NAMED(3) | _blsr_u32(out->branch) | _blsr_u32(out->rport) |
		_blsr_u32(out->received)) == 0;
#undef NAMED
}

static inline bool take_branch(const char *p, const struct params *in, uint32_t base,
			       struct stw_sip_via *via)
{
	uint32_t i = _tzcnt_u32(in->branch), at = in->at[i], end = in->at[i + 1];

	via->branch = span(base + at + 8, base + end);
	return end > at + 8 && (load4(p + at + 4) | 0x20202020u) == load4("nch=");
}

/* ";rport" with its digits, or without. @return false: something else */
static inline bool take_rport(const char *p, const struct params *in, struct digits *out)
{
	uint32_t i = _tzcnt_u32(in->rport), at = in->at[i], end = in->at[i + 1];

	*out = (struct digits){p + end, end - at - 7};
	if ((load2(p + at + 5) | 0x20) == load2("t="))
		return end > at + 7;
	out->n = 0;
	return end == at + 6 && (p[at + 5] | 0x20) == 't';
}

static inline bool take_received(const char *p, const struct params *in, uint32_t base,
				 struct stw_sip_via *via)
{
	uint32_t i = _tzcnt_u32(in->received), at = in->at[i], end = in->at[i + 1];

	via->received = span(base + at + 10, base + end);
	return end > at + RECEIVED_MIN && (load4(p + at + 5) | 0x20202020u) == load4("ived") &&
	       p[at + 9] == '=' && p[at + 10] != '[';
}

static bool next_via_line(const char *buf, uint32_t off, struct stw_sip_via *out)
{
	uint32_t skip = begin(buf + off), base = off + skip;
	const char *p = buf + base;
	struct params in;
	uint64_t both;

	if (skip == 0 || !find_params(p, &in))
		return false;
	uint32_t colon =
		(uint32_t)_tzcnt_u64(_mm512_cmpeq_epi8_mask(_mm512_loadu_si512(p), each(':')));
	uint32_t first = in.at[0], host = colon < first ? colon : first;
	struct digits port = {p + first, first - host}, rport = port;
	port.n -= port.n != 0; /* the colon */
	rport.n = 0;
	if (first > 64 || host == 0 || p[0] == '[' ||
	    (in.rport != 0 && !take_rport(p, &in, &rport)) || !numbers(port, rport, &both) ||
	    !is_port((uint32_t)both, first - host) || !is_port((uint32_t)(both >> 32), rport.n))
		return false;
	*out = (struct stw_sip_via){.all = span(base - 12, base + in.end)};
	out->host = span(base, base + host);
	out->port = (uint16_t)both;
	out->rport_value = (uint16_t)(both >> 32);
	return (stw_unlikely(in.branch == 0) || take_branch(p, &in, base, out)) &&
	       (in.received == 0 || take_received(p, &in, base, out));
}

/*
 * Where a digit is not followed by one, a group ends: the bytes there, one before and two before
 * are the ones, tens and hundreds of all four.
 */
static bool ipv4(const char *p, size_t len, struct stw_ip *out)
{
	const __m128i nine = each16(9);
	const __m128i index = _mm_load_si128((const void *)places);

	if (len - 7 > 8)
		return false;
	const uint32_t all = _bzhi_u32(0xffff, (uint32_t)len);
	const __m128i text = _mm_maskz_loadu_epi8((__mmask16)all, p);
	const __m128i d = _mm_sub_epi8(text, each16('0'));
	uint32_t digits = _mm_cmple_epu8_mask(d, nine);
	uint32_t dots = _mm_cmpeq_epi8_mask(text, each16('.'));
	uint32_t zeros = _mm_cmpeq_epi8_mask(d, _mm_setzero_si128());
	uint32_t follow = digits >> 1, ends = digits & ~follow, pairs = digits & follow;
	if ((digits | dots) != all || _mm_popcnt_u32(dots) != 3 || _mm_popcnt_u32(ends) != 4 ||
	    ((pairs & pairs >> 2) |		      /* four digits */
	     (zeros & ~(digits << 1) & follow)) != 0) /* a leading zero */
		return false;
	const __m128i at = _mm_maskz_compress_epi8((__mmask16)ends, index);
	const __m128i ones = _mm_permutexvar_epi8(at, d);
	/* Before the first byte lies the last of the sixteen, which is no digit. */
	const __m128i tens = _mm_permutexvar_epi8(_mm_add_epi8(at, _mm_set1_epi8(-1)), d);
	const __m128i more = _mm_permutexvar_epi8(_mm_add_epi8(at, _mm_set1_epi8(-2)), d);
	__mmask16 has_tens = _mm_cmple_epu8_mask(tens, nine);
	__mmask16 has_more = _mm_mask_cmple_epu8_mask(has_tens, more, nine);
	const __m128i low =
		_mm_maddubs_epi16(_mm_unpacklo_epi8(ones, _mm_maskz_mov_epi8(has_tens, tens)),
				  _mm_set1_epi16(1 | 10 << 8));
	const __m128i high = _mm_mullo_epi16(_mm_cvtepu8_epi16(_mm_maskz_mov_epi8(has_more, more)),
					     _mm_set1_epi16(100));
	const __m128i octets = _mm_add_epi16(low, high);
	if (_mm_cmpgt_epu16_mask(octets, _mm_set1_epi16(255)) & 0xf)
		return false;
	uint32_t bytes = (uint32_t)_mm_cvtsi128_si32(_mm_packus_epi16(octets, octets));
	*out = stw_ip_from_v4(&bytes);
	return true;
}

const struct stw_next_hop stw_next_hop_avx512 = {next_via_line, ipv4};
