/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/timing.h"

static uint64_t all(const struct stw_stats_stage *s)
{
	uint64_t n = 0;

	for (unsigned b = 0; b < STW_STAGE_BUCKETS; b++)
		n += s->n[b];
	return n;
}

static void a_turn(struct stw_timing *t, uint32_t n_packets)
{
	stw_timing_begin(t);
	for (unsigned i = 0; i < STW_N_STAGES; i++)
		stw_timing_mark(t, (enum stw_stage)i);
	stw_timing_end(t, n_packets);
}

static void one_turn_in_so_many_is_timed(void **state)
{
	static struct stw_stats_stages stages;
	struct stw_timing t;

	(void)state;
	stw_timing_init(&t, &stages, 1000000000);
	for (unsigned i = 0; i < 3 * STW_TIMED_TURNS; i++)
		a_turn(&t, 1);
	for (unsigned i = 0; i < STW_N_STAGES; i++)
		assert_int_equal(all(&stages.stage[i]), 3);
}

static void empty_turns_are_not_recorded(void **state)
{
	static struct stw_stats_stages stages;
	struct stw_timing t;

	(void)state;
	stw_timing_init(&t, &stages, 1000000000);
	for (unsigned i = 0; i < 3 * STW_TIMED_TURNS; i++)
		a_turn(&t, 0);
	assert_int_equal(all(&stages.stage[0]), 0);
}

static void times_fall_into_their_bucket(void **state)
{
	static struct stw_stats_stages stages;
	struct stw_timing t;

	(void)state;
	stw_timing_init(&t, &stages, 2000000000); /* two cycles a nanosecond */
	for (unsigned i = 0; i < STW_N_STAGES; i++)
		t.end_tsc[i] = 0;
	t.begin_tsc = 0;
	t.end_tsc[0] = 2 * 128; /* just the first bound */
	for (unsigned i = 1; i < STW_N_STAGES; i++)
		t.end_tsc[i] = t.end_tsc[0] + 2 * 129 * i;
	t.end_tsc[STW_N_STAGES - 1] += UINT64_C(2000000000);
	stw_timing_record(&t);
	assert_int_equal(stages.stage[0].n[0], 1);
	assert_int_equal(stages.stage[0].sum_ns, 128);
	assert_int_equal(stages.stage[1].n[1], 1);
	assert_int_equal(stages.stage[1].sum_ns, 129);
	assert_int_equal(stages.stage[STW_N_STAGES - 1].n[STW_STAGE_BUCKETS - 1], 1);
}

static void without_a_place_nothing_is_timed(void **state)
{
	struct stw_timing t;

	(void)state;
	stw_timing_init(&t, NULL, 1000000000);
	for (unsigned i = 0; i < 2 * STW_TIMED_TURNS; i++)
		a_turn(&t, 1);
	assert_false(t.timed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_turn_in_so_many_is_timed),
		cmocka_unit_test(empty_turns_are_not_recorded),
		cmocka_unit_test(times_fall_into_their_bucket),
		cmocka_unit_test(without_a_place_nothing_is_timed),
	};

	return cmocka_run_group_tests_name("dataplane-timing", tests, NULL, NULL);
}
