/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/path/budget.h"

#include <stdlib.h>
#include <string.h>

#include "dataplane/route/siphash.h"

#define SETS	    1024u
#define WAYS	    4u
#define TICKS_PER_S 1024u

struct row {
	uint32_t source; /* hash of the address; 0: free */
	uint32_t tick;	 /* of the last refill */
	uint32_t tokens;
	uint32_t spare; /* of a token, in 1 / TICKS_PER_S */
};

struct set {
	struct row row[WAYS];
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct set) == 64, "a look-up is one cache line");

struct stw_budget {
	struct set set[SETS];
	struct stw_sipkey key;
	uint64_t tsc_per_tick;
	uint32_t per_second;
};

struct stw_budget *stw_budget_new(uint32_t per_second, uint64_t tsc_hz, uint64_t secret)
{
	struct stw_budget *b = aligned_alloc(64, (sizeof(*b) + 63) & ~(size_t)63);

	if (b == NULL)
		return NULL;
	memset(b, 0, sizeof(*b));
	memcpy(&b->key, &secret, sizeof(secret));
	b->tsc_per_tick = tsc_hz / TICKS_PER_S > 0 ? tsc_hz / TICKS_PER_S : 1;
	b->per_second = per_second;
	return b;
}

void stw_budget_free(struct stw_budget *budget)
{
	free(budget);
}

/* A whole IPv6 /64 is one household: it has addresses enough to be anybody. */
static uint64_t hash(const struct stw_budget *b, const struct stw_ip *ip)
{
	return stw_siphash13(b->key, ip->b, stw_ip_is_v4(ip) ? 16 : 8);
}

static void refill(const struct stw_budget *b, struct row *r, uint32_t tick)
{
	uint64_t passed = tick - r->tick;
	uint64_t earned = passed * b->per_second + r->spare;

	r->tick = tick;
	if (passed >= TICKS_PER_S || r->tokens + earned / TICKS_PER_S >= b->per_second) {
		r->tokens = b->per_second;
		r->spare = 0;
		return;
	}
	r->tokens += (uint32_t)(earned / TICKS_PER_S);
	r->spare = (uint32_t)(earned % TICKS_PER_S);
}

/* The source's row, or the one longest unused, made its. */
static struct row *find(struct stw_budget *b, const struct stw_ip *ip, uint32_t tick)
{
	uint64_t h = hash(b, ip);
	uint32_t source = (uint32_t)h | 1u;
	struct row *row = b->set[(h >> 32) % SETS].row, *oldest = row;

	for (uint32_t i = 0; i < WAYS; i++) {
		if (row[i].source == source)
			return &row[i];
		if (row[i].source == 0 ||
		    (oldest->source != 0 && tick - row[i].tick > tick - oldest->tick))
			oldest = &row[i];
	}
	*oldest = (struct row){.source = source, .tick = tick, .tokens = b->per_second};
	return oldest;
}

bool stw_budget_take(struct stw_budget *budget, const struct stw_ip *source, uint64_t now_tsc)
{
	uint32_t tick = (uint32_t)(now_tsc / budget->tsc_per_tick);
	struct row *r;

	if (budget->per_second == 0)
		return true;
	r = find(budget, source, tick);
	refill(budget, r, tick);
	if (r->tokens == 0)
		return false;
	r->tokens--;
	return true;
}
