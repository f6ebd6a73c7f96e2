/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * How long each stage has a burst in hand: one turn in STW_TIMED_TURNS reads the clock between its
 * stages, the others pay a predicted branch each. Turns without packets are not recorded.
 *
 * Threads: the worker writes; readers use relaxed loads (strowger/stats.h). Fast path: yes.
 */

#include <stdbool.h>
#include <stdint.h>

#include <rte_branch_prediction.h>
#include <rte_cycles.h>

#include <strowger/stats.h>

#define STW_TIMED_TURNS 64u /* a power of two */

struct stw_timing {
	struct stw_stats_stages *stages; /* NULL: never timed */
	uint64_t tsc_hz;
	uint32_t turn;
	bool timed; /* this turn is */
	uint64_t begin_tsc;
	uint64_t end_tsc[STW_N_STAGES];
};

void stw_timing_init(struct stw_timing *t, struct stw_stats_stages *stages, uint64_t tsc_hz);

/** Before the first stage of a turn. */
static inline void stw_timing_begin(struct stw_timing *t)
{
	t->timed = (t->turn++ & (STW_TIMED_TURNS - 1)) == 0 && t->stages != NULL;
	if (unlikely(t->timed))
		t->begin_tsc = rte_rdtsc();
}

/** After @stage. */
static inline void stw_timing_mark(struct stw_timing *t, enum stw_stage stage)
{
	if (unlikely(t->timed))
		t->end_tsc[stage] = rte_rdtsc();
}

/** Add a timed turn's stages to their histograms. */
void stw_timing_record(struct stw_timing *t);

/** After the last stage. @n: packets of the turn */
static inline void stw_timing_end(struct stw_timing *t, uint32_t n)
{
	if (unlikely(t->timed) && n > 0)
		stw_timing_record(t);
}
