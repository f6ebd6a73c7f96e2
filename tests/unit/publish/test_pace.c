/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <ev.h>

#include <math.h>
#include <stdbool.h>
#include <sys/time.h>
#include <time.h>

#include "control/now.h"
#include "control/publish/pace.h"

#define YEAR_S	   (366 * 86400L)
#define PATIENCE_S 60.

static long ahead_s; /* of the wall clock */

/* In the place of the C library's: libev's wall clock. */
int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	struct timespec ts;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &ts);
	*tv = (struct timeval){.tv_sec = ts.tv_sec + ahead_s, .tv_usec = ts.tv_nsec / 1000};
	return 0;
}

struct rig {
	struct ev_loop *loop;
	struct stw_pace *pace;
	unsigned n_due;
	double due_s[8];
};

static void due(void *ctx)
{
	struct rig *r = ctx;

	r->due_s[r->n_due++ % 8] = stw_now_s();
}

static int set_up(void **state)
{
	static struct rig r;

	ahead_s = 0;
	r = (struct rig){.loop = ev_loop_new(EVFLAG_AUTO)};
	r.pace = stw_pace_new(r.loop, due, &r);
	assert_non_null(r.pace);
	*state = &r;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *r = *state;

	stw_pace_free(r->pace);
	ev_loop_destroy(r->loop);
	return 0;
}

static void want_many(struct rig *r)
{
	for (int i = 0; i < 100; i++)
		stw_pace_want(r->pace);
	/* the loop ends when its only timer has fired */
	ev_run(r->loop, 0);
}

static void many_wants_are_one_due(void **state)
{
	struct rig *r = *state;

	want_many(r);
	assert_int_equal(r->n_due, 1);
	want_many(r);
	assert_int_equal(r->n_due, 2);
	/* libev's clocks may differ by less than this */
	assert_true(r->due_s[1] - r->due_s[0] >= STW_PACE_S * 0.9);
}

static void what_costs_much_comes_less_often(void **state)
{
	struct rig *r = *state;

	want_many(r);
	stw_pace_took(r->pace, 0.03);
	want_many(r);
	assert_true(r->due_s[1] - r->due_s[0] >= 0.03 * STW_PACE_COST * 0.9);
}

static void enough(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	(void)timer;
	(void)revents;
	ev_break(loop, EVBREAK_ALL);
}

/* Until nothing is to come, or for so long. */
static void run_for(struct rig *r, double s, bool alone)
{
	struct ev_timer timer;

	ev_timer_init(&timer, enough, s, 0.);
	ev_timer_start(r->loop, &timer);
	if (!alone)
		ev_unref(r->loop);
	ev_run(r->loop, 0);
	if (!alone)
		ev_ref(r->loop);
	ev_timer_stop(r->loop, &timer);
}

/* libev looks at the wall clock now and then only. */
static void set_clock(struct rig *r, long by_s)
{
	ahead_s = by_s;
	while (fabs(ev_now(r->loop) - ev_time()) > 3600)
		run_for(r, 0.05, true);
}

static void a_clock_that_is_set_keeps_nothing_back(void **state)
{
	struct rig *r = *state;

	stw_pace_took(r->pace, 0.15); /* longer than libev is behind with the wall clock */
	want_many(r);
	set_clock(r, -YEAR_S);
	stw_pace_want(r->pace);
	run_for(r, PATIENCE_S, false);
	assert_int_equal(r->n_due, 2);
	set_clock(r, YEAR_S);
	stw_pace_want(r->pace);
	run_for(r, PATIENCE_S, false);
	assert_int_equal(r->n_due, 3);
	assert_true(r->due_s[2] - r->due_s[1] >= 0.15 * STW_PACE_COST * 0.9); /* nor let off */
}

static void nothing_is_due_without_a_want(void **state)
{
	struct rig *r = *state;

	ev_run(r->loop, 0);
	assert_int_equal(r->n_due, 0);
}

int main(void)
{
#define PACE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		PACE_TEST(many_wants_are_one_due),
		PACE_TEST(what_costs_much_comes_less_often),
		PACE_TEST(a_clock_that_is_set_keeps_nothing_back),
		PACE_TEST(nothing_is_due_without_a_want),
	};
	return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}
