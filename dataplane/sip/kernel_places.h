/* SPDX-License-Identifier: BSD-3-Clause */
/* Part of a kernel's file: places of set bits without a compress instruction. */
#pragma once

#include <stdint.h>

#define KB_LINES_MAX 64u

struct kb_starts {
	uint16_t at[KB_LINES_MAX + 64 + 4]; /* from [n] on the blank line, to fill the last step */
};

static inline void kb_starts_init(struct kb_starts *starts)
{
	(void)starts;
}

/* Add the places of @bits to the @n starts. Four at once, as few blocks hold more. @return n now */
static inline unsigned kb_starts_add(struct kb_starts *starts, unsigned n, uint64_t bits,
				     uint32_t base)
{
	unsigned end = n + (unsigned)__builtin_popcountll(bits);
	for (;;) {
		for (unsigned i = 0; i < 4; i++) {
			/* Without a bit left the place is never looked at. */
			unsigned place = (unsigned)__builtin_ctzll(bits | 1ull << 63);
			starts->at[n + i] = (uint16_t)(base + place);
			bits &= bits - 1;
		}
		n += 4;
		if (__builtin_expect(n >= end, 1))
			return end;
	}
}

static inline void kb_starts_end(struct kb_starts *starts, unsigned n, uint32_t blank)
{
	for (unsigned i = 0; i < 4; i++)
		starts->at[n + i] = (uint16_t)blank;
}

static inline uint32_t kb_starts_first(const struct kb_starts *starts)
{
	return starts->at[0];
}
