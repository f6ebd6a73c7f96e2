/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The API without its transport: requests in, replies out. Changes reply once the data plane serves
 * them, or at once with "pending" when there is none.
 *
 * Threads: the loop's only.
 */

#include "control/api/request.h"
#include "control/api/sample.h"
#include "control/control.h"
#include "control/history/apply.h"

struct stw_api {
	struct stw_control *control;
	struct stw_sampler *sampler;
	struct stw_apply *apply;
	char http[64];	 /* where the HTTP port is, "" without one */
	bool http_token; /* it takes changes with a token */
	TAILQ_HEAD(, stw_request) waiting;
};

/**
 * Set up @api and watch @control's publisher.
 *
 * @return STW_OK, STW_ENOMEM
 */
int stw_api_init(struct stw_api *api, struct ev_loop *loop, struct stw_control *control);

/**
 * Find the row for @method and @path; replies 404 or 405 when there is none.
 *
 * @return true when r->endpoint is set
 */
bool stw_api_match(struct stw_request *r, const char *method, const char *path);

/** Most bytes a body of the matched request may have. */
size_t stw_api_body_max(const struct stw_request *r);

/**
 * Run the handler of a matched request whose body is complete. Afterwards either r->status is set,
 * or r->awaits_change is, and r->done will be called once.
 */
void stw_api_dispatch(struct stw_api *api, struct stw_request *r);

/** The request goes away before its reply came: forget it. */
void stw_api_forget(struct stw_api *api, struct stw_request *r);

/** Reply "pending" to all that wait. @reason: for people, a whole sentence */
void stw_api_flush(struct stw_api *api, const char *reason);

void stw_api_fini(struct stw_api *api);
