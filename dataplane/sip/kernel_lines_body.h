/* SPDX-License-Identifier: BSD-3-Clause */
/* Part of a kernel's body: where the header lines are, by the block operations all kernels have. */

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
			unsigned place = (unsigned)__builtin_ctzll(bits | 1ull << 63);
			at[n + i] = (uint16_t)(base + place);
			bits &= bits - 1;
		}
		n += 4;
		if (__builtin_expect(n >= end, 1))
			return end;
	}
}

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

	for (uint32_t base = 0; base < len; base += BLOCK) {
		struct kb b;
		unsigned shift = kb_load(&b, buf, base, len);
		uint64_t lf = kb_eq(&b, '\n') >> shift, cr = kb_eq(&b, '\r') >> shift;
		uint64_t token = kb_token(&b) >> shift, colon = kb_eq(&b, ':') >> shift;
		uint64_t begins = lf << 1 | was_lf;
		uint64_t pairs = (cr << 1 | was_cr) ^ lf; /* a CR without LF, an LF without CR */
		uint64_t other = begins & ~token; /* the blank line, a fold, or a bad name */
		/* Adding a bit to the first of a run of ones carries it to the first zero behind.
		 */
		unsigned long long sum;
		in_name = _addcarry_u64(in_name, token, begins & token, &sum);
		uint64_t ends = sum & ~(token | colon); /* names that do not end in a colon */

		if (__builtin_expect(other != 0, 0)) {
			uint64_t upto = other ^ (other - 1);
			bad |= (ends | pairs | kb_eq(&b, '\0') >> shift) & upto;
			n = add_lines(lines->at, n, begins & upto, base);
			lines->n = n - 1;
			uint32_t blank = lines->at[n - 1];
			return len - blank >= 2 && buf[blank] == '\r' && buf[blank + 1] == '\n' &&
			       n > 1 && bad == 0 && !kb_least_is_zero(least);
		}
		least = kb_least_of(least, &b);
		bad |= ends | pairs;
		n = add_lines(lines->at, n, begins, base);
		if (__builtin_expect(n > STW_SIP_HEADERS_MAX, 0))
			return false;
		was_lf = lf >> 63;
		was_cr = cr >> 63;
	}
	return false;
}
