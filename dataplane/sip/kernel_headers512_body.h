/* SPDX-License-Identifier: BSD-3-Clause */
/* Part of the AVX-512 kernel's body: names of sixteen lines at once, compared with all hot names.
 */

/* The first sixteen bytes of sixteen lines in lower case, as four columns of four bytes. */
struct columns {
	__m512i c[4];
};

static inline __m512i four_lines(const char *buf, const int64_t *off)
{
	__m512i v = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)(buf + off[0])));
	v = _mm512_inserti32x4(v, _mm_loadu_si128((const __m128i *)(buf + off[1])), 1);
	v = _mm512_inserti32x4(v, _mm_loadu_si128((const __m128i *)(buf + off[2])), 2);
	v = _mm512_inserti32x4(v, _mm_loadu_si128((const __m128i *)(buf + off[3])), 3);
	return _mm512_or_si512(v, _mm512_set1_epi8(0x20));
}

/* @start: offsets of the lines, 16 bits each. Those too close to the end are read from its copy. */
static inline struct columns load_columns(const struct source *s, __m256i start)
{
	_Alignas(64) int64_t off[16];
	const int64_t to_copy = s->tail + 32 - (s->buf + s->len);
	const __m512i limit = _mm512_set1_epi64((int64_t)s->len - 16);

	for (unsigned i = 0; i < 2; i++) {
		__m128i half =
			i ? _mm256_extracti128_si256(start, 1) : _mm256_castsi256_si128(start);
		__m512i wide = _mm512_cvtepu16_epi64(half);
		__mmask8 close = _mm512_cmpgt_epi64_mask(wide, limit);
		wide = _mm512_mask_add_epi64(wide, close, wide, _mm512_set1_epi64(to_copy));
		_mm512_store_si512(off + 8 * i, wide);
	}
	__m512i a = four_lines(s->buf, off), b = four_lines(s->buf, off + 4);
	__m512i c = four_lines(s->buf, off + 8), d = four_lines(s->buf, off + 12);

	/* A transpose: columns 0 and 1, 2 and 3 of eight lines, then one column of sixteen. */
	const __m512i low =
		_mm512_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28, 1, 5, 9, 13, 17, 21, 25, 29);
	const __m512i high = _mm512_add_epi32(low, _mm512_set1_epi32(2));
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

static inline __m512i first_bytes(__m512i column, unsigned n)
{
	return _mm512_and_si512(column, _mm512_set1_epi32((int)((1u << 8 * n) - 1)));
}

/* Which of sixteen lines is which header: bit i of lines[h] says that line i is an h. */
struct matched {
	uint32_t lines[STW_N_HOT_HEADERS];
	uint32_t compact; /* with its compact name */
};

/*
 * The names are written out, as each has its own length; test_kernels.c goes through
 * STW_SIP_HOT_HEADERS and sees that none is missing. Lower-casing by OR is exact here: find_lines()
 * has seen that these bytes are a token and a colon, and no two of those fall together but letters.
 */
static inline void match_names(const struct columns *t, unsigned shift, struct matched *out)
{
	const __mmask16 any = 0xffff;
	__m512i two = first_bytes(t->c[0], 2), three = first_bytes(t->c[0], 3);
	__m512i one1 = first_bytes(t->c[1], 1), two1 = first_bytes(t->c[1], 2);
	__m512i one3 = first_bytes(t->c[3], 1), two3 = first_bytes(t->c[3], 2);
	__m512i three3 = first_bytes(t->c[3], 3);

	__mmask16 v = is(any, two, FOUR('v', ':', 0, 0)), i = is(any, two, FOUR('i', ':', 0, 0));
	__mmask16 f = is(any, two, FOUR('f', ':', 0, 0)), to = is(any, two, FOUR('t', ':', 0, 0));
	__mmask16 l = is(any, two, FOUR('l', ':', 0, 0)), m = is(any, two, FOUR('m', ':', 0, 0));
	__mmask16 colon4 = is(any, one1, ':');
	__mmask16 cont = is(any, t->c[0], FOUR('c', 'o', 'n', 't'));

	__mmask16 route =
		is(is(any, t->c[0], FOUR('r', 'o', 'u', 't')), two1, FOUR('e', ':', 0, 0));
	__mmask16 record = is(any, t->c[0], FOUR('r', 'e', 'c', 'o'));
	record = is(record, t->c[1], FOUR('r', 'd', '-', 'r'));
	record = is(is(record, t->c[2], FOUR('o', 'u', 't', 'e')), one3, ':');
	__mmask16 call = is(any, t->c[0], FOUR('c', 'a', 'l', 'l'));
	call = is(call, t->c[1], FOUR('-', 'i', 'd', ':'));
	__mmask16 hops = is(any, t->c[0], FOUR('m', 'a', 'x', '-'));
	hops = is(hops, t->c[1], FOUR('f', 'o', 'r', 'w'));
	hops = is(is(hops, t->c[2], FOUR('a', 'r', 'd', 's')), one3, ':');
	__mmask16 length = is(cont, t->c[1], FOUR('e', 'n', 't', '-'));
	length = is(length, t->c[2], FOUR('l', 'e', 'n', 'g'));
	length = is(length, three3, FOUR('t', 'h', ':', 0));
	__mmask16 contact = is(cont, t->c[1], FOUR('a', 'c', 't', ':'));
	__mmask16 require = is(any, t->c[0], FOUR('p', 'r', 'o', 'x'));
	require = is(require, t->c[1], FOUR('y', '-', 'r', 'e'));
	require = is(is(require, t->c[2], FOUR('q', 'u', 'i', 'r')), two3, FOUR('e', ':', 0, 0));
	__mmask16 expires = is(any, t->c[0], FOUR('e', 'x', 'p', 'i'));
	expires = is(expires, t->c[1], FOUR('r', 'e', 's', ':'));

#define FOUND(h, which) (out->lines[STW_HDR_##h] |= (uint32_t)(uint16_t)(which) << shift)
	FOUND(VIA, is(any, t->c[0], FOUR('v', 'i', 'a', ':')) | v);
	FOUND(ROUTE, route);
	FOUND(RECORD_ROUTE, record);
	FOUND(CALL_ID, call | i);
	FOUND(FROM, is(colon4, t->c[0], FOUR('f', 'r', 'o', 'm')) | f);
	FOUND(TO, is(any, three, FOUR('t', 'o', ':', 0)) | to);
	FOUND(CSEQ, is(colon4, t->c[0], FOUR('c', 's', 'e', 'q')));
	FOUND(MAX_FORWARDS, hops);
	FOUND(CONTENT_LENGTH, length | l);
	FOUND(CONTACT, contact | m);
	FOUND(PROXY_REQUIRE, require);
	FOUND(EXPIRES, expires);
#undef FOUND
	out->compact |= (uint32_t)(uint16_t)(v | i | f | to | l | m) << shift;
}

/* Index of the first line of each header, a byte each; KB_LINES_MAX, a place no line has: none. */
static inline __m128i first_lines(const struct matched *matched, uint32_t *repeated)
{
	uint64_t low = 0, high = 0x1f1f1f1f00000000u;
	uint32_t again = 0;

#pragma GCC unroll 12
	for (unsigned h = 0; h < STW_N_HOT_HEADERS; h++) {
		uint32_t lines = matched->lines[h];
		uint64_t first = (unsigned)__builtin_ctz(lines | 1u << KB_LINES_MAX);
		if (h < 8)
			low |= first << 8 * h;
		else
			high |= first << 8 * (h - 8);
		again |= (uint32_t)((lines & (lines - 1)) != 0) << h;
	}
	*repeated = again;
	return _mm_set_epi64x((long long)high, (long long)low);
}

static inline void store_values(struct stw_sip_msg *m, __m256i off, __m256i len)
{
	__m256i low = _mm256_unpacklo_epi16(off, len), high = _mm256_unpackhi_epi16(off, len);
	__m128i *out = (__m128i *)m->value;
	_Static_assert(STW_N_HOT_HEADERS == 12, "twelve spans in three stores");

	_mm_storeu_si128(out, _mm256_castsi256_si128(low));
	_mm_storeu_si128(out + 1, _mm256_castsi256_si128(high));
	_mm_storeu_si128(out + 2, _mm256_extracti128_si256(low, 1));
}

static inline void store_twelve(uint16_t *out, __m256i v)
{
	_mm_storeu_si128((__m128i *)out, _mm256_castsi256_si128(v));
	_mm_storel_epi64((__m128i *)(out + 8), _mm256_extracti128_si256(v, 1));
}

static inline bool set_headers(const struct source *s, const struct lines *lines,
			       struct stw_sip_msg *m)
{
	struct matched matched = {{0}, 0};
	uint32_t headers = kb_starts_first(&lines->starts);

	if (headers < 14) /* too short a start line to be one */
		return false;
	struct columns t = load_columns(s, _mm512_castsi512_si256(lines->starts.at));

	match_names(&t, 0, &matched);
	if (lines->n > 16) {
		t = load_columns(s, _mm512_extracti64x4_epi64(lines->starts.at, 1));
		match_names(&t, 16, &matched);
	}
	__m128i index8 = first_lines(&matched, &m->repeated);
	__m256i index = _mm256_cvtepu8_epi16(index8);
	__mmask16 there = _mm_cmplt_epi8_mask(index8, _mm_set1_epi8(KB_LINES_MAX));
	__m512i next = _mm512_castsi256_si512(_mm256_add_epi16(index, _mm256_set1_epi16(1)));
	__m512i here = _mm512_castsi256_si512(index);
	__m512i short_lines = _mm512_movm_epi16(matched.compact);

#define PICK(at, from) _mm512_castsi512_si256(_mm512_permutexvar_epi16(at, from))
	const __m256i name_lens =
		_mm256_setr_epi16(4, 6, 13, 8, 5, 3, 5, 13, 15, 8, 14, 8, 0, 0, 0, 0);
	__m256i begin = PICK(here, lines->starts.at), end = PICK(next, lines->starts.at);
	__mmask16 is_short = _mm256_movepi16_mask(PICK(here, short_lines));
	__m256i name_len = _mm256_mask_mov_epi16(name_lens, is_short, _mm256_set1_epi16(2));
#undef PICK
	/* The colon, one blank, the value, CR LF. */
	__m256i blank = _mm256_add_epi16(begin, name_len);
	__m256i value = _mm256_add_epi16(blank, _mm256_set1_epi16(1));
	__m256i len = _mm256_sub_epi16(end, _mm256_add_epi16(value, _mm256_set1_epi16(2)));

	m->present = there;
	store_values(m, _mm256_maskz_mov_epi16(there, value), _mm256_maskz_mov_epi16(there, len));
	store_twelve(m->line_off, _mm256_maskz_mov_epi16(there, begin));
	store_twelve(m->line_end, _mm256_maskz_mov_epi16(there, end));

	/* Blank before, none behind: of absent headers the start line is looked at instead. */
	_Alignas(32) uint16_t before[16], last[16];
	bool response = load8(s->buf) == load8("SIP/2.0 ");
	__m256i some_blank = _mm256_set1_epi16((short)(response ? 7 : headers - 10));
	__m256i some_letter = _mm256_add_epi16(some_blank, _mm256_set1_epi16(1));
	_mm256_store_si256((__m256i *)before, _mm256_mask_mov_epi16(some_blank, there, blank));
	__m256i tail = _mm256_sub_epi16(end, _mm256_set1_epi16(3));
	_mm256_store_si256((__m256i *)last, _mm256_mask_mov_epi16(some_letter, there, tail));
	uint32_t odd = 0;
#pragma GCC unroll 12
	for (unsigned h = 0; h < STW_N_HOT_HEADERS; h++) {
		const uint8_t *p = (const uint8_t *)s->buf;
		odd |= (p[before[h]] ^ ' ') | (p[before[h] + 1u] <= ' ') | (p[last[h]] <= ' ');
	}
	return odd == 0;
}
