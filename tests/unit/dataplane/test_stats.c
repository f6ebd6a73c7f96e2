/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <strowger/errors.h>

#include "dataplane/stats.h"

static void block_describes_itself(void **state)
{
	const struct stw_flight_shape shape = {.n = 8, .n_errors = 4, .text_bytes = 64};
	struct stw_stats *s, *seen;
	struct stat st;
	int fd;

	(void)state;
	assert_int_equal(stw_stats_new(3, &shape, &s, &fd), STW_OK);
	assert_int_equal(s->magic, STW_STATS_MAGIC);
	assert_int_equal(s->version, STW_STATS_VERSION);
	assert_int_equal(s->n_workers, 3);
	assert_int_equal(s->n_counters, STW_N_COUNTERS);
	assert_int_equal(s->n_member_counters, STW_N_MEMBER_COUNTERS);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, s->size_bytes);
	/* The last row ends within the block, and each begins on a line of its own. */
	assert_true((char *)(stw_stats_members(s, 2) + 1) <= (char *)s + s->size_bytes);
	assert_true((char *)stw_stats_records(s, 3) == (char *)s + s->size_bytes);
	assert_int_equal((uintptr_t)stw_stats_error_records(s, 1) % 64, 0);
	assert_int_equal((uintptr_t)stw_stats_worker(s, 1)->c % 64, 0);
	assert_int_equal((uintptr_t)stw_stats_members(s, 1) % 64, 0);
	seen = mmap(NULL, s->size_bytes, PROT_READ, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(seen, MAP_FAILED);
	stw_counter_add(&stw_stats_worker(s, 2)->c[STW_C_SENT], 7);
	stw_counter_add(&stw_stats_members(s, 2)->c[STW_MEMBER_NUMBERS - 1][STW_M_UNSENT], 9);
	for (uint32_t i = 0; i < 3; i++)
		stw_counter_add(&stw_stats_rules(s, i)->hits[STW_RULE_ROWS - 1], i + 1);
	assert_int_equal(stw_stats_rule_hits(seen, STW_RULE_ROWS - 1), 6);
	assert_int_equal(stw_stats_rule_hits(seen, 0), 0);
	assert_int_equal(stw_stats_worker(seen, 2)->c[STW_C_SENT], 7);
	assert_int_equal(stw_stats_members(seen, 2)->c[STW_MEMBER_NUMBERS - 1][STW_M_UNSENT], 9);
	munmap(seen, s->size_bytes);
	stw_stats_free(s, fd);
}

static void nobody_else_resizes_or_writes(void **state)
{
	struct stw_stats *s;
	int fd;

	(void)state;
	assert_int_equal(stw_stats_new(1, NULL, &s, &fd), STW_OK);
	assert_int_not_equal(ftruncate(fd, 4096), 0);
	assert_int_not_equal(ftruncate(fd, (off_t)s->size_bytes * 2), 0);
	assert_ptr_equal(mmap(NULL, s->size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0),
			 MAP_FAILED);
	stw_counter_add(&stw_stats_worker(s, 0)->c[STW_C_SENT], 1);
	stw_stats_free(s, fd);
}

static void sizes_that_are_refused(void **state)
{
	struct stw_stats *s;
	int fd;

	(void)state;
	assert_int_equal(stw_stats_new(0, NULL, &s, &fd), STW_ERANGE);
	assert_int_equal(stw_stats_new(STW_STATS_WORKERS_MAX + 1, NULL, &s, &fd), STW_ERANGE);
	stw_stats_free(NULL, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(block_describes_itself),
		cmocka_unit_test(nobody_else_resizes_or_writes),
		cmocka_unit_test(sizes_that_are_refused),
	};

	return cmocka_run_group_tests_name("dataplane-stats", tests, NULL, NULL);
}
