/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "dataplane/route/hex.h"

static void writes_what_printf_writes(void **state)
{
	(void)state;
	srandom(1);
	for (int i = 0; i < 100000; i++) {
		uint64_t x = (uint64_t)random() << 40 ^ (uint64_t)random() << 20 ^
			     (uint64_t)random(),
			 back;
		char got[17] = "", want[17];

		stw_hex_put64(got, x);
		snprintf(want, sizeof(want), "%016llx", (unsigned long long)x);
		assert_string_equal(got, want);
		assert_true(stw_hex_get64(got, &back));
		assert_true(back == x);
	}
}

static void reads_lower_case_digits_only(void **state)
{
	(void)state;
	for (int place = 0; place < 8; place++)
		for (int c = 0; c < 256; c++) {
			char text[] = "01239abf";
			bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
			uint32_t x;

			text[place] = (char)c;
			assert_int_equal(stw_hex_get32(text, &x), digit);
		}
}

static void writes_decimals(void **state)
{
	static const uint32_t values[] = {0, 9, 10, 99, 100, 254, 65535, 99999, 4294967295u};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		char got[11], want[11];

		got[stw_put_number(got, values[i])] = '\0';
		snprintf(want, sizeof(want), "%u", values[i]);
		assert_string_equal(got, want);
	}
}

static void writes_every_port_as_printf_does(void **state)
{
	(void)state;
	for (uint32_t n = 0; n <= UINT16_MAX; n++) {
		char got[8], want[8];
		size_t len = stw_put_u16(got, (uint16_t)n);

		assert_int_equal(len, snprintf(want, sizeof(want), "%u", n));
		assert_memory_equal(got, want, len);
	}
}

static void sixteen_digits_are_lower_case_hex_and_nothing_else(void **state)
{
	(void)state;
	for (int at = 0; at < 16; at++)
		for (int c = 0; c < 256; c++) {
			char text[] = "0123456789abcdef";
			uint64_t x;

			text[at] = (char)c;
			bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
			assert_int_equal(stw_hex_get64(text, &x), digit);
			if (digit)
				assert_true(x == strtoull(text, NULL, 16));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sixteen_digits_are_lower_case_hex_and_nothing_else),
		cmocka_unit_test(writes_what_printf_writes),
		cmocka_unit_test(reads_lower_case_digits_only),
		cmocka_unit_test(writes_decimals),
		cmocka_unit_test(writes_every_port_as_printf_does),
	};
	return cmocka_run_group_tests_name("hex", tests, NULL, NULL);
}
