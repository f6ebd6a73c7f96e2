/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * GRUUs (RFC 5627): URIs by which one instance of a user's phones is reached, wherever the request
 * comes from. Nothing is kept for them: a public one names the instance, and a temporary one is
 * encrypted with the cluster's secrets, so that it tells nobody whose it is.
 *
 *     public      sip:bob@example.com;gr=urn:uuid:...        the instance without its <>
 *     temporary   sip:tgruu.TEXT@example.com;gr
 *
 * TEXT is base64url of a SipHash of what follows, which also begins the key stream (SipHash in
 * counter mode) that hides it: a salt, hashes of the instance and of the Call-ID it registered
 * with, and the user. A phone that starts anew registers with another Call-ID: its temporary GRUUs
 * end (s3.1.2).
 *
 * Threads: any; no state.
 */

#include <stdbool.h>

#include <strowger/sip.h>

#include "control/registrar/record.h"
#include "dataplane/route/siphash.h"

#define STW_GRUU_PREFIX	    "tgruu."
#define STW_GRUU_PREFIX_LEN 6u
#define STW_GRUU_TEXT	    1024u /* a GRUU, at most */

struct stw_gruu_key {
	struct stw_sipkey sum, stream, names;
};

/** The keys that a secret of the configuration gives GRUUs. */
struct stw_gruu_key stw_gruu_key(const uint8_t secret[16]);

/**
 * Write the public GRUU of an instance.
 *
 * @param aor       canonical
 * @param instance  as registered, in its <> or not
 * @param out       [STW_GRUU_TEXT]
 * @return bytes, 0: too long
 */
size_t stw_gruu_public(struct stw_str aor, struct stw_str instance, char *out);

/**
 * Write a temporary GRUU.
 *
 * @param salt  another for each
 * @return as stw_gruu_public()
 */
size_t stw_gruu_temporary(const struct stw_gruu_key *key, struct stw_str aor,
			  struct stw_str instance, struct stw_str call_id, uint32_t salt,
			  char *out);

enum stw_gruu_kind {
	STW_GRUU_NONE, /* an address-of-record, or anything else */
	STW_GRUU_PUBLIC,
	STW_GRUU_TEMPORARY,
	STW_GRUU_INVALID, /* looks like one, but none of ours */
};

/* Which instance a request asks for. */
struct stw_gruu {
	enum stw_gruu_kind kind;
	const struct stw_gruu_key *key; /* temporary: whose it is */
	uint64_t instance, call_id;	/* temporary: hashes */
	struct stw_str gr; /* public: value of gr, as written; points into the message */
};

/**
 * Read a Request-URI.
 *
 * @param keys  [n_keys]
 * @param aor   [room]: the canonical address-of-record, unless STW_GRUU_INVALID
 * @return STW_OK; what stw_sip_uri_aor() says of a URI that has none
 */
int stw_gruu_read(const struct stw_gruu_key *keys, size_t n_keys, const char *buf,
		  const struct stw_sip_uri *uri, char *aor, size_t room, size_t *aor_len,
		  struct stw_gruu *out);

/** Whether @b is of the instance that @g asks for; always of STW_GRUU_NONE. */
bool stw_gruu_is_of(const struct stw_gruu *g, const struct stw_binding *b);

/** Whether @b was registered in the time that a temporary GRUU is for; always of other kinds. */
bool stw_gruu_is_current(const struct stw_gruu *g, const struct stw_binding *b);
