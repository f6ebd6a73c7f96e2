/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The worker's side of the flight recorder (strowger/flight.h). While bursts are small, every
 * message is recorded; a worker that is busy keeps one call in STW_RECORD_CALLS, whole, so that a
 * full core pays little. What is rejected or dropped goes to a ring of its own as well, a few of
 * them a burst.
 *
 * Threads: the worker's only. Fast path: yes.
 */

#include <stdbool.h>
#include <stdint.h>

#include <strowger/flight.h>
#include <strowger/stats.h>

#include "dataplane/burst.h"

#define STW_RECORD_CALM	  8u  /* packets in a burst: up to that many are all recorded */
#define STW_RECORD_CALLS  16u /* a power of two */
#define STW_RECORD_ERRORS 4u  /* a burst */

struct stw_recorder {
	struct stw_flight_ring *all; /* NULL: off */
	struct stw_flight_ring *errors;
	struct stw_flight_shape shape;
	uint64_t call_mask; /* a call is recorded when its hash has none of these bits; 0: all */
	uint32_t n_errors;  /* may still be recorded of this burst */
};

/** @param stats  with the rings of worker @i, or without any: then nothing is recorded */
void stw_recorder_init(struct stw_recorder *r, struct stw_stats *stats, uint32_t i);

/** A burst of @n packets begins. */
static inline void stw_recorder_begin(struct stw_recorder *r, uint32_t n)
{
	r->call_mask = n <= STW_RECORD_CALM ? 0 : STW_RECORD_CALLS - 1;
	r->n_errors = STW_RECORD_ERRORS;
}

/** Record message @i of @b with its verdict; its text is still as it came. */
void stw_flight_decided(struct stw_recorder *r, const struct stw_burst *b, unsigned i,
			uint64_t tsc);

/** Record what ended before any verdict. @reason: a drop row */
void stw_flight_dropped(struct stw_recorder *r, const struct stw_burst *b, unsigned i,
			enum stw_counter reason, uint64_t tsc);

/** Whether stw_flight_decided() has anything to do. */
static inline bool stw_recorder_wants(const struct stw_recorder *r, const struct stw_burst *b,
				      unsigned i)
{
	const struct stw_verdict *v = &b->verdict[i];

	if (r->all == NULL)
		return false;
	return ((v->call_hash & r->call_mask) == 0) | (b->msg[i].reject != STW_SIP_ACCEPTED) |
	       (v->action == STW_ACTION_DROP);
}
