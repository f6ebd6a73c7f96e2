/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * One request and its reply, without any HTTP library: what the handlers see, and what tests call.
 * Errors are problem details (RFC 9457) whose detail says what to do.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "control/api/endpoints.h"

struct stw_request {
	enum stw_endpoint_id endpoint; /* STW_N_ENDPOINTS until matched */
	char member[64];	       /* what stood in the place of {member} */
	char *body;		       /* NUL-terminated for safety, may hold NULs */
	size_t body_len;
	json_t *json; /* of the body, once read (body.h) */

	unsigned status; /* HTTP status, 0 until replied */
	json_t *reply;
	char *text; /* in place of @reply: what a program wants in another form than JSON */
	size_t text_len;
	const char *text_type;
	bool problem;	/* the reply is a problem */
	char allow[32]; /* with 405: the methods that would do */

	/* A change that is to be served first; 0 when none is awaited. */
	uint64_t awaits_change;
	void (*done)(struct stw_request *r); /* called when an awaited reply is there */
	void *ctx;			     /* of done */
	TAILQ_ENTRY(stw_request) waiting;
};

/** Reply @json, which is taken over; "version" is put in front. */
void stw_reply(struct stw_request *r, unsigned status, json_t *json);

/**
 * Reply @text, which is taken over; status 200.
 *
 * @param type  its Content-Type; static
 */
void stw_reply_text(struct stw_request *r, const char *type, char *text, size_t len);

/**
 * Reply a problem.
 *
 * @param kind   last word of its type, "urn:strowger:problem:KIND"
 * @param title  the same for each problem of the kind
 * @param fmt    detail: what, where, what to do
 */
void stw_problem(struct stw_request *r, unsigned status, const char *kind, const char *title,
		 const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/** Free what the request holds, not itself. */
void stw_request_fini(struct stw_request *r);
