/* SPDX-License-Identifier: BSD-3-Clause */
/* A stats block of every wrong shape is refused before anything in it is used. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <sys/mman.h>
#include <unistd.h>

#include <strowger/errors.h>

#include "control/publish/stats_map.h"
#include "tests/unit/publish/fake_dataplane.h"

static int set_up(void **state)
{
	static struct fake f;
	char path[64];
	snprintf(path, sizeof(path), "/tmp/stw-stats-%d.sock", (int)getpid());
	fake_start(&f, path, 2);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	fake_stop(*state);
	return 0;
}

static int map(struct fake *f)
{
	char reason[160] = "";
	struct stw_stats *s = NULL;
	int err = stw_stats_map(f->stats_fd, reason, sizeof(reason), &s);
	assert_true((err == STW_OK) == (s != NULL));
	assert_true((err == STW_OK) == (reason[0] == '\0'));
	stw_stats_unmap(s);
	return err;
}

static void good_block_is_read(void **state)
{
	struct fake *f = *state;
	char reason[160];
	struct stw_stats *s;
	stw_counter_add(&stw_stats_worker(f->stats, 1)->c[STW_C_SENT], 5);
	stw_counter_add(&stw_stats_members(f->stats, 1)->c[8191][STW_M_UNSENT], 6);
	assert_int_equal(stw_stats_map(f->stats_fd, reason, sizeof(reason), &s), STW_OK);
	assert_int_equal(atomic_load(&stw_stats_worker(s, 1)->c[STW_C_SENT]), 5);
	assert_int_equal(atomic_load(&stw_stats_members(s, 1)->c[8191][STW_M_UNSENT]), 6);
	stw_stats_unmap(s);
}

static void wrong_values_are_refused(void **state)
{
	struct fake *f = *state;
	struct stw_stats good;
	memcpy(&good, f->stats, sizeof(good));
#define REFUSED(change, err)                           \
	do {                                           \
		change;                                \
		assert_int_equal(map(f), err);         \
		memcpy(f->stats, &good, sizeof(good)); \
		assert_int_equal(map(f), STW_OK);      \
	} while (0)
	REFUSED(f->stats->magic++, STW_EMALFORMED);
	REFUSED(f->stats->version++, STW_EVERSION);
	REFUSED(f->stats->n_counters--, STW_EVERSION);
	REFUSED(f->stats->n_member_counters++, STW_EVERSION);
	REFUSED(f->stats->size_bytes--, STW_EBOUNDS);
	REFUSED(f->stats->n_workers++, STW_EBOUNDS);
	REFUSED(f->stats->n_workers = UINT32_MAX, STW_EBOUNDS);
	REFUSED(f->stats->n_ports = STW_STATS_PORTS_MAX + 1, STW_EBOUNDS);
	REFUSED(f->stats->workers_offset = 0, STW_EBOUNDS);
	REFUSED(f->stats->workers_offset += 8, STW_EBOUNDS);
	REFUSED(f->stats->workers_offset = good.size_bytes / 64 * 64 + 64, STW_EBOUNDS);
	REFUSED(f->stats->rules_offset = UINT64_MAX - 63, STW_EBOUNDS);
	REFUSED(f->stats->rules_offset += 8, STW_EBOUNDS);
	REFUSED(f->stats->members_offset = UINT64_MAX - 63, STW_EBOUNDS);
	REFUSED(f->stats->members_offset = good.size_bytes / 64 * 64 - 64, STW_EBOUNDS);
	REFUSED(f->stats->stages_offset = UINT64_MAX - 63, STW_EBOUNDS);
	REFUSED(f->stats->stages_offset = good.size_bytes / 64 * 64 - 64, STW_EBOUNDS);
	REFUSED(f->stats->listeners_offset = UINT64_MAX - 63, STW_EBOUNDS);
	REFUSED(f->stats->listeners_offset = good.size_bytes / 64 * 64 - 64, STW_EBOUNDS);
	REFUSED(f->stats->records_offset += 64, STW_EBOUNDS);
	REFUSED(f->stats->record_shape.n = 3, STW_EBOUNDS);
	REFUSED(f->stats->record_shape.n *= 2, STW_EBOUNDS);
	REFUSED(f->stats->record_shape.n_errors = 1u << 31, STW_EBOUNDS);
	REFUSED(f->stats->record_shape.text_bytes += 64, STW_EBOUNDS);
	REFUSED(f->stats->record_shape.text_bytes = 100, STW_EBOUNDS);
}

static void short_files_are_refused(void **state)
{
	struct fake *f = *state;
	char reason[160];
	struct stw_stats *s = NULL;
	int fd = memfd_create("short", MFD_CLOEXEC);
	assert_int_equal(stw_stats_map(fd, reason, sizeof(reason), &s), STW_EBOUNDS);
	assert_int_equal(ftruncate(fd, sizeof(struct stw_stats) - 1), 0);
	assert_int_equal(stw_stats_map(fd, reason, sizeof(reason), &s), STW_EBOUNDS);
	close(fd);
	assert_int_equal(stw_stats_map(-1, reason, sizeof(reason), &s), STW_EBOUNDS);
	assert_null(s);
	(void)f;
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(good_block_is_read),
		CASE(wrong_values_are_refused),
		CASE(short_files_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
