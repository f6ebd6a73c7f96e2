/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Part of a kernel's body: header names one line at a time, without a branch on what they are. No
 * line waits for another, so that a wide processor works on many at once.
 */

/* What the lines were: bit 1 << header, that of STW_N_HOT_HEADERS for all others. */
struct seen {
	uint32_t present, repeated;
	uint32_t odd; /* values with other white space around them than one blank before */
};

#define LINE_ROOM 17u /* bytes from a line's start on that are looked at */

/*
 * The line from @off to @end; bytes of the message from @base on are at @bytes. Lower-casing by OR
 * is exact here: find_lines() has seen a token and a colon.
 */
static inline void name_line(const char *bytes, uint32_t base, uint32_t off, uint32_t end,
			     struct seen *seen, struct stw_sip_msg *m)
{
	const uint8_t *p = (const uint8_t *)bytes + (off - base), *last = p + (end - off) - 3;
	const struct stw_hdr_row *row = &stw_hdr_rows[stw_hdr_hash(load8((const char *)p))];
	__m128i v = _mm_loadu_si128((const __m128i *)p);

	v = _mm_or_si128(v, _mm_set1_epi8(0x20));
	v = _mm_xor_si128(v, _mm_load_si128((const __m128i *)row->text));
	/* Arithmetic, as a branch would follow the order. */
	uint32_t same = -(uint32_t)_mm_testz_si128(v, _mm_load_si128((const __m128i *)row->mask));
	uint32_t header = STW_N_HOT_HEADERS ^ (row->mix & same), len = row->len;
	uint32_t value = off + len + 1, bit = 1u << header;
	/* Negative unless there is a blank, no white space behind it, and none at the end. */
	int odd = -(p[len] ^ ' ') | (p[len + 1] - ('!')) | (*last - '!');

	seen->odd |= (uint32_t)(odd >> 31) & bit;
	seen->repeated |= seen->present & bit;
	seen->present |= bit;
	/* One store, as one load will read it. */
	uint32_t span = value | (end - 2 - value) << 16;
	memcpy(&m->value[header], &span, sizeof(span));
	m->line_off[header] = (uint16_t)off;
	m->line_end[header] = (uint16_t)end;
}

/* The last lines of a message that ends less than LINE_ROOM behind where they begin: a copy has
 * more. @return how many others there are */
static __attribute__((noinline)) unsigned name_last(const char *buf, uint32_t len,
						    const uint16_t *start, unsigned n,
						    struct seen *seen, struct stw_sip_msg *m)
{
	unsigned near = n;
	char copy[2 * LINE_ROOM] = {0};

	while (near > 0 && len - start[near - 1] < LINE_ROOM)
		near--;
	const uint32_t base = start[near];
	memcpy(copy, buf + base, len - base);
	for (unsigned i = n; i > near; i--)
		name_line(copy, base, start[i - 1], start[i], seen, m);
	return near;
}

/* From the last to the first, so that the first of its kind is what remains. */
static inline bool set_headers(const char *buf, uint32_t len, const struct lines *lines,
			       struct stw_sip_msg *m)
{
	const uint32_t hot = (1u << STW_N_HOT_HEADERS) - 1;
	const uint16_t *start = lines->at;
	struct seen seen = {0, 0, 0};
	unsigned near = lines->n;

	if (__builtin_expect(len - start[near - 1] < LINE_ROOM, 0))
		near = name_last(buf, len, start, near, &seen, m);
	for (unsigned i = near; i > 0; i--)
		name_line(buf, 0, start[i - 1], start[i], &seen, m);
	m->value[STW_N_HOT_HEADERS] = (struct stw_span){0, 0};
	m->line_off[STW_N_HOT_HEADERS] = m->line_end[STW_N_HOT_HEADERS] = 0;
	m->present = seen.present & hot;
	m->repeated = seen.repeated & hot;
	return (seen.odd & hot) == 0;
}
