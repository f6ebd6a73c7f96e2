/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The Call-ID of a message that nobody has parsed. Of most lines nothing is looked at but the first
 * two bytes, a block at a time, with what every x86-64 has.
 */
#include "dataplane/sip/call_id_find.h"

#include "dataplane/sip/call_id_find_body.h"

#if defined(__SSE2__)
#include <emmintrin.h>

#define PART 16u

static inline __m128i load(const char *p)
{
	return _mm_loadu_si128((const __m128i *)p);
}

static inline __m128i eq(__m128i bytes, char c)
{
	return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c));
}

static inline __m128i either(__m128i a, __m128i b)
{
	return _mm_or_si128(a, b);
}

static inline __m128i both(__m128i a, __m128i b)
{
	return _mm_and_si128(a, b);
}

/* An LF before "ca", "i" or the end of a line, in either case. '-' and '*' are what CR and LF
 * become by the bit for small letters. */
static inline __m128i lines_of(const char *p)
{
	const __m128i small = _mm_set1_epi8(0x20);
	const __m128i first = either(load(p + 1), small), second = either(load(p + 2), small);
	const __m128i ca = both(eq(first, 'c'), eq(second, 'a'));
	const __m128i end = either(eq(first, '-'), eq(first, '*'));

	return both(eq(load(p), '\n'), either(either(ca, end), eq(first, 'i')));
}

/* A bit a byte: line ends that a line worth a look follows. Reads two bytes more than the block. */
static inline uint64_t lines_at(const char *p)
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < BLOCK; i += PART)
		bits |= (uint64_t)(uint32_t)_mm_movemask_epi8(lines_of(p + i)) << i;
	return bits;
}

/* A bit a byte: CR and LF. */
static inline uint64_t ends_at(const char *p)
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < BLOCK; i += PART)
		bits |= (uint64_t)(uint32_t)_mm_movemask_epi8(
				either(eq(load(p + i), '\r'), eq(load(p + i), '\n')))
			<< i;
	return bits;
}

#else
static inline uint64_t lines_at(const char *p)
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < BLOCK; i++)
		bits |= (uint64_t)(p[i] == '\n') << i;
	return bits;
}

static inline uint64_t ends_at(const char *p)
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < BLOCK; i++)
		bits |= (uint64_t)(p[i] == '\n' || p[i] == '\r') << i;
	return bits;
}
#endif

static inline size_t line_length(const char *p, const char *end)
{
	const char *at = p;

	for (uint64_t bits; (size_t)(end - at) >= BLOCK; at += BLOCK)
		if ((bits = ends_at(at)) != 0)
			return (size_t)(at - p) + (size_t)__builtin_ctzll(bits);
	while (at < end && !ends_line(*at))
		at++;
	return (size_t)(at - p);
}

/* Offsets are of 16 bits; no datagram is longer. */
bool stw_call_id_find_any(const char *buf, size_t len, struct stw_span *out)
{
	const char *end = buf + (len < UINT16_MAX ? len : UINT16_MAX), *p = start_line(buf, end);
	struct stw_span found = {0};

	for (; (size_t)(end - p) >= BLOCK + 2; p += BLOCK)
		for (uint64_t bits = lines_at(p); bits != 0; bits &= bits - 1)
			if (look_at(buf, p + __builtin_ctzll(bits) + 1, end, &found))
				goto out;
	while ((p = memchr(p, '\n', (size_t)(end - p))) != NULL && ++p < end)
		if (look_at(buf, p, end, &found))
			break;
out:
	if (found.len == 0)
		return false;
	*out = found;
	return true;
}

/* Not RCU: immutable after init. */
stw_call_id_fn stw_call_id_find = stw_call_id_find_any;

bool stw_sip_find_call_id(const char *buf, size_t len, struct stw_span *out)
{
	return stw_call_id_find(buf, len, out);
}
