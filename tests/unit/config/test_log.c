/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <strowger/log.h>

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
		cmocka_unit_test(level_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
