/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "control/registrar/clock.h"

#define HOUR_MS 3600000u

static uint64_t seconds_of(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec;
}

/* However long the test is kept waiting in between. */
static void assert_tells_the_wall_clock(const struct stw_clock *c)
{
	const uint64_t before = seconds_of(CLOCK_REALTIME), told = stw_clock_s(c);

	assert_in_range(told, before - 1, seconds_of(CLOCK_REALTIME) + 1);
}

/* @p began: CLOCK_BOOTTIME, not after the mark was made. */
static void assert_goes_on_from(const struct stw_clock *c, const struct stw_clock_mark *mark,
				uint64_t began)
{
	const uint64_t told = stw_clock_s(c), passed = seconds_of(CLOCK_BOOTTIME) - began;

	assert_in_range(told, mark->steady_ms / 1000, mark->steady_ms / 1000 + passed + 1);
}

static void starts_with_the_wall_clock(void **state)
{
	struct stw_clock c;

	(void)state;
	stw_clock_start(&c, NULL);
	assert_tells_the_wall_clock(&c);
}

/* A wall clock that was set an hour forward or back between two runs changes nothing. */
static void goes_on_within_one_boot_whatever_the_wall_clock_says(void **state)
{
	struct stw_clock c, again;

	(void)state;
	stw_clock_start(&c, NULL);
	for (int hour = -1; hour <= 1; hour += 2) {
		const uint64_t began = seconds_of(CLOCK_BOOTTIME);
		struct stw_clock_mark mark = stw_clock_mark_now(&c);
		uint64_t before = mark.steady_ms;

		mark.steady_ms = before + (uint64_t)((int64_t)hour * (int64_t)HOUR_MS);
		stw_clock_start(&again, &mark);
		assert_goes_on_from(&again, &mark, began);
	}
}

static void never_goes_back_over_a_boot(void **state)
{
	struct stw_clock c, again;

	(void)state;
	stw_clock_start(&c, NULL);
	const uint64_t began = seconds_of(CLOCK_BOOTTIME);
	struct stw_clock_mark mark = stw_clock_mark_now(&c);

	memset(mark.boot_id, 'x', 36);
	mark.steady_ms += HOUR_MS; /* this boot's wall clock is behind */
	stw_clock_start(&again, &mark);
	assert_goes_on_from(&again, &mark, began);
	mark.steady_ms -= 2 * HOUR_MS; /* or ahead: time did pass */
	stw_clock_start(&again, &mark);
	assert_tells_the_wall_clock(&again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starts_with_the_wall_clock),
		cmocka_unit_test(goes_on_within_one_boot_whatever_the_wall_clock_says),
		cmocka_unit_test(never_goes_back_over_a_boot),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
