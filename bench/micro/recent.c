/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stw-bench-recent: what the recent-call table costs a message, as JSON: 16 384 calls in bursts of
 * 32, each burst fetched first, as the workers do it. Look-ups of calls that are not there (miss),
 * that are in the caches (hit) and that are not (cold), and entering calls (insert). Every answer
 * counts: one wrong, and there are no figures.
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/clock.h"
#include "dataplane/recent/recent.h"

#define CALLS	    16384u
#define BURST	    32u
#define ENTRIES	    262144u
#define HZ	    1000000000u

#define ROUNDS_MAX  100u
#define OTHER_BYTES (64u << 20)

enum kind { KIND_HIT, KIND_COLD, KIND_MISS, KIND_INSERT, N_KINDS };

static const char *const kind_names[N_KINDS] = {"hit", "cold", "miss", "insert"};

static struct stw_recent table;
static uint64_t hashes[CALLS];
static void *memory;
static char *other;

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

/* Everything out of the caches, as after a second of other work. */
static void forget(void)
{
	for (size_t i = 0; i < OTHER_BYTES; i += 64)
		other[i]++;
}

/* A fresh table. @return false when a look-up gave another answer than it must */
static bool run_round(double ns[N_KINDS])
{
	uint32_t missed, cold, hit;

	memset(memory, 0, stw_recent_size(ENTRIES));
	stw_recent_init(&table, memory, ENTRIES, HZ);
	ns[KIND_MISS] = find_all(&missed);
	ns[KIND_INSERT] = add_all();
	forget();
	ns[KIND_COLD] = find_all(&cold);
	ns[KIND_HIT] = find_all(&hit);
	return missed == 0 && cold == CALLS && hit == CALLS;
}

static void print(uint32_t rounds, double (*ns)[N_KINDS])
{
	printf("{\"entries\": %u, \"calls\": %u, \"ns\": {", ENTRIES, CALLS);
	for (int kind = 0; kind < N_KINDS; kind++) {
		printf("%s\"%s\": [", kind ? ", " : "", kind_names[kind]);
		for (uint32_t r = 0; r < rounds; r++)
			printf("%s%.2f", r ? ", " : "", ns[r][kind]);
		printf("]");
	}
	printf("}}\n");
}

static bool run(uint32_t rounds)
{
	static double ns[ROUNDS_MAX][N_KINDS];
	uint64_t random = 1;

	for (uint32_t i = 0; i < CALLS; i++) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		hashes[i] = random ^ random >> 29;
	}
	for (uint32_t r = 0; r < rounds; r++)
		if (!run_round(ns[r]))
			return false;
	print(rounds, ns);
	return true;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {{"rounds", required_argument, NULL, 'r'},
					      {NULL, 0, NULL, 0}};
	uint32_t rounds = 20;
	bool good;

	for (int c; (c = getopt_long(argc, argv, "r:", longs, NULL)) != -1;)
		rounds = c == 'r' ? (uint32_t)strtoul(optarg, NULL, 10) : 0;
	if (rounds < 1 || rounds > ROUNDS_MAX || optind != argc) {
		fprintf(stderr, "usage: %s [--rounds 1..%u]\n", argv[0], ROUNDS_MAX);
		return 2;
	}
	memory = aligned_alloc(128, stw_recent_size(ENTRIES));
	other = calloc(1, OTHER_BYTES);
	good = memory != NULL && other != NULL && run(rounds);
	if (!good)
		fprintf(stderr, "stw-bench-recent: no memory, or a look-up gave a wrong answer\n");
	free(other);
	free(memory);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
