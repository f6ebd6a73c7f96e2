/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/registrar/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include <strowger/errors.h>
#include <strowger/sip_headers.h>

#include "dataplane/route/hex.h"
#include "dataplane/route/siphash.h"
#include "dataplane/sip/chars.h"

#define QOP	   "auth"
#define HASHED_MAX 66000u /* of a datagram, and a little */
#define HA2_KEPT   256u	  /* most are shorter */

struct row {
	const char *name;
	size_t bytes;
	const char *crypto; /* libcrypto's name of it */
};

static const struct row rows[STW_N_DIGESTS] = {
	[STW_DIGEST_SHA256] = {"SHA-256", 32, "SHA256"},
	[STW_DIGEST_MD5] = {"MD5", 16, "MD5"},
};

/* Fetched once a thread: libcrypto looks for a digest longer than it takes to use one. */
static _Thread_local EVP_MD_CTX *contexts[STW_N_DIGESTS];

static EVP_MD_CTX *context_of(enum stw_digest_algorithm a)
{
	EVP_MD *md;

	if (contexts[a])
		return contexts[a];
	md = EVP_MD_fetch(NULL, rows[a].crypto, NULL);
	EVP_MD_CTX *ctx = md ? EVP_MD_CTX_new() : NULL;

	if (ctx && EVP_DigestInit_ex2(ctx, md, NULL)) {
		contexts[a] = ctx;
	} else {
		EVP_MD_CTX_free(ctx);
	}
	EVP_MD_free(md); /* the context holds it */
	return contexts[a];
}

const char *stw_digest_name(enum stw_digest_algorithm a)
{
	return rows[a].name;
}

/* The texts with a colon behind each. @return their bytes, 0: no room, nothing written */
static size_t join(const struct stw_str *text, size_t n, char *out, size_t room)
{
	size_t len = 0, at = 0;

	for (size_t i = 0; i < n; i++)
		len += text[i].len + 1u;
	if (len > room)
		return 0;
	for (size_t i = 0; i < n; i++) {
		memcpy(out + at, text[i].p, text[i].len);
		at += text[i].len;
		out[at++] = ':';
	}
	return len;
}

/* H of the texts with colons between, put together first: each step costs as much as a block. */
static int hash(enum stw_digest_algorithm a, const struct stw_str *text, size_t n,
		uint8_t out[STW_DIGEST_BYTES])
{
	char whole[HASHED_MAX]; /* touched only as far as it is filled */
	EVP_MD_CTX *ctx = context_of(a);
	const size_t len = join(text, n, whole, sizeof(whole));

	if (len == 0)
		return STW_ERANGE;
	const bool done = ctx && EVP_DigestInit_ex2(ctx, NULL, NULL) &&
			  EVP_DigestUpdate(ctx, whole, len - 1) &&
			  EVP_DigestFinal_ex(ctx, out, NULL);

	OPENSSL_cleanse(whole, len); /* passwords and their hashes stay nowhere */
	return done ? STW_OK : STW_EIO;
}

int stw_ha1_make(struct stw_str user, struct stw_str realm, struct stw_str password,
		 struct stw_ha1 *out)
{
	const struct stw_str text[] = {user, realm, password};
	uint8_t h[STW_DIGEST_BYTES];

	if (hash(STW_DIGEST_SHA256, text, 3, h) != STW_OK)
		return STW_EIO;
	memcpy(out->sha256, h, sizeof(out->sha256));
	if (hash(STW_DIGEST_MD5, text, 3, h) != STW_OK)
		return STW_EIO;
	memcpy(out->md5, h, sizeof(out->md5));
	OPENSSL_cleanse(h, sizeof(h));
	return STW_OK;
}

/* --- nonces: salt, time, the source's mark, their sum, in hex --- */

struct stw_nonce_key stw_nonce_key(const uint8_t secret[16])
{
	struct stw_sipkey key = stw_sipkey_from(secret);

	return (struct stw_nonce_key){stw_siphash24(key, "0 strowger nonce", 16),
				      stw_siphash24(key, "1 strowger nonce", 16)};
}

static uint64_t sum_of(struct stw_nonce_key key, struct stw_str realm, const struct stw_nonce *n)
{
	struct stw_siphash s = stw_siphash_start((struct stw_sipkey){key.k0, key.k1});

	stw_siphash_word(&s, n->salt, 2);
	stw_siphash_word(&s, (uint64_t)n->time_s << 32 | n->mark, 2);
	stw_siphash_bytes(&s, realm.p, realm.len, 2);
	return stw_siphash_end(&s, 4);
}

static uint32_t mark_of(struct stw_nonce_key key, const struct stw_ip *source)
{
	return (uint32_t)stw_siphash24((struct stw_sipkey){key.k0, key.k1}, source->b, 16);
}

void stw_nonce_make(struct stw_nonce_key key, struct stw_str realm, const struct stw_ip *source,
		    uint64_t now_s, uint64_t salt, char out[STW_NONCE_DIGITS])
{
	struct stw_nonce n = {.salt = salt,
			      .time_s = (uint32_t)now_s,
			      .mark = mark_of(key, source)};

	stw_hex_put64(out, n.salt);
	stw_hex_put32(out + 16, n.time_s);
	stw_hex_put32(out + 24, n.mark);
	stw_hex_put64(out + 32, sum_of(key, realm, &n));
}

bool stw_nonce_read(struct stw_str text, struct stw_nonce *out)
{
	uint64_t time_and_mark;

	if (text.len != STW_NONCE_DIGITS || !stw_hex_get64(text.p, &out->salt) ||
	    !stw_hex_get64(text.p + 16, &time_and_mark) || !stw_hex_get64(text.p + 32, &out->sum))
		return false;
	out->time_s = (uint32_t)(time_and_mark >> 32);
	out->mark = (uint32_t)time_and_mark;
	return true;
}

enum stw_nonce_age stw_nonce_age(struct stw_nonce_key key, struct stw_str realm, uint64_t now_s,
				 uint32_t ttl_s, const struct stw_nonce *n)
{
	const uint64_t right = sum_of(key, realm, n);

	if (CRYPTO_memcmp(&right, &n->sum, sizeof(n->sum)) != 0)
		return STW_NONCE_FORGED;
	/* Modulo 2^32: also right when the seconds run over. */
	return (uint32_t)((uint32_t)now_s - n->time_s) <= ttl_s ? STW_NONCE_FRESH : STW_NONCE_STALE;
}

bool stw_nonce_is_of(struct stw_nonce_key key, const struct stw_ip *source,
		     const struct stw_nonce *n)
{
	return n->mark == mark_of(key, source);
}

/* --- credentials --- */

/* @param text  in lower case */
static bool is(struct stw_str t, struct stw_str text)
{
	return stw_case_is(t.p, t.len, text.p, text.len);
}

#define IS(t, text) is(t, stw_str(text, sizeof(text) - 1))

static struct stw_str text_of(const char *buf, struct stw_span s)
{
	struct stw_str t = stw_str(buf + s.off, s.len);

	if (t.len >= 2 && t.p[0] == '"' && t.p[t.len - 1] == '"')
		return stw_str(t.p + 1, t.len - 2u);
	return t;
}

/* nc: exactly eight hex digits (RFC 7616 s3.4). */
static bool read_nc(struct stw_str t, uint32_t *out)
{
	char digits[8];
	uint32_t v;

	if (t.len != 8)
		return false;
	for (int i = 0; i < 8; i++)
		digits[i] = (char)(t.p[i] >= 'A' && t.p[i] <= 'F' ? t.p[i] | 0x20 : t.p[i]);
	if (!stw_hex_get32(digits, &v) || v == 0)
		return false;
	*out = v;
	return true;
}

/* What is read of one Authorization header. */
struct fields {
	struct stw_credentials c;
	bool has_algorithm_we_know, has_qop;
};

/* Fields whose value is taken as it stands, and where to. */
static const struct {
	struct stw_str name;
	size_t at;
} plain[] = {
	{{"username", 8}, offsetof(struct stw_credentials, username)},
	{{"realm", 5}, offsetof(struct stw_credentials, realm)},
	{{"nonce", 5}, offsetof(struct stw_credentials, nonce)},
	{{"uri", 3}, offsetof(struct stw_credentials, uri)},
	{{"response", 8}, offsetof(struct stw_credentials, response)},
	{{"cnonce", 6}, offsetof(struct stw_credentials, cnonce)},
	{{"nc", 2}, offsetof(struct stw_credentials, nc_text)},
};

static void read_algorithm(struct stw_str value, struct fields *f)
{
	f->has_algorithm_we_know = false;
	for (int a = 0; a < STW_N_DIGESTS; a++)
		if (strlen(rows[a].name) == value.len &&
		    strncasecmp(rows[a].name, value.p, value.len) == 0) {
			f->c.algorithm = (enum stw_digest_algorithm)a;
			f->has_algorithm_we_know = true;
		}
}

static void read_field(const char *buf, const struct stw_sip_param *p, struct fields *f)
{
	const struct stw_str name = stw_str(buf + p->name.off, p->name.len);
	const struct stw_str value = text_of(buf, p->value);

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (is(name, plain[i].name)) {
			memcpy((char *)&f->c + plain[i].at, &value, sizeof(value));
			return;
		}
	if (IS(name, "qop"))
		f->has_qop = IS(value, QOP);
	else if (IS(name, "algorithm"))
		read_algorithm(value, f);
}

static bool is_whole(struct fields *f)
{
	struct stw_credentials *c = &f->c;

	return f->has_qop && f->has_algorithm_we_know && c->username.len > 0 && c->nonce.len > 0 &&
	       c->uri.len > 0 && c->cnonce.len > 0 && read_nc(c->nc_text, &c->nc) &&
	       c->response.len == 2 * rows[c->algorithm].bytes;
}

static int read_header(const char *buf, struct stw_span value, struct stw_str realm,
		       struct stw_credentials *out)
{
	/* Without algorithm it is MD5 (RFC 7616 s3.4). */
	struct fields f = {.c = {.algorithm = STW_DIGEST_MD5, .method = out->method},
			   .has_algorithm_we_know = true};
	struct stw_span scheme, rest;
	struct stw_sip_param p;
	int err;

	if (stw_sip_auth_scheme(buf, value, &scheme, &rest) != STW_OK)
		return STW_EMALFORMED;
	if (!IS(stw_str(buf + scheme.off, scheme.len), "digest"))
		return STW_ENOENT;
	while ((err = stw_sip_auth_param_next(buf, &rest, &p)) == STW_OK)
		read_field(buf, &p, &f);
	if (!stw_str_equal(f.c.realm, realm))
		return STW_ENOENT;
	if (err != STW_ENOENT || !is_whole(&f))
		return STW_EMALFORMED;
	*out = f.c;
	return STW_OK;
}

int stw_credentials_read(const struct stw_register_lines *lines, struct stw_str realm,
			 struct stw_credentials *out)
{
	const char *buf = lines->buf;
	const struct stw_sip_msg *m = lines->msg;
	struct stw_credentials c = {.method =
					    stw_str(buf + m->method_name.off, m->method_name.len)};
	struct stw_sip_line line;
	int found = STW_ENOENT;

	for (bool more = stw_register_line_first(lines, STW_REGISTER_AUTHORIZATION, &line); more;
	     more = stw_register_line_next(lines, STW_REGISTER_AUTHORIZATION, &line)) {
		int err = read_header(buf, line.value, realm, &c);

		if (err == STW_OK) {
			*out = c;
			out->value = line.value;
			return STW_OK;
		}
		if (err == STW_EMALFORMED)
			found = err;
	}
	return found;
}

/* @param n  a multiple of eight */
static void to_hex(const uint8_t *bytes, size_t n, char *out)
{
	uint64_t word;

	for (size_t i = 0; i < n; i += sizeof(word)) {
		memcpy(&word, bytes + i, sizeof(word));
		stw_hex_put64(out + 2 * i, __builtin_bswap64(word));
	}
}

/*
 * H(method:uri), in hex. All phones of a domain say the same, so the last one is kept: what it is
 * of stands in the request, and tells nothing about anybody.
 */
struct ha2 {
	enum stw_digest_algorithm algorithm;
	size_t method, uri; /* lengths; no uri: nothing is kept */
	char text[HA2_KEPT], hex[2 * STW_DIGEST_BYTES];
};

static _Thread_local struct ha2 kept_ha2;

static bool is_kept_ha2(const struct stw_credentials *c)
{
	const struct ha2 *k = &kept_ha2;

	return k->uri > 0 && k->algorithm == c->algorithm && k->method == c->method.len &&
	       k->uri == c->uri.len && memcmp(k->text, c->method.p, k->method) == 0 &&
	       memcmp(k->text + k->method, c->uri.p, k->uri) == 0;
}

static void keep_ha2(const struct stw_credentials *c, const char *hex)
{
	struct ha2 *k = &kept_ha2;

	if ((size_t)c->method.len + c->uri.len > sizeof(k->text))
		return;
	k->algorithm = c->algorithm;
	k->method = c->method.len;
	k->uri = c->uri.len;
	memcpy(k->text, c->method.p, k->method);
	memcpy(k->text + k->method, c->uri.p, k->uri);
	memcpy(k->hex, hex, sizeof(k->hex));
}

static bool ha2_of(const struct stw_credentials *c, char hex[2 * STW_DIGEST_BYTES])
{
	const struct stw_str a2[] = {c->method, c->uri};
	uint8_t h[STW_DIGEST_BYTES];

	if (is_kept_ha2(c)) {
		memcpy(hex, kept_ha2.hex, sizeof(kept_ha2.hex));
		return true;
	}
	if (hash(c->algorithm, a2, 2, h) != STW_OK)
		return false;
	to_hex(h, rows[c->algorithm].bytes, hex);
	keep_ha2(c, hex);
	return true;
}

bool stw_credentials_right(const struct stw_credentials *c, const struct stw_ha1 *ha1)
{
	const size_t n = rows[c->algorithm].bytes;
	char ha1_hex[64], ha2_hex[64] = "", got[64], right[64];
	uint8_t h[STW_DIGEST_BYTES];

	if (!ha2_of(c, ha2_hex))
		return false;
	to_hex(c->algorithm == STW_DIGEST_SHA256 ? ha1->sha256 : ha1->md5, n, ha1_hex);
	const struct stw_str all[] = {
		stw_str(ha1_hex, 2 * n), c->nonce, c->nc_text, c->cnonce, stw_str(QOP, 4),
		stw_str(ha2_hex, 2 * n)};
	if (hash(c->algorithm, all, 6, h) != STW_OK)
		return false;
	to_hex(h, n, right);
	for (size_t i = 0; i < 2 * n; i++)
		got[i] = (char)(c->response.p[i] >= 'A' && c->response.p[i] <= 'F'
					? c->response.p[i] | 0x20
					: c->response.p[i]);
	return CRYPTO_memcmp(got, right, 2 * n) == 0;
}
