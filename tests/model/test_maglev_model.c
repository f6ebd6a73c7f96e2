/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Maglev against a table built the obvious way, and against the figures its authors and our own
 * performance guide give for balance and disruption.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <strowger/errors.h>

#include "control/tables/maglev.h"
#include "dataplane/route/siphash.h"

#define SMALL 65537u
#define LARGE 655373u
#define MAX   1001u

static struct stw_maglev_member members[MAX];
static uint16_t before[LARGE], after[LARGE];

/* Ids as control makes them: hashes of addresses. */
static void farm(size_t n, uint32_t weight)
{
	static const struct stw_sipkey key = {1, 2};

	for (uint32_t i = 0; i < n; i++)
		members[i] = (struct stw_maglev_member){(uint32_t)stw_siphash24(key, &i, sizeof(i)),
							weight};
}

/*
 * The oracle: whole preference lists, and in each round each member in the order of ids takes its
 * next free choice. Equal weights only; n small.
 */
static void naive(const struct stw_maglev_member *m, size_t n, uint16_t *slots, size_t n_slots)
{
	static const struct stw_sipkey key = {0x656c62617473u, 0x76656c67616du};
	uint32_t *lists = malloc(n * n_slots * sizeof(*lists));
	size_t *next = calloc(n, sizeof(*next));
	bool *placed = calloc(n, sizeof(*placed));
	size_t order[64], filled = 0;

	for (size_t i = 0; i < n; i++) { /* selection sort by id */
		size_t least = n;

		for (size_t k = 0; k < n; k++)
			if (!placed[k] && (least == n || m[k].id < m[least].id))
				least = k;
		placed[least] = true;
		order[i] = least;
		uint64_t h = stw_siphash24(key, &m[least].id, 4);
		for (uint64_t j = 0; j < n_slots; j++)
			lists[least * n_slots + j] =
				(uint32_t)(((h >> 32) % n_slots +
					    j * ((uint32_t)h % (n_slots - 1) + 1)) %
					   n_slots);
	}
	memset(slots, 0xff, n_slots * sizeof(*slots));
	while (filled < n_slots)
		for (size_t i = 0; i < n && filled < n_slots; i++) {
			size_t who = order[i];

			while (slots[lists[who * n_slots + next[who]]] != UINT16_MAX)
				next[who]++;
			slots[lists[who * n_slots + next[who]]] = (uint16_t)who;
			filled++;
		}
	free(lists);
	free(next);
	free(placed);
}

static void agrees_with_the_obvious_construction(void **state)
{
	static const size_t sizes[] = {13, 251, 1021, 4093};

	(void)state;
	for (size_t s = 0; s < 4; s++)
		for (size_t n = 1; n <= 40 && n <= sizes[s]; n += 1 + n / 4) {
			farm(n, 1 + (uint32_t)(n * 37 % 500));
			assert_int_equal(stw_maglev_build(members, n, before, sizes[s]), STW_OK);
			naive(members, n, after, sizes[s]);
			assert_memory_equal(before, after, sizes[s] * sizeof(*before));
		}
}

/* Slots of @n_before members that moved, and those moved though their member stayed, in shares of
 * 10000. A member keeps its id when the list changes. */
struct moved {
	double all, needless;
};

static struct moved compare(const struct stw_maglev_member *old_members, size_t n_slots,
			    uint32_t gone_from, uint32_t gone_to)
{
	struct moved moved = {0, 0};

	for (size_t i = 0; i < n_slots; i++) {
		uint16_t owner = before[i];

		if (old_members[owner].id == members[after[i]].id)
			continue;
		moved.all++;
		moved.needless += owner < gone_from || owner >= gone_to;
	}
	moved.all *= 10000.0 / (double)n_slots;
	moved.needless *= 10000.0 / (double)n_slots;
	return moved;
}

/* Take @gone members out of @n and compare. */
static struct moved removal(size_t n, size_t n_slots, uint32_t gone)
{
	static struct stw_maglev_member all[MAX];

	farm(n, 100);
	memcpy(all, members, sizeof(all));
	assert_int_equal(stw_maglev_build(members, n, before, n_slots), STW_OK);
	memmove(members + 3, members + 3 + gone, (n - 3 - gone) * sizeof(*members));
	assert_int_equal(stw_maglev_build(members, n - gone, after, n_slots), STW_OK);
	return compare(all, n_slots, 3, 3 + gone);
}

static struct moved addition(size_t n, size_t n_slots)
{
	static struct stw_maglev_member all[MAX];

	farm(n + 1, 100);
	memcpy(all, members, sizeof(all));
	assert_int_equal(stw_maglev_build(members, n, before, n_slots), STW_OK);
	assert_int_equal(stw_maglev_build(members, n + 1, after, n_slots), STW_OK);
	struct moved moved = compare(all, n_slots, 0, 0);
	/* what the newcomer got had to move */
	for (size_t i = 0; i < n_slots; i++)
		if (after[i] == n)
			moved.needless -= 10000.0 / (double)n_slots;
	return moved;
}

#define assert_at_most(value, limit)                                               \
	do {                                                                       \
		if ((value) > (limit))                                             \
			fail_msg(#value " is %.1f, allowed %.1f", (double)(value), \
				 (double)(limit));                                 \
	} while (0)

/* The guide's measurements of plain Maglev, in 1/10000 of the slots, and a tenth for chance. */
static void moves_no_more_than_the_guides_table(void **state)
{
	static const struct {
		size_t n_slots, n;
		double one_out, one_in, tenth_out;
	} rows[] = {
		{SMALL, 10, 1021, 933, 1020}, {SMALL, 100, 156, 158, 1110},
		{SMALL, 1000, 68, 66, 1350},  {LARGE, 100, 114, 112, 1030},
		{LARGE, 1000, 44, 42, 1110},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t tenth = (uint32_t)(rows[i].n / 10);

		assert_at_most(removal(rows[i].n, rows[i].n_slots, 1).all, rows[i].one_out * 1.1);
		assert_at_most(addition(rows[i].n, rows[i].n_slots).all, rows[i].one_in * 1.1);
		assert_at_most(removal(rows[i].n, rows[i].n_slots, tenth).all,
			       rows[i].tenth_out * 1.1);
	}
}

/* Shares exact within one slot, whatever the weights. */
static void balance_is_exact(void **state)
{
	uint32_t counts[MAX];

	(void)state;
	for (size_t n = 1; n < MAX; n = n * 3 + 1) {
		uint64_t total = 0;

		farm(n, 1);
		for (size_t i = 0; i < n; i++) {
			members[i].weight = (uint32_t)(1 + i * i * 7919 % 1000);
			total += members[i].weight;
		}
		assert_int_equal(stw_maglev_build(members, n, before, SMALL), STW_OK);
		memset(counts, 0, sizeof(counts));
		for (size_t i = 0; i < SMALL; i++)
			counts[before[i]]++;
		for (size_t i = 0; i < n; i++) {
			uint64_t floor = (uint64_t)members[i].weight * SMALL / total;

			assert_in_range(counts[i], floor, floor + 1);
		}
	}
}

/* A weight changed a little moves little: no reshuffle of the whole table. */
static void a_weight_moves_its_own_share(void **state)
{
	struct stw_maglev_member all[20];

	(void)state;
	farm(20, 100);
	assert_int_equal(stw_maglev_build(members, 20, before, SMALL), STW_OK);
	memcpy(all, members, sizeof(all));
	members[5].weight = 90; /* half a per cent of the slots change hands */
	assert_int_equal(stw_maglev_build(members, 20, after, SMALL), STW_OK);
	assert_at_most(compare(all, SMALL, 5, 6).all, 200);
	members[5].weight = 0; /* drained: its twentieth goes */
	assert_int_equal(stw_maglev_build(members, 20, after, SMALL), STW_OK);
	assert_at_most(compare(all, SMALL, 5, 6).needless, 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_obvious_construction),
		cmocka_unit_test(moves_no_more_than_the_guides_table),
		cmocka_unit_test(balance_is_exact),
		cmocka_unit_test(a_weight_moves_its_own_share),
	};
	return cmocka_run_group_tests_name("maglev-model", tests, NULL, NULL);
}
