/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * What a member's counters say of it: growth over a window of a few seconds, judged only when there
 * is enough of it. Pure.
 *
 * Threads: any; no shared state.
 */

#include <stdbool.h>
#include <stdint.h>

#include "control/health/state.h"

#define STW_WINDOW_MAX_S 30u

/** A call has so many seconds to get any answer before it counts against its member. */
#define STW_WINDOW_LATE_S 2u

/** Counters of one member, each only ever growing. */
struct stw_traffic {
	uint64_t calls;	      /* INVITEs that began a call there, retransmissions not counted */
	uint64_t answered;    /* of them, had an answer of any kind */
	uint64_t errors;      /* 5xx */
	uint64_t unreachable; /* ICMP errors about them that verify */
	uint64_t messages;    /* requests to it and from it, of any kind */
	uint64_t open;	      /* not a counter: requests that wait for their final answer now */
};

/* Rows of a second each, as differences: 12 bytes each. */
struct stw_window {
	bool known; /* @last is of this member */
	struct stw_traffic last;
	uint32_t at; /* row that was filled last */
	struct stw_window_row {
		uint32_t calls, answered, errors;
	} rows[STW_WINDOW_MAX_S + STW_WINDOW_LATE_S];
};

/** What is known so far no longer counts: another member has the counters, or a trial begins. */
void stw_window_reset(struct stw_window *w);

/** Take the counters as they are, once a second. */
void stw_window_take(struct stw_window *w, const struct stw_traffic *now);

/**
 * Judge calls that are STW_WINDOW_LATE_S to that and window_s seconds old. Which answer belongs to
 * which call the counters do not say: every answer is taken for one to them, as far as it can be.
 * So a member is rather spared than wronged; one that answers nothing is found in full.
 *
 * @return STW_CAUSE_UNANSWERED, STW_CAUSE_ERRORS, or STW_CAUSE_ANSWERED: nothing against it
 */
enum stw_health_cause stw_window_judge(const struct stw_window *w,
				       const struct stw_model_health *c);
