/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Part of the AVX-512 kernel's body: where the header lines are. Each block is loaded thrice, one
 * byte apart, so that what stands before a byte is compared in place, without carrying bits from
 * block to block.
 */

/* Bytes between two looks at how many lines there are; each of them may be an LF. */
#define STRIDE (16 * BLOCK)

/* Where the header lines begin, and the blank line. Whole registers are stored and loaded, and
 * behind the last line there are zeros for as long as one is. */
struct lines {
	unsigned n;
	uint16_t blank;
	_Alignas(64) uint16_t at[STW_SIP_HEADERS_MAX + STRIDE + BLOCK + 32];
};

static inline uint32_t lines_blank(const struct lines *lines)
{
	return lines->blank;
}

/* What was seen up to here. */
struct scan {
	__mmask64 odd; /* of blocks: a line end that is not CR LF */
	__m512i least; /* of all bytes: whether one is zero */
	__m512i base;  /* of what follows the next block's first byte, 16 bits each */
	size_t n;
};

/* One block as masks, a bit a byte; where the block ends early, what is behind reads as zero. */
struct block {
	__m512i v;
	__mmask64 lf, odd; /* odd: an LF without CR before it, or what follows a CR and is no LF */
	__mmask64 stop;	   /* an LF whose line is blank, or ends in a blank or worse */
};

/* What blocks are compared with, out of memory that other stores might change. */
struct wanted {
	__m512i cr, lf, blank;
};

static inline struct wanted wanted(void)
{
	return (struct wanted){kb_spread('\r'), kb_spread('\n'), kb_spread(' ')};
}

/* @v, @v1 and @v2 are the bytes of a block and those one and two places before. */
static inline struct block look_at(const struct wanted *w, __m512i v, __m512i v1, __m512i v2)
{
	__mmask64 lf = _mm512_cmpeq_epi8_mask(v, w->lf);

	return (struct block){
		.v = v,
		.lf = lf,
		.odd = _kxor_mask64(lf, _mm512_cmpeq_epi8_mask(w->cr, v1)),
		.stop = _mm512_mask_cmpge_epu8_mask(lf, w->blank, v2),
	};
}

static inline struct block look_at_whole(const struct wanted *w, const char *p)
{
	return look_at(w, _mm512_loadu_si512(p), _mm512_loadu_si512(p - 1),
		       _mm512_loadu_si512(p - 2));
}

static inline struct block look_at_part(const struct wanted *w, const char *p, unsigned n)
{
	const __mmask64 there = _bzhi_u64(~0ull, n < BLOCK ? n : BLOCK);
	return look_at(w, _mm512_maskz_loadu_epi8(there, p), _mm512_maskz_loadu_epi8(there, p - 1),
		       _mm512_maskz_loadu_epi8(there, p - 2));
}

/* Add the places behind @bits to those that are there; what follows in the register is no line's.
 */
static inline void add_starts(struct scan *scan, uint64_t bits, struct lines *lines)
{
	static const uint8_t index[64] = {
		0,  1,	2,  3,	4,  5,	6,  7,	8,  9,	10, 11, 12, 13, 14, 15,
		16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
		32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47,
		48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63,
	};
	__m512i places = _mm512_maskz_compress_epi8(bits, _mm512_loadu_si512(index));
	__m512i wide = _mm512_cvtepu8_epi16(_mm512_castsi512_si256(places));
	/* More than 32 in a block are LF upon LF, which is bad. */
	_mm512_storeu_si512(lines->at + scan->n, _mm512_add_epi16(wide, scan->base));
	scan->n += (size_t)__builtin_popcountll(bits);
}

/* @b has an LF that ends no line as usual: the blank line's, when all is well. */
static inline bool finish(struct scan *scan, const struct block *b, const char *buf, uint32_t base,
			  struct lines *lines)
{
	uint64_t stop = b->stop, upto = stop ^ (stop - 1);
	uint32_t end = base + (uint32_t)__builtin_ctzll(stop);

	if (buf[end - 2] != '\n')
		return false;
	scan->least = _mm512_mask_min_epu8(scan->least, upto, scan->least, b->v);
	add_starts(scan, b->lf & upto >> 1, lines);
	/* That LF was seen, as the first two bytes are none, so there is a line: the blank one. */
	lines->n = (unsigned)scan->n - 1;
	lines->blank = (uint16_t)(end - 1);
	_mm512_storeu_si512(lines->at + lines->n, _mm512_setzero_si512());
	return (scan->odd | (b->odd & upto) | _mm512_testn_epi8_mask(scan->least, scan->least)) ==
		       0 &&
	       lines->n != 0;
}

/*
 * Find the header lines up to the blank line. True only when no line ends in white space, each LF
 * follows a CR and each CR precedes an LF, and no byte is zero. What the lines begin with is seen
 * where their names are.
 *
 * The first two bytes are no block's; take_lines() has seen that they are no line ends.
 */
static inline bool find_lines(const char *buf, uint32_t len, struct lines *lines)
{
	struct scan scan = {.least = _mm512_set1_epi8((char)0xff), .base = _mm512_set1_epi16(3)};
	const struct wanted w = wanted();
	const char *p = buf + 2, *last = buf + len - BLOCK;
	struct block b;

	while (p <= last) {
		const char *until = (size_t)(last - p) < STRIDE ? last : p + STRIDE - 1;

		do {
			b = look_at_whole(&w, p);
			if (stw_unlikely(b.stop != 0))
				goto found;
			scan.odd = _kor_mask64(scan.odd, b.odd);
			scan.least = _mm512_min_epu8(scan.least, b.v);
			add_starts(&scan, b.lf, lines);
			scan.base = _mm512_add_epi16(scan.base, _mm512_set1_epi16(BLOCK));
			p += BLOCK;
		} while (p <= until);
		if (stw_unlikely(scan.n > STW_SIP_HEADERS_MAX))
			return false;
	}
found:
	/* The block that ends it is looked at again: kept from the loop, it would cost each of its
	 * turns. */
	b = look_at_part(&w, p, (uint32_t)(buf + len - p));
	return stw_likely(b.stop != 0) && finish(&scan, &b, buf, (uint32_t)(p - buf), lines);
}
