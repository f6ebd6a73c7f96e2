/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The slow path: messages that the workers leave to control: REGISTERs, next hops' names they do
 * not know yet, users they cannot tell of. They arrive as they came, by the workers' lanes, or else
 * on ordinary sockets bound to the listeners' addresses, and what becomes of them leaves the same
 * way; the very code the workers run decides by the newest tables. While a name is being resolved
 * its messages wait (waiting.h).
 *
 * Threads: the loop's only.
 */

#include <stdbool.h>
#include <stddef.h>

#include <strowger/sip.h>

#include "control/model/model.h"
#include "control/resolve/names.h"
#include "control/slow/counters.h"
#include "control/slow/datagram.h"
#include "control/tables/build.h"

struct ev_loop;
struct stw_desk;
struct stw_registering;
struct stw_secret;
struct stw_slow; /* opaque; slow.c */

/** @return NULL without memory. Free with stw_slow_free(), before @names. */
struct stw_slow *stw_slow_new(struct ev_loop *loop, struct stw_names *names);

/**
 * Take over listeners and ports of @m, and from now on what the kernel's routes become.
 *
 * @param m  kept until the next call
 * @return STW_OK, STW_ENOMEM (nothing changed)
 */
int stw_slow_listen(struct stw_slow *s, const struct stw_model *m);

/**
 * The data plane is there or gone. Sockets are open only while it is: without it the kernel may
 * have the listeners' addresses back, and all of their traffic is not ours to carry.
 *
 * @param m  as given to stw_slow_listen() last
 */
void stw_slow_link(struct stw_slow *s, const struct stw_model *m, bool up);

/**
 * Have lanes for @n workers of the data plane that is there, until it is gone.
 *
 * @param memory, doorbell  to be passed on to it; they stay ours
 * @return STW_OK, STW_ENOMEM: the sockets do it all
 */
int stw_slow_lanes(struct stw_slow *s, uint32_t n, int *memory, int *doorbell);

/** It did not take them. */
void stw_slow_no_lanes(struct stw_slow *s);

/** What concerns questions that control asks by itself (control/health). Both are called from the
 * loop, perhaps with an answer that nobody waits for. */
struct stw_slow_watch {
	void *ctx;
	/* A worker, or the code that workers run, verified that we made its branch. */
	void (*answered)(void *ctx, const struct stw_endpoint *peer, const char *buf,
			 const struct stw_sip_msg *m);
	/* Anyone may have said so: @quoted is what was sent, as far as the error holds it. */
	void (*refused)(void *ctx, const struct stw_endpoint *peer, const char *quoted, size_t len);
};

void stw_slow_watch(struct stw_slow *s, const struct stw_slow_watch *watch);

/**
 * Take a batch of messages. What leaves because of them has been given to @send, all at once, when
 * it returns: answers to REGISTERs among them, once all that these changed lasts together.
 *
 * @param d     [n], STW_SLOW_HEADROOM and @room each; written over
 * @param send  NULL: by the sockets
 */
void stw_slow_take(struct stw_slow *s, struct stw_datagram *d, size_t n,
		   stw_datagrams_send_fn *send, void *ctx);

/**
 * From which listener calls to @peer leave, as far as configuration tells.
 *
 * @param secret  signs now; borrowed until the next turn of the loop
 * @return STW_OK, STW_EAGAIN (no tables yet), STW_ENOENT (no listener of that family, or the port
 *         there has no kernel side and there are no lanes)
 */
int stw_slow_way(const struct stw_slow *s, const struct stw_endpoint *peer,
		 struct stw_endpoint *local, const struct stw_secret **secret);

/** Send from a listener's address. @return true when the kernel, or a worker's lane, took it */
bool stw_slow_send(struct stw_slow *s, const struct stw_endpoint *local,
		   const struct stw_endpoint *peer, const char *bytes, size_t len);

/** Decide by @image from now on; whatever waits for a name in it goes on. */
void stw_slow_serve(struct stw_slow *s, const struct stw_image *image);

/** Where it decides, for those who ask what would become of a message. Never NULL. */
const struct stw_desk *stw_slow_desk(struct stw_slow *s);

/** Its REGISTERs. */
struct stw_registering *stw_slow_registering(const struct stw_slow *s);

const struct stw_slow_counters *stw_slow_counters(const struct stw_slow *s);

/** What still waits is dropped. Accepts NULL. */
void stw_slow_free(struct stw_slow *s);
