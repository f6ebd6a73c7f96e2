/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Making the statistics block (strowger/stats.h): a memfd, mapped here for writing, that nobody
 * else can resize or map for writing.
 */

#include <stdint.h>

#include <strowger/stats.h>

/**
 * Make the block: header, one row of counters and one of member counters a worker, all zero; and
 * the flight recorder's rings.
 *
 * @param n_workers  1..STW_STATS_WORKERS_MAX
 * @param records    what the rings hold; NULL: there are none
 * @param out, fd    on STW_OK only; give both to stw_stats_free()
 * @return STW_OK, STW_ERANGE, STW_ENOMEM, STW_EIO (no memfd)
 */
int stw_stats_new(uint32_t n_workers, const struct stw_flight_shape *records,
		  struct stw_stats **out, int *fd);

/** Unmap and close. Accepts NULL and -1. */
void stw_stats_free(struct stw_stats *s, int fd);
