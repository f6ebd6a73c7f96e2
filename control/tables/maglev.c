/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/tables/maglev.h"

#include <stdbool.h>
#include <stdlib.h>

#include <strowger/errors.h>

#include "dataplane/route/siphash.h"

#define WEIGHT_MAX 65535u
#define SLOTS_MAX  (1u << 24)

/* Public and fixed: equal tables on all nodes. Aimed floods are the Call-ID hash's affair. */
static const struct stw_sipkey preference_key = {0x656c62617473u, 0x76656c67616du};

struct candidate {
	uint32_t id;
	uint32_t weight;
	uint32_t next; /* slot it asks for next */
	uint32_t skip;
	uint32_t quota; /* slots it still has to take */
	uint64_t remainder;
	uint16_t index; /* in the caller's array */
};

static int by_id(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static int by_remainder(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->remainder != y->remainder)
		return x->remainder > y->remainder ? -1 : 1;
	return by_id(a, b);
}

static bool is_prime(size_t n)
{
	if (n < 2 || n % 2 == 0)
		return n == 2;
	for (size_t d = 3; d * d <= n; d += 2)
		if (n % d == 0)
			return false;
	return true;
}

/* The members with weight, by id. @return how many, or an error */
static int collect(const struct stw_maglev_member *members, size_t n_members, struct candidate *c,
		   uint64_t *total)
{
	int n = 0;

	*total = 0;
	for (size_t i = 0; i < n_members; i++) {
		if (members[i].weight > WEIGHT_MAX)
			return STW_ERANGE;
		if (members[i].weight == 0)
			continue;
		c[n] = (struct candidate){.id = members[i].id,
					  .weight = members[i].weight,
					  .index = (uint16_t)i};
		*total += members[i].weight;
		n++;
	}
	qsort(c, (size_t)n, sizeof(*c), by_id);
	for (int i = 1; i < n; i++)
		if (c[i].id == c[i - 1].id)
			return STW_EDUP;
	return n > 0 ? n : STW_ENOENT;
}

/* Shares by largest remainder; leaves @c ordered by id. */
static void share(struct candidate *c, size_t n, uint64_t total, size_t n_slots)
{
	size_t given = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t exact = (uint64_t)c[i].weight * n_slots;

		c[i].quota = (uint32_t)(exact / total);
		c[i].remainder = exact % total;
		given += c[i].quota;
	}
	qsort(c, n, sizeof(*c), by_remainder);
	for (size_t i = 0; given < n_slots; i++, given++)
		c[i].quota++;
	qsort(c, n, sizeof(*c), by_id);
}

/* Each member's own order of slots: all of them, since n_slots is prime. */
static void prefer(struct candidate *c, size_t n, size_t n_slots)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t h = stw_siphash24(preference_key, &c[i].id, sizeof(c[i].id));

		c[i].next = (uint32_t)((h >> 32) % n_slots);
		c[i].skip = (uint32_t)((h & UINT32_MAX) % (n_slots - 1)) + 1;
	}
}

/* The slots being filled. Whether one is taken stands in a bit apart: most of the work is to find
 * one that is not, and all bits together stay in the nearest cache. */
struct table {
	uint16_t *slots;
	uint32_t n_slots;
	uint64_t *taken;
};

static inline uint32_t after(uint32_t at, const struct candidate *c, const struct table *t)
{
	at += c->skip;
	return at >= t->n_slots ? at - t->n_slots : at;
}

static void take(struct candidate *c, const struct table *t)
{
	uint32_t at = c->next;
	uint64_t word;

	while ((word = t->taken[at / 64]) >> at % 64 & 1)
		at = after(at, c, t);
	t->taken[at / 64] = word | (uint64_t)1 << at % 64;
	t->slots[at] = c->index;
	c->next = after(at, c, t);
	c->quota--;
}

/*
 * Rounds in the order of ids. In a round a member of weight @unit takes one slot; others take turns
 * in proportion. The unit is a power of two, so that it seldom changes when members come and go:
 * who asks when, and with it who gets what, stays as it was.
 */
static void fill(struct candidate *c, size_t n, uint64_t total, const struct table *t)
{
	unsigned unit = 0; /* its logarithm */
	size_t filled = 0;

	while (((uint64_t)n << unit) < total)
		unit++;
	for (uint64_t round = 0; filled < t->n_slots; round++) {
		/* past the end of the shares only rounding is left: one turn each */
		bool late = round * total >> unit >= t->n_slots;

		for (size_t i = 0; i < n; i++) {
			uint64_t turns =
				((round + 1) * c[i].weight >> unit) - (round * c[i].weight >> unit);

			if (late)
				turns = 1;
			for (; turns > 0 && c[i].quota > 0; turns--, filled++)
				take(&c[i], t);
		}
	}
}

int stw_maglev_build(const struct stw_maglev_member *members, size_t n_members, uint16_t *slots,
		     size_t n_slots)
{
	struct candidate *c;
	struct table t = {.slots = slots};
	uint64_t total;
	int n = STW_ENOMEM;

	if (n_members == 0 || n_members >= UINT16_MAX || n_slots < 3 || n_slots > SLOTS_MAX ||
	    !is_prime(n_slots))
		return STW_ERANGE;
	t.n_slots = (uint32_t)n_slots;
	t.taken = calloc(n_slots / 64 + 1, sizeof(*t.taken));
	c = calloc(n_members, sizeof(*c));
	if (c != NULL && t.taken != NULL)
		n = collect(members, n_members, c, &total);
	if (n > 0) {
		share(c, (size_t)n, total, n_slots);
		prefer(c, (size_t)n, n_slots);
		fill(c, (size_t)n, total, &t);
	}
	free(c);
	free(t.taken);
	return n > 0 ? STW_OK : n;
}
