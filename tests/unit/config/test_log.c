/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include <strowger/log.h>

#include "control/log_limit.h"

/* Standard error becomes one end of a packet socket: one write is one packet. */
static int log_end = -1, old_stderr = -1;

static int redirect(void **state)
{
	int ends[2];

	(void)state;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) != 0)
		return -1;
	old_stderr = dup(STDERR_FILENO);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	log_end = ends[0];
	fcntl(log_end, F_SETFL, O_NONBLOCK);
	stw_log_init("tester", STW_LOG_INFO);
	return 0;
}

static int restore(void **state)
{
	(void)state;
	dup2(old_stderr, STDERR_FILENO);
	close(old_stderr);
	close(log_end);
	return 0;
}

/* The next line written, "" when none. */
static const char *next_line(void)
{
	static char line[8192];
	ssize_t n = recv(log_end, line, sizeof(line) - 1, 0);

	line[n > 0 ? n : 0] = '\0';
	return line;
}

static void a_line_is_logfmt_in_one_write(void **state)
{
	(void)state;
	stw_info("%s is %d", "answer", 42);
	const char *line = next_line();

	assert_memory_equal(line, "time=20", 7);
	assert_int_equal(line[strlen("time=2026-01-02T03:04:05.678")], 'Z');
	assert_non_null(strstr(line, " level=info who=tester msg=\"answer is 42\"\n"));
	assert_string_equal(next_line(), "");
}

static void levels_are_kept(void **state)
{
	(void)state;
	stw_debug("unheard");
	assert_string_equal(next_line(), "");
	stw_log_set_level(STW_LOG_DEBUG);
	stw_debug("heard");
	assert_non_null(strstr(next_line(), "level=debug who=tester msg=\"heard\"\n"));
	stw_log_set_level(STW_LOG_ERROR);
	stw_warn("unheard");
	assert_string_equal(next_line(), "");
	stw_error("heard");
	assert_non_null(strstr(next_line(), "level=error"));
}

static void nobody_forges_a_line(void **state)
{
	(void)state;
	stw_info("%s", "a\nlevel=error\t\"b\" \\ \x01\x7f\xc3\xa4");
	assert_non_null(strstr(next_line(),
			       "msg=\"a\\nlevel=error\\t\\\"b\\\" \\\\ \\x01\\x7f\xc3\xa4\"\n"));
	assert_string_equal(next_line(), "");
	stw_info("%s", "\xc2\x9b"
		       "31m \xe2\x80\xae \xe2\x82\xac");
	assert_non_null(
		strstr(next_line(), "msg=\"\\xc2\\x9b31m \\xe2\\x80\\xae \xe2\x82\xac\"\n"));
}

static void a_long_line_is_cut_and_ended(void **state)
{
	static char text[100000];

	(void)state;
	memset(text, '\n', sizeof(text) - 1);
	stw_info("%s", text);
	const char *line = next_line();
	size_t n = strlen(line);

	assert_in_range(n, 2000, 4096);
	assert_string_equal(line + n - 4, "\\n\"\n");
	assert_string_equal(next_line(), "");
}

static void errno_survives(void **state)
{
	(void)state;
	errno = EXDEV;
	stw_info("x");
	assert_int_equal(errno, EXDEV);
	next_line();
}

static void json_is_json(void **state)
{
	(void)state;
	stw_log_set_format(STW_LOG_JSON);
	stw_warn("%s", "a\n\"b\" \\ \x01 \xc3\xa4 \xff\xc3");
	const char *line = next_line();
	json_t *o = json_loads(line, 0, NULL);

	stw_warn("%s", "\xc2\x9b \xe2\x80\xae");
	assert_non_null(strstr(next_line(), "\"msg\":\"\\u009b \\u202e\""));

	stw_log_set_format(STW_LOG_LOGFMT);
	assert_non_null(o);
	assert_string_equal(json_string_value(json_object_get(o, "msg")),
			    "a\n\"b\" \\ \x01 \xc3\xa4 \xc3\xbf\xc3\x83");
	assert_string_equal(json_string_value(json_object_get(o, "level")), "warn");
	assert_string_equal(json_string_value(json_object_get(o, "who")), "tester");
	assert_int_equal(line[strlen(line) - 1], '\n');
	json_decref(o);
}

static void say_often(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		stw_warn("often %u", i);
}

static unsigned lines_written(void)
{
	unsigned n = 0;

	while (*next_line())
		n++;
	return n;
}

static void one_message_does_not_flood(void **state)
{
	(void)state;
	say_often(3 * STW_LOG_BURST);
	stw_warn("other");
	/* On a machine so slow that another window begins there may be more. */
	assert_in_range(lines_written(), STW_LOG_BURST + 1, 3 * STW_LOG_BURST + 1);
}

static void what_is_left_out_is_counted(void **state)
{
	static struct stw_log_limit l;
	static const char a[] = "a", b[] = "b";
	unsigned n = 99;

	(void)state;
	for (unsigned i = 0; i < STW_LOG_BURST; i++)
		assert_true(stw_log_limit_admit(&l, a, 1000, &n) && n == 0);
	for (unsigned i = 0; i < 7; i++)
		assert_false(stw_log_limit_admit(&l, a, 1000 + STW_LOG_WINDOW_S - 1, &n));
	assert_true(stw_log_limit_admit(&l, b, 1000 + STW_LOG_WINDOW_S - 1, &n) && n == 0);
	assert_true(stw_log_limit_admit(&l, a, 1000 + STW_LOG_WINDOW_S, &n) && n == 7);
	assert_true(stw_log_limit_admit(&l, a, 1000 + STW_LOG_WINDOW_S, &n) && n == 0);
}

/* More messages than there are slots: each is still told. */
static void many_messages_forget_the_oldest(void **state)
{
	static struct stw_log_limit l;
	static char text[4 * STW_LOG_MESSAGES];
	unsigned n;

	(void)state;
	for (unsigned round = 0; round < 3; round++)
		for (size_t i = 0; i < sizeof(text); i++)
			assert_true(stw_log_limit_admit(&l, text + i, 1000 + round, &n));
}

static void debug_is_told_whole(void **state)
{
	(void)state;
	stw_log_set_level(STW_LOG_DEBUG);
	for (unsigned i = 0; i < 2 * STW_LOG_BURST; i++)
		stw_debug("%u", i);
	assert_int_equal(lines_written(), 2 * STW_LOG_BURST);
}

static void the_journal_gets_priorities(void **state)
{
	struct stat st;
	char stream[64];

	(void)state;
	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	stw_log_init("tester", STW_LOG_INFO);
	stw_error("x");
	assert_memory_equal(next_line(), "<3>time=", 8);
	setenv("JOURNAL_STREAM", "1:1", 1);
	stw_log_init("tester", STW_LOG_INFO);
	stw_error("x");
	assert_memory_equal(next_line(), "time=", 5);
	unsetenv("JOURNAL_STREAM");
}

static void level_names(void **state)
{
	(void)state;
	assert_int_equal(stw_log_level_parse("error"), STW_LOG_ERROR);
	assert_int_equal(stw_log_level_parse("warn"), STW_LOG_WARN);
	assert_int_equal(stw_log_level_parse("info"), STW_LOG_INFO);
	assert_int_equal(stw_log_level_parse("debug"), STW_LOG_DEBUG);
	assert_int_equal(stw_log_level_parse("Info"), -1);
	assert_int_equal(stw_log_level_parse(""), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_line_is_logfmt_in_one_write, redirect, restore),
		cmocka_unit_test_setup_teardown(levels_are_kept, redirect, restore),
		cmocka_unit_test_setup_teardown(nobody_forges_a_line, redirect, restore),
		cmocka_unit_test_setup_teardown(a_long_line_is_cut_and_ended, redirect, restore),
		cmocka_unit_test_setup_teardown(errno_survives, redirect, restore),
		cmocka_unit_test_setup_teardown(json_is_json, redirect, restore),
		cmocka_unit_test_setup_teardown(one_message_does_not_flood, redirect, restore),
		cmocka_unit_test(what_is_left_out_is_counted),
		cmocka_unit_test(many_messages_forget_the_oldest),
		cmocka_unit_test_setup_teardown(debug_is_told_whole, redirect, restore),
		cmocka_unit_test_setup_teardown(the_journal_gets_priorities, redirect, restore),
		cmocka_unit_test(level_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
