/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Messages that wait for a name to be resolved, oldest first; bounded in number, bytes, time and by
 * sender.
 *
 * Threads: the loop's only. Ownership: copies, in memory in which an answer has room, too.
 */

#include <stddef.h>
#include <stdint.h>

#include "control/slow/datagram.h"

struct ev_loop;
struct stw_waiting; /* opaque */

#define STW_WAITING_MAX	     1024u
#define STW_WAITING_A_SENDER 256u
#define STW_WAITING_BYTES    (4u << 20)
#define STW_WAITING_S	     5. /* then it is late */

/* One that waits, and the way it came. */
struct stw_waiting_message {
	struct stw_datagram datagram; /* its bytes may be written over, as far as @room */
	stw_datagrams_send_fn *send;
	void *ctx;
};

/**
 * Decide about it once more.
 *
 * @param is_late  it can wait no longer
 * @return true: it went its way. A late one always does
 */
typedef bool stw_waiting_retry_fn(void *ctx, const struct stw_waiting_message *m, bool is_late);

/** @param n  how many wait, kept up to date. @return NULL without memory */
struct stw_waiting *stw_waiting_new(struct ev_loop *loop, stw_waiting_retry_fn *retry, void *ctx,
				    uint64_t *n);

/** Have a copy of @m wait. @return false: there is no room for it, or for more of its sender */
bool stw_waiting_add(struct stw_waiting *w, const struct stw_waiting_message *m);

/** Names were resolved: retry all. */
void stw_waiting_retry(struct stw_waiting *w);

/** What waits is forgotten. Accepts NULL. */
void stw_waiting_free(struct stw_waiting *w);
