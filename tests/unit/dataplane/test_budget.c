/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dataplane/path/budget.h"
#include "tests/support/ip.h"

#define HZ 1000000000u

static unsigned take_all(struct stw_budget *b, const struct stw_ip *from, uint64_t now)
{
	unsigned n = 0;
	while (n < 100000 && stw_budget_take(b, from, now))
		n++;
	return n;
}

static void a_source_has_its_share_at_once(void **state)
{
	struct stw_budget *b = stw_budget_new(100, HZ, 7);
	struct stw_ip a = ip("192.0.2.1"), c = ip("192.0.2.2");

	(void)state;
	assert_non_null(b);
	assert_int_equal(take_all(b, &a, HZ), 100);
	assert_int_equal(take_all(b, &c, HZ), 100); /* another's is untouched */
	assert_false(stw_budget_take(b, &a, HZ));
	stw_budget_free(b);
}

static void it_comes_back_with_time_and_not_faster(void **state)
{
	struct stw_budget *b = stw_budget_new(100, HZ, 7);
	struct stw_ip a = ip("2001:db8::1");
	unsigned n = 0;

	(void)state;
	assert_int_equal(take_all(b, &a, HZ), 100);
	/* Half a second in a thousand small steps: what a step earns is less than one answer. */
	for (unsigned i = 1; i <= 1000; i++)
		n += take_all(b, &a, HZ + (uint64_t)i * (HZ / 2000));
	assert_in_range(n, 49, 50);
	assert_int_equal(take_all(b, &a, (uint64_t)HZ * 60), 100); /* never more than a second's */
	stw_budget_free(b);
}

static void a_household_of_ipv6_shares_one_bucket(void **state)
{
	struct stw_budget *b = stw_budget_new(10, HZ, 7);
	struct stw_ip a = ip("2001:db8:0:1::1"), same = ip("2001:db8:0:1:ffff::9"),
		      other = ip("2001:db8:0:2::1");

	(void)state;
	assert_int_equal(take_all(b, &a, HZ), 10);
	assert_false(stw_budget_take(b, &same, HZ));
	assert_true(stw_budget_take(b, &other, HZ));
	stw_budget_free(b);
}

static void zero_is_no_limit(void **state)
{
	struct stw_budget *b = stw_budget_new(0, HZ, 7);
	struct stw_ip a = ip("192.0.2.1");

	(void)state;
	assert_int_equal(take_all(b, &a, HZ), 100000);
	stw_budget_free(b);
}

static void many_sources_never_take_one_that_is_active(void **state)
{
	struct stw_budget *b = stw_budget_new(1, HZ, 7);
	struct stw_ip noisy = ip("192.0.2.1");
	unsigned got = 0;

	(void)state;
	/* 2000 others over a second: the noisy one asks between any two of them. */
	for (uint32_t i = 0; i < 2000; i++) {
		uint32_t v4 = 0x0a000000u + i;
		struct stw_ip other = stw_ip_from_v4(&v4);
		uint64_t now = HZ + (uint64_t)i * (HZ / 4000);
		stw_budget_take(b, &other, now);
		got += stw_budget_take(b, &noisy, now);
	}
	assert_int_equal(got, 1);
	stw_budget_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_source_has_its_share_at_once),
		cmocka_unit_test(it_comes_back_with_time_and_not_faster),
		cmocka_unit_test(a_household_of_ipv6_shares_one_bucket),
		cmocka_unit_test(zero_is_no_limit),
		cmocka_unit_test(many_sources_never_take_one_that_is_active),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
