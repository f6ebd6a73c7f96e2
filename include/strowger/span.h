/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Text as an offset and a length into a message: small, valid after the message is copied or moved,
 * never NUL-terminated.
 */

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct stw_span {
	uint16_t off; /* bytes from the start of the message */
	uint16_t len; /* bytes; 0 is an empty or absent value */
};

_Static_assert(sizeof(struct stw_span) == 4, "two spans to an eight-byte word");

/** Offset of the first byte after @s. */
static inline uint32_t stw_span_end(struct stw_span s)
{
	return (uint32_t)s.off + s.len;
}

/** True when @s, taken in @base, holds exactly the @len bytes at @text (case matters). */
static inline bool stw_span_is(const char *base, struct stw_span s, const char *text, size_t len)
{
	return s.len == len && memcmp(base + s.off, text, len) == 0;
}
