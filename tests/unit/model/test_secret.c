/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <sys/wait.h>

#include <strowger/errors.h>

#include "control/model/secret.h"
#include "tests/unit/model/temp_dir.h"

#define GOOD "strowger-secret 1 3 0123456789abcdef0123456789abcdef\n"

static char reason[256];

static int load(struct stw_model_secret *s)
{
	return stw_secret_load_or_make(temp_dir, s, reason, sizeof(reason));
}

static void a_secret_is_made_once_and_kept(void **state)
{
	struct stw_model_secret first, second;
	uint8_t zero[STW_SECRET_BYTES] = {0};
	struct stat st;

	(void)state;
	assert_int_equal(load(&first), STW_OK);
	assert_int_equal(load(&second), STW_OK);
	assert_memory_equal(&first, &second, sizeof(first));
	assert_memory_not_equal(first.key, zero, sizeof(zero));
	assert_int_equal(stat(temp_path(STW_SECRET_FILE), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(temp_dir_count(false), 1);
}

static void two_directories_have_two_secrets(void **state)
{
	struct stw_model_secret first, second;

	(void)state;
	assert_int_equal(load(&first), STW_OK);
	unlink(temp_path(STW_SECRET_FILE));
	assert_int_equal(load(&second), STW_OK);
	assert_memory_not_equal(first.key, second.key, sizeof(first.key));
}

static void a_kept_secret_is_read(void **state)
{
	struct stw_model_secret s;

	(void)state;
	temp_write(STW_SECRET_FILE, GOOD, strlen(GOOD), 0600);
	assert_int_equal(load(&s), STW_OK);
	assert_int_equal(s.id, 3);
	assert_int_equal(s.key[0], 0x01);
	assert_int_equal(s.key[15], 0xef);
}

static void a_file_cut_anywhere_is_refused_and_stays(void **state)
{
	struct stw_model_secret s = {.id = 9};
	struct stat st;

	(void)state;
	for (size_t n = 0; n < strlen(GOOD); n++) {
		temp_write(STW_SECRET_FILE, GOOD, n, 0600);
		assert_int_equal(load(&s), STW_EMALFORMED);
		assert_non_null(strstr(reason, "holds no secret"));
		assert_null(strstr(reason, "0123"));
		assert_int_equal(stat(temp_path(STW_SECRET_FILE), &st), 0);
		assert_int_equal(st.st_size, n);
	}
	assert_int_equal(s.id, 9);
}

static void other_texts_are_refused(void **state)
{
	static const char *const bad[] = {
		"strowger-secret 2 3 0123456789abcdef0123456789abcdef\n",
		"strowger-secret 1 16 0123456789abcdef0123456789abcdef\n",
		"strowger-secret 1 259 0123456789abcdef0123456789abcdef\n",
		"strowger-secret 1 x 0123456789abcdef0123456789abcdef\n",
		"strowger-secret 1  0123456789abcdef0123456789abcdef\n",
		"strowger-secret 1 3 0123456789abcdef0123456789abcdeg\n",
		"strowger-secret 1 3 0123456789abcdef0123456789abcdef0\n",
		GOOD "\n",
		GOOD GOOD GOOD GOOD,
	};
	struct stw_model_secret s;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		temp_write(STW_SECRET_FILE, bad[i], strlen(bad[i]), 0600);
		assert_int_equal(load(&s), STW_EMALFORMED);
	}
	temp_write(STW_SECRET_FILE, "strowger-secret 1 3 0123456789abcdef\0", 38, 0600);
	assert_int_equal(load(&s), STW_EMALFORMED);
}

static void a_secret_that_others_may_read_is_refused(void **state)
{
	struct stw_model_secret s;

	(void)state;
	temp_write(STW_SECRET_FILE, GOOD, strlen(GOOD), 0644);
	assert_int_equal(load(&s), STW_EIO);
	assert_non_null(strstr(reason, "mode 0644 lets others read"));
}

static void a_state_dir_that_is_not_there_is_told(void **state)
{
	struct stw_model_secret s;

	(void)state;
	assert_int_equal(stw_secret_load_or_make("/proc/nowhere", &s, reason, sizeof(reason)),
			 STW_EIO);
	assert_non_null(strstr(reason, "/proc/nowhere/secret"));
}

static void of_many_makers_one_wins(void **state)
{
	struct stw_model_secret first;
	pid_t pids[8];
	int to_parent[2];

	(void)state;
	assert_int_equal(pipe(to_parent), 0);
	for (size_t i = 0; i < 8; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0) {
			struct stw_model_secret s;

			if (load(&s) != STW_OK || write(to_parent[1], &s, sizeof(s)) < 0)
				_exit(1);
			_exit(0);
		}
	}
	for (size_t i = 0; i < 8; i++) {
		struct stw_model_secret s;
		int status;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
		assert_int_equal(read(to_parent[0], &s, sizeof(s)), sizeof(s));
		if (i == 0)
			first = s;
		assert_memory_equal(&first, &s, sizeof(s));
	}
	close(to_parent[0]);
	close(to_parent[1]);
}

static void the_file_s_secret_is_preferred(void **state)
{
	struct stw_model m = {.n_secrets = 1, .secrets = {{.id = 5}}};

	(void)state;
	snprintf(m.state_dir, sizeof(m.state_dir), "%s", temp_dir);
	assert_int_equal(stw_secret_fill(&m, reason, sizeof(reason)), STW_OK);
	assert_int_equal(m.secrets[0].id, 5);
	assert_int_equal(temp_dir_count(false), 0);
	m.n_secrets = 0;
	assert_int_equal(stw_secret_fill(&m, reason, sizeof(reason)), STW_OK);
	assert_int_equal(m.n_secrets, 1);
	assert_int_equal(temp_dir_count(false), 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, temp_dir_make, temp_dir_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_secret_is_made_once_and_kept),
		TEST(two_directories_have_two_secrets),
		TEST(a_kept_secret_is_read),
		TEST(a_file_cut_anywhere_is_refused_and_stays),
		TEST(other_texts_are_refused),
		TEST(a_secret_that_others_may_read_is_refused),
		TEST(a_state_dir_that_is_not_there_is_told),
		TEST(of_many_makers_one_wins),
		TEST(the_file_s_secret_is_preferred),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
