/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <strowger/errors.h>
#include <strowger/table_image.h>

#include "control/model/rule_keys.h"
#include "control/model/rule_rows.h"

static struct stw_model model_of(struct stw_model_rule *rules, size_t n)
{
	return (struct stw_model){.rules = rules, .n_rules = n};
}

static void name(struct stw_model_rule *r, const char *text)
{
	memset(r, 0, sizeof(*r));
	strcpy(r->name, text);
}

static void a_rule_keeps_its_row_wherever_it_stands(void **state)
{
	struct stw_rule_rows *rows = stw_rule_rows_new();
	struct stw_model_rule rules[3];
	struct stw_model m = model_of(rules, 2);

	(void)state;
	name(&rules[0], "a");
	name(&rules[1], "b");
	assert_int_equal(stw_rule_rows_assign(rows, &m), STW_OK);
	uint32_t a = rules[0].row, b = rules[1].row;
	assert_int_not_equal(a, b);

	name(&rules[0], "new");
	name(&rules[1], "b");
	name(&rules[2], "a");
	m.n_rules = 3;
	assert_int_equal(stw_rule_rows_assign(rows, &m), STW_OK);
	assert_int_equal(rules[2].row, a);
	assert_int_equal(rules[1].row, b);
	assert_true(rules[0].row != a && rules[0].row != b);

	name(&rules[0], "b"); /* gone and back */
	m.n_rules = 1;
	assert_int_equal(stw_rule_rows_assign(rows, &m), STW_OK);
	name(&rules[1], "a");
	m.n_rules = 2;
	assert_int_equal(stw_rule_rows_assign(rows, &m), STW_OK);
	assert_int_equal(rules[1].row, a);
	stw_rule_rows_free(rows);
}

static void rows_of_a_served_image_are_kept(void **state)
{
	struct stw_rule_rows *rows = stw_rule_rows_new();
	struct stw_model_rule rules[2];
	struct stw_model m = model_of(rules, 2);

	(void)state;
	assert_int_equal(stw_rule_rows_adopt(rows, "z", 7), STW_OK);
	assert_int_equal(stw_rule_rows_adopt(rows, "a", 0), STW_OK);
	assert_int_equal(stw_rule_rows_adopt(rows, "b", 7), STW_EDUP);
	assert_int_equal(stw_rule_rows_adopt(rows, "c", STW_IMAGE_RULE_ROWS), STW_ERANGE);
	name(&rules[0], "new");
	name(&rules[1], "z");
	assert_int_equal(stw_rule_rows_assign(rows, &m), STW_OK);
	assert_int_equal(rules[1].row, 7);
	assert_int_equal(rules[0].row, 1);
	stw_rule_rows_free(rows);
}

/* When rows run out, names gone longest give way, and none that is there. */
static void rows_do_not_run_out(void **state)
{
	struct stw_rule_rows *rows = stw_rule_rows_new();
	struct stw_model_rule *rules = calloc(STW_IMAGE_RULES, sizeof(*rules));
	struct stw_model m = model_of(rules, STW_IMAGE_RULES);
	uint8_t *taken = calloc(STW_IMAGE_RULE_ROWS, 1);
	uint32_t kept = 0;

	(void)state;
	for (int round = 0; round < 4; round++) {
		memset(taken, 0, STW_IMAGE_RULE_ROWS);
		for (uint32_t i = 0; i < STW_IMAGE_RULES; i++)
			snprintf(rules[i].name, sizeof(rules[i].name), "%d-%u", i == 5 ? 0 : round,
				 i);
		assert_int_equal(stw_rule_rows_assign(rows, &m), STW_OK);
		for (uint32_t i = 0; i < STW_IMAGE_RULES; i++) {
			assert_true(rules[i].row < STW_IMAGE_RULE_ROWS);
			assert_int_equal(taken[rules[i].row], 0);
			taken[rules[i].row] = 1;
		}
		if (round > 0)
			assert_int_equal(rules[5].row, kept);
		kept = rules[5].row;
	}
	free(taken);
	free(rules);
	stw_rule_rows_free(rows);
}

/* ---- by which field a rule is found ---- */

static void the_least_common_value_finds_a_rule(void **state)
{
	struct stw_model_rule rules[100];
	struct stw_model_rule_user users[100];
	struct stw_model_rule_domain domain = {.text = "example.net"};
	struct stw_model m = model_of(rules, 100);
	size_t crowded;

	(void)state;
	memset(rules, 0, sizeof(rules));
	for (int i = 0; i < 100; i++) {
		snprintf(users[i].text, sizeof(users[i].text), "u%d", i);
		rules[i].domains = &domain;
		rules[i].n_domains = 1;
		rules[i].users = &users[i];
		rules[i].n_users = 1;
	}
	assert_int_equal(stw_rules_choose(&m, &crowded), STW_OK);
	for (int i = 0; i < 100; i++)
		assert_int_equal(rules[i].by, STW_IMAGE_RULE_BY_USER);
}

static void too_many_of_one_value_are_told(void **state)
{
	struct stw_model_rule rules[100];
	struct stw_model_rule_domain domain = {.text = "example.net"};
	struct stw_model m = model_of(rules, STW_IMAGE_RULE_SHARE);
	size_t crowded;

	(void)state;
	memset(rules, 0, sizeof(rules));
	assert_int_equal(stw_rules_choose(&m, &crowded), STW_OK);
	assert_int_equal(rules[0].by, STW_IMAGE_RULE_FIELDS);
	m.n_rules++;
	assert_int_equal(stw_rules_choose(&m, &crowded), STW_ERANGE);
	assert_int_equal(crowded, STW_IMAGE_RULE_SHARE);
	for (int i = 0; i < 100; i++) {
		rules[i].domains = &domain;
		rules[i].n_domains = 1;
	}
	assert_int_equal(stw_rules_choose(&m, &crowded), STW_ERANGE);
	assert_int_equal(crowded, STW_IMAGE_RULE_SHARE);
	m.n_rules--;
	assert_int_equal(stw_rules_choose(&m, &crowded), STW_OK);
	assert_int_equal(rules[0].by, STW_IMAGE_RULE_BY_DOMAIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rule_keeps_its_row_wherever_it_stands),
		cmocka_unit_test(rows_of_a_served_image_are_kept),
		cmocka_unit_test(rows_do_not_run_out),
		cmocka_unit_test(the_least_common_value_finds_a_rule),
		cmocka_unit_test(too_many_of_one_value_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
