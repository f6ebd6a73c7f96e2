/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/slow/registering.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <strowger/errors.h>
#include <strowger/log.h>

#include "control/slow/sockets.h"

#define TICK_S	    1.
#define AGAIN_MAX_S 60.

/* A request and what will be said to it; the answer's lines are kept as long as they are. */
struct waiting {
	STAILQ_ENTRY(waiting) order;
	struct stw_registering_request request;
	uint16_t status, retry_after_s;
	const char *phrase;
	bool known, changed;
	size_t lines_len;
	char *lines;
	char memory[];
};

STAILQ_HEAD(waiting_list, waiting);

struct stw_registering {
	struct ev_loop *loop;
	stw_registering_answer_fn *answer;
	void *ctx;
	struct stw_registrar *registrar; /* it serves */
	struct stw_registrar *closed;	 /* it has no store, which is opened again at @again */
	char why[512];
	double again_after_s;
	uint64_t open_failed;
	struct waiting_list waiting;
	size_t n;
	struct ev_prepare turn; /* active while somebody waits */
	struct ev_timer tick;
	struct ev_timer again;
	struct stw_registering_watch watch;
	struct stw_registrar_answer scratch;
	char answer_bytes[STW_SOCKETS_ROOM + STW_REGISTRAR_LINES]; /* of the one being answered */
};

static void let_go(struct stw_registering *g, struct waiting *w)
{
	STAILQ_REMOVE_HEAD(&g->waiting, order);
	g->n--;
	free(w->lines);
	free(w);
}

/* Ask the registrar, and note what it says. */
static void handle(struct stw_registering *g, struct waiting *w)
{
	struct stw_registrar_answer *a = &g->scratch;
	struct stw_sip_msg m;

	stw_sip_parse(w->request.bytes, w->request.len, &m);
	stw_registrar_handle(g->registrar, w->request.bytes, &m, &w->request.peer,
			     &w->request.local, a);
	w->lines = malloc(a->len + 1);
	if (!w->lines)
		stw_registrar_failed(g->registrar, a);
	else
		memcpy(w->lines, a->lines, a->len);
	w->lines_len = w->lines ? a->len : 0;
	w->status = a->status;
	w->phrase = a->phrase;
	w->retry_after_s = a->retry_after_s;
	w->known = a->known;
	w->changed = a->changed;
}

static void say(struct stw_registering *g, const struct waiting *w, bool lasts)
{
	struct stw_registrar_answer *a = &g->scratch;

	if (w->changed && !lasts) {
		stw_registrar_failed(g->registrar, a);
	} else {
		a->status = w->status;
		a->phrase = w->phrase;
		a->retry_after_s = w->retry_after_s;
		a->len = w->lines_len;
		memcpy(a->lines, w->lines ? w->lines : "", w->lines_len);
	}
	a->known = w->known;
	struct stw_registering_request request = w->request;

	request.bytes = memcpy(g->answer_bytes, w->request.bytes, w->request.len);
	request.room = sizeof(g->answer_bytes);
	g->answer(g->ctx, &request, a);
}

static void on_turn(struct ev_loop *loop, struct ev_prepare *prepare, int revents)
{
	struct stw_registering *g = prepare->data;
	struct waiting *w;

	(void)revents;
	ev_prepare_stop(loop, prepare);
	STAILQ_FOREACH (w, &g->waiting, order)
		handle(g, w);
	const bool lasts = stw_registrar_commit(g->registrar) == STW_OK;

	while ((w = STAILQ_FIRST(&g->waiting)) != NULL) {
		say(g, w, lasts);
		let_go(g, w);
	}
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

/* Nobody asked the registrar: unavailable. */
static void turn_away(struct stw_registering *g)
{
	struct waiting *w;

	ev_prepare_stop(g->loop, &g->turn);
	while ((w = STAILQ_FIRST(&g->waiting)) != NULL) {
		w->changed = true;
		say(g, w, false);
		let_go(g, w);
	}
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
	turn_away(g);
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
	turn_away(g);
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

struct stw_registering *stw_registering_new(struct ev_loop *loop, stw_registering_answer_fn *answer,
					    void *ctx)
{
	struct stw_registering *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->loop = loop;
	g->answer = answer;
	g->ctx = ctx;
	STAILQ_INIT(&g->waiting);
	ev_init(&g->turn, on_turn);
	ev_init(&g->tick, on_tick);
	ev_init(&g->again, on_again);
	g->turn.data = g->tick.data = g->again.data = g;
	g->again_after_s = TICK_S;
	return g;
}

bool stw_registering_take(struct stw_registering *g, const struct stw_endpoint *local,
			  const struct stw_endpoint *peer, const char *bytes, size_t len)
{
	struct waiting *w;

	if (!g->registrar || g->n >= STW_REGISTERING_MAX)
		return false;
	w = malloc(sizeof(*w) + len);
	if (!w)
		return false;
	*w = (struct waiting){.request = {.local = *local,
					  .peer = *peer,
					  .bytes = w->memory,
					  .len = len,
					  .room = len}};
	memcpy(w->memory, bytes, len);
	STAILQ_INSERT_TAIL(&g->waiting, w, order);
	g->n++;
	if (!ev_is_active(&g->turn))
		ev_prepare_start(g->loop, &g->turn);
	return true;
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
