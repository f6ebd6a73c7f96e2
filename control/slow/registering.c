/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/slow/registering.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>
#include <strowger/log.h>

#include "control/slow/datagram.h"

#define TICK_S	    1.
#define AGAIN_MAX_S 60.

struct stw_registering {
	struct ev_loop *loop;
	struct stw_registrar *registrar; /* it serves */
	struct stw_registrar *closed;	 /* it has no store, which is opened again at @again */
	char why[512];
	double again_after_s;
	uint64_t open_failed;
	struct ev_timer tick;
	struct ev_timer again;
	struct stw_registering_watch watch;
	char lines[STW_SLOW_BATCH * STW_REGISTRAR_LINES]; /* memory only as far as it is filled */
};

void stw_registering_handle(struct stw_registering *g, struct stw_registering_request *request,
			    size_t n)
{
	char *lines = g->lines;

	for (size_t i = 0; i < n; i++) {
		struct stw_registering_request *q = &request[i];

		q->answer.lines = lines;
		stw_registrar_handle(g->registrar, q->bytes, q->msg, &q->peer, &q->local,
				     &q->answer);
		lines += q->answer.len;
	}
	if (stw_registrar_commit(g->registrar) == STW_OK)
		return;
	for (size_t i = 0; i < n; i++)
		if (request[i].answer.changed)
			stw_registrar_failed(g->registrar, &request[i].answer);
}

static void begin_watch(struct stw_registering *g)
{
	if (!g->registrar || !g->watch.changed)
		return;
	stw_registrar_watch(g->registrar, g->watch.changed, g->watch.ctx);
	g->watch.opened(g->watch.ctx, g->registrar);
}

void stw_registering_watch(struct stw_registering *g, const struct stw_registering_watch *watch)
{
	g->watch = *watch;
	begin_watch(g);
}

/* --- its store is open, or not --- */

static void try_again_later(struct stw_registering *g)
{
	ev_timer_set(&g->again, g->again_after_s, 0.);
	ev_timer_start(g->loop, &g->again);
	g->again_after_s = 2 * g->again_after_s < AGAIN_MAX_S ? 2 * g->again_after_s : AGAIN_MAX_S;
}

static void serve(struct stw_registering *g)
{
	g->registrar = g->closed;
	g->closed = NULL;
	g->why[0] = '\0';
	ev_timer_set(&g->tick, TICK_S, 0.);
	ev_timer_start(g->loop, &g->tick);
	begin_watch(g);
}

/* Told once for each reason, and tried again without a word. */
static void open_closed(struct stw_registering *g)
{
	char why[sizeof(g->why)] = "";
	int err = stw_registrar_open(g->closed, why, sizeof(why));

	ev_timer_stop(g->loop, &g->again);
	if (err == STW_OK) {
		stw_info("registrar: it serves");
		serve(g);
		return;
	}
	g->open_failed++;
	if (!why[0])
		snprintf(why, sizeof(why), "%s", stw_err_text(err));
	if (strcmp(why, g->why) != 0)
		stw_error("registrar: %s; REGISTERs are answered 503 until it can be opened, which "
			  "is tried again and again",
			  why);
	memcpy(g->why, why, sizeof(why));
	try_again_later(g);
}

static void on_again(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	open_closed(timer->data);
}

/* Workers go on with the bindings they have. */
static void reopen(struct stw_registering *g)
{
	stw_error("registrar: the store takes no changes any more: it is opened again");
	ev_timer_stop(g->loop, &g->tick);
	if (g->watch.paused)
		g->watch.paused(g->watch.ctx);
	stw_registrar_close(g->registrar);
	g->closed = g->registrar;
	g->registrar = NULL;
	open_closed(g);
	/* Should it be stuck again at once, not each time in the same moment. */
	if (g->registrar)
		g->again_after_s =
			2 * g->again_after_s < AGAIN_MAX_S ? 2 * g->again_after_s : AGAIN_MAX_S;
}

static void on_tick(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	struct stw_registering *g = timer->data;
	const bool more = stw_registrar_tick(g->registrar);

	(void)revents;
	if (stw_registrar_is_stuck(g->registrar)) {
		reopen(g);
		return;
	}
	/* A storm of ends is spread: the loop has others to serve. */
	ev_timer_set(timer, more ? 0.001 : TICK_S, 0.);
	ev_timer_start(loop, timer);
}

static void stop_serving(struct stw_registering *g)
{
	ev_timer_stop(g->loop, &g->tick);
	ev_timer_stop(g->loop, &g->again);
	if ((g->registrar || g->closed) && g->watch.closed)
		g->watch.closed(g->watch.ctx);
	stw_registrar_free(g->registrar);
	stw_registrar_free(g->closed);
	g->registrar = g->closed = NULL;
	g->why[0] = '\0';
	g->again_after_s = TICK_S;
}

static void begin_serving(struct stw_registering *g, const struct stw_model *m)
{
	int err = stw_registrar_make(m, &g->closed);

	if (err) {
		snprintf(g->why, sizeof(g->why), "%s", stw_err_text(err));
		stw_error("registrar: %s; REGISTERs are answered 503 until the next reload",
			  g->why);
		return;
	}
	stw_info("registrar: %zu domains", m->registrar.n_domains);
	open_closed(g);
}

void stw_registering_configure(struct stw_registering *g, const struct stw_model *m)
{
	struct stw_registrar *r = g->registrar ? g->registrar : g->closed;

	if (m->registrar.n_domains == 0)
		stop_serving(g);
	else if (!r)
		begin_serving(g, m);
	else if (stw_registrar_configure(r, m) != STW_OK)
		stw_error("registrar: its configuration could not be taken over");
	else if (g->closed)
		open_closed(g); /* whoever reloads may have mended it */
}

uint64_t stw_registering_open_failed(const struct stw_registering *g)
{
	return g->open_failed;
}

struct stw_registering *stw_registering_new(struct ev_loop *loop)
{
	struct stw_registering *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->loop = loop;
	ev_init(&g->tick, on_tick);
	ev_init(&g->again, on_again);
	g->tick.data = g->again.data = g;
	g->again_after_s = TICK_S;
	return g;
}

struct stw_registrar *stw_registering_registrar(const struct stw_registering *g, const char **why)
{
	if (why)
		*why = g->why;
	return g->registrar;
}

void stw_registering_free(struct stw_registering *g)
{
	if (!g)
		return;
	stop_serving(g);
	free(g);
}
