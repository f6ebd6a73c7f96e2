/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * One call of the API over control's Unix socket.
 */

#include <jansson.h>

#include "control/api/endpoints.h"

struct stw_client; /* opaque; client.c */

/** @param socket  its path, or "http://HOST:PORT" of an HTTP port; borrowed for the client's life.
 * @return NULL without memory */
struct stw_client *stw_client_new(const char *socket);

/** What came back; free with stw_answer_fini(). */
struct stw_answer {
	long status;
	char *text;   /* as sent, NUL-terminated */
	json_t *json; /* an object */
};

/**
 * Call an endpoint.
 *
 * @param member  in the place of {member}, or NULL
 * @param body    JSON or NULL; borrowed
 * @param out     on STW_EXIT_OK and STW_EXIT_FAILED with a JSON answer
 * @return enum stw_exit: OK (2xx), FAILED (a problem; out->json tells), UNREACHABLE. Nothing is
 *         printed.
 */
int stw_client_call(struct stw_client *c, enum stw_endpoint_id endpoint, const char *member,
		    json_t *body, struct stw_answer *out);

/** The same with a body that is sent as it is; NULL for none. */
int stw_client_call_text(struct stw_client *c, enum stw_endpoint_id endpoint, const char *member,
			 const char *body, struct stw_answer *out);

/** Why the last call was UNREACHABLE, and what to do. */
const char *stw_client_trouble(const struct stw_client *c);

void stw_answer_fini(struct stw_answer *a);

/** Accepts NULL. */
void stw_client_free(struct stw_client *c);
