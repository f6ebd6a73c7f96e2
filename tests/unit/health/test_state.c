/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/health/settings.h"

#include <string.h>

#include "control/health/state.h"

/* A member with its pool's words and a clock. */
struct watched {
	struct stw_health h;
	struct stw_model_health c;
	double now;
};

static void assert_seconds(double got, double wanted)
{
	assert_true(got > wanted - 1e-6 && got < wanted + 1e-6);
}

static struct watched at_start(void)
{
	struct watched w = {.c = settings(), .now = 1000};

	stw_health_init(&w.h, true, w.now);
	return w;
}

static bool answer(struct watched *w)
{
	return stw_health_answered(&w->h, &w->c, 200, w->now);
}

static bool miss(struct watched *w)
{
	return stw_health_missed(&w->h, &w->c, STW_CAUSE_SILENT, 0, w->now);
}

static bool eject(struct watched *w)
{
	return stw_health_eject(&w->h, &w->c, STW_CAUSE_UNANSWERED, w->now);
}

static bool tick(struct watched *w)
{
	return stw_health_tick(&w->h, &w->c, w->now);
}

static unsigned share(const struct watched *w)
{
	return stw_health_share(&w->h, &w->c, w->now);
}

static void assert_state(const struct watched *w, enum stw_health_state state,
			 enum stw_health_cause cause, unsigned eighths)
{
	assert_string_equal(stw_health_state_text(w->h.state), stw_health_state_text(state));
	assert_string_equal(stw_health_cause_text(w->h.cause), stw_health_cause_text(cause));
	assert_int_equal(share(w), eighths);
}

static void fail_by_probes(struct watched *w)
{
	while (w->h.state != STW_HEALTH_FAILED)
		miss(w);
}

static void come_back(struct watched *w)
{
	if (w->now < w->h.held_until_s)
		w->now = w->h.held_until_s;
	while (w->h.state == STW_HEALTH_FAILED)
		answer(w);
}

static void come_back_whole(struct watched *w)
{
	come_back(w);
	w->now += w->c.slow_start_s;
	tick(w);
}

static void at_start_a_member_serves_untried(void **state)
{
	(void)state;
	struct watched w = at_start();

	assert_state(&w, STW_HEALTH_PROBING, STW_CAUSE_START, 8);
	assert_true(answer(&w));
	assert_state(&w, STW_HEALTH_HEALTHY, STW_CAUSE_ANSWERED, 8);
	assert_false(answer(&w));
}

static void a_new_member_waits_for_its_first_answer(void **state)
{
	(void)state;
	struct watched w = at_start();

	stw_health_init(&w.h, false, w.now);
	assert_state(&w, STW_HEALTH_PROBING, STW_CAUSE_NEW, 0);
	assert_false(tick(&w));
	assert_true(answer(&w));
	assert_state(&w, STW_HEALTH_HEALTHY, STW_CAUSE_ANSWERED, 8);
}

static void a_new_member_that_nobody_asks_serves(void **state)
{
	(void)state;
	struct watched w = at_start();

	w.c.probes = false;
	stw_health_init(&w.h, false, w.now);
	assert_int_equal(share(&w), 8);
}

static void it_fails_by_three_of_four(void **state)
{
	(void)state;
	struct watched w = at_start();

	answer(&w);
	for (int i = 0; i < 20; i++) { /* every second one lost: never three of four */
		assert_false(miss(&w));
		assert_false(answer(&w));
	}
	answer(&w);
	assert_false(miss(&w));
	assert_false(miss(&w));
	assert_state(&w, STW_HEALTH_HEALTHY, STW_CAUSE_ANSWERED, 8);
	assert_true(miss(&w));
	assert_state(&w, STW_HEALTH_FAILED, STW_CAUSE_SILENT, 0);
	assert_false(miss(&w));
}

static void one_answer_between_three_misses_does_not_save_it(void **state)
{
	(void)state;
	struct watched w = at_start();

	answer(&w);
	miss(&w);
	miss(&w);
	answer(&w);
	assert_true(miss(&w));
	assert_int_equal(w.h.state, STW_HEALTH_FAILED);
}

static void a_window_of_32_probes_has_all_its_bits(void **state)
{
	(void)state;
	struct watched w = at_start();

	w.c.fall = w.c.of = 32;
	for (int i = 0; i < 31; i++)
		assert_false(miss(&w));
	assert_true(miss(&w));
}

static void first_failure_needs_answers_only(void **state)
{
	(void)state;
	struct watched w = at_start();

	fail_by_probes(&w);
	assert_false(answer(&w));
	assert_int_equal(w.h.state, STW_HEALTH_FAILED);
	assert_true(answer(&w));
	assert_state(&w, STW_HEALTH_PROBING, STW_CAUSE_TRIAL, 1);
}

static void rise_counts_answers_in_a_row(void **state)
{
	(void)state;
	struct watched w = at_start();

	fail_by_probes(&w);
	answer(&w);
	miss(&w);
	assert_false(answer(&w));
	assert_int_equal(w.h.state, STW_HEALTH_FAILED);
	assert_true(answer(&w));
}

static void slow_start_grows_in_eighths(void **state)
{
	(void)state;
	struct watched w = at_start();

	fail_by_probes(&w);
	come_back(&w);
	for (unsigned eighths = 1; eighths <= 8; eighths++, w.now += 5) {
		assert_true(tick(&w));
		assert_int_equal(share(&w), eighths);
	}
	assert_true(tick(&w));
	assert_state(&w, STW_HEALTH_HEALTHY, STW_CAUSE_ANSWERED, 8);
	assert_false(tick(&w));
}

static void without_slow_start_it_is_whole_at_once(void **state)
{
	(void)state;
	struct watched w = at_start();

	w.c.slow_start_s = 0;
	fail_by_probes(&w);
	come_back(&w);
	assert_state(&w, STW_HEALTH_HEALTHY, STW_CAUSE_ANSWERED, 8);
}

static void hold_down_doubles_within_its_bound(void **state)
{
	(void)state;
	const double wanted[] = {0, 30, 60, 120, 240, 300, 300};
	struct watched w = at_start();

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		fail_by_probes(&w);
		assert_seconds(w.h.held_until_s - w.now, wanted[i]);
		w.now += wanted[i] > 1 ? wanted[i] - 1 : 0;
		for (int k = 0; wanted[i] > 1 && k < 10; k++)
			assert_false(answer(&w)); /* held down, however well it answers */
		come_back(&w);
		assert_int_equal(w.h.state, STW_HEALTH_PROBING);
	}
}

static void a_flap_each_second_makes_few_transitions(void **state)
{
	(void)state;
	struct watched w = at_start();
	int transitions = 0;

	answer(&w);
	for (int second = 0; second < 600; second++, w.now++) {
		enum stw_health_state before = w.h.state;

		for (int i = 0; i < 3; i++) {
			if (second % 2)
				miss(&w);
			else
				answer(&w);
		}
		tick(&w);
		transitions += before != STW_HEALTH_FAILED && w.h.state == STW_HEALTH_FAILED;
	}
	assert_in_range(transitions, 1, 7); /* 0, 30, 60, 120, 240, 300 s and the first */
}

static void a_good_time_makes_failures_forgotten(void **state)
{
	(void)state;
	struct watched w = at_start();

	for (int i = 0; i < 3; i++) {
		fail_by_probes(&w);
		come_back_whole(&w);
	}
	w.now += w.c.hold_down_max_s - 1;
	tick(&w);
	assert_int_equal(w.h.strikes, 3);
	w.now += 1;
	tick(&w);
	assert_int_equal(w.h.strikes, 0);
	fail_by_probes(&w);
	assert_seconds(w.h.held_until_s, w.now);
}

static void thrown_out_by_traffic_it_is_held_down_from_the_first_time(void **state)
{
	(void)state;
	struct watched w = at_start();

	answer(&w);
	assert_true(eject(&w));
	assert_false(eject(&w));
	assert_state(&w, STW_HEALTH_FAILED, STW_CAUSE_UNANSWERED, 0);
	assert_true(stw_health_is_ejected(&w.h, w.now));
	for (int i = 0; i < 29; i++, w.now++)
		assert_false(answer(&w)); /* it answers probes: that proves nothing */
	w.now += 1;
	assert_true(tick(&w));
	assert_state(&w, STW_HEALTH_PROBING, STW_CAUSE_TRIAL, 1);
	assert_true(eject(&w)); /* on trial it failed again */
	assert_seconds(w.h.held_until_s - w.now, 60);
}

static void thrown_out_and_silent_it_needs_answers_too(void **state)
{
	(void)state;
	struct watched w = at_start();

	eject(&w);
	miss(&w);
	assert_false(stw_health_is_ejected(&w.h, w.now));
	w.now += 31;
	assert_false(tick(&w));
	assert_false(answer(&w));
	assert_true(answer(&w));
}

static void without_probes_it_comes_back_by_time(void **state)
{
	(void)state;
	struct watched w = at_start();

	w.c.probes = false;
	eject(&w);
	w.now += 29;
	assert_false(tick(&w));
	w.now += 1;
	assert_true(tick(&w));
	assert_int_equal(w.h.state, STW_HEALTH_PROBING);
}

static void rfc3261_s21_5_4_retry_after_is_obeyed_within_bounds(void **state)
{
	(void)state;
	struct watched w = at_start();

	answer(&w);
	assert_true(stw_health_rest(&w.h, &w.c, 5, w.now));
	assert_state(&w, STW_HEALTH_HEALTHY, STW_CAUSE_ANSWERED, 0);
	assert_true(stw_health_is_ejected(&w.h, w.now));
	assert_false(stw_health_rest(&w.h, &w.c, 4, w.now)); /* shorter says nothing new */
	w.now += 5;
	assert_true(tick(&w));
	assert_int_equal(share(&w), 8);
	stw_health_rest(&w.h, &w.c, 100000, w.now);
	w.now += w.c.retry_after_max_s;
	assert_int_equal(share(&w), 8);
	w.c.retry_after_max_s = 0;
	assert_false(stw_health_rest(&w.h, &w.c, 5, w.now + 1000));
}

static void failed_members_are_asked_less_and_less_often(void **state)
{
	(void)state;
	struct watched w = at_start();
	const double wanted[] = {2, 4, 8, 10, 10};

	assert_seconds(stw_health_interval_s(&w.h, &w.c, 0), 2);
	miss(&w);
	assert_true(stw_health_interval_s(&w.h, &w.c, 0) < 0.5); /* in doubt */
	fail_by_probes(&w);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		assert_seconds(stw_health_interval_s(&w.h, &w.c, 0), wanted[i]);
		miss(&w);
	}
	answer(&w);
	assert_seconds(stw_health_interval_s(&w.h, &w.c, 0), 2);
}

static void jitter_spreads_by_its_percentage(void **state)
{
	(void)state;
	struct watched w = at_start();

	w.c.jitter_percent = 20;
	assert_seconds(stw_health_interval_s(&w.h, &w.c, 0), 1.6);
	assert_seconds(stw_health_interval_s(&w.h, &w.c, UINT32_MAX), 2.4);
}

static void reasons_tell_what_is_awaited(void **state)
{
	(void)state;
	struct watched w = at_start();
	char text[200];

	answer(&w);
	miss(&w);
	stw_health_reason(&w.h, &w.c, w.now, text, sizeof(text));
	assert_non_null(strstr(text, "missed 1 of the last 4"));
	eject(&w);
	stw_health_reason(&w.h, &w.c, w.now, text, sizeof(text));
	assert_non_null(strstr(text, "held down for 30 s"));
	w.now += 31;
	answer(&w);
	stw_health_reason(&w.h, &w.c, w.now, text, sizeof(text));
	assert_non_null(strstr(text, "1 of 2 answers"));
}

static void texts_read_back(void **state)
{
	(void)state;
	for (int i = 0; i < STW_CAUSE_N; i++)
		assert_int_equal(stw_health_cause_parse(
					 stw_health_cause_text((enum stw_health_cause)i)),
				 i);
	assert_int_equal(stw_health_state_parse("failed"), STW_HEALTH_FAILED);
	assert_int_equal(stw_health_state_parse("dead"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(at_start_a_member_serves_untried),
		cmocka_unit_test(a_new_member_waits_for_its_first_answer),
		cmocka_unit_test(a_new_member_that_nobody_asks_serves),
		cmocka_unit_test(it_fails_by_three_of_four),
		cmocka_unit_test(one_answer_between_three_misses_does_not_save_it),
		cmocka_unit_test(a_window_of_32_probes_has_all_its_bits),
		cmocka_unit_test(first_failure_needs_answers_only),
		cmocka_unit_test(rise_counts_answers_in_a_row),
		cmocka_unit_test(slow_start_grows_in_eighths),
		cmocka_unit_test(without_slow_start_it_is_whole_at_once),
		cmocka_unit_test(hold_down_doubles_within_its_bound),
		cmocka_unit_test(a_flap_each_second_makes_few_transitions),
		cmocka_unit_test(a_good_time_makes_failures_forgotten),
		cmocka_unit_test(thrown_out_by_traffic_it_is_held_down_from_the_first_time),
		cmocka_unit_test(thrown_out_and_silent_it_needs_answers_too),
		cmocka_unit_test(without_probes_it_comes_back_by_time),
		cmocka_unit_test(rfc3261_s21_5_4_retry_after_is_obeyed_within_bounds),
		cmocka_unit_test(failed_members_are_asked_less_and_less_often),
		cmocka_unit_test(jitter_spreads_by_its_percentage),
		cmocka_unit_test(reasons_tell_what_is_awaited),
		cmocka_unit_test(texts_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
