/* SPDX-License-Identifier: BSD-3-Clause */
/* 64 bytes at a time in one register; compiled for AVX-512 as Ice Lake and Zen 4 have it: BW,
 * VL, VBMI, VBMI2, VPOPCNTDQ, and GFNI. */
#include <immintrin.h>
#include <stdint.h>

#include "dataplane/sip/rows.h"

struct kb {
	__m512i v;
	__m512i power; /* 1 << high nibble, 0 for bytes above 0x7f */
};

/* A value's bytes alone: what is behind reads as zero, which is in no set, so no mask is needed. */
static inline unsigned kb_load_value(struct kb *b, const char *buf, uint32_t off, uint32_t n,
				     uint32_t len)
{
	const __m512i powers = _mm512_set4_epi32(0, 0, (int)0x80402010, 0x08040201);
	(void)len;
	b->v = _mm512_maskz_loadu_epi8(_bzhi_u64(~0ull, n), buf + off);
	__m512i high = _mm512_and_si512(_mm512_srli_epi16(b->v, 4), _mm512_set1_epi8(0x0f));
	b->power = _mm512_shuffle_epi8(powers, high);
	return 0;
}

static inline uint64_t kb_keep(uint64_t bits, unsigned shift, uint64_t mask)
{
	(void)shift;
	(void)mask;
	return bits;
}

/* From memory, where a comparison takes it without an instruction more. */
static inline __m512i kb_spread(char c)
{
	return _mm512_load_si512(stw_spread[(uint8_t)c]);
}

static inline uint64_t kb_eq(const struct kb *b, char c)
{
	return _mm512_cmpeq_epi8_mask(b->v, kb_spread(c));
}

static inline uint64_t kb_set(const struct kb *b, const uint8_t set[16])
{
	__m512i rows = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)set));
	return _mm512_test_epi8_mask(_mm512_shuffle_epi8(rows, b->v), b->power);
}

/* Controls but HTAB. */
static inline uint64_t kb_control(const struct kb *b)
{
	uint64_t low = _mm512_cmplt_epu8_mask(b->v, kb_spread(' '));
	return (low & ~kb_eq(b, '\t')) | kb_eq(b, 0x7f);
}

#define KB_LINES_MAX 31u /* starts fit one register, with one place left */

struct kb_starts {
	__m512i at; /* 16-bit offsets; from place n on the blank line */
};

static inline void kb_starts_end(struct kb_starts *starts, unsigned n, uint32_t blank)
{
	/* 64 and more mean nothing here: the caller gives up on that many. */
	__mmask32 rest = (__mmask32)(~0ull << (n & 63));
	starts->at = _mm512_mask_set1_epi16(starts->at, rest, (short)blank);
}

static inline uint32_t kb_starts_first(const struct kb_starts *starts)
{
	return (uint16_t)_mm_cvtsi128_si32(_mm512_castsi512_si128(starts->at));
}

#define KERNEL_LINES   "dataplane/sip/kernel_lines512_body.h"
#define KERNEL_HEADERS "dataplane/sip/kernel_headers512_body.h"
#define KERNEL_PARSE   stw_parse_avx512
#include "dataplane/sip/kernel_body.h"
