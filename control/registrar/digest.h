/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Digest authentication (RFC 7616 with qop=auth, RFC 8760: SHA-256 and MD5): challenges, and
 * whether an answer to one is right. No state: a nonce is signed and carries its own age. Replays
 * are nonce_uses.h's.
 *
 * Threads: any. Crypto: libcrypto.
 */

#include <stdbool.h>
#include <stdint.h>

#include <strowger/sip.h>

#include "control/registrar/lines.h"
#include "control/registrar/record.h"

enum stw_digest_algorithm { STW_DIGEST_SHA256, STW_DIGEST_MD5, STW_N_DIGESTS };

#define STW_DIGEST_BYTES 32u /* the longest */
#define STW_NONCE_DIGITS 48u

/* What is stored of a password: H(user:realm:password) by each algorithm. */
struct stw_ha1 {
	uint8_t sha256[32];
	uint8_t md5[16];
};

/** "SHA-256", "MD5". */
const char *stw_digest_name(enum stw_digest_algorithm a);

/**
 * Hash a password.
 *
 * @param user, realm  not NUL-terminated
 * @return STW_OK, STW_EIO (libcrypto failed)
 */
int stw_ha1_make(struct stw_str user, struct stw_str realm, struct stw_str password,
		 struct stw_ha1 *out);

/* Key of the nonces, from a secret of the configuration. */
struct stw_nonce_key {
	uint64_t k0, k1;
};

/** The key that @secret [STW_SECRET_BYTES] gives nonces. */
struct stw_nonce_key stw_nonce_key(const uint8_t secret[16]);

/**
 * Write a nonce made at @now_s for @realm and @source.
 *
 * @param salt  any number, another for each request
 */
void stw_nonce_make(struct stw_nonce_key key, struct stw_str realm, const struct stw_ip *source,
		    uint64_t now_s, uint64_t salt, char out[STW_NONCE_DIGITS]);

/* A nonce, taken apart. */
struct stw_nonce {
	uint64_t salt; /* so many that no two requests of one time ever share one */
	uint32_t time_s, mark;
	uint64_t sum; /* keyed, of all that */
};

/** @return false: it is none of ours */
bool stw_nonce_read(struct stw_str text, struct stw_nonce *out);

enum stw_nonce_age { STW_NONCE_FRESH, STW_NONCE_STALE, STW_NONCE_FORGED };

/** Whether we made @n for @realm, and within the last @ttl_s. */
enum stw_nonce_age stw_nonce_age(struct stw_nonce_key key, struct stw_str realm, uint64_t now_s,
				 uint32_t ttl_s, const struct stw_nonce *n);

/**
 * Whether @n, one of ours, was sent to that address: then so was the request. Phones move: a nonce
 * is good from elsewhere, too.
 */
bool stw_nonce_is_of(struct stw_nonce_key key, const struct stw_ip *source,
		     const struct stw_nonce *n);

/* An Authorization header, taken apart. */
struct stw_credentials {
	struct stw_str username, realm, nonce, uri, response, cnonce, nc_text;
	enum stw_digest_algorithm algorithm;
	uint32_t nc;
	struct stw_str method; /* of the request */
	struct stw_span value; /* the header's, in the message */
};

/**
 * The request's Digest credentials for @realm with qop=auth; of several the first.
 *
 * @return STW_OK, STW_ENOENT (none), STW_EMALFORMED (there, but incomplete)
 */
int stw_credentials_read(const struct stw_register_lines *lines, struct stw_str realm,
			 struct stw_credentials *out);

/** True when the response is the one that @ha1 gives; takes the same time if not. */
bool stw_credentials_right(const struct stw_credentials *c, const struct stw_ha1 *ha1);
