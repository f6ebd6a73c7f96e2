/* SPDX-License-Identifier: BSD-3-Clause */
/* Part of a kernel's file: places of set bits without a compress instruction. */
#pragma once

#include <stdint.h>

#define KB_PLACES_MAX 64

/* Write @base plus the place of each bit. Four at once, as few blocks hold more line starts. */
static inline unsigned kb_places(uint64_t bits, uint32_t base, uint16_t *out)
{
	unsigned n = (unsigned)__builtin_popcountll(bits);
	for (unsigned done = 0;;) {
		for (unsigned i = 0; i < 4; i++) {
			/* Without a bit left the place is never looked at. */
			out[done + i] =
				(uint16_t)(base + (unsigned)__builtin_ctzll(bits | 1ull << 63));
			bits &= bits - 1;
		}
		done += 4;
		if (__builtin_expect(done >= n, 1))
			return n;
	}
}
