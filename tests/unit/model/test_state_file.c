/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <strowger/errors.h>

#include "control/model/state_file.h"
#include "tests/unit/model/temp_dir.h"

static char reason[256];

static int write_x(enum stw_state_write how, const char *text)
{
	return stw_state_write(temp_dir, "x", how, text, strlen(text), reason, sizeof(reason));
}

static int read_x(bool secret, char *out, size_t room, size_t *len)
{
	return stw_state_read(temp_dir, "x", secret, out, room, len, reason, sizeof(reason));
}

static void what_was_written_is_read(void **state)
{
	char text[16];
	size_t len = 99;
	struct stat st;

	(void)state;
	assert_int_equal(read_x(false, text, sizeof(text), &len), STW_ENOENT);
	assert_int_equal(len, 99);
	assert_int_equal(write_x(STW_STATE_REPLACE, "first, longer"), STW_OK);
	assert_int_equal(write_x(STW_STATE_REPLACE, "second"), STW_OK);
	assert_int_equal(read_x(true, text, sizeof(text), &len), STW_OK);
	assert_int_equal(len, 6);
	assert_memory_equal(text, "second", 6);
	assert_int_equal(stat(temp_path("x"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(temp_dir_count(false), 1); /* nothing left beside it */
}

static void create_does_not_replace(void **state)
{
	char text[16];
	size_t len;

	(void)state;
	assert_int_equal(write_x(STW_STATE_CREATE, "first"), STW_OK);
	assert_int_equal(write_x(STW_STATE_CREATE, "second"), STW_EDUP);
	assert_int_equal(read_x(false, text, sizeof(text), &len), STW_OK);
	assert_memory_equal(text, "first", 5);
	assert_int_equal(temp_dir_count(false), 1);
}

static void a_leftover_of_a_killed_process_is_no_hindrance(void **state)
{
	char name[64];

	(void)state;
	snprintf(name, sizeof(name), "x.new.%ld", (long)getpid());
	temp_write(name, "half", 4, 0600);
	assert_int_equal(write_x(STW_STATE_REPLACE, "whole"), STW_OK);
	assert_int_equal(temp_dir_count(false), 1);
}

static void more_than_fits_is_refused(void **state)
{
	char text[4];
	size_t len;

	(void)state;
	assert_int_equal(write_x(STW_STATE_REPLACE, "12345"), STW_OK);
	assert_int_equal(read_x(false, text, 4, &len), STW_ERANGE);
	assert_int_equal(write_x(STW_STATE_REPLACE, "1234"), STW_OK);
	assert_int_equal(read_x(false, text, 4, &len), STW_OK);
	assert_int_equal(len, 4);
}

static void a_secret_that_others_may_read_is_refused(void **state)
{
	static const mode_t bad[] = {0640, 0604, 0610, 0666};
	char text[8];
	size_t len;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		temp_write("x", "abc", 3, bad[i]);
		assert_int_equal(read_x(true, text, sizeof(text), &len), STW_EIO);
		assert_non_null(strstr(reason, "chmod 600"));
		assert_int_equal(read_x(false, text, sizeof(text), &len), STW_OK);
	}
	temp_write("x", "abc", 3, 0400);
	assert_int_equal(read_x(true, text, sizeof(text), &len), STW_OK);
}

static void what_is_no_plain_file_is_refused(void **state)
{
	char text[8];
	size_t len;

	(void)state;
	assert_int_equal(symlink("/etc/hostname", temp_path("x")), 0);
	assert_int_equal(read_x(false, text, sizeof(text), &len), STW_EIO);
	unlink(temp_path("x"));
	assert_int_equal(mkfifo(temp_path("x"), 0600), 0);
	assert_int_equal(read_x(false, text, sizeof(text), &len), STW_EIO);
	assert_non_null(strstr(reason, "not a regular file"));
}

static void a_directory_that_is_not_there_is_told(void **state)
{
	char text[8], deep[300];
	size_t len;

	(void)state;
	assert_int_equal(stw_state_write("/proc/nowhere", "x", STW_STATE_REPLACE, "a", 1, reason,
					 sizeof(reason)),
			 STW_EIO);
	assert_non_null(strstr(reason, "No such file"));
	memset(deep, 'd', sizeof(deep) - 1);
	deep[0] = '/';
	deep[sizeof(deep) - 1] = '\0';
	assert_int_equal(stw_state_read(deep, "x", false, text, 8, &len, reason, sizeof(reason)),
			 STW_EIO);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, temp_dir_make, temp_dir_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_written_is_read),
		TEST(create_does_not_replace),
		TEST(a_leftover_of_a_killed_process_is_no_hindrance),
		TEST(more_than_fits_is_refused),
		TEST(a_secret_that_others_may_read_is_refused),
		TEST(what_is_no_plain_file_is_refused),
		TEST(a_directory_that_is_not_there_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
