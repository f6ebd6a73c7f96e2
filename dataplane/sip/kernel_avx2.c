/* SPDX-License-Identifier: BSD-3-Clause */
/* 64 bytes at a time in two registers; compiled for AVX2 and BMI2. */
#include <immintrin.h>
#include <stdint.h>

#include "dataplane/sip/kernel_marks.h"
#include "dataplane/sip/rows.h"
#include "dataplane/sip/sets.h"

struct kb {
	__m256i v[2];
	__m256i power[2]; /* 1 << high nibble, 0 for bytes above 0x7f */
};

static inline unsigned kb_load(struct kb *b, const char *buf, uint32_t base, uint32_t len)
{
	const __m256i powers =
		_mm256_setr_epi8(1, 2, 4, 8, 16, 32, 64, (char)128, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4,
				 8, 16, 32, 64, (char)128, 0, 0, 0, 0, 0, 0, 0, 0);
	uint32_t left = len - base;
	unsigned shift = left < 64 ? 64 - left : 0; /* the last block is read from further back */
	const char *p = buf + base - shift;

	for (int i = 0; i < 2; i++) {
		b->v[i] = _mm256_loadu_si256((const __m256i *)(p + 32 * i));
		__m256i high =
			_mm256_and_si256(_mm256_srli_epi16(b->v[i], 4), _mm256_set1_epi8(0x0f));
		b->power[i] = _mm256_shuffle_epi8(powers, high);
	}
	return shift;
}

static inline uint64_t join(__m256i low, __m256i high)
{
	return (uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high)
							     << 32;
}

/* Where the lowest bit is; anything without one. */
static inline unsigned kb_first(uint64_t bits)
{
	return (unsigned)_tzcnt_u64(bits);
}

static inline uint64_t kb_eq(const struct kb *b, char c)
{
	__m256i want = _mm256_set1_epi8(c);
	return join(_mm256_cmpeq_epi8(b->v[0], want), _mm256_cmpeq_epi8(b->v[1], want));
}

static inline uint64_t kb_set(const struct kb *b, enum stw_set set)
{
	__m256i rows = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)stw_sets[set]));
	__m256i out[2];
	for (int i = 0; i < 2; i++) {
		__m256i hit = _mm256_and_si256(_mm256_shuffle_epi8(rows, b->v[i]), b->power[i]);
		out[i] = _mm256_cmpeq_epi8(hit, _mm256_setzero_si256());
	}
	return ~join(out[0], out[1]);
}

/* Letters in lower case, for kb_eq() alone. */
static inline void kb_lower(struct kb *b)
{
	for (int i = 0; i < 2; i++)
		b->v[i] = _mm256_or_si256(b->v[i], _mm256_set1_epi8(' '));
}

/* Controls but HTAB: 0x1f and less is what the minimum with 0x1f leaves as it was. */
static inline uint64_t kb_control(const struct kb *b)
{
	__m256i out[2];
	for (int i = 0; i < 2; i++) {
		__m256i low = _mm256_min_epu8(b->v[i], _mm256_set1_epi8(0x1f));
		out[i] = _mm256_cmpeq_epi8(low, b->v[i]);
	}
	return (join(out[0], out[1]) & ~kb_eq(b, '\t')) | kb_eq(b, 0x7f);
}

static inline uint64_t kb_bytes_at(const char *p, char c)
{
	const __m256i want = _mm256_set1_epi8(c), *v = (const __m256i *)p;
	return join(_mm256_cmpeq_epi8(_mm256_loadu_si256(v), want),
		    _mm256_cmpeq_epi8(_mm256_loadu_si256(v + 1), want));
}

/* What blocks had in common: a line end that was not CR LF, a zero byte. */
struct kb_seen {
	__m256i odd, least;
};

static inline struct kb_seen kb_nothing_seen(void)
{
	return (struct kb_seen){_mm256_setzero_si256(), _mm256_set1_epi8((char)0xff)};
}

static inline struct kb_seen kb_both(struct kb_seen a, struct kb_seen b)
{
	return (struct kb_seen){_mm256_or_si256(a.odd, b.odd), _mm256_min_epu8(a.least, b.least)};
}

static inline int kb_all_well(struct kb_seen seen)
{
	__m256i bad = _mm256_cmpeq_epi8(seen.least, _mm256_setzero_si256());
	bad = _mm256_or_si256(bad, seen.odd);
	return _mm256_testz_si256(bad, bad);
}

/* The tables of names, out of memory that other stores might change. */
struct kb_names {
	__m256i low, high;
};

static inline struct kb_names kb_names(void)
{
	return (struct kb_names){
		_mm256_broadcastsi128_si256(*(const __m128i *)stw_name_low),
		_mm256_broadcastsi128_si256(*(const __m128i *)stw_name_high),
	};
}

static inline struct kb_marks kb_mark(const char *p, const struct kb_names *t, struct kb_seen *seen)
{
	__m256i lf[2], name[2], other[2], odd[2], v[2];

	for (int i = 0; i < 2; i++, p += 32) {
		v[i] = _mm256_loadu_si256((const __m256i *)p);
		lf[i] = _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)(p - 1)),
					  _mm256_set1_epi8('\n'));
		odd[i] = _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)(p - 2)),
					   _mm256_set1_epi8('\r'));
		odd[i] = _mm256_xor_si256(odd[i], lf[i]);
		__m256i high = _mm256_and_si256(_mm256_srli_epi16(v[i], 4), _mm256_set1_epi8(15));
		name[i] = _mm256_and_si256(_mm256_shuffle_epi8(t->low, v[i]),
					   _mm256_shuffle_epi8(t->high, high));
		other[i] = _mm256_cmpeq_epi8(name[i], _mm256_setzero_si256());
	}
	*seen = (struct kb_seen){_mm256_or_si256(odd[0], odd[1]), _mm256_min_epu8(v[0], v[1])};
	return (struct kb_marks){
		.begins = join(lf[0], lf[1]),
		.colon = join(name[0], name[1]),
		.other = join(other[0], other[1]),
	};
}

#define KERNEL_LOCATE stw_locate_avx2
#define KERNEL_PARSE  stw_parse_avx2
#include "dataplane/sip/kernel_shifted_body.h"
#include "dataplane/sip/kernel_body.h"
