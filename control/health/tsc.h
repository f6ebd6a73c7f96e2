/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/** @file The counter by which the data plane stamps what it notes for control. One machine, one
 * counter: what rte_rdtsc() reads there. */

#include <stdint.h>

static inline uint64_t stw_tsc(void)
{
#if defined(__x86_64__)
	return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
	uint64_t t;
	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(t));
	return t;
#else
#error "no cycle counter known on this machine"
#endif
}
