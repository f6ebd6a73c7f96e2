/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/health/settings.h"

#include <string.h>

#include "control/health/pool.h"

#define SEATS 16

/* @n members of weight 10 that serve. */
static void all_serve(struct stw_pool_seat *seats, size_t n)
{
	memset(seats, 0, SEATS * sizeof(*seats));
	for (size_t i = 0; i < n; i++)
		seats[i] = (struct stw_pool_seat){.weight = 10, .share = STW_SHARE_WHOLE};
}

static void put_out(struct stw_pool_seat *seats, size_t n, bool ejected)
{
	for (size_t i = 0; i < n; i++) {
		seats[i].share = 0;
		seats[i].ejected = ejected;
	}
}

static void a_share_of_the_pool_may_be_thrown_out(void **state)
{
	(void)state;
	const struct stw_model_health c = settings();
	struct stw_pool_seat seats[SEATS];

	all_serve(seats, 9); /* 34 % of 9: 3 */
	for (size_t out = 0; out < 3; out++) {
		put_out(seats, out, true);
		assert_true(stw_pool_may_eject(seats, 9, &c));
	}
	put_out(seats, 3, true);
	assert_false(stw_pool_may_eject(seats, 9, &c));
}

static void of_few_one_may(void **state)
{
	(void)state;
	struct stw_model_health c = settings();
	struct stw_pool_seat seats[SEATS];

	all_serve(seats, 2);
	assert_true(stw_pool_may_eject(seats, 2, &c));
	put_out(seats, 1, true);
	assert_false(stw_pool_may_eject(seats, 2, &c));
	all_serve(seats, 2);
	c.eject_percent = 0;
	assert_false(stw_pool_may_eject(seats, 2, &c));
}

static void the_last_that_serves_may_not(void **state)
{
	(void)state;
	struct stw_model_health c = settings();
	struct stw_pool_seat seats[SEATS];

	c.eject_percent = 100;
	all_serve(seats, 1);
	assert_false(stw_pool_may_eject(seats, 1, &c));
	all_serve(seats, 3);
	put_out(seats, 2, false); /* by probes: these do not count as thrown out */
	assert_false(stw_pool_may_eject(seats, 3, &c));
	all_serve(seats, 3);
	seats[0].weight = seats[1].weight = 0; /* drained */
	assert_false(stw_pool_may_eject(seats, 3, &c));
}

static void panic_below_its_share_of_weight(void **state)
{
	(void)state;
	struct stw_model_health c = settings();
	struct stw_pool_seat seats[SEATS];

	all_serve(seats, 5);
	put_out(seats, 4, false);
	assert_false(stw_pool_panics(seats, 5, &c)); /* 20 %: not below */
	seats[4].weight = 9;
	assert_true(stw_pool_panics(seats, 5, &c));
	c.panic_percent = 0;
	assert_false(stw_pool_panics(seats, 5, &c));
	put_out(seats, 5, false);
	assert_true(stw_pool_panics(seats, 5, &c)); /* nothing is left */
}

static void who_is_drained_does_not_count(void **state)
{
	(void)state;
	const struct stw_model_health c = settings();
	struct stw_pool_seat seats[SEATS];

	all_serve(seats, 3);
	for (size_t i = 0; i < 3; i++)
		seats[i].weight = 0;
	assert_false(stw_pool_panics(seats, 3, &c)); /* people wanted it so */
	seats[0] = (struct stw_pool_seat){.weight = 1, .share = 8};
	assert_false(stw_pool_panics(seats, 3, &c));
	assert_false(stw_pool_panics(seats, 0, &c));
}

static void a_slow_start_is_alive(void **state)
{
	(void)state;
	const struct stw_model_health c = settings();
	struct stw_pool_seat seats[SEATS];

	all_serve(seats, 4);
	for (size_t i = 0; i < 4; i++)
		seats[i].share = 1;
	assert_false(stw_pool_panics(seats, 4, &c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_share_of_the_pool_may_be_thrown_out),
		cmocka_unit_test(of_few_one_may),
		cmocka_unit_test(the_last_that_serves_may_not),
		cmocka_unit_test(panic_below_its_share_of_weight),
		cmocka_unit_test(who_is_drained_does_not_count),
		cmocka_unit_test(a_slow_start_is_alive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
