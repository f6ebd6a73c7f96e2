/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * A message and where it came from, decided by the very code the workers run, and told in JSON:
 * listener, key, hash, slot, each candidate and why it was or was not taken, the rewritten message.
 *
 * Threads: the loop's only.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "control/decide/desk.h"
#include "control/model/model.h"

#define STW_CASE_MAX 65535u

/** A message to decide, with room around it as the rewrite wants. */
struct stw_case {
	char *memory;		     /* of stw_case_new() */
	struct stw_located *located; /* likewise: where users were found */
	char *bytes;
	size_t len;
	bool has_peer, has_local;
	struct stw_endpoint peer;  /* it came from there */
	struct stw_endpoint local; /* it was sent there: a listener's address */
};

/** Copy @len bytes. @return STW_OK, STW_ENOMEM, STW_ERANGE (more than a datagram holds) */
int stw_case_new(const void *bytes, size_t len, struct stw_case *out);
void stw_case_free(struct stw_case *c);

/** What became of it. */
struct stw_outcome {
	bool decided;	     /* else: no listener, no tables, or no SIP message: @why_not */
	const char *why_not; /* static text */
	struct stw_endpoint local, peer;
	struct stw_source src;
	struct stw_sip_msg msg;
	struct stw_verdict v;
};

/**
 * Decide. What @c does not tell of addresses is taken from the message: the sender from the topmost
 * Via, and the first listener that faces outside.
 */
void stw_case_decide(const struct stw_desk *d, const struct stw_case *c, struct stw_outcome *out);

/** Whether two decisions of one message send it the same way. */
bool stw_outcome_same(const struct stw_desk *a, const struct stw_outcome *x,
		      const struct stw_desk *b, const struct stw_outcome *y);

/**
 * Tell it. The message in @c is rewritten in place when @whole.
 *
 * @param m      the model whose names are used; need not be the one of @d's tables
 * @param whole  also the candidates and the rewritten message
 */
json_t *stw_outcome_json(const struct stw_desk *d, const struct stw_model *m, struct stw_case *c,
			 const struct stw_outcome *o, bool whole);
