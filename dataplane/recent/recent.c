/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/recent/recent.h"

/* An INVITE's final answer is repeated that long until its ACK comes (RFC 3261, Timer H). */
#define LINGER_S 32u

static uint32_t buckets_for(uint32_t entries)
{
	uint32_t n = STW_RECENT_LEAST;

	while (n < entries && n < STW_RECENT_MOST)
		n *= 2;
	return n / STW_RECENT_WAYS;
}

size_t stw_recent_size(uint32_t entries)
{
	return (size_t)buckets_for(entries) * sizeof(struct stw_recent_bucket);
}

void stw_recent_init(struct stw_recent *r, void *memory, uint32_t entries, uint64_t tsc_hz)
{
	uint32_t shift = 0;

	while (tsc_hz >> shift >= 1u << 18)
		shift++;
	*r = (struct stw_recent){.mask = buckets_for(entries) - 1,
				 .tick_shift = shift,
				 .ticks_per_s = (uint32_t)(tsc_hz >> shift),
				 .buckets = memory};
}

/* How gladly an entry is given up: 0 a free one is worth nothing, then the order of the header. */
static uint64_t readiness(const struct stw_recent *r, struct stw_recent_entry *e, uint64_t tag,
			  uint64_t now_tsc)
{
	uint64_t state = atomic_load_explicit(&e->state, memory_order_relaxed);
	uint32_t age = stw_recent_age(r, state, now_tsc);
	bool over = (state & STW_RECENT_DONE) && !stw_recent_is_call(state) &&
		    age > LINGER_S * r->ticks_per_s;

	return tag == 0 ? UINT64_MAX : (uint64_t)over << 32 | age;
}

static struct stw_recent_entry *choose(const struct stw_recent *r, struct stw_recent_bucket *b,
				       uint64_t now_tsc, uint64_t *tag)
{
	struct stw_recent_entry *best = NULL;
	uint64_t most = 0;

	for (uint32_t i = 0; i < STW_RECENT_WAYS; i++) {
		uint64_t t = atomic_load_explicit(&b->entry[i].tag, memory_order_relaxed);
		uint64_t ready = readiness(r, &b->entry[i], t, now_tsc);

		if (best == NULL || ready > most) {
			best = &b->entry[i];
			most = ready;
			*tag = t;
		}
		if (t == 0)
			break; /* the first one is in the line that was fetched */
	}
	return best;
}

bool stw_recent_add(const struct stw_recent *r, uint64_t call_hash, uint64_t tag, uint64_t state,
		    uint64_t now_tsc, uint64_t *evicted)
{
	struct stw_recent_bucket *b = stw_recent_bucket(r, call_hash);

	*evicted = 0;
	for (uint32_t tries = 0; tries < STW_RECENT_WAYS; tries++) {
		uint64_t old = 0;
		struct stw_recent_entry *e = choose(r, b, now_tsc, &old);

		if (old == STW_RECENT_BUSY ||
		    !atomic_compare_exchange_strong_explicit(&e->tag, &old, STW_RECENT_BUSY,
							     memory_order_acq_rel,
							     memory_order_relaxed))
			continue;
		/* By exchange: an answer that comes at this moment is counted there or here. */
		uint64_t was = atomic_exchange_explicit(&e->state, state, memory_order_acq_rel);
		atomic_store_explicit(&e->tag, tag, memory_order_release);
		*evicted = old != 0 ? was : 0;
		return true;
	}
	return false;
}

/* Claim, empty and free one entry that is too old. @return its last state, 0: not claimed */
static uint64_t forget(struct stw_recent_entry *e, uint64_t tag)
{
	if (!atomic_compare_exchange_strong_explicit(&e->tag, &tag, STW_RECENT_BUSY,
						     memory_order_acq_rel, memory_order_relaxed))
		return 0;
	uint64_t was = atomic_exchange_explicit(&e->state, 0, memory_order_acq_rel);
	atomic_store_explicit(&e->tag, 0, memory_order_release);
	return was;
}

uint32_t stw_recent_sweep(const struct stw_recent *r, uint32_t bucket, uint64_t now_tsc,
			  uint64_t open[STW_RECENT_WAYS])
{
	struct stw_recent_bucket *b = &r->buckets[bucket & r->mask];
	uint32_t n = 0;

	for (uint32_t i = 0; i < STW_RECENT_WAYS; i++) {
		struct stw_recent_entry *e = &b->entry[i];
		uint64_t tag = atomic_load_explicit(&e->tag, memory_order_acquire);
		uint64_t state = atomic_load_explicit(&e->state, memory_order_relaxed);

		if (tag == 0 || tag == STW_RECENT_BUSY || stw_recent_is_call(state) ||
		    stw_recent_age(r, state, now_tsc) <= STW_RECENT_EXPIRE_S * r->ticks_per_s)
			continue;
		uint64_t was = forget(e, tag);
		if (was != 0 && !(was & STW_RECENT_DONE))
			open[n++] = was;
	}
	return n;
}
