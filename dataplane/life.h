/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Signs of life for systemd's watchdog: given while the installer ticks and every worker turns. A
 * worker that hangs ends them, and with them the process, which is started again.
 *
 * Threads: the installer's.
 */

#include <stdint.h>

#include <strowger/stats.h>

struct stw_life {
	uint64_t every; /* clock ticks between two signs, 0: nobody waits for one */
	uint64_t next;
	uint64_t turns[STW_STATS_WORKERS_MAX]; /* of each worker at the last sign */
};

/** @param every_s of stw_notify_watchdog_s(); @param hz of the clock that ticks are told by */
void stw_life_init(struct stw_life *l, double every_s, uint64_t hz);

/** Give a sign if it is time and every worker has turned since the last one. */
void stw_life_tick(struct stw_life *l, const struct stw_stats *stats, uint64_t now);
