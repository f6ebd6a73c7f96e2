/* SPDX-License-Identifier: BSD-3-Clause */
/* 64 bytes at a time in four registers; compiled for SSE 4.2, which includes SSSE3's shuffle. */
#include <nmmintrin.h>
#include <stdint.h>

#include "dataplane/sip/kernel_marks.h"
#include "dataplane/sip/rows.h"
#include "dataplane/sip/sets.h"

struct kb {
	__m128i v[4];
	__m128i power[4]; /* 1 << high nibble, 0 for bytes above 0x7f */
};

static inline unsigned kb_load(struct kb *b, const char *buf, uint32_t base, uint32_t len)
{
	const __m128i powers =
		_mm_setr_epi8(1, 2, 4, 8, 16, 32, 64, (char)128, 0, 0, 0, 0, 0, 0, 0, 0);
	uint32_t left = len - base;
	unsigned shift = left < 64 ? 64 - left : 0; /* the last block is read from further back */
	const char *p = buf + base - shift;

	for (int i = 0; i < 4; i++) {
		b->v[i] = _mm_loadu_si128((const __m128i *)(p + 16 * i));
		__m128i high = _mm_and_si128(_mm_srli_epi16(b->v[i], 4), _mm_set1_epi8(0x0f));
		b->power[i] = _mm_shuffle_epi8(powers, high);
	}
	return shift;
}

static inline uint64_t join(const __m128i part[4])
{
	uint64_t bits = 0;
	for (int i = 0; i < 4; i++)
		bits |= (uint64_t)(uint32_t)_mm_movemask_epi8(part[i]) << (16 * i);
	return bits;
}

/* Where the lowest bit is; anything without one. */
static inline unsigned kb_first(uint64_t bits)
{
	return (unsigned)__builtin_ctzll(bits | 1ull << 63);
}

static inline uint64_t kb_eq(const struct kb *b, char c)
{
	__m128i want = _mm_set1_epi8(c), out[4];
	for (int i = 0; i < 4; i++)
		out[i] = _mm_cmpeq_epi8(b->v[i], want);
	return join(out);
}

static inline uint64_t kb_set(const struct kb *b, enum stw_set set)
{
	__m128i rows = _mm_loadu_si128((const __m128i *)stw_sets[set]), out[4];
	for (int i = 0; i < 4; i++) {
		__m128i hit = _mm_and_si128(_mm_shuffle_epi8(rows, b->v[i]), b->power[i]);
		out[i] = _mm_cmpeq_epi8(hit, _mm_setzero_si128());
	}
	return ~join(out);
}

/* Letters in lower case, for kb_eq() alone. */
static inline void kb_lower(struct kb *b)
{
	for (int i = 0; i < 4; i++)
		b->v[i] = _mm_or_si128(b->v[i], _mm_set1_epi8(' '));
}

/* Controls but HTAB: 0x1f and less is what the minimum with 0x1f leaves as it was. */
static inline uint64_t kb_control(const struct kb *b)
{
	__m128i out[4];
	for (int i = 0; i < 4; i++) {
		__m128i low = _mm_min_epu8(b->v[i], _mm_set1_epi8(0x1f));
		out[i] = _mm_cmpeq_epi8(low, b->v[i]);
	}
	return (join(out) & ~kb_eq(b, '\t')) | kb_eq(b, 0x7f);
}

static inline uint64_t kb_bytes_at(const char *p, char c)
{
	__m128i out[4];
	for (int i = 0; i < 4; i++)
		out[i] = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)p + i), _mm_set1_epi8(c));
	return join(out);
}

/* What blocks had in common: a line end that was not CR LF, a zero byte. */
struct kb_seen {
	__m128i odd, least;
};

static inline struct kb_seen kb_nothing_seen(void)
{
	return (struct kb_seen){_mm_setzero_si128(), _mm_set1_epi8((char)0xff)};
}

static inline struct kb_seen kb_both(struct kb_seen a, struct kb_seen b)
{
	return (struct kb_seen){_mm_or_si128(a.odd, b.odd), _mm_min_epu8(a.least, b.least)};
}

static inline int kb_all_well(struct kb_seen seen)
{
	__m128i bad = _mm_or_si128(_mm_cmpeq_epi8(seen.least, _mm_setzero_si128()), seen.odd);
	return _mm_testz_si128(bad, bad);
}

/* The tables of names, out of memory that other stores might change. */
struct kb_names {
	__m128i low, high;
};

static inline struct kb_names kb_names(void)
{
	return (struct kb_names){_mm_load_si128((const __m128i *)stw_name_low),
				 _mm_load_si128((const __m128i *)stw_name_high)};
}

static inline struct kb_marks kb_mark(const char *p, const struct kb_names *t, struct kb_seen *seen)
{
	__m128i lf[4], name[4], other[4];

	*seen = kb_nothing_seen();
	for (int i = 0; i < 4; i++, p += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)p);
		__m128i v1 = _mm_loadu_si128((const __m128i *)(p - 1));
		__m128i v2 = _mm_loadu_si128((const __m128i *)(p - 2));
		__m128i cr = _mm_cmpeq_epi8(v2, _mm_set1_epi8('\r'));
		__m128i high = _mm_and_si128(_mm_srli_epi16(v, 4), _mm_set1_epi8(15));

		lf[i] = _mm_cmpeq_epi8(v1, _mm_set1_epi8('\n'));
		*seen = kb_both(*seen, (struct kb_seen){_mm_xor_si128(lf[i], cr), v});
		name[i] =
			_mm_and_si128(_mm_shuffle_epi8(t->low, v), _mm_shuffle_epi8(t->high, high));
		other[i] = _mm_cmpeq_epi8(name[i], _mm_setzero_si128());
	}
	return (struct kb_marks){
		.begins = join(lf),
		.colon = join(name),
		.other = join(other),
	};
}

#define KERNEL_LOCATE stw_locate_sse
#define KERNEL_PARSE  stw_parse_sse
#include "dataplane/sip/kernel_shifted_body.h"
#include "dataplane/sip/kernel_body.h"
