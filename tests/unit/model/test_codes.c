/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "control/model/codes.h"

static void lists_and_ranges_are_sets(void **state)
{
	(void)state;
	const char *set = "200-299, 404,480 - 483";

	assert_true(stw_codes_valid(set));
	assert_true(stw_codes_has(set, 200));
	assert_true(stw_codes_has(set, 299));
	assert_true(stw_codes_has(set, 404));
	assert_true(stw_codes_has(set, 482));
	assert_false(stw_codes_has(set, 199));
	assert_false(stw_codes_has(set, 300));
	assert_false(stw_codes_has(set, 403));
	assert_false(stw_codes_has(set, 484));
}

static void other_texts_are_none(void **state)
{
	(void)state;
	static const char *const texts[] = {"",	       ",",	  "200,",    ",200",	"2000",
					    "20",      "199",	  "700",     "299-200", "200-",
					    "200-abc", "-200",	  "200 300", "2xx",	"200,,300",
					    "200--9",  "200-1000"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (stw_codes_valid(texts[i]))
			fail_msg("\"%s\" is taken for a set", texts[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_and_ranges_are_sets),
		cmocka_unit_test(other_texts_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
