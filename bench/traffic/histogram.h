/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Latencies, counted in buckets that grow with the value (as HdrHistogram does): 64 an octave, so a
 * percentile is right to 1.6 %, from one tick to centuries, in fixed memory and a few instructions.
 *
 * Threads: one user a histogram.
 */

#include <stdint.h>

#define STW_HISTOGRAM_SUB     6u /* 2^6 buckets an octave */
#define STW_HISTOGRAM_BUCKETS ((64u - STW_HISTOGRAM_SUB + 1u) << STW_HISTOGRAM_SUB)

struct stw_histogram {
	uint64_t n;
	uint64_t sum;
	uint64_t max;
	uint64_t bucket[STW_HISTOGRAM_BUCKETS];
};

static inline uint32_t stw_histogram_index(uint64_t v)
{
	uint32_t octave;

	if (v < 1u << STW_HISTOGRAM_SUB)
		return (uint32_t)v;
	octave = 63u - (uint32_t)__builtin_clzll(v) - STW_HISTOGRAM_SUB;
	return (octave << STW_HISTOGRAM_SUB) + (uint32_t)(v >> octave);
}

/** The largest value that is counted in bucket @i. */
static inline uint64_t stw_histogram_upper(uint32_t i)
{
	uint32_t octave = i >> STW_HISTOGRAM_SUB;

	if (octave <= 1)
		return i;
	octave--;
	return ((((uint64_t)i & ((1u << STW_HISTOGRAM_SUB) - 1)) + (1u << STW_HISTOGRAM_SUB) + 1)
		<< octave) -
	       1;
}

static inline void stw_histogram_add(struct stw_histogram *h, uint64_t v)
{
	h->n++;
	h->sum += v;
	h->max = v > h->max ? v : h->max;
	h->bucket[stw_histogram_index(v)]++;
}

/** The value that @share (0 to 1) of all do not exceed; 0 of none. */
static inline uint64_t stw_histogram_at(const struct stw_histogram *h, double share)
{
	uint64_t want = (uint64_t)(share * (double)h->n + 0.5), seen = 0;

	want = want > 0 ? want : 1;
	for (uint32_t i = 0; i < STW_HISTOGRAM_BUCKETS && h->n > 0; i++) {
		seen += h->bucket[i];
		if (seen >= want)
			return stw_histogram_upper(i) < h->max ? stw_histogram_upper(i) : h->max;
	}
	return h->max;
}
