/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stw-bench-calibrate: how fast this core is just now, as JSON. The same two pieces of work each
 * time: a chain of dependent multiplications (the clock) and a walk through 8 MiB in random order
 * (the caches, and who else uses them). Run before and after each sample, it tells a slow program
 * from a slow moment of the machine.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/clock.h"
#include "bench/random.h"

#define CHAIN 20000000u
#define CELLS (8u * 1024 * 1024 / 64)
#define STEPS (4u * CELLS)

struct cell {
	uint32_t next;
	uint8_t rest[60]; /* a cache line */
};

static double chain_ns(uint64_t *result)
{
	uint64_t start = stw_bench_now_ns(), x = *result;

	for (uint32_t i = 0; i < CHAIN; i++)
		x = x * 0x5851f42d4c957f2du + 1;
	*result = x;
	return (double)(stw_bench_now_ns() - start) / CHAIN;
}

/* Sattolo's shuffle: one cycle through all cells. */
static void link_cells(struct cell *cells)
{
	struct stw_bench_random r = {1};

	for (uint32_t i = 0; i < CELLS; i++)
		cells[i].next = i;
	for (uint32_t i = CELLS - 1; i > 0; i--) {
		uint32_t j = stw_bench_random_below(&r, i), swap = cells[i].next;
		cells[i].next = cells[j].next;
		cells[j].next = swap;
	}
}

static double walk_ns(const struct cell *cells, uint32_t steps, uint64_t *result)
{
	uint64_t start = stw_bench_now_ns();
	uint32_t at = 0;

	for (uint32_t i = 0; i < steps; i++)
		at = cells[at].next;
	*result += at;
	return (double)(stw_bench_now_ns() - start) / steps;
}

int main(void)
{
	struct cell *cells = malloc(CELLS * sizeof(*cells));
	uint64_t result = 1;

	if (!cells)
		return EXIT_FAILURE;
	link_cells(cells);
	walk_ns(cells, CELLS, &result); /* warm */
	double walk = walk_ns(cells, STEPS, &result), chain = chain_ns(&result);
	printf("{\"multiply_ns\": %.4f, \"walk_8mib_ns\": %.3f, \"check\": %" PRIu64 "}\n", chain,
	       walk, result & 1);
	free(cells);
	return EXIT_SUCCESS;
}
