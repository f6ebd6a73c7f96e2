/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * A small seeded generator (splitmix64), so that a corpus is the same bytes for the same seed.
 * Not for secrets. Threads: one user a generator.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stw_bench_random {
	uint64_t state;
};

static inline uint64_t stw_bench_random_u64(struct stw_bench_random *r)
{
	r->state += 0x9e3779b97f4a7c15u;
	uint64_t z = r->state;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/** A number in 0..@n - 1; @n not 0. */
static inline uint32_t stw_bench_random_below(struct stw_bench_random *r, uint32_t n)
{
	return (uint32_t)(((stw_bench_random_u64(r) >> 32) * n) >> 32);
}

/** True once in @n times. */
static inline bool stw_bench_random_one_in(struct stw_bench_random *r, uint32_t n)
{
	return stw_bench_random_below(r, n) == 0;
}
