/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Part of the AVX-512 kernel's body: names of sixteen lines at once. A hash leads to the one name
 * each could be, and four columns of four bytes tell whether it is. Without a branch: how many
 * lines there are is known late, and no predictor knows it.
 */

#define LINE_ROOM 16u /* bytes from a line's start on that are looked at */

/* The first sixteen bytes of sixteen lines in lower case, as four columns of four bytes. */
struct columns {
	__m512i c[4];
};

static inline __m512i four_lines(const char *buf, const uint16_t *off)
{
	__m512i v = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)(buf + off[0])));
	v = _mm512_inserti32x4(v, _mm_loadu_si128((const __m128i *)(buf + off[1])), 1);
	v = _mm512_inserti32x4(v, _mm_loadu_si128((const __m128i *)(buf + off[2])), 2);
	v = _mm512_inserti32x4(v, _mm_loadu_si128((const __m128i *)(buf + off[3])), 3);
	return _mm512_or_si512(v, _mm512_set1_epi8(0x20));
}

static inline struct columns load_columns(const char *buf, const uint16_t *off)
{
	__m512i a = four_lines(buf, off), b = four_lines(buf, off + 4);
	__m512i c = four_lines(buf, off + 8), d = four_lines(buf, off + 12);

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

#define FOUR(a, b, c, d) \
	((int)((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24))

static inline __mmask16 is(__mmask16 among, __m512i column, int text)
{
	return _mm512_mask_cmpeq_epi32_mask(among, column, _mm512_set1_epi32(text));
}

/* What lines are, a place a line: 1 << header or 0, and how long the name is with its colon. */
struct named {
	__m512i header, len;
	__mmask16 odd; /* a hot name without exactly one blank behind, as far as can be seen */
};

/* Contact and Expires, whose first two bytes other names have too. */
static inline void name_others(const struct columns *t, __mmask16 there, struct named *out)
{
	__mmask16 contact = is(there, t->c[0], FOUR('c', 'o', 'n', 't'));
	__mmask16 expires = is(there, t->c[0], FOUR('e', 'x', 'p', 'i'));

	contact = is(contact, t->c[1], FOUR('a', 'c', 't', ':'));
	expires = is(expires, t->c[1], FOUR('r', 'e', 's', ':'));
	__mmask16 both = contact | expires;
	out->header = _mm512_mask_mov_epi32(out->header, contact,
					    _mm512_set1_epi32(1 << STW_HDR_CONTACT));
	out->header = _mm512_mask_mov_epi32(out->header, expires,
					    _mm512_set1_epi32(1 << STW_HDR_EXPIRES));
	out->len = _mm512_mask_mov_epi32(out->len, both, _mm512_set1_epi32(8));
	__m512i differs = _mm512_xor_si512(t->c[2], _mm512_set1_epi32(FOUR(' ', ' ', 0, 0)));
	out->odd |= _mm512_mask_test_epi32_mask(both, differs, _mm512_set1_epi32(0xff)) |
		    _mm512_mask_testn_epi32_mask(both, differs,
						 _mm512_set1_epi32(STW_HDR_FIRST_MASK << 8));
}

/*
 * Lower-casing by OR is exact here: find_lines() has seen that these bytes are a token and a colon,
 * and no two of those fall together but letters; and that none is zero, which would become a blank.
 */
static inline struct named name_lines(const struct columns *t, __mmask16 there)
{
	const struct stw_hdr_columns *rows = &stw_hdr_columns;
	__m512i slot = _mm512_and_si512(t->c[0], _mm512_set1_epi32(0xffff));
	struct named out;

	slot = _mm512_mullo_epi32(slot, _mm512_set1_epi32(STW_HDR_COLUMNS_HASH));
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
	out.odd = _mm512_mask_test_epi32_mask(found, no_blank, no_blank) |
		  _mm512_mask_testn_epi32_mask(found, value, value);
#undef OR_AND
#undef ROW
	name_others(t, there, &out);
	return out;
}

/* Up to 32 lines, 16 bits each. */
struct named_lines {
	__m512i header, len;
	bool odd;
};

/* The first @n of the lines at @at, offsets into @buf. */
static inline struct named_lines name_all(const char *buf, __m512i at, unsigned n)
{
	/* Behind the last line the first byte stands in, and nothing is taken from there. */
	const __mmask32 there = _bzhi_u32(~0u, n);
	_Alignas(64) uint16_t off[32];
	_mm512_store_si512(off, _mm512_maskz_mov_epi16(there, at));
	struct columns t = load_columns(buf, off);
	struct named first = name_lines(&t, (__mmask16)there);
	struct named_lines out = {
		_mm512_zextsi256_si512(_mm512_cvtepi32_epi16(first.header)),
		_mm512_zextsi256_si512(_mm512_cvtepi32_epi16(first.len)),
		first.odd != 0,
	};

	if (__builtin_expect(n > 16, 0)) {
		t = load_columns(buf, off + 16);
		struct named second = name_lines(&t, (__mmask16)(there >> 16));
		__m256i header = _mm512_cvtepi32_epi16(second.header);
		out.header = _mm512_inserti64x4(out.header, header, 1);
		out.len = _mm512_inserti64x4(out.len, _mm512_cvtepi32_epi16(second.len), 1);
		out.odd |= second.odd != 0;
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
	__m256i value, len, begin, end;
};

#define LINES_TAKEN 31u /* those whose ends are in the same register */

/* The @n lines from @at on, up to LINES_TAKEN; bytes of the message from @base on are at @bytes. */
static inline struct taken take(const char *bytes, uint32_t base, const uint16_t *at, unsigned n)
{
	const __m512i off = _mm512_loadu_si512(at);
	const __m512i within = _mm512_sub_epi16(off, _mm512_set1_epi16((short)base));
	struct named_lines named = name_all(bytes, within, n);
	__m512i sets = lines_of_headers(named.header);
	__m512i rest = _mm512_add_epi32(sets, _mm512_set1_epi32(-1));
	__mmask16 there = _mm512_test_epi32_mask(sets, sets);
	struct taken out = {.present = there,
			    .repeated = _mm512_test_epi32_mask(sets, rest),
			    .odd = named.odd};

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

/* Lines behind those of which @m says already what they are. */
static inline bool take_more(const char *bytes, uint32_t base, const uint16_t *at, unsigned n,
			     struct stw_sip_msg *m)
{
	for (unsigned k; n > 0; at += k, n -= k) {
		k = n < LINES_TAKEN ? n : LINES_TAKEN;
		struct taken taken = take(bytes, base, at, k);
		add_taken(m, &taken);
		if (taken.odd)
			return false;
	}
	return true;
}

/* Many lines, or a message that ends less than LINE_ROOM behind where the last of them begins: of
 * those lines a copy has more. */
static __attribute__((noinline)) bool take_rest(const char *buf, uint32_t len,
						const struct lines *lines, unsigned first,
						unsigned near, struct stw_sip_msg *m)
{
	char copy[2 * LINE_ROOM] = {0};

	if (!take_more(buf, 0, lines->at + first, near - first, m))
		return false;
	if (near == lines->n)
		return true;
	const uint32_t base = lines->at[near];
	memcpy(copy, buf + base, len - base);
	return take_more(copy, base, lines->at + near, lines->n - near, m);
}

/* How many lines have LINE_ROOM bytes, as nearly always all. */
static inline unsigned lines_with_room(const struct lines *lines, uint32_t len)
{
	unsigned n = lines->n;

	while (n > 0 && __builtin_expect(len - lines->at[n - 1] < LINE_ROOM, 0))
		n--;
	return n;
}

static inline bool set_headers(const char *buf, uint32_t len, const struct lines *lines,
			       struct stw_sip_msg *m)
{
	const unsigned near = lines_with_room(lines, len);
	const unsigned first = near < LINES_TAKEN ? near : LINES_TAKEN;
	struct taken taken = take(buf, 0, lines->at, first);

	store_taken(m, &taken);
	return !taken.odd && (__builtin_expect(first == lines->n, 1) ||
			      take_rest(buf, len, lines, first, near, m));
}
