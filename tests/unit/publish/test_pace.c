/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <ev.h>

#include "control/publish/pace.h"

struct rig {
	struct ev_loop *loop;
	struct stw_pace *pace;
	unsigned n_due;
	double due_s[8];
};

static void due(void *ctx)
{
	struct rig *r = ctx;

	r->due_s[r->n_due++ % 8] = ev_now(r->loop);
}

static int set_up(void **state)
{
	static struct rig r;

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
		PACE_TEST(nothing_is_due_without_a_want),
	};
	return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}
