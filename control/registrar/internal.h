/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * What the registrar's parts share: registrar.c (its life), handle.c (one REGISTER, step by step),
 * authenticate.c (who sends it). Threads: one. Not for others.
 */

#include <strowger/sip.h>

#include "control/registrar/answer_lines.h"
#include "control/registrar/changes.h"
#include "control/registrar/digest.h"
#include "control/registrar/exempt.h"
#include "control/registrar/lines.h"
#include "control/registrar/location.h"
#include "control/registrar/nonce_uses.h"
#include "control/registrar/registrar.h"
#include "control/registrar/sources.h"
#include "dataplane/route/siphash.h"

#define STW_REGISTRAR_RETRY_S 10u

struct stw_registrar {
	struct stw_model_registrar config; /* its domains are a copy of ours */
	struct stw_nonce_key keys[2];
	struct stw_gruu_key gruu_keys[2]; /* as many */
	uint32_t gruu_salt;
	size_t n_keys;
	struct stw_store *store; /* NULL: not open */
	char dir[160];
	struct stw_store_options options;
	struct stw_clock clock;
	uint64_t now_ms; /* steady, read once for all up to the next commit; 0: not yet */
	struct stw_nonce_uses *uses;
	struct stw_sources *sources;
	struct stw_exempt exempt;
	struct stw_sipkey request_key;
	int spoiled; /* a change failed half way, and why: what waited with it is undone, too */
	int trouble; /* of a commit in the last while */
	uint64_t trouble_s; /* when it was */
	uint64_t trouble_since_s;
	bool has_reserve;   /* room in the store for the end of bindings when it is full */
	size_t expire_most; /* records of one turn */
	struct stw_registrar_counters c;
	struct stw_changes changes; /* kept while somebody wants to know */
	stw_registrar_changed_fn *changed;
	void *changed_ctx;
	struct stw_lines_date date;
	/* of the request in hand; too large for a stack */
	struct stw_registration reg;
	struct stw_location location;
};

/* One REGISTER in hand. */
struct stw_handling {
	struct stw_registrar *r;
	const char *buf;
	const struct stw_sip_msg *m;
	const struct stw_endpoint *source, *listener;
	struct stw_registrar_answer *out;
	uint64_t now_s, now_us;
	struct stw_str name;   /* user@domain of the address-of-record */
	struct stw_str domain; /* its realm */
	struct stw_register_lines lines;
};

/** Say that. @return false: there is no more to do */
static inline bool stw_say(struct stw_handling *h, uint16_t status, const char *phrase)
{
	h->out->status = status;
	h->out->phrase = phrase;
	return false;
}

/** The store failed: what waits in it is undone, too. @return false: answered 503 */
bool stw_store_failed(struct stw_handling *h, int err);

/** True for a domain whose users register here, in any case of letters. */
bool stw_registrar_has_domain(const struct stw_registrar *r, struct stw_str domain);

/** One more REGISTER of its source is within the limits. @return false: answered 503 */
bool stw_within_rate(struct stw_handling *h, bool proven);

/** Who sends it may (s10.3 steps 3 and 4). @return false: answered */
bool stw_authenticated(struct stw_handling *h);
