/* SPDX-License-Identifier: BSD-3-Clause */
/* Part of a kernel's body: header names one line at a time, without a branch on what they are. */

#define LINES_STEP 4u /* lines are named so many at a time, to leave the loop at fewer places */

/* What the lines were: bit 1 << header. */
struct seen {
	uint32_t present, repeated;
	uint32_t odd; /* values with more white space around them than one blank before */
};

/* One line. What is not hot falls on the spare row behind the others. */
static inline struct seen name_line(const struct source *s, uint32_t off, uint32_t end,
				    struct seen seen, struct stw_sip_line *rows)
{
	const char *p = chunk(s, off);
	const struct stw_hdr_row *row = &stw_hdr_rows[stw_hdr_hash(load8(p))];
	__m128i v = _mm_loadu_si128((const __m128i *)p);

	v = _mm_or_si128(v, _mm_load_si128((const __m128i *)row->fold));
	v = _mm_and_si128(v, _mm_load_si128((const __m128i *)row->mask));
	v = _mm_cmpeq_epi8(v, _mm_load_si128((const __m128i *)row->text));
	/* All ones when all sixteen bytes agree; arithmetic, as a branch would follow the order. */
	uint32_t same = -(((uint32_t)_mm_movemask_epi8(v) + 1) >> 16);
	uint32_t header = STW_N_HOT_HEADERS ^ (row->mix & same);
	uint32_t bit = 1u << header;
	uint32_t value = off + (row->len & same);

	value += s->buf[value] == ' ';
	uint32_t odd = ((uint8_t)s->buf[value] <= ' ') | ((uint8_t)s->buf[end - 3] <= ' ');
	seen.odd |= odd << header;
	seen.repeated |= seen.present & bit;
	seen.present |= bit;
	rows[header].value = (struct stw_span){(uint16_t)value, (uint16_t)(end - 2 - value)};
	rows[header].off = (uint16_t)off;
	rows[header].end = (uint16_t)end;
	return seen;
}

/* From the last to the first, so that the first of its kind is what remains. */
static inline bool set_headers(const struct source *s, const struct lines *lines,
			       struct stw_sip_msg *m)
{
	const uint32_t hot = (1u << STW_N_HOT_HEADERS) - 1;
	const uint16_t *start = lines->starts.at;
	struct stw_sip_line rows[STW_N_HOT_HEADERS + 1];
	struct seen seen = {0, 0, 0};

	memset(rows, 0, sizeof(rows));
	for (unsigned i = (lines->n + LINES_STEP - 1) / LINES_STEP * LINES_STEP; i > 0;) {
		for (unsigned step = 0; step < LINES_STEP; step++, i--)
			seen = name_line(s, start[i - 1], start[i], seen, rows);
	}
	for (unsigned h = 0; h < STW_N_HOT_HEADERS; h++) {
		m->value[h] = rows[h].value;
		m->line_off[h] = rows[h].off;
		m->line_end[h] = rows[h].end;
	}
	m->present = seen.present & hot;
	m->repeated = seen.repeated & hot;
	return (seen.odd & hot) == 0;
}
