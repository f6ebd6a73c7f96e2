/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/path/cksum.h"

#include <string.h>

#include <immintrin.h>

/*
 * The SIMD kernels add even and odd words in lanes of 32 bits: 65535 bytes are 1024 blocks of 64,
 * each adds at most 65535 to a lane, so no lane overflows.
 */

static uint32_t sum_plain(const void *p, size_t len)
{
	const uint8_t *at = p;
	uint64_t sum = 0;
	uint32_t w;

	for (; len >= 4; len -= 4, at += 4) {
		memcpy(&w, at, 4);
		sum += w;
	}
	w = 0;
	memcpy(&w, at, len);
	return stw_cksum_fold(sum + w);
}

__attribute__((target("avx2"))) static uint32_t lanes_256(__m256i v)
{
	__m128i h = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
	uint32_t lane[4];
	uint64_t sum = 0;

	_mm_storeu_si128((__m128i *)lane, h);
	for (unsigned i = 0; i < 4; i++)
		sum += lane[i];
	return stw_cksum_fold(sum);
}

__attribute__((target("avx2"))) static uint32_t sum_avx2(const void *p, size_t len)
{
	const __m256i low = _mm256_set1_epi32(0xffff);
	const uint8_t *at = p;
	__m256i even = _mm256_setzero_si256(), odd = even;
	uint8_t tail[32] = {0};

	for (; len >= 32; len -= 32, at += 32) {
		__m256i v = _mm256_loadu_si256((const __m256i *)at);

		even = _mm256_add_epi32(even, _mm256_and_si256(v, low));
		odd = _mm256_add_epi32(odd, _mm256_srli_epi32(v, 16));
	}
	if (len > 0) {
		__m256i v;

		memcpy(tail, at, len);
		v = _mm256_loadu_si256((const __m256i *)tail);
		even = _mm256_add_epi32(even, _mm256_and_si256(v, low));
		odd = _mm256_add_epi32(odd, _mm256_srli_epi32(v, 16));
	}
	/* Each half fits 28 bits after 2048 blocks. */
	return lanes_256(_mm256_add_epi32(even, odd));
}

/*
 * Words are made signed by turning their highest bit, so that one multiplication by ones adds them
 * by pairs; what that takes from each, 2^15, is given back in the end.
 */
__attribute__((target("avx512f,avx512bw"))) static uint32_t sum_avx512(const void *p, size_t len)
{
	const __m512i top = _mm512_set1_epi16(INT16_MIN), ones = _mm512_set1_epi16(1);
	const uint32_t given = (uint32_t)(len / 64 + 1) * 32 << 15;
	const uint8_t *at = p;
	__m512i sum = _mm512_setzero_si512();
	__m512i v;

	for (; len >= 64; len -= 64, at += 64) {
		v = _mm512_xor_si512(_mm512_loadu_si512(at), top);
		sum = _mm512_add_epi32(sum, _mm512_madd_epi16(v, ones));
	}
	/* The masked-out bytes are not read. */
	v = _mm512_xor_si512(_mm512_maskz_loadu_epi8(((__mmask64)1 << len) - 1, at), top);
	sum = _mm512_add_epi32(sum, _mm512_madd_epi16(v, ones));
	/* Of 1024 blocks a lane holds 27 bits at most, all lanes 31 with their sign, and all words
	 * without it 32. */
	return (uint32_t)_mm512_reduce_add_epi32(sum) + given;
}

uint32_t (*stw_cksum_sum)(const void *p, size_t len) = sum_plain;

uint32_t (*stw_cksum_kernel(unsigned i))(const void *p, size_t len)
{
	switch (i) {
	case 0: return sum_plain;
	case 1: return __builtin_cpu_supports("avx2") ? sum_avx2 : NULL;
	case 2: return __builtin_cpu_supports("avx512bw") ? sum_avx512 : NULL;
	default: return NULL;
	}
}

void stw_cksum_init(void)
{
	for (unsigned i = 0; stw_cksum_kernel(i) != NULL; i++)
		stw_cksum_sum = stw_cksum_kernel(i);
}
