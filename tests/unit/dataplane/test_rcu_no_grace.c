/* SPDX-License-Identifier: BSD-3-Clause */

/**
 * @file
 * The proof that test_rcu.c could fail: the same snapshot code with its grace period taken out, and
 * a reader that reads on after the swap. A child process does it; whatever watches this build must
 * speak up: a sanitizer by its report, a plain build by the poison the reader finds.
 */

#include "tests/unit/dataplane/farm_tables.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <strowger/urcu.h>
#undef synchronize_rcu
#define synchronize_rcu() ((void)0)
#include "dataplane/snapshot.c"

#include "tests/unit/dataplane/poison.h"

#define FOUND_POISON 7

static struct stw_snapshots snapshots;
/* Relaxed, so that they order nothing: only the missing grace period would. */
static atomic_bool reader_has_it;
static atomic_bool writer_freed_it;

static void *read_late(void *arg)
{
	const struct stw_tables *tables;
	bool poisoned;
	(void)arg;
	rcu_register_thread();
	tables = stw_snapshot_rcu(&snapshots)->tables;
	atomic_store_explicit(&reader_has_it, true, memory_order_relaxed);
	while (!atomic_load_explicit(&writer_freed_it, memory_order_relaxed))
		sched_yield();
	poisoned = is_poisoned(tables, 16);
	rcu_unregister_thread();
	return (void *)(uintptr_t)poisoned;
}

/* @return exit code of the child */
static int swap_under_a_reader(void)
{
	pthread_t thread;
	void *poisoned = NULL;
	stw_tables_set_allocator(poison_alloc, poison_free);
	assert_int_equal(stw_snapshots_init(&snapshots), STW_OK);
	assert_int_equal(stw_snapshots_swap_tables(&snapshots, farm_tables(1), NULL), STW_OK);
	assert_int_equal(pthread_create(&thread, NULL, read_late, NULL), 0);
	while (!atomic_load_explicit(&reader_has_it, memory_order_relaxed))
		sched_yield();
	assert_int_equal(stw_snapshots_swap_tables(&snapshots, farm_tables(2), NULL), STW_OK);
	atomic_store_explicit(&writer_freed_it, true, memory_order_relaxed);
	pthread_join(thread, &poisoned);
	return poisoned ? FOUND_POISON : 0;
}

/* What the child says on standard error, and how it ends. */
static int run_child(char *said, size_t room)
{
	int ends[2];
	int status = 0;
	size_t n = 0;
	ssize_t got;
	pid_t pid;
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		exit(swap_under_a_reader());
	}
	close(ends[1]);
	while (n < room - 1 && (got = read(ends[0], said + n, room - 1 - n)) > 0)
		n += (size_t)got;
	said[n] = '\0';
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 256;
}

static void missing_grace_period_is_caught(void **state)
{
	static char said[16384];
	const int code = run_child(said, sizeof(said));
	(void)state;
	assert_int_not_equal(code, 0);
	if (!POISON_FREES)
		assert_int_equal(code, FOUND_POISON);
	else if (!strstr(said, "heap-use-after-free") && !strstr(said, "data race"))
		fail_msg("the sanitizer says something else: %s", said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(missing_grace_period_is_caught),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
