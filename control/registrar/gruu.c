/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/registrar/gruu.h"

#include <ctype.h>
#include <string.h>

#include <strowger/errors.h>
#include <strowger/sip_headers.h>

#define SUM_BYTES  8u
#define HEAD_BYTES 20u	/* salt, instance, Call-ID */
#define USER_MAX   200u /* bytes of a user: longer ones get no temporary GRUU */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* What a temporary GRUU holds, in its order. */
struct inside {
	uint8_t sum[SUM_BYTES];
	uint8_t text[HEAD_BYTES + USER_MAX];
	size_t len; /* of text */
};

struct stw_gruu_key stw_gruu_key(const uint8_t secret[16])
{
	const struct stw_sipkey key = stw_sipkey_from(secret);
	uint64_t word[6];

	for (uint8_t i = 0; i < 6; i++) {
		char what[] = "0 strowger gruu";

		what[0] = (char)('0' + i);
		word[i] = stw_siphash24(key, what, sizeof(what) - 1);
	}
	return (struct stw_gruu_key){{word[0], word[1]}, {word[2], word[3]}, {word[4], word[5]}};
}

static struct stw_str without_brackets(struct stw_str instance)
{
	if (instance.len >= 2 && instance.p[0] == '<' && instance.p[instance.len - 1] == '>')
		return stw_str(instance.p + 1, instance.len - 2u);
	return instance;
}

/* --- public --- */

/* RFC 3261 s25.1: pvalue's characters. */
static bool is_plain(char c)
{
	return isalnum((unsigned char)c) || (c != '\0' && strchr("-_.!~*'()[]/:&+$", c));
}

size_t stw_gruu_public(struct stw_str aor, struct stw_str instance, char *out)
{
	static const char digits[] = "0123456789ABCDEF", gr[] = ";gr=";
	const struct stw_str id = without_brackets(instance);
	size_t n = aor.len + sizeof(gr) - 1;

	if (n + 3u * id.len > STW_GRUU_TEXT)
		return 0;
	memcpy(out, aor.p, aor.len);
	memcpy(out + aor.len, gr, sizeof(gr) - 1);
	for (uint16_t i = 0; i < id.len; i++) {
		const unsigned char c = (unsigned char)id.p[i];

		if (is_plain((char)c)) {
			out[n++] = (char)c;
			continue;
		}
		out[n++] = '%';
		out[n++] = digits[c >> 4];
		out[n++] = digits[c & 15];
	}
	return n;
}

static int hex_of(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* The byte at @i of @t, escapes undone; @i moves behind it. */
static unsigned char next_byte(struct stw_str t, uint16_t *i)
{
	const char c = t.p[(*i)++];

	if (c != '%' || t.len - *i < 2 || hex_of(t.p[*i]) < 0 || hex_of(t.p[*i + 1]) < 0)
		return (unsigned char)c;
	const int v = hex_of(t.p[*i]) << 4 | hex_of(t.p[*i + 1]);

	*i = (uint16_t)(*i + 2);
	return (unsigned char)v;
}

static bool names_instance(struct stw_str gr, struct stw_str instance)
{
	const struct stw_str id = without_brackets(instance);
	uint16_t i = 0, k = 0;

	while (i < gr.len && k < id.len)
		if (next_byte(gr, &i) != (unsigned char)id.p[k++])
			return false;
	return id.len > 0 && i == gr.len && k == id.len;
}

/* --- temporary --- */

static uint64_t name_hash(const struct stw_gruu_key *key, struct stw_str t)
{
	return stw_siphash24(key->names, t.p, t.len);
}

/* Over the domain, too: a GRUU of one domain is none of another. */
static void sum_of(const struct stw_gruu_key *key, struct stw_str domain, const struct inside *in,
		   uint8_t out[SUM_BYTES])
{
	struct stw_siphash s = stw_siphash_start(key->sum);

	stw_siphash_word(&s, (uint64_t)domain.len << 32 | in->len, 2);
	stw_siphash_bytes(&s, domain.p, domain.len, 2);
	stw_siphash_bytes(&s, (const char *)in->text, in->len, 2);
	const uint64_t sum = stw_siphash_end(&s, 4);

	memcpy(out, &sum, SUM_BYTES);
}

/* Hides what is plain, and shows what is hidden. */
static void turn(const struct stw_gruu_key *key, struct inside *in)
{
	for (size_t at = 0; at < in->len; at += 8) {
		uint64_t block[2] = {0, at};

		memcpy(block, in->sum, SUM_BYTES);
		const uint64_t stream = stw_siphash24(key->stream, block, sizeof(block));

		for (size_t i = at; i < in->len && i < at + 8; i++)
			in->text[i] ^= (uint8_t)(stream >> 8 * (i - at));
	}
}

static size_t to_text(const uint8_t *p, size_t n, char *out)
{
	size_t at = 0;
	uint32_t bits = 0, held = 0;

	for (size_t i = 0; i < n; i++) {
		held = held << 8 | p[i];
		for (bits += 8; bits >= 6; bits -= 6)
			out[at++] = alphabet[held >> (bits - 6) & 63];
	}
	if (bits > 0)
		out[at++] = alphabet[held << (6 - bits) & 63];
	return at;
}

/* @return false: no such text, or longer than @room */
static bool from_text(const char *p, size_t n, uint8_t *out, size_t room, size_t *len)
{
	uint32_t bits = 0, held = 0;

	*len = 0;
	for (size_t i = 0; i < n; i++) {
		const char *digit = p[i] ? strchr(alphabet, p[i]) : NULL;

		if (!digit)
			return false;
		held = held << 6 | (uint32_t)(digit - alphabet);
		bits += 6;
		if (bits < 8)
			continue;
		bits -= 8;
		if (*len == room)
			return false;
		out[(*len)++] = (uint8_t)(held >> bits);
	}
	/* One text for each content: what is left over is nothing. */
	return bits < 6 && (held & ((1u << bits) - 1)) == 0;
}

/* "sip:bob@example.com" */
static bool split(struct stw_str aor, struct stw_str *scheme, struct stw_str *user,
		  struct stw_str *domain)
{
	const char *colon = memchr(aor.p, ':', aor.len), *at = memrchr(aor.p, '@', aor.len);

	if (!colon || !at || at < colon)
		return false;
	*scheme = stw_str(aor.p, (size_t)(colon + 1 - aor.p));
	*user = stw_str(colon + 1, (size_t)(at - colon - 1));
	*domain = stw_str(at + 1, (size_t)(aor.p + aor.len - at - 1));
	return true;
}

static size_t put(char *out, size_t at, const char *p, size_t len)
{
	memcpy(out + at, p, len);
	return at + len;
}

size_t stw_gruu_temporary(const struct stw_gruu_key *key, struct stw_str aor,
			  struct stw_str instance, struct stw_str call_id, uint32_t salt, char *out)
{
	const uint64_t hash[2] = {name_hash(key, without_brackets(instance)),
				  name_hash(key, call_id)};
	struct stw_str scheme, user, domain;
	struct inside in;

	if (!split(aor, &scheme, &user, &domain) || user.len > USER_MAX)
		return 0;
	memcpy(in.text, &salt, sizeof(salt));
	memcpy(in.text + sizeof(salt), hash, sizeof(hash));
	memcpy(in.text + HEAD_BYTES, user.p, user.len);
	in.len = HEAD_BYTES + user.len;
	sum_of(key, domain, &in, in.sum);
	turn(key, &in);

	uint8_t all[sizeof(in.sum) + sizeof(in.text)];
	memcpy(all, in.sum, SUM_BYTES);
	memcpy(all + SUM_BYTES, in.text, in.len);
	size_t n = put(out, 0, scheme.p, scheme.len);
	n = put(out, n, STW_GRUU_PREFIX, STW_GRUU_PREFIX_LEN);
	n += to_text(all, SUM_BYTES + in.len, out + n);
	n = put(out, n, "@", 1);
	n = put(out, n, domain.p, domain.len);
	return put(out, n, ";gr", 3);
}

static bool open_with(const struct stw_gruu_key *key, struct stw_str domain,
		      const struct inside *hidden, struct inside *plain)
{
	uint8_t sum[SUM_BYTES];
	uint8_t differs = 0;

	*plain = *hidden;
	turn(key, plain);
	sum_of(key, domain, plain, sum);
	for (size_t i = 0; i < SUM_BYTES; i++)
		differs |= (uint8_t)(sum[i] ^ hidden->sum[i]);
	return differs == 0;
}

/* @aor holds the GRUU's own canonical URI, and its user's on true. */
static bool read_temporary(const struct stw_gruu_key *keys, size_t n_keys, char *aor,
			   size_t *aor_len, struct stw_gruu *out)
{
	uint8_t all[SUM_BYTES + HEAD_BYTES + USER_MAX];
	struct stw_str scheme, user, domain;
	struct inside hidden, plain;
	size_t n;

	if (!split(stw_str(aor, *aor_len), &scheme, &user, &domain) ||
	    !from_text(user.p + STW_GRUU_PREFIX_LEN, user.len - STW_GRUU_PREFIX_LEN, all,
		       sizeof(all), &n) ||
	    n <= SUM_BYTES + HEAD_BYTES)
		return false;
	memcpy(hidden.sum, all, SUM_BYTES);
	hidden.len = n - SUM_BYTES;
	memcpy(hidden.text, all + SUM_BYTES, hidden.len);
	for (size_t i = 0; i < n_keys; i++) {
		if (!open_with(&keys[i], domain, &hidden, &plain))
			continue;
		out->key = &keys[i];
		memcpy(&out->instance, plain.text + 4, sizeof(out->instance));
		memcpy(&out->call_id, plain.text + 12, sizeof(out->call_id));
		/* The user is shorter than the text it was in. */
		const size_t len = plain.len - HEAD_BYTES, head = scheme.len;
		const size_t tail = domain.len + 1u;

		memmove(aor + head + len, domain.p - 1, tail);
		memcpy(aor + head, plain.text + HEAD_BYTES, len);
		*aor_len = head + len + tail;
		return true;
	}
	return false;
}

int stw_gruu_read(const struct stw_gruu_key *keys, size_t n_keys, const char *buf,
		  const struct stw_sip_uri *uri, char *aor, size_t room, size_t *aor_len,
		  struct stw_gruu *out)
{
	struct stw_span gr;
	int err = stw_sip_uri_aor(buf, uri, aor, room, aor_len);

	*out = (struct stw_gruu){.kind = STW_GRUU_NONE};
	if (err || (uri->scheme != STW_SCHEME_SIP && uri->scheme != STW_SCHEME_SIPS) ||
	    stw_sip_param_find(buf, uri->params, "gr", 2, &gr) != STW_OK)
		return err;
	if (gr.len > 0) {
		out->kind = STW_GRUU_PUBLIC;
		out->gr = stw_str(buf + gr.off, gr.len);
		return STW_OK;
	}
	out->kind = STW_GRUU_INVALID;
	if (uri->user.len > STW_GRUU_PREFIX_LEN &&
	    memcmp(buf + uri->user.off, STW_GRUU_PREFIX, STW_GRUU_PREFIX_LEN) == 0 &&
	    read_temporary(keys, n_keys, aor, aor_len, out))
		out->kind = STW_GRUU_TEMPORARY;
	return STW_OK;
}

bool stw_gruu_is_of(const struct stw_gruu *g, const struct stw_binding *b)
{
	switch (g->kind) {
	case STW_GRUU_NONE: return true;
	case STW_GRUU_PUBLIC: return names_instance(g->gr, b->instance);
	case STW_GRUU_TEMPORARY:
		return b->instance.len > 0 &&
		       name_hash(g->key, without_brackets(b->instance)) == g->instance;
	case STW_GRUU_INVALID: break;
	}
	return false;
}

bool stw_gruu_is_current(const struct stw_gruu *g, const struct stw_binding *b)
{
	return g->kind != STW_GRUU_TEMPORARY || name_hash(g->key, b->call_id) == g->call_id;
}
