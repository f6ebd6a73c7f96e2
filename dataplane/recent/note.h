/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The writing side of a worker's memory: what a verdict wants noted (enum stw_note) goes into the
 * recent-call table and the members' counters. No DPDK in it, so that model tests link the very
 * code the workers run.
 *
 * Threads: the worker whose memory it is. Fast path: yes.
 */

#include <strowger/stats.h>

#include "dataplane/route/route.h"

/**
 * Note what a FORWARD verdict says, before the next message is decided.
 *
 * @param t  the tables it was decided by
 * @param m  the message, before it is rewritten
 * @return false: another worker has just noted something else of that request, and it is to be
 *         decided anew
 */
bool stw_note(struct stw_memory *memory, const struct stw_tables *t, const struct stw_sip_msg *m,
	      const struct stw_verdict *v, uint64_t now_tsc);

/** A member's 503: count it, and keep for how long it asks to be spared (RFC 3261 s21.5.4). */
void stw_note_unavailable(struct stw_memory *memory, uint16_t number, const char *buf,
			  const struct stw_sip_msg *m, uint64_t now_tsc);

/**
 * Forget what is too old in one bucket of the table, a worker's share of them in turn.
 *
 * @param t  NULL: none yet
 */
void stw_note_sweep(struct stw_memory *memory, const struct stw_tables *t, uint64_t now_tsc);
