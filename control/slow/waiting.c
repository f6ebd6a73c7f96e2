/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/slow/waiting.h"

#include <ev.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "control/now.h"
#include "dataplane/route/route.h"

struct held {
	TAILQ_ENTRY(held) order;
	double since_s;
	size_t size;
	struct stw_waiting_message message;
	char memory[]; /* headroom, message, and as much again for an answer */
};

TAILQ_HEAD(held_list, held);

struct stw_waiting {
	struct ev_loop *loop;
	struct held_list held;
	size_t bytes;
	uint64_t *n;
	struct ev_timer timer; /* of the one that waits longest */
	stw_waiting_retry_fn *retry;
	void *ctx;
};

static size_t held_of(const struct stw_waiting *w, const struct stw_endpoint *peer)
{
	const struct held *h;
	size_t n = 0;

	TAILQ_FOREACH (h, &w->held, order)
		n += stw_endpoint_equal(&h->message.datagram.peer, peer);
	return n;
}

static void set_timer(struct stw_waiting *w)
{
	const struct held *h = TAILQ_FIRST(&w->held);

	ev_timer_stop(w->loop, &w->timer);
	if (!h)
		return;
	double after = h->since_s + STW_WAITING_S - stw_now_s();
	ev_timer_set(&w->timer, after > 0 ? after : 0, 0.);
	ev_timer_start(w->loop, &w->timer);
}

bool stw_waiting_add(struct stw_waiting *w, const struct stw_waiting_message *m)
{
	const struct stw_datagram *d = &m->datagram;
	const uint32_t room = 2 * d->len + STW_REWRITE_TAILROOM;
	const size_t size = STW_SLOW_HEADROOM + room;
	struct held *h;

	if (*w->n >= STW_WAITING_MAX || size > STW_WAITING_BYTES - w->bytes ||
	    held_of(w, &d->peer) >= STW_WAITING_A_SENDER)
		return false;
	h = malloc(sizeof(*h) + size);
	if (!h)
		return false;
	h->since_s = stw_now_s();
	h->size = size;
	h->message = *m;
	h->message.datagram.bytes = h->memory + STW_SLOW_HEADROOM;
	h->message.datagram.room = room;
	memcpy(h->message.datagram.bytes, d->bytes, d->len);
	TAILQ_INSERT_TAIL(&w->held, h, order);
	w->bytes += size;
	(*w->n)++;
	if (TAILQ_FIRST(&w->held) == h)
		set_timer(w);
	return true;
}

static void let_go(struct stw_waiting *w, struct held *h)
{
	TAILQ_REMOVE(&w->held, h, order);
	w->bytes -= h->size;
	(*w->n)--;
	free(h);
}

static void on_timer(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	struct stw_waiting *w = timer->data;
	struct held *h;

	(void)loop;
	(void)revents;
	while ((h = TAILQ_FIRST(&w->held)) != NULL && stw_now_s() - h->since_s >= STW_WAITING_S) {
		w->retry(w->ctx, &h->message, true);
		let_go(w, h);
	}
	set_timer(w);
}

void stw_waiting_retry(struct stw_waiting *w)
{
	struct held *h, *next;

	for (h = TAILQ_FIRST(&w->held); h; h = next) {
		next = TAILQ_NEXT(h, order);
		if (w->retry(w->ctx, &h->message, false))
			let_go(w, h);
	}
	set_timer(w);
}

struct stw_waiting *stw_waiting_new(struct ev_loop *loop, stw_waiting_retry_fn *retry, void *ctx,
				    uint64_t *n)
{
	struct stw_waiting *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->loop = loop;
	w->retry = retry;
	w->ctx = ctx;
	w->n = n;
	TAILQ_INIT(&w->held);
	ev_init(&w->timer, on_timer);
	w->timer.data = w;
	return w;
}

void stw_waiting_free(struct stw_waiting *w)
{
	if (!w)
		return;
	ev_timer_stop(w->loop, &w->timer);
	while (!TAILQ_EMPTY(&w->held))
		let_go(w, TAILQ_FIRST(&w->held));
	free(w);
}
