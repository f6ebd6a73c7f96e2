/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Values parsed from exact-size copies, so that a sanitizer sees a read one byte too far.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <strowger/sip.h>

/* @return a copy, to be freed; @span covers it */
static inline char *value_of(const char *text, struct stw_span *span)
{
	size_t len = strlen(text);
	char *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	memcpy(copy, text, len);
	*span = (struct stw_span){0, (uint16_t)len};
	return copy;
}

#define assert_part(buf, part, want)                                       \
	do {                                                               \
		assert_int_equal((part).len, strlen(want));                \
		assert_memory_equal((buf) + (part).off, want, (part).len); \
	} while (0)
