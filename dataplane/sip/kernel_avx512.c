/* SPDX-License-Identifier: BSD-3-Clause */
/* 64 bytes at a time in one register; compiled for AVX-512 BW, VL and VBMI2. */
#include <immintrin.h>
#include <stdint.h>

struct kb {
	__m512i v;
	__m512i power; /* 1 << high nibble, 0 for bytes above 0x7f */
};

static inline unsigned kb_load(struct kb *b, const char *buf, uint32_t base, uint32_t len)
{
	const __m512i powers = _mm512_set4_epi32(0, 0, (int)0x80402010, 0x08040201);
	uint32_t left = len - base;
	b->v = _mm512_maskz_loadu_epi8(_bzhi_u64(~0ull, left < 64 ? left : 64), buf + base);
	__m512i high = _mm512_and_si512(_mm512_srli_epi16(b->v, 4), _mm512_set1_epi8(0x0f));
	b->power = _mm512_shuffle_epi8(powers, high);
	return 0;
}

static inline uint64_t kb_eq(const struct kb *b, char c)
{
	return _mm512_cmpeq_epi8_mask(b->v, _mm512_set1_epi8(c));
}

static inline uint64_t kb_set(const struct kb *b, const uint8_t set[16])
{
	__m512i rows = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)set));
	return _mm512_test_epi8_mask(_mm512_shuffle_epi8(rows, b->v), b->power);
}

/* Controls but HTAB. */
static inline uint64_t kb_control(const struct kb *b)
{
	uint64_t low = _mm512_cmplt_epu8_mask(b->v, _mm512_set1_epi8(' '));
	return (low & ~kb_eq(b, '\t')) | kb_eq(b, 0x7f);
}

typedef __m512i kb_least;

static inline kb_least kb_least_init(void)
{
	return _mm512_set1_epi8((char)0xff);
}

static inline kb_least kb_least_of(kb_least least, const struct kb *b)
{
	return _mm512_min_epu8(least, b->v);
}

static inline int kb_least_is_zero(kb_least least)
{
	return _mm512_testn_epi8_mask(least, least) != 0;
}

#define KB_LINES_MAX 31u /* starts fit one register, with one place left */

struct kb_starts {
	__m512i at; /* 16-bit offsets; from place n on the blank line */
};

static inline void kb_starts_init(struct kb_starts *starts)
{
	starts->at = _mm512_setzero_si512();
}

/* Add the places of @bits behind the @n that are there. @return how many there are now */
static inline unsigned kb_starts_add(struct kb_starts *starts, unsigned n, uint64_t bits,
				     uint32_t base)
{
	static const uint8_t index[64] = {
		0,  1,	2,  3,	4,  5,	6,  7,	8,  9,	10, 11, 12, 13, 14, 15,
		16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
		32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47,
		48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63,
	};
	__m512i places = _mm512_maskz_compress_epi8(bits, _mm512_loadu_si512(index));
	__m512i wide = _mm512_cvtepu8_epi16(_mm512_castsi512_si256(places));
	wide = _mm512_add_epi16(wide, _mm512_set1_epi16((short)base));
	/* Past 31 the offsets fall off the end; the caller gives up on that many. */
	starts->at = _mm512_mask_expand_epi16(starts->at, (__mmask32)(~0ull << n), wide);
	return n + (unsigned)__builtin_popcountll(bits);
}

static inline void kb_starts_end(struct kb_starts *starts, unsigned n, uint32_t blank)
{
	__mmask32 rest = (__mmask32)(~0ull << n);
	starts->at = _mm512_mask_set1_epi16(starts->at, rest, (short)blank);
}

static inline uint32_t kb_starts_first(const struct kb_starts *starts)
{
	return (uint16_t)_mm_cvtsi128_si32(_mm512_castsi512_si128(starts->at));
}

#define KERNEL_HEADERS "dataplane/sip/kernel_headers512_body.h"
#define KERNEL_PARSE   stw_parse_avx512
#include "dataplane/sip/kernel_body.h"
