/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The recent-call table: to which member each request of the last minutes was sent, and whether it
 * was answered. Fixed memory, shared by all workers; a look-up that finds its entry reads one cache
 * line, seldom the next one, one that does not reads both. A single line would hold four entries,
 * and at a tenth of its capacity such a table would already crowd out requests that are still open.
 *
 * An entry is a *transaction*, known by the branch of our Via, which its retransmissions, CANCEL
 * and ACK share and its responses bring back; or a *call*, known by the hash of its Call-ID, for
 * pools whose requests carry no cookie. The hash of the Call-ID chooses the bucket of both, so that
 * it can be fetched before anything else about the message is known.
 *
 * Why shared: a request and its answer come from two peers, so from two queues, and mostly to two
 * workers. Each line is written by one at the first request, by one at the first answer and by one
 * at the final one, never by two on a hot spot; a table for each worker would have to be asked by
 * all others at each new call. Entries change by compare-and-swap; whoever wins a change counts it.
 *
 * The table is consulted, never needed: without it the same request goes where the same tables send
 * it. The decision only reads it (dataplane/route/recall.c); the worker writes (path/recall.c).
 *
 * Threads: any, lock-free. Not RCU: lives as long as the workers. Members are named by their id, so
 * entries outlive the tables they were made under.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STW_RECENT_WAYS	    8u
#define STW_RECENT_LEAST    4096u      /* entries */
#define STW_RECENT_MOST	    (1u << 28) /* entries */
#define STW_RECENT_EXPIRE_S 240u       /* longer than any transaction lives (RFC 3261, Timer C) */

/* A state: member id << 32 | when << WHEN_SHIFT | repeats << REPEATS_SHIFT | flags. */
#define STW_RECENT_ANSWERED	 1u /* some response came */
#define STW_RECENT_DONE		 2u /* no longer open: final answer, moved, expired, or a call */
#define STW_RECENT_CALL		 STW_RECENT_DONE /* of these two bits alone: a call's entry */
#define STW_RECENT_INVITE	 4u
#define STW_RECENT_REPEATS_SHIFT 3u
#define STW_RECENT_REPEATS_MAX	 7u /* counts no further */
#define STW_RECENT_WHEN_SHIFT	 6u
#define STW_RECENT_WHEN_MASK	 0x3ffffffu

#define STW_RECENT_BUSY		 UINT64_MAX

struct stw_recent_entry {
	_Atomic uint64_t tag;	/* 0: free; STW_RECENT_BUSY: being replaced */
	_Atomic uint64_t state; /* of the tag: valid if the tag is the same before and after */
};

struct stw_recent_bucket {
	struct stw_recent_entry entry[STW_RECENT_WAYS];
} __attribute__((aligned(128)));

_Static_assert(sizeof(struct stw_recent_bucket) == 128, "a pair of cache lines");

struct stw_recent {
	uint32_t mask;	      /* buckets minus 1 */
	uint32_t tick_shift;  /* TSC to ticks of 4 to 8 us: wraps after 256 s and more */
	uint32_t ticks_per_s; /* rounded down */
	uint32_t reserved;
	struct stw_recent_bucket *buckets;
};

/* What a look-up found. */
struct stw_recent_hit {
	uint32_t at; /* of the entry, for stw_recent_change() */
	uint64_t state;
};

/** Bytes for a table of @entries, rounded up to a power of two within the limits. */
size_t stw_recent_size(uint32_t entries);

/**
 * Make the table in @memory.
 *
 * @param memory  stw_recent_size(@entries) bytes, aligned to 128, all zero; the caller's to free
 * @param tsc_hz  of the clock that callers pass as @now_tsc
 */
void stw_recent_init(struct stw_recent *r, void *memory, uint32_t entries, uint64_t tsc_hz);

static inline uint32_t stw_recent_member(uint64_t state)
{
	return (uint32_t)(state >> 32);
}

static inline uint32_t stw_recent_repeats(uint64_t state)
{
	return state >> STW_RECENT_REPEATS_SHIFT & STW_RECENT_REPEATS_MAX;
}

/** Ticks from the entry's sending to @now_tsc. */
static inline uint32_t stw_recent_age(const struct stw_recent *r, uint64_t state, uint64_t now_tsc)
{
	return ((uint32_t)(now_tsc >> r->tick_shift) - (uint32_t)(state >> STW_RECENT_WHEN_SHIFT)) &
	       STW_RECENT_WHEN_MASK;
}

/** A state for a request to @member_id sent now. */
static inline uint64_t stw_recent_state(const struct stw_recent *r, uint32_t member_id,
					uint64_t now_tsc, uint32_t flags)
{
	uint64_t when = now_tsc >> r->tick_shift & STW_RECENT_WHEN_MASK;

	return (uint64_t)member_id << 32 | when << STW_RECENT_WHEN_SHIFT | flags;
}

/** True for the entry of a call, which stays until its place is needed. */
static inline bool stw_recent_is_call(uint64_t state)
{
	return (state & (STW_RECENT_ANSWERED | STW_RECENT_DONE)) == STW_RECENT_CALL;
}

/** One more retransmission. */
static inline uint64_t stw_recent_repeat(uint64_t state)
{
	return stw_recent_repeats(state) < STW_RECENT_REPEATS_MAX
		       ? state + (1u << STW_RECENT_REPEATS_SHIFT)
		       : state;
}

/* Two values stand for free and being replaced. */
static inline uint64_t stw_recent_tag(uint64_t wanted)
{
	return wanted == 0 || wanted == STW_RECENT_BUSY ? 1 : wanted;
}

/** The tag of a transaction whose branch has this value. */
static inline uint64_t stw_recent_branch_tag(uint64_t branch)
{
	return stw_recent_tag(branch);
}

/** The tag of a call; unlike its bucket it takes all bits of the hash. */
static inline uint64_t stw_recent_call_tag(uint64_t call_hash)
{
	return stw_recent_tag(~call_hash);
}

static inline struct stw_recent_bucket *stw_recent_bucket(const struct stw_recent *r,
							  uint64_t call_hash)
{
	return &r->buckets[call_hash & r->mask];
}

/* Both lines: not every processor fetches them in pairs. */
static inline void stw_recent_prefetch(const struct stw_recent *r, uint64_t call_hash)
{
	const struct stw_recent_bucket *b = stw_recent_bucket(r, call_hash);

	__builtin_prefetch(b);
	__builtin_prefetch(&b->entry[STW_RECENT_WAYS / 2]);
}

/** Find the entry with @tag among those of the call. Fast path: yes. */
static inline bool stw_recent_find(const struct stw_recent *r, uint64_t call_hash, uint64_t tag,
				   struct stw_recent_hit *out)
{
	struct stw_recent_bucket *b = stw_recent_bucket(r, call_hash);

#pragma GCC unroll 8
	for (uint32_t i = 0; i < STW_RECENT_WAYS; i++) {
		struct stw_recent_entry *e = &b->entry[i];

		if (atomic_load_explicit(&e->tag, memory_order_acquire) != tag)
			continue;
		uint64_t state = atomic_load_explicit(&e->state, memory_order_acquire);
		if (atomic_load_explicit(&e->tag, memory_order_relaxed) != tag)
			continue; /* replaced in between */
		out->at = (uint32_t)(b - r->buckets) * STW_RECENT_WAYS + i;
		out->state = state;
		return true;
	}
	return false;
}

/**
 * Change the state of a found entry.
 *
 * @param from  what it was; what it is, when somebody else changed it first
 * @return false: so it was, and the caller's own change did not happen
 */
static inline bool stw_recent_change(const struct stw_recent *r, uint32_t at, uint64_t *from,
				     uint64_t to)
{
	struct stw_recent_entry *e = &r->buckets[at / STW_RECENT_WAYS].entry[at % STW_RECENT_WAYS];

	return atomic_compare_exchange_strong_explicit(&e->state, from, to, memory_order_acq_rel,
						       memory_order_relaxed);
}

/**
 * Remember a request or call that the table does not hold, in place of what matters least: a free
 * entry, the oldest of those done with half a minute ago, else the oldest.
 *
 * @param evicted  the state of what gave way, 0: nothing did
 * @return false: others were replacing entries of this bucket all the time; nothing is remembered
 *
 * Fast path: yes.
 */
bool stw_recent_add(const struct stw_recent *r, uint64_t call_hash, uint64_t tag, uint64_t state,
		    uint64_t now_tsc, uint64_t *evicted);

/**
 * Forget the transactions of one bucket that nobody can ask for any more. Each bucket should be
 * swept every few seconds, and must be now and then, as ages wrap.
 *
 * @param bucket  any number: buckets modulo theirs
 * @param open    [STW_RECENT_WAYS] states of those that were still open
 * @return how many these are
 */
uint32_t stw_recent_sweep(const struct stw_recent *r, uint32_t bucket, uint64_t now_tsc,
			  uint64_t open[STW_RECENT_WAYS]);
