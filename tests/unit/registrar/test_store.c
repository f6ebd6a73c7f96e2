/* SPDX-License-Identifier: BSD-3-Clause */

/* The store under faults: ended at any moment, full, damaged, opened twice. */

#include "tests/unit/model/temp_dir.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <strowger/errors.h>

#include "control/registrar/store.h"
#include "tests/support/disk_fails.h"

static const struct stw_store_options durable = {.max_bytes = 16u << 20};
static char reason[512];

static struct stw_store_value text(const char *p)
{
	return (struct stw_store_value){p, strlen(p)};
}

static struct stw_store *open_store(void)
{
	struct stw_store *s = NULL;
	int err = stw_store_open_lmdb(temp_dir, &durable, reason, sizeof(reason), &s);

	if (err)
		fail_msg("%s", reason);
	return s;
}

static void put(struct stw_store *s, const char *key, const char *row)
{
	assert_int_equal(stw_store_put(s, STW_TABLE_LOCATION, text(key), text(row)), STW_OK);
}

static bool has(struct stw_store *s, const char *key, const char *row)
{
	struct stw_store_value v;

	return stw_store_get(s, STW_TABLE_LOCATION, text(key), &v) == STW_OK &&
	       v.len == strlen(row) && memcmp(v.p, row, v.len) == 0;
}

static void what_is_committed_is_found_again(void **state)
{
	struct stw_store *s = open_store();

	(void)state;
	put(s, "a", "1");
	assert_true(has(s, "a", "1")); /* before the commit as well */
	assert_int_equal(stw_store_commit(s), STW_OK);
	put(s, "a", "2");
	stw_store_abort(s);
	assert_true(has(s, "a", "1"));
	put(s, "b", "3");
	stw_store_close(s); /* not committed: it did not happen */
	s = open_store();
	assert_true(has(s, "a", "1"));
	assert_false(has(s, "b", "3"));
	assert_int_equal(stw_store_remove(s, STW_TABLE_LOCATION, text("a")), STW_OK);
	assert_int_equal(stw_store_remove(s, STW_TABLE_LOCATION, text("a")), STW_ENOENT);
	stw_store_close(s);
}

static bool collect(void *ctx, struct stw_store_value key, struct stw_store_value row)
{
	char *out = ctx;

	(void)row;
	strncat(out, key.p, key.len);
	return strlen(out) < 3;
}

static void rows_are_walked_in_order(void **state)
{
	struct stw_store *s = open_store();
	char seen[16] = "";
	uint64_t n;

	(void)state;
	for (const char *p = "dbacef"; *p; p++)
		assert_int_equal(stw_store_put(s, STW_TABLE_LOCATION,
					       (struct stw_store_value){p, 1}, text("")),
				 STW_OK);
	assert_int_equal(stw_store_walk(s, STW_TABLE_LOCATION, text("b"), collect, seen), STW_OK);
	assert_string_equal(seen, "bcd");
	assert_int_equal(stw_store_count(s, STW_TABLE_LOCATION, &n), STW_OK);
	assert_int_equal(n, 6);
	stw_store_close(s);
}

/* Commits forever, and tells each on @told once it lasts. */
static void commit_until_killed(int told)
{
	struct stw_store *s = open_store();

	for (uint32_t i = 1;; i++) {
		char key[16];

		snprintf(key, sizeof(key), "%u", i % 100);
		if (stw_store_put(s, STW_TABLE_LOCATION, text(key),
				  (struct stw_store_value){&i, sizeof(i)}) != STW_OK ||
		    stw_store_commit(s) != STW_OK || write(told, &i, sizeof(i)) != sizeof(i))
			_exit(1);
	}
}

static uint32_t newest(struct stw_store *s)
{
	struct stw_store_value v;
	uint32_t most = 0, i;

	for (unsigned k = 0; k < 100; k++) {
		char key[16];

		snprintf(key, sizeof(key), "%u", k);
		if (stw_store_get(s, STW_TABLE_LOCATION, text(key), &v) != STW_OK)
			continue;
		assert_int_equal(v.len, sizeof(i));
		memcpy(&i, v.p, sizeof(i));
		most = i > most ? i : most;
	}
	return most;
}

static void killed_at_any_moment_nothing_told_is_lost(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 20; round++) {
		int told[2];
		uint32_t i, last = 0;

		assert_int_equal(pipe(told), 0);
		pid_t pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			commit_until_killed(told[1]);
		close(told[1]);
		for (unsigned n = 0; n < 7 * round + 1; n++)
			assert_int_equal(read(told[0], &last, sizeof(last)), sizeof(last));
		kill(pid, SIGKILL);
		while (read(told[0], &i, sizeof(i)) == sizeof(i))
			last = i;
		close(told[0]);
		waitpid(pid, NULL, 0);
		struct stw_store *s = open_store();

		assert_true(newest(s) >= last);
		stw_store_close(s);
	}
}

static void a_full_store_says_so_and_keeps_what_it_has(void **state)
{
	struct stw_store *s = open_store();
	static char row[4000];
	int err = STW_OK;
	unsigned n = 0;

	(void)state;
	put(s, "first", "1");
	assert_int_equal(stw_store_commit(s), STW_OK);
	memset(row, 'x', sizeof(row));
	while (err == STW_OK) {
		char key[16];

		snprintf(key, sizeof(key), "k%u", n++);
		err = stw_store_put(s, STW_TABLE_LOCATION, text(key),
				    (struct stw_store_value){row, sizeof(row)});
		assert_true(n < 100000);
	}
	assert_int_equal(err, STW_ENOSPACE);
	stw_store_abort(s);
	assert_true(has(s, "first", "1"));
	/* What is small goes on. */
	put(s, "second", "2");
	assert_int_equal(stw_store_commit(s), STW_OK);
	stw_store_close(s);
}

/* In a process whose files may not grow: @return its verdict. */
static int write_beyond_the_limit(void)
{
	struct stw_store *s = open_store();
	const struct rlimit limit = {256 * 1024, 256 * 1024};
	static char row[200000];
	struct stw_store_value v = {row, sizeof(row)};

	put(s, "first", "1");
	if (stw_store_commit(s) != STW_OK)
		return 1;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	int err = stw_store_put(s, STW_TABLE_LOCATION, text("big"), v);

	if (err == STW_OK)
		err = stw_store_put(s, STW_TABLE_LOCATION, text("bigger"), v);
	if (err == STW_OK)
		err = stw_store_commit(s);
	else
		stw_store_abort(s);
	if (err != STW_ENOSPACE && err != STW_EIO)
		return 2;
	return has(s, "first", "1") && !has(s, "bigger", row) ? 0 : 3;
}

static void a_full_disk_is_an_error_not_a_lie(void **state)
{
	int status;

	(void)state;
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(write_beyond_the_limit());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	struct stw_store *s = open_store();

	assert_true(has(s, "first", "1"));
	put(s, "again", "1");
	assert_int_equal(stw_store_commit(s), STW_OK);
	stw_store_close(s);
}

/* After that LMDB takes no change and reads nothing (MDB_PANIC); opened again it does. */
static void a_commit_that_fails_half_way_stops_the_store_until_it_is_opened_again(void **state)
{
	struct stw_store *s = open_store();
	struct stw_store_value v;

	(void)state;
	put(s, "first", "1");
	assert_int_equal(stw_store_commit(s), STW_OK);
	put(s, "second", "2");
	stw_disk_fails = true;
	assert_int_equal(stw_store_commit(s), STW_EIO);
	stw_disk_fails = false;
	assert_int_equal(stw_store_put(s, STW_TABLE_LOCATION, text("third"), text("3")), STW_EIO);
	stw_store_abort(s);
	assert_int_equal(stw_store_get(s, STW_TABLE_LOCATION, text("first"), &v), STW_EIO);
	/* Closed amid a change. */
	assert_int_equal(stw_store_put(s, STW_TABLE_LOCATION, text("third"), text("3")), STW_EIO);
	stw_store_close(s);
	s = open_store();
	assert_true(has(s, "first", "1"));
	assert_false(has(s, "second", "2"));
	assert_false(has(s, "third", "3"));
	put(s, "fourth", "4");
	assert_int_equal(stw_store_commit(s), STW_OK);
	/* Amid a change that did not fail: it did not happen. */
	put(s, "fifth", "5");
	assert_true(has(s, "fifth", "5"));
	stw_store_close(s);
	s = open_store();
	assert_true(has(s, "fourth", "4"));
	assert_false(has(s, "fifth", "5"));
	stw_store_close(s);
}

static void a_damaged_store_is_refused_with_advice(void **state)
{
	struct stw_store *s = open_store();
	char garbage[16384];

	(void)state;
	put(s, "a", "1");
	stw_store_commit(s);
	stw_store_close(s);
	memset(garbage, 0x55, sizeof(garbage));
	temp_write("data.mdb", garbage, sizeof(garbage), 0600);
	assert_int_equal(stw_store_open_lmdb(temp_dir, &durable, reason, sizeof(reason), &s),
			 STW_EMALFORMED);
	assert_non_null(strstr(reason, "damaged"));
	assert_non_null(strstr(reason, "import"));
}

static void a_store_has_one_owner(void **state)
{
	struct stw_store *s = open_store(), *other;

	(void)state;
	assert_int_equal(stw_store_open_lmdb(temp_dir, &durable, reason, sizeof(reason), &other),
			 STW_EBUSY);
	assert_non_null(strstr(reason, "another strowger-control"));
	stw_store_close(s);
	s = open_store();
	stw_store_close(s);
}

static void another_format_is_refused(void **state)
{
	struct stw_store *s = open_store();

	(void)state;
	assert_int_equal(stw_store_put(s, STW_TABLE_META, text("format"), text("99")), STW_OK);
	assert_int_equal(stw_store_commit(s), STW_OK);
	stw_store_close(s);
	assert_int_equal(stw_store_open_lmdb(temp_dir, &durable, reason, sizeof(reason), &s),
			 STW_EVERSION);
	assert_non_null(strstr(reason, "format 99"));
}

static void a_directory_that_cannot_be_made_is_told(void **state)
{
	struct stw_store *s;

	(void)state;
	assert_int_equal(stw_store_open_lmdb("/proc/nowhere/store", &durable, reason,
					     sizeof(reason), &s),
			 STW_EIO);
	assert_non_null(strstr(reason, "/proc/nowhere/store"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, temp_dir_make, temp_dir_remove)
	const struct CMUnitTest tests[] = {
		T(what_is_committed_is_found_again),
		T(rows_are_walked_in_order),
		T(killed_at_any_moment_nothing_told_is_lost),
		T(a_full_store_says_so_and_keeps_what_it_has),
		T(a_full_disk_is_an_error_not_a_lie),
		T(a_commit_that_fails_half_way_stops_the_store_until_it_is_opened_again),
		T(a_damaged_store_is_refused_with_advice),
		T(a_store_has_one_owner),
		T(another_format_is_refused),
		T(a_directory_that_cannot_be_made_is_told),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
