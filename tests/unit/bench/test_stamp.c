/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bench/random.h"
#include "bench/traffic/histogram.h"
#include "bench/traffic/stamp.h"

static void a_stamp_is_read_as_it_was_written(void **state)
{
	(void)state;
	struct stw_bench_random random = {.state = 7};

	for (int i = 0; i < 10000; i++) {
		struct stw_stamp in = {(uint32_t)stw_bench_random_u64(&random),
				       (uint32_t)stw_bench_random_u64(&random)},
				 out = {0};
		uint8_t letters[STW_STAMP_LETTERS];

		stw_stamp_write(letters, in);
		for (unsigned k = 0; k < sizeof(letters); k++)
			assert_in_range(letters[k], 'a', 'p');
		assert_true(stw_stamp_read(letters, &out));
		assert_int_equal(out.run, in.run);
		assert_int_equal(out.seq, in.seq);
	}
}

static void other_letters_are_no_stamp(void **state)
{
	(void)state;
	struct stw_stamp out;

	for (unsigned k = 0; k < STW_STAMP_LETTERS; k++) {
		uint8_t letters[] = "abcdefghijklmnop";

		letters[k] = 'q';
		assert_false(stw_stamp_read(letters, &out));
		letters[k] = '`';
		assert_false(stw_stamp_read(letters, &out));
	}
}

static void a_stamp_cut_short_is_not_found(void **state)
{
	(void)state;
	static const uint8_t text[] = "X-Stamp: " STW_STAMP_EMPTY;
	size_t whole = sizeof(text) - 1;

	assert_ptr_equal(stw_stamp_find(text, whole), text + 10);
	for (size_t n = 0; n < whole; n++)
		assert_null(stw_stamp_find(text, n));
}

static uint32_t slow_sum(const uint8_t *p, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += i % 2 == 0 ? p[i] : (uint32_t)p[i] << 8;
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

static void its_share_of_a_checksum_is_that_of_its_bytes(void **state)
{
	(void)state;
	struct stw_bench_random random = {.state = 9};

	for (int i = 0; i < 1000; i++) {
		uint8_t bytes[STW_STAMP_LETTERS + 1] = {0};
		uint8_t *odd = bytes + 1;

		stw_stamp_write(odd, (struct stw_stamp){(uint32_t)stw_bench_random_u64(&random),
							(uint32_t)i});
		assert_int_equal(stw_stamp_sum(odd, true), slow_sum(bytes, sizeof(bytes)));
		assert_int_equal(stw_stamp_sum(odd, false), slow_sum(odd, STW_STAMP_LETTERS));
	}
}

static void buckets_hold_values_within_two_percent(void **state)
{
	(void)state;
	struct stw_bench_random random = {.state = 11};

	for (int i = 0; i < 100000; i++) {
		uint64_t v = stw_bench_random_u64(&random) >> (1 + i % 63);
		uint32_t index = stw_histogram_index(v);
		uint64_t upper = stw_histogram_upper(index);

		assert_true(index < STW_HISTOGRAM_BUCKETS);
		assert_true(upper >= v && upper - v <= v / 64);
		assert_true(index == 0 || stw_histogram_upper(index - 1) < v);
	}
}

static void percentiles_are_those_of_the_sorted_values(void **state)
{
	(void)state;
	static struct stw_histogram h;

	assert_int_equal(stw_histogram_at(&h, 0.5), 0);
	for (uint64_t v = 1; v <= 100000; v++)
		stw_histogram_add(&h, v);
	assert_in_range(stw_histogram_at(&h, 0.5), 50000, 50800);
	assert_in_range(stw_histogram_at(&h, 0.99), 99000, 100000);
	assert_int_equal(stw_histogram_at(&h, 1), 100000);
	assert_int_equal(stw_histogram_at(&h, 0), 1);
	assert_int_equal(h.n, 100000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stamp_is_read_as_it_was_written),
		cmocka_unit_test(other_letters_are_no_stamp),
		cmocka_unit_test(a_stamp_cut_short_is_not_found),
		cmocka_unit_test(its_share_of_a_checksum_is_that_of_its_bytes),
		cmocka_unit_test(buckets_hold_values_within_two_percent),
		cmocka_unit_test(percentiles_are_those_of_the_sorted_values),
	};

	return cmocka_run_group_tests_name("bench/stamp", tests, NULL, NULL);
}
