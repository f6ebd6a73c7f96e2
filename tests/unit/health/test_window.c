/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/health/settings.h"

#include "control/health/window.h"

struct seen {
	struct stw_model_health c;
	struct stw_window w;
	struct stw_traffic t;
};

static struct seen from_zero(void)
{
	struct seen s = {.c = settings()};

	stw_window_take(&s.w, &s.t);
	return s;
}

/* So many seconds more, each with so much growth. */
static void pass(struct seen *s, int seconds, uint64_t calls, uint64_t answered, uint64_t errors)
{
	while (seconds-- > 0) {
		s->t.calls += calls;
		s->t.answered += answered;
		s->t.errors += errors;
		stw_window_take(&s->w, &s->t);
	}
}

static void assert_verdict(const struct seen *s, enum stw_health_cause wanted)
{
	assert_string_equal(stw_health_cause_text(stw_window_judge(&s->w, &s->c)),
			    stw_health_cause_text(wanted));
}

static void what_was_before_the_first_look_does_not_count(void **state)
{
	(void)state;
	struct seen s = {.c = settings(), .t = {.calls = 1000}};

	stw_window_take(&s.w, &s.t);
	pass(&s, 20, 1, 0, 0);
	assert_verdict(&s, STW_CAUSE_ANSWERED); /* 10 calls in the window */
}

static void who_answers_nothing_is_found_once_there_are_enough(void **state)
{
	(void)state;
	struct seen s = from_zero();

	pass(&s, 3, 19, 0, 0);
	assert_verdict(&s, STW_CAUSE_ANSWERED); /* 19 that are two seconds old */
	pass(&s, 1, 19, 0, 0);
	assert_verdict(&s, STW_CAUSE_UNANSWERED);
}

static void fresh_calls_have_time_to_be_answered(void **state)
{
	(void)state;
	struct seen s = from_zero();

	pass(&s, 2, 1000, 0, 0);
	assert_verdict(&s, STW_CAUSE_ANSWERED);
	pass(&s, 30, 1000, 1000, 0); /* a member that takes two seconds for each answer */
	assert_verdict(&s, STW_CAUSE_ANSWERED);
}

static void some_calls_unanswered_are_borne(void **state)
{
	(void)state;
	struct seen s = from_zero();

	pass(&s, 30, 100, 60, 0);
	assert_verdict(&s, STW_CAUSE_ANSWERED);
	pass(&s, 30, 100, 30, 0);
	assert_verdict(&s, STW_CAUSE_UNANSWERED);
	pass(&s, 12, 100, 100, 0);
	assert_verdict(&s, STW_CAUSE_ANSWERED);
}

static void a_share_of_zero_is_not_watched(void **state)
{
	(void)state;
	struct seen s = from_zero();

	s.c.unanswered_percent = s.c.errors_percent = 0;
	pass(&s, 30, 100, 0, 100);
	assert_verdict(&s, STW_CAUSE_ANSWERED);
}

static void errors_count_by_their_own_share(void **state)
{
	(void)state;
	struct seen s = from_zero();

	pass(&s, 5, 10, 10, 4);
	assert_verdict(&s, STW_CAUSE_ANSWERED);
	pass(&s, 10, 10, 10, 6);
	assert_verdict(&s, STW_CAUSE_ERRORS);
}

static void counters_that_fell_are_of_another_process(void **state)
{
	(void)state;
	struct seen s = from_zero();

	pass(&s, 5, 1000, 1000, 0);
	s.t = (struct stw_traffic){.calls = 30};
	stw_window_take(&s.w, &s.t);
	pass(&s, 12, 0, 0, 0);
	assert_verdict(&s, STW_CAUSE_ANSWERED);
}

static void the_longest_window_goes_round(void **state)
{
	(void)state;
	struct seen s = from_zero();

	s.c.window_s = STW_WINDOW_MAX_S;
	pass(&s, 100, 1, 0, 0);
	assert_verdict(&s, STW_CAUSE_UNANSWERED);
	pass(&s, STW_WINDOW_MAX_S + STW_WINDOW_LATE_S, 1, 1, 0);
	assert_verdict(&s, STW_CAUSE_ANSWERED);
}

static void after_a_reset_nothing_is_known(void **state)
{
	(void)state;
	struct seen s = from_zero();

	pass(&s, 10, 100, 0, 0);
	stw_window_reset(&s.w);
	assert_verdict(&s, STW_CAUSE_ANSWERED);
	s.t.calls += 1000000; /* while nobody looked */
	stw_window_take(&s.w, &s.t);
	pass(&s, 5, 0, 0, 0);
	assert_verdict(&s, STW_CAUSE_ANSWERED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_before_the_first_look_does_not_count),
		cmocka_unit_test(who_answers_nothing_is_found_once_there_are_enough),
		cmocka_unit_test(fresh_calls_have_time_to_be_answered),
		cmocka_unit_test(some_calls_unanswered_are_borne),
		cmocka_unit_test(a_share_of_zero_is_not_watched),
		cmocka_unit_test(errors_count_by_their_own_share),
		cmocka_unit_test(counters_that_fell_are_of_another_process),
		cmocka_unit_test(the_longest_window_goes_round),
		cmocka_unit_test(after_a_reset_nothing_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
