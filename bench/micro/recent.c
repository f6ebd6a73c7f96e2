/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stw-bench-recent: what the recent-call table costs a message, as JSON: 16 384 calls in bursts of
 * 32, each burst fetched first, as the workers do it. Each answer is checked before it is timed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/clock.h"
#include "dataplane/recent/recent.h"

#define CALLS	16384u
#define BURST	32u
#define ENTRIES 262144u
#define ROUNDS	20u
#define HZ	1000000000u

static struct stw_recent table;
static uint64_t hashes[CALLS];

static uint64_t tag_of(uint64_t hash)
{
	return stw_recent_branch_tag(hash * 0x9e3779b97f4a7c15u);
}

static void fetch(uint32_t first)
{
	for (uint32_t k = 0; k < BURST; k++)
		stw_recent_prefetch(&table, hashes[first + k]);
}

static double add_all(void)
{
	uint64_t evicted, start = stw_bench_now_ns();

	for (uint32_t i = 0; i < CALLS; i += BURST) {
		fetch(i);
		for (uint32_t k = i; k < i + BURST; k++)
			stw_recent_add(&table, hashes[k], tag_of(hashes[k]),
				       stw_recent_state(&table, k, i, 0), i, &evicted);
	}
	return (double)(stw_bench_now_ns() - start) / CALLS;
}

/* @return ns a look-up; @found how many were there with their own member */
static double find_all(uint32_t *found)
{
	uint64_t start = stw_bench_now_ns();

	*found = 0;
	for (uint32_t i = 0; i < CALLS; i += BURST) {
		fetch(i);
		for (uint32_t k = i; k < i + BURST; k++) {
			struct stw_recent_hit hit = {0};

			*found += stw_recent_find(&table, hashes[k], tag_of(hashes[k]), &hit) &&
				  stw_recent_member(hit.state) == k;
		}
	}
	return (double)(stw_bench_now_ns() - start) / CALLS;
}

int main(void)
{
	void *memory = aligned_alloc(128, stw_recent_size(ENTRIES));
	uint64_t random = 1;
	uint32_t found;
	double miss, add, hit = 0;

	if (memory == NULL)
		return EXIT_FAILURE;
	memset(memory, 0, stw_recent_size(ENTRIES));
	stw_recent_init(&table, memory, ENTRIES, HZ);
	for (uint32_t i = 0; i < CALLS; i++) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		hashes[i] = random ^ random >> 29;
	}
	miss = find_all(&found);
	if (found != 0)
		return EXIT_FAILURE;
	add = add_all();
	for (uint32_t i = 0; i < ROUNDS; i++) {
		hit += find_all(&found) / ROUNDS;
		if (found != CALLS)
			return EXIT_FAILURE;
	}
	printf("{\"entries\": %u, \"calls\": %u, \"miss_ns\": %.2f, \"add_ns\": %.2f, \"hit_ns\": "
	       "%.2f}\n",
	       ENTRIES, CALLS, miss, add, hit);
	free(memory);
	return EXIT_SUCCESS;
}
