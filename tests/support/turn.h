/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/** @file Turning an event loop until something is so. */

#include <ev.h>
#include <stdbool.h>

#define TURN_PATIENCE_S 60. /* on a slow machine */

static inline void turn_is_late(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	*(bool *)timer->data = true;
}

/** @return true: @is_so(ctx, arg); false: it did not come to be */
static inline bool turn_until(struct ev_loop *loop, bool (*is_so)(void *ctx, const void *arg),
			      void *ctx, const void *arg)
{
	struct ev_timer timer;
	bool late = false;

	ev_timer_init(&timer, turn_is_late, TURN_PATIENCE_S, 0.);
	timer.data = &late;
	ev_timer_start(loop, &timer);
	while (!is_so(ctx, arg) && !late)
		ev_run(loop, EVRUN_ONCE);
	ev_timer_stop(loop, &timer);
	return is_so(ctx, arg);
}
