/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The clock workers stamp things with, for readers in another process of the same machine; its rate
 * is stw_stats.tsc_hz.
 */

#include <stdint.h>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

static inline uint64_t stw_tsc_now(void)
{
#if defined(__x86_64__)
	return __rdtsc();
#elif defined(__aarch64__)
	uint64_t v;

	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(v));
	return v;
#else
#error "which counter does rte_rdtsc() read here?"
#endif
}
