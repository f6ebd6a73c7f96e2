/* SPDX-License-Identifier: BSD-3-Clause */
/* Compiled for AVX-512 BW: a block is a register, and a masked load reads not one byte more. */
#include "dataplane/sip/call_id_find.h"

#include <immintrin.h>

#include "dataplane/sip/call_id_find_body.h"

static inline __mmask64 first(size_t n)
{
	return n < BLOCK ? (1ull << n) - 1 : ~0ull;
}

static inline __mmask64 eq(__mmask64 of, __m512i bytes, char c)
{
	return _mm512_mask_cmpeq_epi8_mask(of, bytes, _mm512_set1_epi8(c));
}

static inline size_t line_length(const char *p, const char *end)
{
	for (const char *at = p; at < end; at += BLOCK) {
		const __mmask64 there = first((size_t)(end - at));
		const __m512i v = _mm512_maskz_loadu_epi8(there, at);
		const __mmask64 ends = eq(there, v, '\r') | eq(there, v, '\n');

		if (ends != 0)
			return (size_t)(at - p) + (size_t)__builtin_ctzll(ends);
	}
	return (size_t)(end - p);
}

/* A bit a byte: LF before "ca", "i" or the end of a line, in either case. */
static inline __mmask64 lines_of(__m512i here, __m512i next, __m512i after)
{
	const __m512i small = _mm512_set1_epi8(0x20);
	const __m512i name = _mm512_or_si512(next, small);
	const __mmask64 lf = eq(~0ull, here, '\n');

	return eq(eq(lf, name, 'c'), _mm512_or_si512(after, small), 'a') | eq(lf, name, 'i') |
	       eq(lf, next, '\r') | eq(lf, next, '\n');
}

static inline __mmask64 lines_at(const char *p)
{
	return lines_of(_mm512_loadu_si512(p), _mm512_loadu_si512(p + 1),
			_mm512_loadu_si512(p + 2));
}

/* The same of the last bytes: zeros behind them are no letters. */
static inline __mmask64 lines_at_end(const char *p, size_t n)
{
	return lines_of(_mm512_maskz_loadu_epi8(first(n), p),
			_mm512_maskz_loadu_epi8(first(n - 1), p + 1),
			_mm512_maskz_loadu_epi8(first(n - 1) >> 1, p + 2));
}

bool stw_call_id_find_avx512(const char *buf, size_t len, struct stw_span *out)
{
	const char *end = buf + (len < UINT16_MAX ? len : UINT16_MAX), *p = start_line(buf, end);
	struct stw_span found = {0};

	for (; p < end; p += BLOCK) {
		const size_t left = (size_t)(end - p);
		__mmask64 bits = left >= BLOCK + 2 ? lines_at(p) : lines_at_end(p, left);

		for (; bits != 0; bits &= bits - 1)
			if (look_at(buf, p + __builtin_ctzll(bits) + 1, end, &found))
				goto out;
	}
out:
	if (found.len == 0)
		return false;
	*out = found;
	return true;
}
