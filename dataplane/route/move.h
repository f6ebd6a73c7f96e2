/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * memmove() for what an edit moves: mostly less than a cache line, where a call and its dispatch on
 * the length cost more than the bytes. All is read before anything is written, so that the places
 * may overlap, and not one byte more than asked for is touched.
 */

#include <stdint.h>
#include <string.h>

struct stw_move16 {
	uint64_t w[2];
};

static inline void stw_move_bytes(char *to, const char *from, size_t n)
{
	struct stw_move16 a, b, c, d;
	uint64_t x, y;

	if (n > 64 || n < 8) {
		memmove(to, from, n);
	} else if (n > 32) {
		memcpy(&a, from, 16);
		memcpy(&b, from + 16, 16);
		memcpy(&c, from + n - 32, 16);
		memcpy(&d, from + n - 16, 16);
		memcpy(to, &a, 16);
		memcpy(to + 16, &b, 16);
		memcpy(to + n - 32, &c, 16);
		memcpy(to + n - 16, &d, 16);
	} else if (n >= 16) {
		memcpy(&a, from, 16);
		memcpy(&b, from + n - 16, 16);
		memcpy(to, &a, 16);
		memcpy(to + n - 16, &b, 16);
	} else {
		memcpy(&x, from, 8);
		memcpy(&y, from + n - 8, 8);
		memcpy(to, &x, 8);
		memcpy(to + n - 8, &y, 8);
	}
}
