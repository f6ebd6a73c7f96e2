/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Internet checksums (RFC 1071): 64 bytes a step where the CPU can.
 */

#include <stddef.h>
#include <stdint.h>

/** Choose the fastest kernel this CPU has. Before any worker starts; without it a plain one serves.
 */
void stw_cksum_init(void);

/**
 * Sum of the 16-bit words at @p as they lie in memory, not folded; an odd last byte counts as if a
 * zero followed.
 *
 * @param len  0..65535
 */
extern uint32_t (*stw_cksum_sum)(const void *p, size_t len);

/** Fold a sum to 16 bits, not complemented. */
static inline uint16_t stw_cksum_fold(uint64_t sum)
{
	sum = (sum & 0xffffffffu) + (sum >> 32);
	sum = (sum & 0xffffu) + (sum >> 16);
	sum = (sum & 0xffffu) + (sum >> 16);
	sum = (sum & 0xffffu) + (sum >> 16);
	return (uint16_t)sum;
}

/** Every kernel this CPU can run, for tests. @return NULL past the last */
uint32_t (*stw_cksum_kernel(unsigned i))(const void *p, size_t len);
