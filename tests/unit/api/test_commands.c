/* SPDX-License-Identifier: BSD-3-Clause */
/* The client's tables: commands are found, mistyped ones are guessed, columns stand straight. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/cli/cli.h"
#include "control/cli/grid.h"
#include "control/cli/show.h"

static void each_command_is_found_by_its_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < stw_n_commands; i++) {
		char name[40];
		char more[] = "more";
		char *words[3] = {name, NULL, more};
		int n = 2;
		int used = 0;
		snprintf(name, sizeof(name), "%s", stw_commands[i].name);
		words[1] = strchr(name, ' ');
		if (words[1]) {
			*words[1]++ = '\0';
			n = 3;
		} else {
			words[1] = words[2];
		}
		assert_ptr_equal(stw_command_find(words, n, &used), &stw_commands[i]);
		assert_int_equal(used, n - 1);
		assert_ptr_equal(stw_command_nearest(stw_commands[i].name), &stw_commands[i]);
	}
}

static void no_command_is_found_by_another_name(void **state)
{
	static char none[][2][16] = {{"show", "nothing"},  {"sho", "members"}, {"", ""},
				     {"show members", ""}, {"drai", ""},       {"drainn", ""}};
	int used;
	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		char *words[] = {none[i][0], none[i][1]};
		assert_null(stw_command_find(words, 2, &used));
		if (i == 0) {
			assert_null(stw_command_find(words, 1, &used));
			assert_null(stw_command_find(words, 0, &used));
		}
	}
}

static void nearest_command_is_what_was_meant(void **state)
{
	static const char *const rows[][2] = {
		{"shwo members", "show members"},
		{"show mebers", "show members"},
		{"members", "show members"},
		{"counter", "show counters"},
		{"relaod", "reload"},
		{"undrian", "undrain"},
		{"wieght", "weight"},
		{"chekc", "check"},
	};
	char longest[300];
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(stw_command_nearest(rows[i][0])->name, rows[i][1]);
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_non_null(stw_command_nearest(longest));
	assert_non_null(stw_command_nearest(""));
}

static void a_command_that_changes_names_an_endpoint_that_does(void **state)
{
	(void)state;
	for (size_t i = 0; i < stw_n_commands; i++) {
		const struct stw_command *c = &stw_commands[i];
		bool reads = strncmp(c->name, "show ", 5) == 0 || strcmp(c->name, "top") == 0 ||
			     strncmp(c->name, "wait ", 5) == 0;
		if (c->endpoint == STW_N_ENDPOINTS)
			continue;
		enum stw_effect effect = stw_endpoint_rows[c->endpoint].effect;
		if (reads)
			assert_true(effect == STW_EFFECT_READ || effect == STW_EFFECT_INSPECT);
		else
			assert_int_not_equal(effect, STW_EFFECT_READ);
	}
}

static void expect_printed(const struct stw_grid *g, const char *wanted)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	assert_non_null(f);
	stw_grid_print(g, f);
	fclose(f);
	assert_string_equal(text, wanted);
	free(text);
}

static void columns_are_as_wide_as_they_need(void **state)
{
	struct stw_grid g;
	(void)state;
	stw_grid_init(&g, (const char *const[]){"NAME", ">N", "LAST", NULL});
	expect_printed(&g, "NAME  N  LAST\n");
	stw_grid_add(&g, "a");
	stw_grid_add(&g, "%d", 12345);
	stw_grid_add(&g, "x");
	stw_grid_add(&g, "longer name");
	stw_grid_add(&g, "1");
	stw_grid_add(&g, "much longer");
	expect_printed(&g, "NAME             N  LAST\n"
			   "a            12345  x\n"
			   "longer name      1  much longer\n");
	stw_grid_fini(&g);
}

static void unknown_values_are_a_dash(void **state)
{
	json_t *o = json_pack("{s:n, s:i, s:f, s:f, s:f, s:b, s:s}", "null", "int", 7, "low", 1.25,
			      "high", 12345.6, "huge", 2999999., "yes", 1, "text", "word");
	(void)state;
	assert_string_equal(stw_text(o, "null"), "-");
	assert_string_equal(stw_text(o, "absent"), "-");
	assert_string_equal(stw_text(NULL, "absent"), "-");
	assert_string_equal(stw_text(o, "int"), "7");
	assert_string_equal(stw_text(o, "yes"), "yes");
	assert_string_equal(stw_text(o, "text"), "word");
	assert_string_equal(stw_rate_text(o, "null"), "-");
	assert_string_equal(stw_rate_text(o, "low"), "1.2");
	assert_string_equal(stw_rate_text(o, "high"), "12346");
	assert_string_equal(stw_rate_text(o, "huge"), "3.00M");
	json_decref(o);
}

/* An answer of another control may lack anything: nothing may depend on what it holds. */
static void printers_take_any_answer(void **state)
{
	static const char *const answers[] = {
		"{}",
		"{\"members\": 7, \"workers\": {}, \"total\": [], \"ports\": \"x\", \"pools\": "
		"null}",
		"{\"members\": [{}, 1, {\"pools\": [{}, 2]}], \"workers\": [[], {}],"
		" \"total\": {\"counters\": {\"received\": \"x\"}}, \"pools\": [{\"members\": "
		"[1]}]}",
	};
	FILE *f = fopen("/dev/null", "w");
	(void)state;
	assert_non_null(f);
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		json_t *a = json_loads(answers[i], 0, NULL);
		assert_non_null(a);
		stw_print_link(a, f);
		stw_print_status(a, f);
		stw_print_version(a, f);
		stw_print_workers(a, f);
		stw_print_ports(a, f);
		stw_print_listeners(a, f);
		stw_print_pools(a, f);
		stw_print_members(a, f);
		stw_print_counters(a, true, f);
		json_decref(a);
	}
	fclose(f);
}

static void control_characters_do_not_reach_a_terminal(void **state)
{
	char longest[3000];

	(void)state;
	assert_string_equal(stw_safe("plain, \xc3\xa9t\xc3\xa9"), "plain, \xc3\xa9t\xc3\xa9");
	assert_string_equal(stw_safe("a\033[2Jb\n\x7f"), "a\\x1b[2Jb\\x0a\\x7f");
	assert_string_equal(stw_safe("\xc2\x9b"
				     "31m"),
			    "\\xc2\\x9b31m");
	assert_string_equal(stw_safe("\xe2\x80\xae"
				     "evil"),
			    "\\xe2\\x80\\xaeevil");
	assert_string_equal(stw_safe(NULL), "-");
	memset(longest, '\033', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	for (const char *p = stw_safe(longest); *p; p++)
		assert_true(*p >= 0x20);
	json_t *o = json_pack("{s:s}", "name", "x\033]0;title\007");
	assert_string_equal(stw_text(o, "name"), "x\\x1b]0;title\\x07");
	json_decref(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_command_is_found_by_its_name),
		cmocka_unit_test(no_command_is_found_by_another_name),
		cmocka_unit_test(nearest_command_is_what_was_meant),
		cmocka_unit_test(a_command_that_changes_names_an_endpoint_that_does),
		cmocka_unit_test(columns_are_as_wide_as_they_need),
		cmocka_unit_test(unknown_values_are_a_dash),
		cmocka_unit_test(printers_take_any_answer),
		cmocka_unit_test(control_characters_do_not_reach_a_terminal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
