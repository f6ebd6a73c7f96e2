/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stw-bench-hop A B: how long a cache line takes from CPU A to CPU B, as JSON. What two workers
 * hand to each other goes that way, some fifteen lines a message. A virtual machine's CPUs are at
 * times under one cache and at times not, and may move while it runs: a factor of four.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/clock.h"

#define ROUNDS 5u
#define HOPS   20000u /* a round, there and back */

static _Atomic uint32_t line __attribute__((aligned(128)));

static int pin(unsigned cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set);
}

/* Wait for it to be @n, then make it one more. */
static void answer(uint32_t n)
{
	while (atomic_load_explicit(&line, memory_order_acquire) != n)
		;
	atomic_store_explicit(&line, n + 1, memory_order_release);
}

static void *other(void *cpu)
{
	if (pin(*(unsigned *)cpu) != 0)
		return cpu;
	for (uint32_t i = 0; i < ROUNDS * HOPS; i++)
		answer(2 * i + 1);
	return NULL;
}

/* The least of a few rounds: a pause of either CPU would be no line's way. */
static double least_ns(void)
{
	double least = 0;

	for (uint32_t round = 0, i = 0; round < ROUNDS; round++) {
		uint64_t start = stw_bench_now_ns();
		double ns;

		for (uint32_t k = 0; k < HOPS; k++, i++)
			answer(2 * i);
		ns = (double)(stw_bench_now_ns() - start) / (2 * HOPS);
		if (round == 0 || ns < least)
			least = ns;
	}
	return least;
}

int main(int argc, char **argv)
{
	unsigned cpu[2] = {0};
	void *failed = NULL;
	pthread_t thread;
	double ns;

	if (argc != 3) {
		fprintf(stderr, "usage: %s CPU CPU\n", argv[0]);
		return 2;
	}
	for (int i = 0; i < 2; i++)
		cpu[i] = (unsigned)strtoul(argv[i + 1], NULL, 10);
	if (cpu[0] == cpu[1] || pin(cpu[0]) != 0 || pin(cpu[1]) != 0 || pin(cpu[0]) != 0) {
		fprintf(stderr, "%s: want two CPUs this process may use\n", argv[0]);
		return EXIT_FAILURE;
	}
	if (pthread_create(&thread, NULL, other, &cpu[1]) != 0)
		return EXIT_FAILURE;
	ns = least_ns();
	pthread_join(thread, &failed);
	printf("{\"hop_ns\": %.1f}\n", ns);
	return failed == NULL ? EXIT_SUCCESS : EXIT_FAILURE;
}
