/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * A worker's memory for tests: a recent-call table and rows of counters. The
 * clock is the test's own, STW_MEMORY_HZ to the second.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <strowger/stats.h>

#include "dataplane/recent/recent.h"
#include "dataplane/route/route.h"

#define STW_MEMORY_HZ 1000000000u

struct stw_memory_rig {
	struct stw_recent recent;
	struct stw_memory memory;
	void *bytes;
};

/** @param n_workers rows of counters; the memory is the first one's */
static inline struct stw_memory_rig *stw_memory_new(uint32_t n_workers, uint32_t entries)
{
	struct stw_memory_rig *m = calloc(1, sizeof(*m));
	size_t size = stw_recent_size(entries), rows = n_workers * sizeof(struct stw_stats_members);

	assert_non_null(m);
	m->bytes = aligned_alloc(128, size);
	m->memory.members = aligned_alloc(64, rows);
	assert_non_null(m->bytes);
	assert_non_null(m->memory.members);
	memset(m->bytes, 0, size);
	memset(m->memory.members, 0, rows);
	stw_recent_init(&m->recent, m->bytes, entries, STW_MEMORY_HZ);
	m->memory.recent = &m->recent;
	m->memory.n_workers = n_workers;
	return m;
}

static inline void stw_memory_free(struct stw_memory_rig *m)
{
	free(m->memory.members);
	free(m->bytes);
	free(m);
}

/** A counter of a member's, over all workers. */
static inline uint64_t stw_memory_count(const struct stw_memory_rig *m, uint16_t number,
					enum stw_member_counter c)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < m->memory.n_workers; i++)
		sum += m->memory.members[i].c[number][c];
	return sum;
}
