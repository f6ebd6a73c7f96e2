/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Time for benchmarks: the TSC where there is one, the monotonic clock elsewhere.
 */

#include <stdint.h>
#include <time.h>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

static inline uint64_t stw_bench_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/** Ticks of stw_bench_ticks_hz(); not ordered against the instructions around it. */
static inline uint64_t stw_bench_ticks(void)
{
#if defined(__x86_64__)
	return __rdtsc();
#else
	return stw_bench_now_ns();
#endif
}

/** Ticks a second, by comparing both clocks over 50 ms. */
static inline double stw_bench_ticks_hz(void)
{
	uint64_t ns = stw_bench_now_ns(), ticks = stw_bench_ticks(), later;

	while ((later = stw_bench_now_ns()) - ns < 50000000u)
		;
	return (double)(stw_bench_ticks() - ticks) * 1e9 / (double)(later - ns);
}
