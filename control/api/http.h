/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * HTTP/1.1 for the API, libmicrohttpd driven by the loop through its epoll descriptor: no thread,
 * so handlers need no lock.
 *
 * Limits: when many connections are open, the one that has been without a whole request for longest
 * gives way to a new one, so that idle or slow clients cannot shut others out.
 */

#include "control/api/api.h"

#define STW_HTTP_CONNECTIONS	  1024u /* hard limit */
#define STW_HTTP_CONNECTIONS_SOFT 512u	/* above it the longest idle one is closed */
#define STW_HTTP_TIMEOUT_S	  15u

struct stw_http; /* opaque; http.c */

/**
 * Serve @api on the listening socket @fd, which is taken over.
 *
 * @param token  NULL: who reaches the socket may do everything (its file mode decides who that is).
 *               Else the HTTP port: only what is STW_EFFECT_READ, unless the request carries this
 *               token; "" for none. Copied.
 * @return NULL when the HTTP library does not start (@fd is closed)
 */
struct stw_http *stw_http_new(struct ev_loop *loop, int fd, struct stw_api *api, const char *token);

/** How many connections are open. */
size_t stw_http_n_connections(const struct stw_http *h);

/** Answers what waits with "pending", closes all. Accepts NULL. */
void stw_http_free(struct stw_http *h);
