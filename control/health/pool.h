/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * What a pool makes of its members' health: how many may be thrown out by their traffic, when so
 * many look dead that all serve again, and which share of its weight each one gets. Pure.
 *
 * Threads: any; no shared state.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/health/state.h"

/* A member as its pool sees it. */
struct stw_pool_seat {
	uint32_t weight; /* asked for; 0 when drained or down */
	unsigned share;	 /* by its health, 0..STW_SHARE_WHOLE */
	bool ejected;	 /* out by its traffic */
};

/**
 * Whether one more may be thrown out: at most eject_percent of the members (one at least, unless
 * that is 0), and never the last that serves.
 */
bool stw_pool_may_eject(const struct stw_pool_seat *seats, size_t n,
			const struct stw_model_health *c);

/**
 * Too little of the asked-for weight looks alive: less than panic_percent, or nothing at all. Then
 * everybody serves, whatever its health.
 */
bool stw_pool_panics(const struct stw_pool_seat *seats, size_t n, const struct stw_model_health *c);
