/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Steady seconds: the time bindings are dated by. They look like Unix time and run like a clock
 * nobody sets: started from the wall clock once, they go on from there by CLOCK_BOOTTIME, over
 * restarts within one boot as well. A wall clock that jumps neither ends a binding nor lengthens
 * one.
 *
 * Threads: one.
 */

#include <stdint.h>

/* Where steady time stood: kept in the store, to go on from. */
struct stw_clock_mark {
	char boot_id[40]; /* of the kernel's boot; with a NUL */
	uint64_t steady_ms, boottime_ms;
};

struct stw_clock {
	struct stw_clock_mark mark;
};

/**
 * Start.
 *
 * @param last  as stw_clock_mark_now() left it in an earlier run; NULL: there was none. Within the
 *              same boot time goes on exactly; after another boot by the wall clock, but never back
 */
void stw_clock_start(struct stw_clock *c, const struct stw_clock_mark *last);

uint64_t stw_clock_ms(const struct stw_clock *c);
uint64_t stw_clock_s(const struct stw_clock *c);

/** What steady time is ahead of CLOCK_BOOTTIME by: always the same. */
uint64_t stw_clock_less_boottime_ms(const struct stw_clock *c);

/** To be kept. */
struct stw_clock_mark stw_clock_mark_now(const struct stw_clock *c);
