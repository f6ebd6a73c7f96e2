/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/idle.h"

static void it_spins_first(void **state)
{
	(void)state;
	assert_int_equal(stw_idle_sleep_us(0, 100), 0);
	assert_int_equal(stw_idle_sleep_us(STW_IDLE_SPIN_US - 1, 100), 0);
	assert_int_equal(stw_idle_sleep_us(STW_IDLE_SPIN_US, 100), STW_IDLE_FIRST_US);
}

static void it_never_sleeps_when_told_so(void **state)
{
	(void)state;
	for (uint64_t idle = 0; idle < 1000000; idle += 999)
		assert_int_equal(stw_idle_sleep_us(idle, 0), 0);
}

/* What comes meanwhile waits no longer than half of the silence, and a little. */
static void sleep_grows_with_the_silence_up_to_the_limit(void **state)
{
	uint32_t before = 0;

	(void)state;
	for (uint64_t idle = 0; idle < STW_IDLE_DEEP_US; idle += 7) {
		uint32_t us = stw_idle_sleep_us(idle, 100);

		assert_true(us >= before && us <= 100 && us <= idle / 2 + STW_IDLE_FIRST_US);
		before = us;
	}
	assert_int_equal(before, 100);
}

static void after_a_long_silence_the_limit_is_longer(void **state)
{
	(void)state;
	assert_int_equal(stw_idle_sleep_us(STW_IDLE_DEEP_US - 1, 100), 100);
	assert_int_equal(stw_idle_sleep_us(STW_IDLE_DEEP_US, 100), 100 * STW_IDLE_DEEPER);
	assert_int_equal(stw_idle_sleep_us(UINT64_MAX / 2, 100), 100 * STW_IDLE_DEEPER);
	assert_int_equal(stw_idle_sleep_us(UINT64_MAX / 2, 1), STW_IDLE_DEEPER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_spins_first),
		cmocka_unit_test(it_never_sleeps_when_told_so),
		cmocka_unit_test(sleep_grows_with_the_silence_up_to_the_limit),
		cmocka_unit_test(after_a_long_silence_the_limit_is_longer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
