/* SPDX-License-Identifier: BSD-3-Clause */
/* Every checksum kernel against the definition, at every length and alignment, from copies whose
 * last byte is the last of its allocation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/path/cksum.h"

static uint16_t by_definition(const uint8_t *p, size_t len)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += i % 2 == 0 ? p[i] : (uint64_t)p[i] << 8;
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void check(uint32_t (*kernel)(const void *, size_t), const uint8_t *bytes, size_t len,
		  size_t shift)
{
	uint8_t *copy = malloc(len + shift + (len + shift == 0));

	assert_non_null(copy);
	memcpy(copy + shift, bytes, len);
	assert_int_equal(stw_cksum_fold(kernel(copy + shift, len)), by_definition(bytes, len));
	free(copy);
}

static void kernels_agree_with_the_definition(void **state)
{
	static uint8_t bytes[65535];
	uint32_t x = 2463534242u;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		bytes[i] = (uint8_t)x;
	}
	for (unsigned k = 0; stw_cksum_kernel(k) != NULL; k++) {
		for (size_t len = 0; len < 700; len++)
			for (size_t shift = 0; shift < 3; shift++)
				check(stw_cksum_kernel(k), bytes, len, shift);
		for (size_t len = 700; len <= sizeof(bytes); len += 6483)
			check(stw_cksum_kernel(k), bytes, len, 0);
		check(stw_cksum_kernel(k), bytes, sizeof(bytes), 1);
	}
}

/* The largest sums there are: no lane may overflow. */
static void all_ones_do_not_overflow(void **state)
{
	static uint8_t bytes[65535];

	(void)state;
	memset(bytes, 0xff, sizeof(bytes));
	for (unsigned k = 0; stw_cksum_kernel(k) != NULL; k++) {
		check(stw_cksum_kernel(k), bytes, 65535, 0);
		check(stw_cksum_kernel(k), bytes, 65534, 0);
	}
}

static void fold_takes_any_sum(void **state)
{
	(void)state;
	assert_int_equal(stw_cksum_fold(0), 0);
	assert_int_equal(stw_cksum_fold(0xffff), 0xffff);
	assert_int_equal(stw_cksum_fold(0x10000), 1);
	assert_int_equal(stw_cksum_fold(0xffffffff), 0xffff);
	assert_int_equal(stw_cksum_fold(0x1fffffffe), 0xffff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernels_agree_with_the_definition),
		cmocka_unit_test(all_ones_do_not_overflow),
		cmocka_unit_test(fold_takes_any_sum),
	};

	return cmocka_run_group_tests_name("dataplane-cksum", tests, NULL, NULL);
}
