/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Part of the AVX-512 kernel's body: names of sixteen lines at once. A hash leads to the one name
 * each could be, and four columns of four bytes tell whether it is. Without a branch: how many
 * lines there are is known late, and no predictor knows it.
 */

#define LINE_ROOM 16u /* bytes from a line's start on that are looked at */

/* The first LINE_ROOM bytes of sixteen lines, four a register. */
struct starts {
	__m512i four[4];
};

/* The same in lower case, as four columns of four bytes. */
struct columns {
	__m512i c[4];
};

/* From memory, where an operation takes it without an instruction more. */
static inline __m512i each(const uint32_t *number)
{
	return _mm512_set1_epi32((int)*number);
}

static inline __m512i four_lines(const char *buf, const uint16_t *off)
{
	__m512i v = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)(buf + off[0])));
	v = _mm512_inserti32x4(v, _mm_loadu_si128((const __m128i *)(buf + off[1])), 1);
	v = _mm512_inserti32x4(v, _mm_loadu_si128((const __m128i *)(buf + off[2])), 2);
	return _mm512_inserti32x4(v, _mm_loadu_si128((const __m128i *)(buf + off[3])), 3);
}

static inline struct starts load_starts(const char *buf, const uint16_t *off)
{
	return (struct starts){{four_lines(buf, off), four_lines(buf, off + 4),
				four_lines(buf, off + 8), four_lines(buf, off + 12)}};
}

/* Bytes that are in no token, a bit each. */
static inline uint64_t no_token(__m512i v)
{
	const __m512i low = _mm512_load_si512(stw_set_bits);
	const __m512i high = _mm512_load_si512(stw_set_bits + 64);

	/* Bytes above 0x7f fall anywhere in the table; their own highest bit tells them. */
	return _mm512_movepi8_mask(_mm512_or_si512(_mm512_permutex2var_epi8(low, v, high), v));
}

static inline uint64_t colons(__m512i v)
{
	return _mm512_cmpeq_epi8_mask(v, kb_spread(':'));
}

static inline __m256i four_masks(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	return _mm256_set_epi64x((long long)d, (long long)c, (long long)b, (long long)a);
}

/* Lines that begin with a token and a colon behind it, both among the bytes that are here. */
static inline __mmask16 with_names(const struct starts *s)
{
	__m256i other = four_masks(no_token(s->four[0]), no_token(s->four[1]), no_token(s->four[2]),
				   no_token(s->four[3]));
	__m256i colon = four_masks(colons(s->four[0]), colons(s->four[1]), colons(s->four[2]),
				   colons(s->four[3]));
	__m256i rest = _mm256_add_epi16(other, _mm256_set1_epi16(-1));

	/* The lowest bit of @other, if it is a colon's; a line's first byte is none. */
	__m256i ends = _mm256_andnot_si256(rest, _mm256_and_si256(other, colon));
	return _mm256_test_epi16_mask(ends, _mm256_set1_epi16(~1));
}

static inline struct columns columns_of(const struct starts *s)
{
	const __m512i lower = each(&stw_hdr_columns.lower);
	__m512i a = _mm512_or_si512(s->four[0], lower), b = _mm512_or_si512(s->four[1], lower);
	__m512i c = _mm512_or_si512(s->four[2], lower), d = _mm512_or_si512(s->four[3], lower);

	/* A transpose: columns 0 and 1, 2 and 3 of eight lines, then one column of sixteen. */
	const __m512i low =
		_mm512_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28, 1, 5, 9, 13, 17, 21, 25, 29);
	const __m512i high =
		_mm512_setr_epi32(2, 6, 10, 14, 18, 22, 26, 30, 3, 7, 11, 15, 19, 23, 27, 31);
	__m512i ab01 = _mm512_permutex2var_epi32(a, low, b);
	__m512i cd01 = _mm512_permutex2var_epi32(c, low, d);
	__m512i ab23 = _mm512_permutex2var_epi32(a, high, b);
	__m512i cd23 = _mm512_permutex2var_epi32(c, high, d);
	return (struct columns){{
		_mm512_shuffle_i64x2(ab01, cd01, 0x44),
		_mm512_shuffle_i64x2(ab01, cd01, 0xee),
		_mm512_shuffle_i64x2(ab23, cd23, 0x44),
		_mm512_shuffle_i64x2(ab23, cd23, 0xee),
	}};
}

static inline __mmask16 is(__mmask16 among, __m512i column, const uint32_t *text)
{
	return _mm512_mask_cmpeq_epi32_mask(among, column, each(text));
}

/* What lines are, a place a line: 1 << header or 0, and how long the name is with its colon. */
struct named {
	__m512i header, len;
	__mmask16 odd;	   /* a hot name without exactly one blank behind, as far as can be seen */
	__mmask16 unnamed; /* no name, or a longer one */
};

/* Contact and Expires, whose first two bytes other names have too. */
static inline void name_others(const struct columns *t, __mmask16 there, struct named *out)
{
	const struct stw_hdr_others *other = &stw_hdr_columns.other;
	__mmask16 contact = is(is(there, t->c[0], &other->contact[0]), t->c[1], &other->contact[1]);
	__mmask16 expires = is(is(there, t->c[0], &other->expires[0]), t->c[1], &other->expires[1]);
	__mmask16 both = _kor_mask16(contact, expires);

	out->header = _mm512_mask_mov_epi32(out->header, contact, each(&other->contact_header));
	out->header = _mm512_mask_mov_epi32(out->header, expires, each(&other->expires_header));
	out->len = _mm512_mask_mov_epi32(out->len, both, each(&other->len));
	__m512i differs = _mm512_xor_si512(t->c[2], each(&other->blanks));
	__mmask16 no_blank = _mm512_mask_test_epi32_mask(both, differs, each(&other->blank));
	__mmask16 no_value = _mm512_mask_testn_epi32_mask(both, differs, each(&other->value));
	out->odd = _kor_mask16(out->odd, _kor_mask16(no_blank, no_value));
}

/*
 * Lower-casing by OR is exact here: these bytes are a token and a colon, or with_names() tells, and
 * no two of those fall together but letters; and find_lines() has seen that none is zero, which
 * would become a blank.
 */
static inline struct named name_lines(const struct columns *t, __mmask16 there)
{
	const struct stw_hdr_columns *rows = &stw_hdr_columns;
	__m512i slot = _mm512_and_si512(t->c[0], each(&rows->two));
	struct named out;

	slot = _mm512_mullo_epi32(slot, each(&rows->multiplier));
	slot = _mm512_srli_epi32(slot, 28);
#define ROW(column) _mm512_permutexvar_epi32(slot, _mm512_load_si512(column))
#define OR_AND	    0xf8 /* a | (b & c) */
	__m512i miss = _mm512_setzero_si512(), no_blank = miss, value = ROW(rows->unseen);
#pragma GCC unroll 4
	for (unsigned i = 0; i < 4; i++) {
		__m512i differs = _mm512_xor_si512(t->c[i], ROW(rows->text[i]));
		miss = _mm512_ternarylogic_epi32(miss, differs, ROW(rows->name[i]), OR_AND);
		no_blank =
			_mm512_ternarylogic_epi32(no_blank, differs, ROW(rows->blank[i]), OR_AND);
		value = _mm512_ternarylogic_epi32(value, differs, ROW(rows->value[i]), OR_AND);
	}
	__mmask16 found = _mm512_mask_testn_epi32_mask(there, miss, miss);
	out.header = _mm512_maskz_permutexvar_epi32(found, slot, _mm512_load_si512(rows->header));
	out.len = ROW(rows->len);
	out.odd = _kor_mask16(_mm512_mask_test_epi32_mask(found, no_blank, no_blank),
			      _mm512_mask_testn_epi32_mask(found, value, value));
#undef OR_AND
#undef ROW
	name_others(t, there, &out);
	return out;
}

static inline struct named name_sixteen(const char *buf, const uint16_t *at, __mmask16 there)
{
	struct starts starts = load_starts(buf, at);
	struct columns t = columns_of(&starts);
	struct named out = name_lines(&t, there);

	out.unnamed = there & (__mmask16)~with_names(&starts);
	return out;
}

/* The seventeenth and those behind it, which few messages have: apart, so that the tables are not
 * kept in registers for them. */
static __attribute__((noinline)) struct named name_more(const char *buf, const uint16_t *at,
							__mmask16 there)
{
	return name_sixteen(buf, at, there);
}

/* Up to 32 lines, 16 bits each. */
struct named_lines {
	__m512i header, len;
	bool odd;
	uint32_t unnamed;
};

/* The first @n of the lines at @at, offsets into @buf; zero from there on. */
static inline struct named_lines name_all(const char *buf, const uint16_t *at, unsigned n)
{
	/* Behind the last line the first byte stands in, and nothing is taken from there. */
	const __mmask32 there = _bzhi_u32(~0u, n);
	struct named first = name_sixteen(buf, at, (__mmask16)there);
	struct named_lines out = {
		_mm512_zextsi256_si512(_mm512_cvtepi32_epi16(first.header)),
		_mm512_zextsi256_si512(_mm512_cvtepi32_epi16(first.len)),
		first.odd != 0,
		first.unnamed,
	};

	if (stw_unlikely(n > 16)) {
		struct named second = name_more(buf, at + 16, (__mmask16)(there >> 16));
		__m256i header = _mm512_cvtepi32_epi16(second.header);
		out.header = _mm512_inserti64x4(out.header, header, 1);
		out.len = _mm512_inserti64x4(out.len, _mm512_cvtepi32_epi16(second.len), 1);
		out.odd |= second.odd != 0;
		out.unnamed |= (uint32_t)second.unnamed << 16;
	}
	return out;
}

/*
 * Turned around: a place a header, 32 bits each, bit i says that line i is one. The low and the
 * high bytes of eight lines each are a matrix of eight by eight bits to transpose, which the matrix
 * product does with the unit matrix, first row last.
 */
static inline __m512i lines_of_headers(__m512i headers)
{
#define EIGHT(n) n + 14, n + 12, n + 10, n + 8, n + 6, n + 4, n + 2, n
	static const uint8_t rows[64] = {EIGHT(0), EIGHT(16), EIGHT(32), EIGHT(48),
					 EIGHT(1), EIGHT(17), EIGHT(33), EIGHT(49)};
#undef EIGHT
#define HEADER(n) n, n + 8, n + 16, n + 24
	static const uint8_t bytes[64] = {HEADER(0),  HEADER(1),  HEADER(2),  HEADER(3),
					  HEADER(4),  HEADER(5),  HEADER(6),  HEADER(7),
					  HEADER(32), HEADER(33), HEADER(34), HEADER(35),
					  HEADER(36), HEADER(37), HEADER(38), HEADER(39)};
#undef HEADER
	const __m512i unit = _mm512_set1_epi64((long long)0x8040201008040201u);
	__m512i matrix = _mm512_permutexvar_epi8(_mm512_loadu_si512(rows), headers);
	matrix = _mm512_gf2p8affine_epi64_epi8(unit, matrix, 0);
	return _mm512_permutexvar_epi8(_mm512_loadu_si512(bytes), matrix);
}

/* What up to 31 lines say of each hot header: a bit or 16 bits each, those of the first of its
 * kind.
 */
struct taken {
	__mmask16 present, repeated;
	bool odd;
	uint32_t unnamed; /* as in struct named_lines */
	__m256i value, len, begin, end;
};

#define LINES_TAKEN 31u /* those whose ends are in the same register */

/*
 * The @n lines from @at on, up to LINES_TAKEN, with zeros behind; the last of them ends at @end.
 * They are offsets into @bytes, which are the message's from @base on.
 */
static inline __attribute__((always_inline)) struct taken
take(const char *bytes, uint32_t base, const uint16_t *at, unsigned n, uint32_t end)
{
	const struct named_lines named = name_all(bytes, at, n);
	__m512i off = _mm512_loadu_si512(at);
	off = _mm512_mask_set1_epi16(off, (__mmask32)1 << n, (short)end);
	off = _mm512_add_epi16(off, _mm512_set1_epi16((short)base));
	__m512i sets = lines_of_headers(named.header);
	__m512i rest = _mm512_add_epi32(sets, _mm512_set1_epi32(-1));
	__mmask16 there = _mm512_test_epi32_mask(sets, sets);
	struct taken out = {.present = there,
			    .repeated = _mm512_test_epi32_mask(sets, rest),
			    .odd = named.odd,
			    .unnamed = named.unnamed};

	/* The place of the lowest bit; of absent headers 32, which picks anything. */
	__m512i wide = _mm512_popcnt_epi32(_mm512_andnot_si512(sets, rest));
	__m512i here = _mm512_castsi256_si512(_mm512_cvtepi32_epi16(wide));
	__m512i next = _mm512_add_epi16(here, _mm512_set1_epi16(1));

#define PICK(place, from) \
	_mm512_castsi512_si256(_mm512_maskz_permutexvar_epi16((__mmask32)there, place, from))
	__m256i name_len = PICK(here, named.len);
	out.begin = PICK(here, off);
	out.end = PICK(next, off);
#undef PICK
	/* The name with its colon, one blank, the value, CR LF. */
	const __m256i two = _mm256_maskz_set1_epi16(there, 2);
	out.value = _mm256_add_epi16(out.begin, name_len);
	out.value = _mm256_add_epi16(out.value, _mm256_maskz_set1_epi16(there, 1));
	out.len = _mm256_sub_epi16(_mm256_sub_epi16(out.end, out.value), two);
	return out;
}

/* Whether those of the lines at @at that are in @unnamed begin with a token and a colon after all,
 * which are BLOCK bytes at most. All are before @end. */
static __attribute__((noinline)) bool long_names(const char *bytes, const uint16_t *at,
						 uint32_t unnamed, uint32_t end)
{
	for (; unnamed != 0; unnamed &= unnamed - 1) {
		uint32_t off = at[__builtin_ctz(unnamed)], n = end - off;
		__mmask64 there = first_bits(n < BLOCK ? n : BLOCK);
		__m512i v = _mm512_maskz_loadu_epi8(there, bytes + off);
		uint64_t other = no_token(v), first = other & -other;

		if ((first & colons(v) & ~1ull) == 0)
			return false;
	}
	return true;
}

static inline void store_twelve(uint16_t *out, __m256i v)
{
	_mm_storeu_si128((__m128i *)out, _mm256_castsi256_si128(v));
	_mm_storel_epi64((__m128i *)(out + 8), _mm256_extracti128_si256(v, 1));
}

static inline void store_taken(struct stw_sip_msg *m, const struct taken *taken)
{
	__m256i low = _mm256_unpacklo_epi16(taken->value, taken->len);
	__m256i high = _mm256_unpackhi_epi16(taken->value, taken->len);
	__m128i *out = (__m128i *)m->value;
	_Static_assert(STW_N_HOT_HEADERS == 12, "twelve spans in three stores");

	_mm_storeu_si128(out, _mm256_castsi256_si128(low));
	_mm_storeu_si128(out + 1, _mm256_castsi256_si128(high));
	_mm_storeu_si128(out + 2, _mm256_extracti128_si256(low, 1));
	store_twelve(m->line_off, taken->begin);
	store_twelve(m->line_end, taken->end);
	m->present = taken->present;
	m->repeated = taken->repeated;
}

/* Of the headers that @m does not have yet. */
static inline void add_taken(struct stw_sip_msg *m, const struct taken *taken)
{
	const __mmask16 new = (__mmask16)(taken->present & ~m->present);
	__m512i value = _mm512_cvtepu16_epi32(taken->value);
	__m512i len = _mm512_slli_epi32(_mm512_cvtepu16_epi32(taken->len), 16);

	_mm512_mask_storeu_epi32(m->value, new, _mm512_or_si512(value, len));
	_mm256_mask_storeu_epi16(m->line_off, new, taken->begin);
	_mm256_mask_storeu_epi16(m->line_end, new, taken->end);
	m->repeated |= taken->repeated | (taken->present & m->present);
	m->present |= taken->present;
}

/* @n lines behind those of which @m says already what they are, to @end; as for take(). */
static inline bool take_more(const char *bytes, uint32_t base, const uint16_t *at, unsigned n,
			     uint32_t end, struct stw_sip_msg *m)
{
	for (unsigned k; n > 0; at += k, n -= k) {
		k = n < LINES_TAKEN ? n : LINES_TAKEN;
		uint16_t some[32] = {0};
		for (unsigned i = 0; i < k; i++)
			some[i] = (uint16_t)(at[i] - base);
		uint32_t some_end = (k < n ? at[k] : end) - base;
		struct taken taken = take(bytes, base, some, k, some_end);
		add_taken(m, &taken);
		if (taken.odd || !long_names(bytes, some, taken.unnamed, some_end))
			return false;
	}
	return true;
}

/* Many lines, or a message that ends less than LINE_ROOM behind where the last of them begin: of
 * those lines a copy has more. */
static __attribute__((noinline)) bool take_all(const char *buf, uint32_t len,
					       const struct lines *lines, struct stw_sip_msg *m)
{
	char copy[2 * LINE_ROOM] = {0};
	unsigned near = lines->n;

	while (near > 0 && len - lines->at[near - 1] < LINE_ROOM)
		near--;
	if (near == lines->n)
		return take_more(buf, 0, lines->at, near, lines->blank, m);
	const uint32_t base = lines->at[near];
	memcpy(copy, buf + base, len - base);
	return take_more(buf, 0, lines->at, near, base, m) &&
	       take_more(copy, base, lines->at + near, lines->n - near, lines->blank, m);
}

static inline bool set_headers(const char *buf, uint32_t len, const struct lines *lines,
			       struct stw_sip_msg *m)
{
	const unsigned n = lines->n;

	if (stw_unlikely(n > LINES_TAKEN || len - lines->at[n - 1] < LINE_ROOM))
		return take_all(buf, len, lines, m);
	struct taken taken = take(buf, 0, lines->at, n, lines->blank);
	store_taken(m, &taken);
	return !taken.odd &&
	       (taken.unnamed == 0 || long_names(buf, lines->at, taken.unnamed, lines->blank));
}
