/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * What must not reach a terminal or a log as it is: texts come from the wire, and characters that a
 * terminal obeys, or that show a line in another order than its bytes, make it lie.
 */

#include <stddef.h>

/**
 * Is the character at @p one of these: C0, DEL, C1, line and paragraph separators (U+2028, U+2029),
 * marks and overrides of direction (U+200E, U+200F, U+202A..U+202E, U+2066..U+2069)?
 *
 * @param p  NUL-terminated UTF-8, not at its end; bytes that are none are no concern of this
 * @return its length in bytes, 0: it is harmless
 */
static inline size_t stw_unprintable(const char *p)
{
	const unsigned char *b = (const unsigned char *)p;

	if (b[0] < 0x20 || b[0] == 0x7f)
		return 1;
	if (b[0] == 0xc2 && b[1] >= 0x80 && b[1] < 0xa0)
		return 2;
	if (b[0] != 0xe2 || (b[1] != 0x80 && b[1] != 0x81))
		return 0;
	if (b[1] == 0x80)
		return b[2] == 0x8e || b[2] == 0x8f || (b[2] >= 0xa8 && b[2] <= 0xae) ? 3 : 0;
	return b[2] >= 0xa6 && b[2] <= 0xa9 ? 3 : 0;
}
