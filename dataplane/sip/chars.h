/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Classes of bytes of RFC 3261 s25.1, one table for all parsers.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum stw_char_class {
	STW_C_DIGIT = 1 << 0,
	STW_C_ALPHA = 1 << 1,
	STW_C_HEX = 1 << 2,
	STW_C_TOKEN = 1 << 3,	/* token */
	STW_C_WORD = 1 << 4,	/* word, of Call-ID */
	STW_C_LWS = 1 << 5,	/* SP, HTAB; CR and LF too: in a value they only stand in folds */
	STW_C_USER = 1 << 6,	/* unreserved, user-unreserved */
	STW_C_PASS = 1 << 7,	/* unreserved and & = + $ , */
	STW_C_HOST = 1 << 8,	/* alphanum - . and _, which people use */
	STW_C_PARAM = 1 << 9,	/* paramchar without the escape */
	STW_C_HEADER = 1 << 10, /* hnv-unreserved, unreserved */
	STW_C_URIC = 1 << 11,	/* reserved, unreserved */
	STW_C_SCHEME = 1 << 12, /* alphanum + - . */
	STW_C_V6 = 1 << 13,	/* hex digits, colon, dot */
	STW_C_TEXT = 1 << 14,	/* no control byte: SP, HTAB, visible, UTF-8 */
	STW_C_QDTEXT = 1 << 15, /* qdtext: of a quoted-string, but for quoted-pair */
};

extern const uint16_t stw_char_class[256];

static inline bool stw_is(char c, unsigned classes)
{
	return (stw_char_class[(uint8_t)c] & classes) != 0;
}

/** First byte of [p, end) that is in none of @classes, or @end. */
static inline const char *stw_span_over(const char *p, const char *end, unsigned classes)
{
	while (p < end && stw_is(*p, classes))
		p++;
	return p;
}

/** As stw_span_over(), and over "%" HEX HEX too; stops at a percent sign without its two digits. */
static inline const char *stw_span_escaped(const char *p, const char *end, unsigned classes)
{
	while (p < end) {
		if (stw_is(*p, classes))
			p++;
		else if (*p == '%' && end - p >= 3 && stw_is(p[1], STW_C_HEX) &&
			 stw_is(p[2], STW_C_HEX))
			p += 3;
		else
			break;
	}
	return p;
}

static inline char stw_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/** True when the @len bytes at @p are @text (given in lower case) in any letter case. */
static inline bool stw_case_is(const char *p, size_t len, const char *text, size_t text_len)
{
	if (len != text_len)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (stw_lower(p[i]) != text[i])
			return false;
	}
	return true;
}

/** As stw_case_is() with a string literal. */
#define STW_CASE_IS(p, len, literal) \
	stw_case_is((p), (size_t)(len), "" literal, sizeof(literal) - 1)
