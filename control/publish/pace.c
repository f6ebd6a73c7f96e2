/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/publish/pace.h"

#include <ev.h>
#include <stdlib.h>

#include "control/now.h"

struct stw_pace {
	struct ev_loop *loop;
	void (*due)(void *ctx);
	void *ctx;
	double last_s, took_s;
	struct ev_timer timer;
};

static void on_timer(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	struct stw_pace *p = timer->data;

	(void)loop;
	(void)revents;
	p->last_s = stw_now_s();
	p->due(p->ctx);
}

struct stw_pace *stw_pace_new(struct ev_loop *loop, void (*due)(void *ctx), void *ctx)
{
	struct stw_pace *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->loop = loop;
	p->due = due;
	p->ctx = ctx;
	ev_init(&p->timer, on_timer);
	p->timer.data = p;
	return p;
}

void stw_pace_want(struct stw_pace *p)
{
	double pause = p->took_s * STW_PACE_COST;

	if (ev_is_active(&p->timer))
		return;
	if (pause < STW_PACE_S)
		pause = STW_PACE_S;
	double after = p->last_s + pause - stw_now_s();
	ev_now_update(p->loop); /* a timer begins at the time the loop knows */
	ev_timer_set(&p->timer, after > 0 ? after : 0., 0.);
	ev_timer_start(p->loop, &p->timer);
}

void stw_pace_took(struct stw_pace *p, double seconds)
{
	p->took_s = seconds;
}

void stw_pace_free(struct stw_pace *p)
{
	if (!p)
		return;
	ev_timer_stop(p->loop, &p->timer);
	free(p);
}
