/* SPDX-License-Identifier: BSD-3-Clause */
/* Part of a kernel's body: where the header lines are, by the block operations all kernels have. */

/*
 * Find the header lines up to the blank line. True only when each begins with a token and a colon,
 * no line is folded, each LF follows a CR and each CR precedes an LF, and no byte is zero.
 */
static inline bool find_lines(const char *buf, uint32_t len, struct lines *lines)
{
	uint64_t was_lf = 0, was_cr = 0, bad = 0;
	unsigned char in_name = 0;
	kb_least least = kb_least_init();
	unsigned n = 0;

	kb_starts_init(&lines->starts);
	for (uint32_t base = 0; base < len; base += BLOCK) {
		struct kb b;
		unsigned shift = kb_load(&b, buf, base, len);
		uint64_t lf = kb_eq(&b, '\n') >> shift;
		uint64_t cr = kb_eq(&b, '\r') >> shift;
		uint64_t token = kb_set(&b, stw_set_token) >> shift;
		uint64_t colon = kb_eq(&b, ':') >> shift;

		uint64_t begins = lf << 1 | was_lf;
		uint64_t pairs = (cr << 1 | was_cr) ^ lf; /* a CR without LF, an LF without CR */
		uint64_t names = begins & token;
		uint64_t other = begins & ~token; /* the blank line, a fold, or a bad name */
		/* Adding a bit to the first of a run of ones carries it to the first zero behind.
		 */
		unsigned long long sum;
		in_name = _addcarry_u64(in_name, token, names, &sum);
		uint64_t ends = sum & ~(token | colon); /* names that do not end in a colon */

		if (__builtin_expect(other != 0, 0)) {
			unsigned at = (unsigned)__builtin_ctzll(other);
			uint32_t blank = base + at;
			uint64_t before = through(at) >> 1;
			bad |= (ends & before) | (pairs & through(at));
			bad |= (kb_eq(&b, '\0') >> shift) & before;
			n = kb_starts_add(&lines->starts, n, names & before, base);
			kb_starts_end(&lines->starts, n, blank);
			lines->n = n;
			lines->blank = blank;
			return len - blank >= 2 && buf[blank] == '\r' && buf[blank + 1] == '\n' &&
			       n - 1 < KB_LINES_MAX && bad == 0 && !kb_least_is_zero(least);
		}
		least = kb_least_of(least, &b);
		bad |= ends | pairs;
		n = kb_starts_add(&lines->starts, n, names, base);
		if (__builtin_expect(n > KB_LINES_MAX, 0))
			return false;
		was_lf = lf >> 63;
		was_cr = cr >> 63;
	}
	return false;
}
