/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * One UDP socket on each listener's own address and port. The kernel has the address on the twin,
 * now or later: hence bound free of it. What leaves here goes by the kernel's routes and the twin.
 */

#include "control/model/model.h"
#include "control/slow/datagram.h"

struct ev_loop;
struct stw_sockets; /* opaque; sockets.c */

/** Writable bytes from the first byte of a datagram on. */
#define STW_SOCKETS_ROOM (65535u + 64u)

/** What one socket had: @d [n], 1..STW_SLOW_BATCH, until it returns. */
typedef void stw_sockets_received_fn(void *ctx, struct stw_datagram *d, size_t n);

/**
 * What was sent from @local to @peer, by us or by a worker, found nobody there, or so an ICMP
 * message says. Anyone may have made it: @quoted is what it holds of the datagram.
 */
typedef void stw_sockets_refused_fn(void *ctx, const struct stw_endpoint *local,
				    const struct stw_endpoint *peer, const char *quoted,
				    size_t len);

/** @return NULL without memory. Free with stw_sockets_free(). */
struct stw_sockets *stw_sockets_new(struct ev_loop *loop, stw_sockets_received_fn *received,
				    stw_sockets_refused_fn *refused, void *ctx);

/**
 * Have a socket for each listener of @m, and no others; those that stay are not touched. What
 * cannot be opened is logged, and tried again by the next call.
 */
void stw_sockets_listen(struct stw_sockets *s, const struct stw_model *m);

/** Close all; stw_sockets_listen() opens them again. */
void stw_sockets_close(struct stw_sockets *s);

/** Send @d [n]; @sent: the kernel took it. */
void stw_sockets_send(struct stw_sockets *s, struct stw_datagram *d, size_t n);

/** Sockets that are open. */
size_t stw_sockets_n(const struct stw_sockets *s);

/** Accepts NULL. */
void stw_sockets_free(struct stw_sockets *s);
