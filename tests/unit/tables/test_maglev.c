/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <strowger/errors.h>

#include "control/tables/maglev.h"

#define N_SLOTS 65537u

static size_t count(const uint16_t *slots, size_t n, uint16_t member)
{
	size_t c = 0;

	for (size_t i = 0; i < n; i++)
		c += slots[i] == member;
	return c;
}

static void shares_follow_the_weights_exactly(void **state)
{
	const struct stw_maglev_member m[] = {{11, 1}, {22, 2}, {33, 3}, {44, 0}, {55, 65535}};
	uint16_t *slots = calloc(N_SLOTS, sizeof(*slots));
	uint64_t total = 1 + 2 + 3 + 65535;
	size_t sum = 0;

	(void)state;
	assert_int_equal(stw_maglev_build(m, 5, slots, N_SLOTS), STW_OK);
	for (uint16_t i = 0; i < 5; i++) {
		size_t got = count(slots, N_SLOTS, i);
		uint64_t floor = (uint64_t)m[i].weight * N_SLOTS / total;

		assert_in_range(got, floor, floor + 1);
		sum += got;
	}
	assert_int_equal(count(slots, N_SLOTS, 3), 0);
	assert_int_equal(sum, N_SLOTS);
	free(slots);
}

static void order_of_members_does_not_matter(void **state)
{
	const struct stw_maglev_member a[] = {{5, 10}, {9, 20}, {1, 30}, {7, 10}};
	const struct stw_maglev_member b[] = {{7, 10}, {1, 30}, {5, 10}, {9, 20}};
	uint16_t *x = calloc(N_SLOTS, sizeof(*x)), *y = calloc(N_SLOTS, sizeof(*y));

	(void)state;
	assert_int_equal(stw_maglev_build(a, 4, x, N_SLOTS), STW_OK);
	assert_int_equal(stw_maglev_build(b, 4, y, N_SLOTS), STW_OK);
	for (size_t i = 0; i < N_SLOTS; i++)
		assert_int_equal(a[x[i]].id, b[y[i]].id);
	free(x);
	free(y);
}

static void one_member_takes_all(void **state)
{
	const struct stw_maglev_member m = {77, 3};
	uint16_t slots[13];

	(void)state;
	assert_int_equal(stw_maglev_build(&m, 1, slots, 13), STW_OK);
	assert_int_equal(count(slots, 13, 0), 13);
}

static void refuses_what_it_cannot_fill(void **state)
{
	struct stw_maglev_member m[] = {{1, 0}, {2, 0}};
	uint16_t slots[13];

	(void)state;
	assert_int_equal(stw_maglev_build(m, 2, slots, 13), STW_ENOENT);
	assert_int_equal(stw_maglev_build(m, 0, slots, 13), STW_ERANGE);
	m[0].weight = 1;
	assert_int_equal(stw_maglev_build(m, 2, slots, 12), STW_ERANGE);
	m[1] = m[0];
	assert_int_equal(stw_maglev_build(m, 2, slots, 13), STW_EDUP);
	m[1] = (struct stw_maglev_member){2, 65536};
	assert_int_equal(stw_maglev_build(m, 2, slots, 13), STW_ERANGE);
}

/* A heavy member among thousands of light ones is the most rounds there can be. */
static void fills_with_extreme_weights(void **state)
{
	enum { N = 4096 };
	struct stw_maglev_member *m = calloc(N, sizeof(*m));
	uint16_t *slots = calloc(N_SLOTS, sizeof(*slots));

	(void)state;
	for (uint32_t i = 0; i < N; i++)
		m[i] = (struct stw_maglev_member){i * 2654435761u, i == 0 ? 65535 : 1};
	assert_int_equal(stw_maglev_build(m, N, slots, N_SLOTS), STW_OK);
	for (size_t i = 0; i < N_SLOTS; i++)
		assert_true(slots[i] < N);
	for (uint32_t i = 1; i < N; i++)
		m[i].weight = 2 * (i % 2);
	assert_int_equal(stw_maglev_build(m, N, slots, N_SLOTS), STW_OK);
	free(m);
	free(slots);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shares_follow_the_weights_exactly),
		cmocka_unit_test(order_of_members_does_not_matter),
		cmocka_unit_test(one_member_takes_all),
		cmocka_unit_test(refuses_what_it_cannot_fill),
		cmocka_unit_test(fills_with_extreme_weights),
	};
	return cmocka_run_group_tests_name("maglev", tests, NULL, NULL);
}
