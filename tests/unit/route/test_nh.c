/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "dataplane/route/nh.h"

static const uint64_t key[8] = {0xfedcba9876543210u, 0x0123456789abcdefu, 0xffffffffffffffffu,
				0x8000000000000001u, 0x5555555555555555u, 0x00000000ffffffffu,
				0xc3a5c85c97cb3127u, 0xb492b66fbe98f273u};
static const struct stw_sipkey beyond[2] = {{1, 2}, {3, 4}};

/* 64 by 64 bits to 128, by halves as on paper. */
static void multiply(uint64_t a, uint64_t b, uint64_t out[2])
{
	uint64_t a0 = a & 0xffffffffu, a1 = a >> 32, b0 = b & 0xffffffffu, b1 = b >> 32;
	uint64_t mid = a1 * b0 + (a0 * b0 >> 32);
	uint64_t mid2 = a0 * b1 + (mid & 0xffffffffu);

	out[0] = a * b;
	out[1] = a1 * b1 + (mid >> 32) + (mid2 >> 32);
}

/* RFC 4418 s5.2.2 with words of 64 bits. */
static void plain(size_t window, const char *p, size_t len, uint64_t sum[2])
{
	char padded[STW_NH_WINDOW] = {0};

	memcpy(padded, p, len);
	sum[0] = sum[1] = 0;
	for (size_t i = 0; i < window / 8; i += 2) {
		uint64_t a, b, product[2];

		memcpy(&a, padded + 8 * i, 8);
		memcpy(&b, padded + 8 * i + 8, 8);
		multiply(a + key[i], b + key[i + 1], product);
		sum[0] += product[0];
		sum[1] += product[1] + (sum[0] < product[0]);
	}
}

static void assert_sum(stw_nh_sum got, const uint64_t expect[2])
{
	assert_true((uint64_t)got == expect[0]);
	assert_true((uint64_t)(got >> 64) == expect[1]);
}

static void is_the_sum_of_products_for_every_length(void **state)
{
	static const size_t windows[] = {16, 32, 48, 64};
	char text[2 * STW_NH_WINDOW];
	uint64_t expect[2];

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(i * 37 + 11);
	for (size_t w = 0; w < 4; w++)
		for (size_t len = 0; len <= windows[w]; len++) {
			plain(windows[w], text, len, expect);
			assert_sum(stw_nh_text(key, beyond, windows[w], text, len, true), expect);
		}
}

/* From a copy that ends with the text, so that a sanitizer sees one byte too far. */
static void is_the_same_at_the_end_of_a_message(void **state)
{
	char text[2 * STW_NH_WINDOW];

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(i * 101 + 3);
	for (size_t len = 1; len <= STW_NH_WINDOW; len++) {
		char *exact = malloc(len);

		assert_non_null(exact);
		memcpy(exact, text, len);
		assert_true(stw_nh_text(key, beyond, 64, exact, len, false) ==
			    stw_nh_text(key, beyond, 64, text, len, true));
		free(exact);
	}
}

static void takes_two_siphashes_of_what_exceeds_the_window(void **state)
{
	char text[200];
	uint64_t expect[2];

	(void)state;
	memset(text, 'x', sizeof(text));
	for (size_t len = 33; len <= sizeof(text); len++) {
		expect[0] = stw_siphash13(beyond[1], text, len);
		expect[1] = stw_siphash13(beyond[0], text, len);
		assert_sum(stw_nh_text(key, beyond, 32, text, len, true), expect);
		assert_sum(stw_nh_text(key, beyond, 32, text, len, false), expect);
	}
}

/* Sixteen keys, Call-IDs that count: each of 64 ranges of the spread values gets its share. */
static void spreads_what_differs_in_one_digit(void **state)
{
	enum { RANGES = 64, EACH = 400 };

	(void)state;
	for (uint64_t k = 1; k <= 16; k++) {
		uint64_t other[8];
		size_t hits[RANGES] = {0};

		for (size_t i = 0; i < 8; i++)
			other[i] = stw_siphash24((struct stw_sipkey){k, 0}, &i, sizeof(i));
		for (size_t n = 0; n < RANGES * EACH; n++) {
			char text[64] = "call-000000";

			for (size_t digit = 10, rest = n; rest > 0; rest /= 10)
				text[digit--] = (char)('0' + rest % 10);
			hits[stw_nh_spread(stw_nh_text(other, beyond, 64, text, 11, true)) >> 58]++;
		}
		/* six standard deviations of a fair choice */
		for (size_t i = 0; i < RANGES; i++)
			assert_in_range(hits[i], EACH - 120, EACH + 120);
	}
}

/* Pairs from the front, the last 16 bytes once more, and the length. */
static void plain_whole(const uint64_t *whole, const char *p, size_t len, uint64_t sum[2])
{
	const size_t n = len / 16;
	char last[16] = {0};

	memcpy(last, len < 16 ? p : p + len - 16, len < 16 ? len : 16);
	sum[0] = sum[1] = 0;
	for (size_t i = 0; i < n + 2; i++) {
		const char *at = i < n ? p + 16 * i : last;
		const uint64_t *k = i < n ? whole + 4 + 2 * i : i == n ? whole + 2 : whole;
		uint64_t pair[2] = {len, 0}, product[2];

		if (i <= n)
			memcpy(pair, at, 16);
		multiply(pair[0] + k[0], pair[1] + k[1], product);
		sum[0] += product[0];
		sum[1] += product[1] + (sum[0] < product[0]);
	}
}

static void takes_a_whole_input_of_any_length(void **state)
{
	uint64_t whole[STW_NH_WHOLE_KEY(255)], expect[2];

	(void)state;
	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++)
		whole[i] = key[i % 8] * (2 * i + 1);
	for (size_t len = 0; len <= 255; len++) {
		char *exact = malloc(len + 1) /* a sanitizer sees one byte too far */;

		assert_non_null(exact);
		char *p = exact + 1;

		for (size_t i = 0; i < len; i++)
			p[i] = (char)(i * 53 + 7);
		const stw_nh_sum sum = stw_nh_whole(whole, p, len);

		plain_whole(whole, p, len, expect);
		assert_sum(sum, expect);
		for (size_t i = 0; i < len; i++) {
			p[i] ^= 0x20;
			assert_false(stw_nh_whole(whole, p, len) == sum);
			p[i] ^= 0x20;
		}
		free(exact);
	}
	/* zeros behind are not nothing */
	assert_false(stw_nh_whole(whole, "ab\0", 3) == stw_nh_whole(whole, "ab", 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_a_whole_input_of_any_length),
		cmocka_unit_test(is_the_sum_of_products_for_every_length),
		cmocka_unit_test(is_the_same_at_the_end_of_a_message),
		cmocka_unit_test(takes_two_siphashes_of_what_exceeds_the_window),
		cmocka_unit_test(spreads_what_differs_in_one_digit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
