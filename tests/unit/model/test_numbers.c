/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>

#include "control/model/numbers.h"

/* A model of members only: host @i is 10.x.y.z. */
struct some {
	struct stw_model model;
	struct stw_model_member members[STW_MEMBER_NUMBERS + 1];
};

static struct stw_endpoint host(uint32_t i)
{
	const uint8_t v4[4] = {10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};

	return (struct stw_endpoint){.ip = stw_ip_from_v4(v4), .port = 5060};
}

/* Hosts @first, @first + 1, ... */
static struct stw_model *range(uint32_t first, size_t n)
{
	static struct some s;

	for (uint32_t i = 0; i < n; i++)
		s.members[i] =
			(struct stw_model_member){.address = host(first + i), .number = UINT16_MAX};
	s.model.members = s.members;
	s.model.n_members = n;
	return &s.model;
}

static struct stw_numbers *start(void)
{
	struct stw_numbers *n = stw_numbers_new();

	assert_non_null(n);
	return n;
}

static void counts_are(const struct stw_numbers *n, size_t live, size_t leaving)
{
	size_t l, g, f;

	stw_numbers_count(n, &l, &g, &f);
	assert_int_equal(l, live);
	assert_int_equal(g, leaving);
	assert_int_equal(l + g + f, STW_MEMBER_NUMBERS);
}

static void an_address_keeps_its_number(void **state)
{
	struct stw_numbers *n = start();

	(void)state;
	assert_int_equal(stw_numbers_assign(n, range(1, 3), 1), STW_OK);
	int two = stw_numbers_find(n, &(struct stw_endpoint){0});

	assert_int_equal(two, -1);
	struct stw_endpoint second = host(2);

	two = stw_numbers_find(n, &second);
	assert_in_range(two, 0, 2);
	struct stw_model *m = range(2, 5);

	assert_int_equal(stw_numbers_assign(n, m, 2), STW_OK);
	assert_int_equal(m->members[0].number, two);
	counts_are(n, 5, 1);
	stw_numbers_free(n);
}

static void a_number_is_not_free_before_the_acknowledgement(void **state)
{
	struct stw_numbers *n = start();

	(void)state;
	assert_int_equal(stw_numbers_assign(n, range(1, 2), 5), STW_OK);
	stw_numbers_acknowledged(n, 5);
	assert_int_equal(stw_numbers_assign(n, range(1, 1), 6), STW_OK);
	counts_are(n, 1, 1);
	stw_numbers_acknowledged(n, 5); /* an older image: still has it */
	counts_are(n, 1, 1);
	stw_numbers_acknowledged(n, 6);
	counts_are(n, 1, 0);
	stw_numbers_free(n);
}

static void a_later_acknowledgement_counts_for_earlier_ones(void **state)
{
	struct stw_numbers *n = start();

	(void)state;
	assert_int_equal(stw_numbers_assign(n, range(1, 3), 1), STW_OK);
	assert_int_equal(stw_numbers_assign(n, range(1, 2), 2), STW_OK);
	assert_int_equal(stw_numbers_assign(n, range(1, 1), 3), STW_OK);
	counts_are(n, 1, 2);
	stw_numbers_acknowledged(n, 9);
	counts_are(n, 1, 0);
	stw_numbers_free(n);
}

static void a_number_that_is_held_is_not_free(void **state)
{
	struct stw_numbers *n = start();
	struct stw_model *m = range(1, 1);

	(void)state;
	assert_int_equal(stw_numbers_assign(n, m, 1), STW_OK);
	uint16_t held = m->members[0].number;

	stw_numbers_ref(n, held);
	stw_numbers_ref(n, held);
	assert_int_equal(stw_numbers_assign(n, range(1, 0), 2), STW_OK);
	stw_numbers_acknowledged(n, 2);
	counts_are(n, 0, 1);
	stw_numbers_unref(n, held);
	counts_are(n, 0, 1);
	stw_numbers_unref(n, held);
	counts_are(n, 0, 0);
	stw_numbers_free(n);
}

static void letting_go_early_does_not_free(void **state)
{
	struct stw_numbers *n = start();
	struct stw_model *m = range(1, 1);

	(void)state;
	assert_int_equal(stw_numbers_assign(n, m, 1), STW_OK);
	uint16_t held = m->members[0].number;

	stw_numbers_ref(n, held);
	stw_numbers_unref(n, held);
	counts_are(n, 1, 0); /* live */
	stw_numbers_ref(n, held);
	assert_int_equal(stw_numbers_assign(n, range(1, 0), 2), STW_OK);
	stw_numbers_unref(n, held);
	counts_are(n, 0, 1); /* not acknowledged */
	stw_numbers_free(n);
}

static void who_comes_back_while_leaving_keeps_the_number(void **state)
{
	struct stw_numbers *n = start();
	struct stw_model *m = range(1, 2);

	(void)state;
	assert_int_equal(stw_numbers_assign(n, m, 1), STW_OK);
	uint16_t number = m->members[1].number;
	uint32_t epoch = stw_numbers_epoch(n, number);

	assert_int_equal(stw_numbers_assign(n, range(1, 1), 2), STW_OK);
	struct stw_endpoint second = host(2);

	assert_int_equal(stw_numbers_find(n, &second), -1);
	m = range(1, 2);
	assert_int_equal(stw_numbers_assign(n, m, 3), STW_OK);
	assert_int_equal(m->members[1].number, number);
	assert_int_equal(stw_numbers_epoch(n, number), epoch);
	/* The acknowledgement of the generation without it comes late: it is in use again. */
	stw_numbers_acknowledged(n, 2);
	counts_are(n, 2, 0);
	stw_numbers_free(n);
}

static void reuse_is_as_late_as_possible(void **state)
{
	struct stw_numbers *n = start();
	struct stw_model *m = range(1, 3);
	uint16_t first[3];
	uint64_t generation = 1;

	(void)state;
	assert_int_equal(stw_numbers_assign(n, m, generation), STW_OK);
	for (size_t i = 0; i < 3; i++)
		first[i] = m->members[i].number;
	/* Freed in the order 2, 0, 1. */
	m = range(1, 2);
	assert_int_equal(stw_numbers_assign(n, m, ++generation), STW_OK);
	stw_numbers_acknowledged(n, generation);
	m = range(2, 1);
	assert_int_equal(stw_numbers_assign(n, m, ++generation), STW_OK);
	stw_numbers_acknowledged(n, generation);
	assert_int_equal(stw_numbers_assign(n, range(1, 0), ++generation), STW_OK);
	stw_numbers_acknowledged(n, generation);
	counts_are(n, 0, 0);

	m = range(1000, STW_MEMBER_NUMBERS);
	assert_int_equal(stw_numbers_assign(n, m, ++generation), STW_OK);
	assert_int_equal(m->members[STW_MEMBER_NUMBERS - 3].number, first[2]);
	assert_int_equal(m->members[STW_MEMBER_NUMBERS - 2].number, first[0]);
	assert_int_equal(m->members[STW_MEMBER_NUMBERS - 1].number, first[1]);
	assert_int_equal(stw_numbers_epoch(n, first[0]), 2);
	stw_numbers_free(n);
}

static void without_space_nothing_changes(void **state)
{
	struct stw_numbers *n = start();
	struct stw_model *m = range(1, STW_MEMBER_NUMBERS);

	(void)state;
	assert_int_equal(stw_numbers_assign(n, m, 1), STW_OK);
	m = range(1, STW_MEMBER_NUMBERS + 1);
	assert_int_equal(stw_numbers_assign(n, m, 2), STW_ENOSPACE);
	counts_are(n, STW_MEMBER_NUMBERS, 0);
	/* One other instead of one: its number is still in the image being served. */
	m = range(2, STW_MEMBER_NUMBERS);
	assert_int_equal(stw_numbers_assign(n, m, 2), STW_ENOSPACE);
	counts_are(n, STW_MEMBER_NUMBERS, 0);
	assert_int_equal(m->members[0].number, UINT16_MAX);
	/* In two steps it goes. */
	assert_int_equal(stw_numbers_assign(n, range(2, STW_MEMBER_NUMBERS - 1), 2), STW_OK);
	stw_numbers_acknowledged(n, 2);
	assert_int_equal(stw_numbers_assign(n, range(2, STW_MEMBER_NUMBERS), 3), STW_OK);
	stw_numbers_free(n);
}

static void numbers_are_adopted(void **state)
{
	struct stw_numbers *n = start();
	struct stw_endpoint a = host(1), b = host(2);

	(void)state;
	assert_int_equal(stw_numbers_adopt(n, &a, 77), STW_OK);
	assert_int_equal(stw_numbers_adopt(n, &a, 77), STW_OK);
	assert_int_equal(stw_numbers_adopt(n, &a, 78), STW_EDUP);
	assert_int_equal(stw_numbers_adopt(n, &b, 77), STW_EDUP);
	assert_int_equal(stw_numbers_adopt(n, &b, STW_MEMBER_NUMBERS), STW_ERANGE);
	assert_int_equal(stw_numbers_adopt(n, &b, 0), STW_OK);
	struct stw_model *m = range(1, 1);

	assert_int_equal(stw_numbers_assign(n, m, 9), STW_OK);
	assert_int_equal(m->members[0].number, 77);
	counts_are(n, 1, 1); /* b is served and no longer wanted */
	stw_numbers_acknowledged(n, 9);
	counts_are(n, 1, 0);
	stw_numbers_free(n);
}

static void freeing_none_is_fine(void **state)
{
	(void)state;
	stw_numbers_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_keeps_its_number),
		cmocka_unit_test(a_number_is_not_free_before_the_acknowledgement),
		cmocka_unit_test(a_later_acknowledgement_counts_for_earlier_ones),
		cmocka_unit_test(a_number_that_is_held_is_not_free),
		cmocka_unit_test(letting_go_early_does_not_free),
		cmocka_unit_test(who_comes_back_while_leaving_keeps_the_number),
		cmocka_unit_test(reuse_is_as_late_as_possible),
		cmocka_unit_test(without_space_nothing_changes),
		cmocka_unit_test(numbers_are_adopted),
		cmocka_unit_test(freeing_none_is_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
