/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Part of a kernel's body: where the header lines are, by the block operations all kernels have.
 * Each block is loaded thrice, one byte apart, so that what stands before a byte is compared in
 * place, without carrying bits from block to block.
 */

/* Where the header lines begin; place n is the blank line. */
struct lines {
	unsigned n;
	uint16_t at[STW_SIP_HEADERS_MAX + BLOCK + 4];
};

static inline uint32_t lines_blank(const struct lines *lines)
{
	return lines->at[lines->n];
}

/* Add the places of @bits to the @n. Four at once, as few blocks hold more. @return how many now */
static inline unsigned add_lines(uint16_t *at, unsigned n, uint64_t bits, uint32_t base)
{
	const unsigned end = n + (unsigned)__builtin_popcountll(bits);

	for (;;) {
		for (unsigned i = 0; i < 4; i++) {
			/* Without a bit left the place is never looked at. */
			at[n + i] = (uint16_t)(base + kb_first(bits));
			bits &= bits - 1;
		}
		n += 4;
		if (stw_likely(n >= end))
			return end;
	}
}

/* Names that end, but not in a colon. Subtracting a bit from a run of zeros borrows from its end;
 * @in_name is 1 while a name goes on in the next block. */
static inline uint64_t bad_ends(const struct kb_marks *marks, uint64_t *in_name)
{
	uint64_t names = marks->begins | *in_name, stops = marks->other | marks->colon;

	*in_name = names > stops;
	return ~(stops - names) & marks->other;
}

/* What is wrong with line ends and bytes, a bit a byte. */
static inline uint64_t faults_at(const char *p)
{
	return (kb_bytes_at(p - 2, '\r') ^ kb_bytes_at(p - 1, '\n')) | kb_bytes_at(p, '\0');
}

/*
 * Find the header lines up to the blank line. True only when each begins with a token and a colon,
 * no line is folded, each LF follows a CR and each CR precedes an LF, and no byte is zero.
 *
 * The first two bytes are no block's; take_lines() sees what they are. The last block is read
 * further back and shifted.
 */
static inline bool find_lines(const char *buf, uint32_t len, struct lines *lines)
{
	const char *p = buf + 2, *last = buf + len - BLOCK;
	const struct kb_names names = kb_names();
	struct kb_seen seen = kb_nothing_seen();
	uint64_t in_name = 0, bad = 0, faults;
	struct kb_marks marks;
	unsigned n = 0;

	for (; p <= last; p += BLOCK) {
		struct kb_seen here;
		marks = kb_mark(p, &names, &here);
		if (stw_unlikely((marks.begins & (marks.other | marks.colon)) != 0)) {
			faults = faults_at(p);
			goto found;
		}
		seen = kb_both(seen, here);
		bad |= bad_ends(&marks, &in_name);
		n = add_lines(lines->at, n, marks.begins, (uint32_t)(p - buf));
		if (stw_unlikely(n > STW_SIP_HEADERS_MAX))
			return false;
	}
	const unsigned shift = (unsigned)(p - last);
	if (shift == BLOCK)
		return false;
	struct kb_seen ignored;
	marks = kb_mark(last, &names, &ignored);
	marks.begins >>= shift;
	marks.colon >>= shift;
	marks.other >>= shift;
	faults = faults_at(last) >> shift;
	if ((marks.begins & (marks.other | marks.colon)) == 0)
		return false;
found:;
	/* A line that begins with no token: the blank line when all is well. */
	uint64_t first = marks.begins & (marks.other | marks.colon), upto = first ^ (first - 1);
	uint32_t base = (uint32_t)(p - buf), blank = base + kb_first(first);

	bad |= (faults & upto) | (bad_ends(&marks, &in_name) & upto >> 1);
	lines->n = add_lines(lines->at, n, marks.begins & upto, base) - 1;
	return bad == 0 && kb_all_well(seen) && lines->n != 0 && len - blank >= 2 &&
	       buf[blank] == '\r' && buf[blank + 1] == '\n';
}
