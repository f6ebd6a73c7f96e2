/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Part of the AVX-512 kernel's body: where the header lines are. Each block is loaded thrice, one
 * byte apart, so that what stands before a byte is compared in place, without carrying bits from
 * block to block.
 */

/* What was seen up to here. */
struct scan {
	__mmask64 bad;	    /* CR without LF or LF without CR, white space where it is no blank */
	uint64_t bad_names; /* that end in something else than a colon */
	uint64_t in_name;   /* 1: a name goes on in the next block */
	__m512i least;	    /* of all bytes: whether one is zero */
	struct kb_starts starts;
	unsigned n; /* starts */
};

/* One block as masks, a bit a byte; where the block ends early, what is behind reads as zero. */
struct block {
	__m512i v;
	__mmask64 odd;	    /* for scan.bad */
	__mmask64 begins_k; /* the byte before is an LF */
	uint64_t begins, not_token, colon;
};

/*
 * @v, @v1 and @v2 are the bytes of a block and those one and two places before. Odd are a line end
 * that is not CR LF, a blank or worse before a CR, and a second blank or worse behind ": ". The
 * last two are no faults, but with them the values of set_headers() would have to be trimmed.
 */
static inline struct block look_at(__m512i v, __m512i v1, __m512i v2)
{
	const __m512i blank = kb_spread(' '), lf = kb_spread('\n');
	const __m512i colon = kb_spread(':');
	__m512i not_tokens = _mm512_permutex2var_epi8(_mm512_load_si512(stw_not_token), v,
						      _mm512_load_si512(stw_not_token + 64));
	__mmask64 cr = _mm512_cmpeq_epi8_mask(v1, kb_spread('\r'));
	__mmask64 trailing = _mm512_mask_cmple_epu8_mask(cr, v2, blank);
	__mmask64 second = _mm512_cmpeq_epi8_mask(v2, colon);

	second = _mm512_mask_cmpeq_epi8_mask(second, v1, blank);
	second = _mm512_mask_cmple_epu8_mask(second, v, blank);
	__mmask64 unpaired = _kxor_mask64(cr, _mm512_cmpeq_epi8_mask(v, lf));
	__mmask64 begins = _mm512_cmpeq_epi8_mask(v1, lf);
	/* Bytes above 0x7f fell anywhere in the table; their own highest bit tells them. */
	return (struct block){
		.v = v,
		.odd = _kor_mask64(unpaired, _kor_mask64(trailing, second)),
		.begins_k = begins,
		.begins = begins,
		.not_token = _mm512_movepi8_mask(_mm512_or_si512(not_tokens, v)),
		.colon = _mm512_cmpeq_epi8_mask(v, colon),
	};
}

static inline struct block look_at_whole(const char *p)
{
	return look_at(_mm512_loadu_si512(p), _mm512_loadu_si512(p - 1), _mm512_loadu_si512(p - 2));
}

static inline struct block look_at_part(const char *p, unsigned n)
{
	const __mmask64 there = _bzhi_u64(~0ull, n);
	return look_at(_mm512_maskz_loadu_epi8(there, p), _mm512_maskz_loadu_epi8(there, p - 1),
		       _mm512_maskz_loadu_epi8(there, p - 2));
}

/* Where names end but in a colon. Subtracting a bit from a run of zeros borrows from its end. */
static inline uint64_t bad_ends(struct scan *scan, const struct block *b)
{
	uint64_t names = b->begins | scan->in_name;
	uint64_t ends = b->not_token & ~(b->not_token - names);

	scan->in_name = names > b->not_token;
	return ends & ~b->colon;
}

/* Add the places of @bits behind those that are there. */
static inline void add_starts(struct scan *scan, __mmask64 bits, uint32_t base)
{
	static const uint8_t index[64] = {
		0,  1,	2,  3,	4,  5,	6,  7,	8,  9,	10, 11, 12, 13, 14, 15,
		16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
		32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47,
		48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63,
	};
	__m512i places = _mm512_maskz_compress_epi8(bits, _mm512_loadu_si512(index));
	__m512i wide = _mm512_cvtepu8_epi16(_mm512_castsi512_si256(places));
	wide = _mm512_add_epi16(wide, _mm512_set1_epi16((short)base));
	/* Past 31 the offsets fall off the end; finish() gives up on that many. */
	scan->starts.at = _mm512_mask_expand_epi16(scan->starts.at,
						   (__mmask32)(~0ull << (scan->n & 63)), wide);
}

/* @b has a line that begins with no token, the blank line when all is well. */
static inline bool finish(struct scan *scan, const struct block *b, const char *buf, uint32_t len,
			  uint32_t base, struct lines *lines)
{
	unsigned at = (unsigned)__builtin_ctzll(b->begins & b->not_token);
	uint64_t before = through(at) >> 1;
	uint32_t blank = base + at;
	uint64_t bad = scan->bad | scan->bad_names;

	bad |= (bad_ends(scan, b) & before) | (b->odd & through(at));
	bad |= _mm512_testn_epi8_mask(b->v, b->v) & before;
	bad |= _mm512_testn_epi8_mask(scan->least, scan->least);
	add_starts(scan, b->begins & before, base);
	lines->n = scan->n + (unsigned)__builtin_popcountll(b->begins & before);
	lines->blank = blank;
	lines->starts = scan->starts;
	kb_starts_end(&lines->starts, lines->n, blank);
	return bad == 0 && lines->n - 1 < KB_LINES_MAX && len - blank >= 2 && buf[blank] == '\r' &&
	       buf[blank + 1] == '\n';
}

/*
 * Find the header lines up to the blank line. True only when each begins with a token and a colon,
 * no line is folded, each LF follows a CR and each CR precedes an LF, no byte is zero, and values
 * have no white space behind and not more than one blank before.
 *
 * The first two bytes are no block's; start_line() sees what they are.
 */
static inline bool find_lines(const char *buf, uint32_t len, struct lines *lines)
{
	struct scan scan = {.least = _mm512_set1_epi8((char)0xff)};
	uint32_t base = 2;
	struct block b;

	for (; len - base >= BLOCK; base += BLOCK) {
		b = look_at_whole(buf + base);
		if ((b.begins & b.not_token) != 0)
			return finish(&scan, &b, buf, len, base, lines);
		scan.bad = _kor_mask64(scan.bad, b.odd);
		scan.bad_names |= bad_ends(&scan, &b);
		scan.least = _mm512_min_epu8(scan.least, b.v);
		add_starts(&scan, b.begins_k, base);
		scan.n += (unsigned)__builtin_popcountll(b.begins);
	}
	b = look_at_part(buf + base, len - base);
	return (b.begins & b.not_token) != 0 && finish(&scan, &b, buf, len, base, lines);
}
