/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * One queue for several workers. A trunk is one pair of addresses and ports, so the NIC gives all
 * of it to one worker: when that one cannot keep up it hands messages over to others, by Call-ID,
 * through their inboxes (path/rx.c). All of a call that come by its queues go the same way, so they
 * stay in order.
 *
 * When somebody who is handed messages has no room for more, the worker waits, and the NIC's queue
 * with it: nothing is dropped in between. Where that brings less than the worker did alone (the
 * other has no core of his own, say) it ends by itself.
 *
 * It begins at the edge of a burst, when nothing of its own is under way. To end it the worker
 * takes nothing from its queues until the others have done with what they were given, some ten
 * microseconds: so no message overtakes one before it. The same when it is to keep more calls than
 * before; what it keeps follows how many wait for the others.
 *
 * Threads: each worker its own struct; stw_spread.done is added to by the others.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "dataplane/burst.h"
#include "dataplane/route/nh.h"

#define STW_SPREAD_TARGETS 64u	/* workers that one hands to, at most */
#define STW_SPREAD_ALL	   256u /* what is kept is counted in these parts of all calls */

/** dataplane.steering */
enum stw_spreading { STW_SPREADING_AUTO, STW_SPREADING_OFF, STW_SPREADING_ALWAYS };

struct stw_worker;

/* Of the hash of a Call-ID. */
struct stw_spread_key {
	uint64_t call[STW_NH_WINDOW / 8];
	uint64_t len[2];
	struct stw_sipkey beyond[2];
};

struct stw_spread {
	/* written by this worker */
	enum stw_spreading how;
	bool on;
	bool draining;	    /* until others have done with all they have */
	uint32_t kept;	    /* so many of STW_SPREAD_ALL calls are its own */
	uint32_t wanted;    /* and then these */
	uint32_t n_settle;  /* windows until this is looked at again */
	uint32_t n_targets; /* of target[] */
	uint32_t n_crowded; /* windows in a row with too much to do */
	uint32_t n_calm;    /* windows in a row with little to do */
	uint32_t n_vain;    /* windows in a row in which it brought nothing */
	uint32_t n_rest;    /* windows until it may begin again */
	uint32_t n_staged;  /* frames that leave at the end of decap */
	uint64_t handed;
	uint64_t window_tsc;				      /* its end */
	uint64_t n_turns, n_full, n_came, n_given, n_blocked; /* in this window */
	uint64_t n_waiting;				      /* for others, when it took */
	uint64_t n_came_full;				      /* in one when it was full, alone */
	uint64_t times;					      /* that it began */
	uint32_t given[STW_SPREAD_TARGETS]; /* this turn, by whom: messages of others */
	uint16_t target[STW_SPREAD_TARGETS];
	uint16_t staged_for[STW_BURST_MAX];
	struct rte_mbuf *staged[STW_BURST_MAX];
	struct stw_spread_key key;

	/* written by others: of what they were given, how much they have done with */
	_Atomic uint64_t done __attribute__((aligned(64)));

	/* read by others */
	_Atomic bool busy __attribute__((aligned(64))); /* its own queues are full */
};

/** @param secret  so that nobody outside chooses which worker does a call */
void stw_spread_init(struct stw_spread *s, enum stw_spreading how, uint32_t n_workers,
		     uint64_t secret);

/**
 * Before the queues are looked at: begin, go on, wait or end.
 *
 * @return false: leave the queues alone this turn
 */
bool stw_spread_may_take(struct stw_worker *w);

/** After it: so much came from the queues and from others, and it was as much as there is room for.
 * Once a turn. */
void stw_spread_look(struct stw_worker *w, uint32_t n, uint32_t n_given, bool full);

/** A message of a call that is another's is taken over. @return false: it is this worker's */
bool stw_spread_stage(struct stw_worker *w, struct rte_mbuf *m, const char *text, uint32_t len);

/** Hand over what was staged. */
void stw_spread_flush(struct stw_worker *w);

/** A message came from worker @from. It has ended when the turn has, with stw_spread_done(). */
static inline void stw_spread_given(struct stw_spread *s, uint32_t from)
{
	s->given[from]++;
}

void stw_spread_done(struct stw_worker *w);
