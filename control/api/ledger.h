/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The drop ledger of one worker or of all, read from the stats block and added up:
 *
 *     received + injected = ends + drops + waiting + in_hand
 *
 * in_hand is what a worker holds in its burst at the moment of reading; with an idle worker it is 0
 * and the ledger balances (strowger/counters.h). Pure but for the reading.
 */

#include <stdbool.h>
#include <stdint.h>

#include <strowger/counters.h>
#include <strowger/stats.h>

struct stw_ledger {
	uint64_t c[STW_N_COUNTERS];
	uint64_t ends;
	uint64_t drops;
	int64_t in_hand; /* negative only when a counter was missed: a defect */
	bool balanced;	 /* in_hand is 0 */
};

/** Add up ends, drops and what is in hand from out->c. */
void stw_ledger_sum(struct stw_ledger *l);

/**
 * Read worker @i. A worker that runs changes its counters while they are read, so this tries a
 * bounded number of times for a moment between two bursts.
 */
void stw_ledger_read(struct stw_stats *s, uint32_t i, struct stw_ledger *out);

/** Add @l to @total, counters and sums; start with a zeroed @total. */
void stw_ledger_add(struct stw_ledger *total, const struct stw_ledger *l);
