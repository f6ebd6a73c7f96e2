/* SPDX-License-Identifier: BSD-3-Clause */
/* 64 bytes at a time in one register; compiled for AVX-512 as Ice Lake and Zen 4 have it: BW,
 * VL, VBMI, VBMI2, VPOPCNTDQ, and GFNI. */
#include <immintrin.h>
#include <stdint.h>

#include "dataplane/sip/rows.h"
#include "dataplane/sip/sets.h"

struct kb {
	__m512i v;
	__m512i sets;	 /* those each byte is in: 1 << enum stw_set */
	__mmask64 ascii; /* bytes above 0x7f fell anywhere in the table of sets */
};

/* From memory, where a comparison takes it without an instruction more. */
static inline __m512i kb_spread(char c)
{
	return _mm512_load_si512(stw_spread[(uint8_t)c]);
}

/* A value's bytes alone: what is behind reads as zero, which is in no set, so no mask is needed. */
static inline unsigned kb_load_value(struct kb *b, const char *buf, uint32_t off, uint32_t n,
				     uint32_t len)
{
	const __m512i low = _mm512_load_si512(stw_set_bits);
	const __m512i high = _mm512_load_si512(stw_set_bits + 64);

	(void)len;
	b->v = _mm512_maskz_loadu_epi8(_bzhi_u64(~0ull, n), buf + off);
	b->sets = _mm512_permutex2var_epi8(low, b->v, high);
	b->ascii = _mm512_testn_epi8_mask(b->v, kb_spread((char)0x80));
	return 0;
}

static inline uint64_t kb_keep(uint64_t bits, unsigned shift, uint64_t mask)
{
	(void)shift;
	(void)mask;
	return bits;
}

static inline uint64_t kb_eq(const struct kb *b, char c)
{
	return _mm512_cmpeq_epi8_mask(b->v, kb_spread(c));
}

static inline uint64_t kb_set(const struct kb *b, enum stw_set set)
{
	return _mm512_mask_test_epi8_mask(b->ascii, b->sets, kb_spread((char)(1 << set)));
}

/* Letters in lower case, for kb_eq() alone. */
static inline void kb_lower(struct kb *b)
{
	b->v = _mm512_or_si512(b->v, kb_spread(' '));
}

/* Controls but HTAB. */
static inline uint64_t kb_control(const struct kb *b)
{
	uint64_t low = _mm512_cmplt_epu8_mask(b->v, kb_spread(' '));
	return (low & ~kb_eq(b, '\t')) | kb_eq(b, 0x7f);
}

#define KERNEL_LINES   "dataplane/sip/kernel_lines512_body.h"
#define KERNEL_HEADERS "dataplane/sip/kernel_headers512_body.h"
#define KERNEL_LOCATE  stw_locate_avx512
#define KERNEL_PARSE   stw_parse_avx512
#include "dataplane/sip/kernel_body.h"
