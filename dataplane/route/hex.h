/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Numbers as text: fixed-width lower-case hex, eight digits at a time without a branch or a table,
 * and plain decimals.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* The nibbles of @x, first to last, in the low halves of eight bytes, first byte lowest. */
static inline uint64_t stw_hex_spread(uint32_t x)
{
	uint64_t v = __builtin_bswap32(x);

	v = (v | v << 16) & 0x0000ffff0000ffffu;
	v = (v | v << 8) & 0x00ff00ff00ff00ffu;
	return (v >> 4 & 0x000f000f000f000fu) | (v & 0x000f000f000f000fu) << 8;
}

/** Write @x as eight digits. */
static inline void stw_hex_put32(char *out, uint32_t x)
{
	uint64_t nibbles = stw_hex_spread(x);
	/* 1 in each byte above 9: those need 'a' - '9' - 1 = 39 more */
	uint64_t letters = (nibbles + 0x0606060606060606u) >> 4 & 0x0101010101010101u;
	uint64_t text = nibbles + 0x3030303030303030u + letters * 39;

	memcpy(out, &text, 8);
}

/** Read eight digits. @return false when they are not what stw_hex_put32() writes */
static inline bool stw_hex_get32(const char *in, uint32_t *x)
{
	uint64_t text, v;
	char again[8];

	memcpy(&text, in, 8);
	v = (text & 0x0f0f0f0f0f0f0f0fu) + (text >> 6 & 0x0101010101010101u) * 9;
	v = (v << 4 | v >> 8) & 0x00ff00ff00ff00ffu;
	v = (v | v >> 8) & 0x0000ffff0000ffffu;
	uint32_t value = __builtin_bswap32((uint32_t)(v | v >> 16));
	/* whatever was no digit comes out different */
	stw_hex_put32(again, value);
	*x = value;
	return memcmp(again, in, 8) == 0;
}

#if defined(__SSE2__)

/** Write @x as sixteen digits. */
static inline void stw_hex_put64(char *out, uint64_t x)
{
	const __m128i low = _mm_set1_epi8(0x0f);
	__m128i bytes = _mm_cvtsi64_si128((int64_t)__builtin_bswap64(x));
	__m128i nibbles = _mm_unpacklo_epi8(_mm_and_si128(_mm_srli_epi16(bytes, 4), low),
					    _mm_and_si128(bytes, low));
	__m128i letters = _mm_cmpgt_epi8(nibbles, _mm_set1_epi8(9));
	__m128i text = _mm_add_epi8(_mm_add_epi8(nibbles, _mm_set1_epi8('0')),
				    _mm_and_si128(letters, _mm_set1_epi8(39)));

	_mm_storeu_si128((__m128i *)(void *)out, text);
}

/** Read sixteen digits. @return false when they are not what stw_hex_put64() writes */
static inline bool stw_hex_get64(const char *in, uint64_t *x)
{
	__m128i text = _mm_loadu_si128((const __m128i *)(const void *)in);
	__m128i letters = _mm_cmpgt_epi8(text, _mm_set1_epi8('a' - 1));
	__m128i nibbles = _mm_sub_epi8(_mm_sub_epi8(text, _mm_set1_epi8('0')),
				       _mm_and_si128(letters, _mm_set1_epi8(39)));
	/* up to 9 for what is no letter, else up to 15 */
	__m128i most = _mm_add_epi8(_mm_set1_epi8(9), _mm_and_si128(letters, _mm_set1_epi8(6)));
	__m128i good = _mm_cmpeq_epi8(_mm_min_epu8(nibbles, most), nibbles);
	__m128i bytes = _mm_or_si128(_mm_slli_epi16(nibbles, 4), _mm_srli_epi16(nibbles, 8));

	bytes = _mm_and_si128(bytes, _mm_set1_epi16(0xff));
	*x = __builtin_bswap64((uint64_t)_mm_cvtsi128_si64(_mm_packus_epi16(bytes, bytes)));
	return _mm_movemask_epi8(good) == 0xffff;
}

#else

static inline void stw_hex_put64(char *out, uint64_t x)
{
	stw_hex_put32(out, (uint32_t)(x >> 32));
	stw_hex_put32(out + 8, (uint32_t)x);
}

static inline bool stw_hex_get64(const char *in, uint64_t *x)
{
	uint32_t high, low;

	if (!stw_hex_get32(in, &high) || !stw_hex_get32(in + 8, &low))
		return false;
	*x = (uint64_t)high << 32 | low;
	return true;
}

#endif

/** Write @n in decimal, at most ten digits. @return how many */
static inline size_t stw_put_number(char *out, uint32_t n)
{
	size_t len = 1;

	for (uint32_t rest = n; rest > 9; rest /= 10)
		len++;
	for (size_t i = len; i-- > 0; n /= 10)
		out[i] = (char)('0' + n % 10);
	return len;
}

/** Write @n in decimal without a branch: eight bytes, of which the first so many count.
 * @return 1..5
 */
static inline size_t stw_put_u16(char *out, uint16_t n)
{
	uint32_t first = n / 10000u, rest = n % 10000u;
	uint32_t pairs = rest / 100u | rest % 100u << 16;
	/* a tenth by multiplication, exact up to 99 */
	uint32_t tens = pairs * 103 >> 10 & 0x000f000fu, ones = pairs - tens * 10;
	uint64_t digits = first | (uint64_t)(tens | ones << 8) << 8;
	unsigned zeros = (unsigned)__builtin_ctzll(digits | 1ull << 32) / 8;
	uint64_t text = (digits | 0x3030303030u) >> 8 * zeros;

	memcpy(out, &text, sizeof(text));
	return 5 - zeros;
}
