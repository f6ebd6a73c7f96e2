/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/config/read_text.h"

#include "control/config/message.h"

static const char *const words[] = {"cores", "socket", "burst", "mbufs", "memory_mb", NULL};

static const char *word(const void *ctx, size_t i)
{
	(void)ctx;
	return words[i];
}

static void nearest_word(void **state)
{
	static const struct {
		const char *wanted, *near;
	} rows[] = {
		{"core", "cores"},	   {"coers", "cores"},	{"cores", "cores"},
		{"sokcet", "socket"},	   {"bursts", "burst"}, {"memory", "memory_mb"},
		{"mbuf", "mbufs"},	   {"xyz", NULL},	{"", NULL},
		{"memorymb", "memory_mb"}, {"Burst", "burst"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *near = stw_nearest(rows[i].wanted, word, NULL);

		if (!near || !rows[i].near)
			assert_ptr_equal(near, rows[i].near);
		else
			assert_string_equal(near, rows[i].near);
	}
}

static void a_word_of_any_length_is_borne(void **state)
{
	char text[4096];

	(void)state;
	for (size_t n = 0; n < sizeof(text); n++) {
		memset(text, 'c', n);
		text[n] = '\0';
		(void)stw_nearest(text, word, NULL);
	}
	assert_null(stw_nearest(text, word, NULL));
}

static void messages_come_in_the_order_of_the_file(void **state)
{
	static struct said s;
	struct stw_report r = {.file = "f", .message = said_keep, .ctx = &s};

	(void)state;
	stw_report_line(&r, 7, "%s", "c");
	stw_report_line(&r, 3, "%s", "a");
	stw_report_line(&r, 7, "%s", "d");
	stw_report_line(&r, 0, "%s", "whole");
	stw_report_line(&r, 5, "%s", "b");
	assert_int_equal(s.n, 0);
	stw_report_end(&r);
	assert_string_equal(s.text, "f: whole\nf:3: a\nf:5: b\nf:7: c\nf:7: d\n");
	assert_int_equal(r.n_errors, 5);
}

static void too_many_messages_are_counted(void **state)
{
	static struct said s;
	struct stw_report r = {.file = "f", .message = said_keep, .ctx = &s};

	(void)state;
	for (unsigned i = 0; i < STW_REPORT_MAX + 5; i++)
		stw_report_line(&r, 1, "x");
	stw_report_end(&r);
	assert_int_equal(s.n, STW_REPORT_MAX + 1);
	assert_non_null(strstr(s.text, "f: and 5 more errors"));
}

static void texts_are_quoted_safely(void **state)
{
	char out[64], text[256];

	(void)state;
	assert_string_equal(stw_report_quote("a\nb\x7f", out), "a?b?");
	/* Cut, but never within a character. */
	for (size_t lead = 0; lead < 4; lead++) {
		memset(text, 'x', lead);
		text[lead] = '\0';
		for (size_t i = 0; i < 40; i++)
			strcat(text, "\xe2\x82\xac");
		stw_report_quote(text, out);
		size_t n = strlen(out);

		assert_string_equal(out + n - 3, "...");
		assert_int_equal((n - 3 - lead) % 3, 0);
		assert_memory_equal(out, text, n - 3);
	}
}

static void nobody_need_listen(void **state)
{
	struct stw_report r = {.file = "f"};

	(void)state;
	stw_report_line(&r, 1, "x");
	stw_report_end(&r);
	assert_int_equal(r.n_errors, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nearest_word),
		cmocka_unit_test(a_word_of_any_length_is_borne),
		cmocka_unit_test(messages_come_in_the_order_of_the_file),
		cmocka_unit_test(too_many_messages_are_counted),
		cmocka_unit_test(texts_are_quoted_safely),
		cmocka_unit_test(nobody_need_listen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
