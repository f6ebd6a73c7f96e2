/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The Call-ID of a message that nobody has parsed. Of most lines nothing is looked at but the first
 * two bytes, a block at a time. What every x86-64 has does: longer registers bring a fifth, as it
 * is wrong guesses that take the time.
 */
#include <stdint.h>
#include <string.h>

#include <strowger/sip.h>

#define BLOCK 64u

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

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool ends_line(char c)
{
	return c == '\r' || c == '\n';
}

static inline uint32_t small4(const char *p)
{
	uint32_t word;

	memcpy(&word, p, sizeof(word));
	return word | 0x20202020u;
}

/* Seven bytes, in either case. */
static inline bool is_call_id(const char *p)
{
	return small4(p) == small4("call") && small4(p + 3) == small4("l-id");
}

/* The byte behind "Call-ID" or "i" and its colon; NULL: another header. */
static inline const char *behind_name(const char *p, const char *end)
{
	const size_t len = (*p | 0x20) == 'i' ? 1 : 7;

	if ((size_t)(end - p) <= len || (len == 7 && !is_call_id(p)))
		return NULL;
	for (p += len; p < end && is_blank(*p);)
		p++;
	return p < end && *p == ':' ? p + 1 : NULL;
}

/* As far as the next CR or LF. */
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

/* The value's; @p: behind the colon. It may begin on the next line. */
static inline void take_value(const char *buf, const char *p, const char *end, struct stw_span *out)
{
	while (p < end && (is_blank(*p) || ends_line(*p)))
		p++;
	*out = (struct stw_span){(uint16_t)(p - buf), (uint16_t)line_length(p, end)};
}

/* @p: the first byte of a line. @return true when there is no need to look at others */
static inline bool look_at(const char *buf, const char *p, const char *end, struct stw_span *out)
{
	const unsigned c = (unsigned char)*p | 0x20u;
	const char *value;

	if (ends_line(*p))
		return true; /* the body */
	if ((c != 'c' && c != 'i') || (value = behind_name(p, end)) == NULL)
		return false;
	take_value(buf, value, end, out);
	return true;
}

/* Offsets are of 16 bits; no datagram is longer. */
bool stw_sip_find_call_id(const char *buf, size_t len, struct stw_span *out)
{
	const char *p = buf, *end = buf + (len < UINT16_MAX ? len : UINT16_MAX);
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
