/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Part of a kernel's body: header names one line at a time, without a branch on what they are. No
 * line waits for another, so that a wide processor works on many at once.
 */

/*
 * What is noted of lines by header, with a last place for all others; of several lines the one
 * noted last remains. Nothing is cleared but the counts.
 */
struct notes {
	uint32_t line[16]; /* where it begins and, above, where it ends */
	uint16_t count[16];
	uint16_t behind[16];  /* the two bytes behind the colon */
	uint8_t name_len[16]; /* with the colon */
	uint8_t last[16];     /* the byte before the CR LF */
};

#define LINE_ROOM 17u /* bytes from a line's start on that are looked at */

/*
 * The line that begins at @at[0] and ends at @at[1]; bytes of the message from @base on are at
 * @bytes. Lower-casing by OR is exact here: find_lines() has seen a token and a colon.
 */
static inline void note_line(const char *bytes, uint32_t base, const uint16_t *at,
			     struct notes *notes)
{
	const char *p = bytes + (at[0] - base), *end = bytes + (at[1] - base);
	const struct stw_hdr_row *row = &stw_hdr_rows[stw_hdr_hash(load8(p))];
	__m128i v = _mm_or_si128(_mm_loadu_si128((const __m128i *)p), _mm_set1_epi8(0x20));

	v = _mm_xor_si128(v, _mm_load_si128((const __m128i *)row->text));
	/* No branch, which would follow the order. */
	unsigned header = row->header;
	header = _mm_testz_si128(v, _mm_load_si128((const __m128i *)row->mask))
			 ? header
			 : (unsigned)STW_N_HOT_HEADERS;
	notes->count[header]++;
	notes->name_len[header] = row->len;
	notes->last[header] = (uint8_t)end[-3];
	memcpy(&notes->line[header], at, sizeof(notes->line[0]));
	memcpy(&notes->behind[header], p + row->len, sizeof(notes->behind[0]));
}

/* The last lines of a message that ends less than LINE_ROOM behind where they begin: a copy has
 * more. @return how many others there are */
static __attribute__((noinline)) unsigned
note_last(const char *buf, uint32_t len, const uint16_t *at, unsigned n, struct notes *notes)
{
	unsigned near = n;
	char copy[2 * LINE_ROOM] = {0};

	while (near > 0 && len - at[near - 1] < LINE_ROOM)
		near--;
	const uint32_t base = at[near];
	memcpy(copy, buf + base, len - base);
	for (unsigned i = n; i > near; i--)
		note_line(copy, base, at + i - 1, notes);
	return near;
}

/* Eight headers' notes, 16 bits each. */
struct eight {
	__m128i begin, end, value, len, absent, several, sound;
};

static inline __m128i words_of(const uint8_t *bytes)
{
	return _mm_cvtepu8_epi16(_mm_loadl_epi64((const __m128i *)bytes));
}

static inline struct eight read_notes(const struct notes *notes, unsigned from)
{
	const __m128i *line = (const __m128i *)(notes->line + from);
	__m128i low = _mm_loadu_si128(line), high = _mm_loadu_si128(line + 1);
	__m128i behind = _mm_loadu_si128((const __m128i *)(notes->behind + from));
	__m128i count = _mm_loadu_si128((const __m128i *)(notes->count + from));
	__m128i absent = _mm_cmpeq_epi16(count, _mm_setzero_si128());
	__m128i name_len = words_of(notes->name_len + from);
	struct eight out = {.absent = absent};

	out.several = _mm_cmpgt_epi16(count, _mm_set1_epi16(1));
	out.begin = _mm_packus_epi32(_mm_blend_epi16(low, _mm_setzero_si128(), 0xaa),
				     _mm_blend_epi16(high, _mm_setzero_si128(), 0xaa));
	out.end = _mm_packus_epi32(_mm_srli_epi32(low, 16), _mm_srli_epi32(high, 16));
	out.begin = _mm_andnot_si128(absent, out.begin);
	out.end = _mm_andnot_si128(absent, out.end);
	/* The name with its colon, one blank, the value, CR LF. */
	out.value = _mm_add_epi16(_mm_add_epi16(out.begin, name_len), _mm_set1_epi16(1));
	out.len = _mm_sub_epi16(_mm_sub_epi16(out.end, out.value), _mm_set1_epi16(2));
	out.value = _mm_andnot_si128(absent, out.value);
	out.len = _mm_andnot_si128(absent, out.len);
	/* No blank behind the colon, white space behind that, or at the end. */
	const __m128i blank = _mm_set1_epi16(' ');
	__m128i white = _mm_min_epu16(_mm_srli_epi16(behind, 8), words_of(notes->last + from));
	__m128i good = _mm_cmpeq_epi16(_mm_and_si128(behind, _mm_set1_epi16(0xff)), blank);
	good = _mm_and_si128(good, _mm_cmpgt_epi16(white, blank));
	out.sound = _mm_or_si128(absent, good);
	return out;
}

static inline uint32_t bits_of(__m128i first, __m128i second)
{
	return (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(first, second));
}

static inline bool store_notes(const struct notes *notes, struct stw_sip_msg *m)
{
	const uint32_t hot = (1u << STW_N_HOT_HEADERS) - 1;
	struct eight a = read_notes(notes, 0), b = read_notes(notes, 8);
	__m128i *value = (__m128i *)m->value;
	_Static_assert(STW_N_HOT_HEADERS == 12, "eight and four");

	_mm_storeu_si128(value, _mm_unpacklo_epi16(a.value, a.len));
	_mm_storeu_si128(value + 1, _mm_unpackhi_epi16(a.value, a.len));
	_mm_storeu_si128(value + 2, _mm_unpacklo_epi16(b.value, b.len));
	_mm_storeu_si128((__m128i *)m->line_off, a.begin);
	_mm_storel_epi64((__m128i *)(m->line_off + 8), b.begin);
	_mm_storeu_si128((__m128i *)m->line_end, a.end);
	_mm_storel_epi64((__m128i *)(m->line_end + 8), b.end);
	m->present = ~bits_of(a.absent, b.absent) & hot;
	m->repeated = bits_of(a.several, b.several) & hot;
	return (~bits_of(a.sound, b.sound) & hot) == 0;
}

/* From the last to the first, so that the first of its kind is what remains. */
static inline bool set_headers(const char *buf, uint32_t len, const struct lines *lines,
			       struct stw_sip_msg *m)
{
	const uint16_t *at = lines->at;
	unsigned near = lines->n;
	struct notes notes;

	memset(notes.count, 0, sizeof(notes.count));
	if (stw_unlikely(len - at[near - 1] < LINE_ROOM))
		near = note_last(buf, len, at, near, &notes);
	for (unsigned i = near; i > 0; i--)
		note_line(buf, 0, at + i - 1, &notes);
	return store_notes(&notes, m);
}
