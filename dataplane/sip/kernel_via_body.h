/* SPDX-License-Identifier: BSD-3-Clause */
/* Part of a kernel's body: a Via as nearly everybody writes it, whole. */

/* Parameters from their first semicolon on, as masks. */
struct params {
	uint32_t off;
	unsigned len;
	uint64_t stops;	  /* semicolons, and the end */
	uint64_t b, r, m; /* names that begin so, in any letter case */
};

/* *( ";" token [ "=" token or address ] ) to the end, without white space. */
static inline bool params_load(const struct source *s, uint32_t off, uint32_t len,
			       struct params *out)
{
	struct value v;

	if (len >= BLOCK || !value_load(&v, s, off, len)) /* one bit is left for the end */
		return false;
	uint64_t semi = bytes(&v, ';'), equal = bytes(&v, '='), begin = semi << 1;
	uint64_t token = bytes_of(&v, STW_SET_TOKEN), worth = token | bytes(&v, ':');
	uint64_t stops = semi | 1ull << len;
	uint64_t names_end = runs_end(token, begin), values_end = runs_end(worth, equal << 1);

	out->off = off;
	out->len = len;
	out->stops = stops;
	kb_lower(&v.b);
	out->b = begin & bytes(&v, 'b');
	out->r = begin & bytes(&v, 'r');
	out->m = begin & bytes(&v, 'm');
	/* From the first semicolon on each run ends where the next begins, so nothing is left out.
	 */
	return (semi & 1) &&
	       ((begin & ~token) | (names_end & ~(stops | equal)) | (equal & ~names_end) |
		(equal << 1 & ~worth) | (values_end & ~stops)) == 0;
}

/* Where the parameter that begins at bit @at ends. */
static inline unsigned param_end(const struct params *p, unsigned at)
{
	return at + (unsigned)__builtin_ctzll(p->stops >> at);
}

static inline struct stw_span param_span(const struct params *p, unsigned from, unsigned to)
{
	return (struct stw_span){(uint16_t)(p->off + from), (uint16_t)(to - from)};
}

static inline bool take_branch(const struct source *s, const struct params *p,
			       struct stw_sip_via *via)
{
	if (p->b == 0)
		return true;
	unsigned at = (unsigned)__builtin_ctzll(p->b), end = param_end(p, at);
	uint64_t name = load8(s->buf + p->off + at) | 0x202020202020u;
	bool again = via->branch.len != 0;

	via->branch = param_span(p, at + 7, end);
	return end - at >= 8 && (name & ~0ull >> 8) == load8("branch=") && !again &&
	       at_most_one(p->b);
}

/* "rport" [ "=" port ] */
static inline bool take_rport(const struct source *s, const struct params *p, unsigned at,
			      unsigned end, struct stw_sip_via *via)
{
	bool has_value = end > at + 5;
	unsigned from = at + 5 + has_value;
	uint32_t port = 0;

	if (via->rport_param.len != 0 || (has_value && s->buf[p->off + at + 5] != '='))
		return false;
	via->rport_param = param_span(p, at - 1, end);
	via->rport = param_span(p, from, end);
	if (!has_value)
		return true;
	if (end - from > 5 || !number(s->buf, via->rport, &port) || port - 1 >= UINT16_MAX)
		return false;
	via->rport_value = (uint16_t)port;
	return true;
}

/* "received=" address, not in brackets */
static inline bool take_received(const struct source *s, const struct params *p, unsigned at,
				 unsigned end, struct stw_sip_via *via)
{
	if (via->received_param.len != 0 || end < at + 10 || s->buf[p->off + at + 8] != '=')
		return false;
	via->received_param = param_span(p, at - 1, end);
	via->received = param_span(p, at + 9, end);
	return true;
}

static inline bool take_r(const struct source *s, const struct params *p, struct stw_sip_via *via)
{
	for (uint64_t r = p->r; r != 0; r &= r - 1) {
		unsigned at = (unsigned)__builtin_ctzll(r), end = param_end(p, at);
		if (end < at + 5)
			return false;
		uint64_t name = load8(s->buf + p->off + at) | 0x2020202020202020u;
		if (stw_likely((name & 0xffffffffff) == load8("rport\0\0"))) {
			if (!take_rport(s, p, at, end, via))
				return false;
		} else if (name != load8("received") || !take_received(s, p, at, end, via)) {
			return false;
		}
	}
	return true;
}

/* However many, as far as each fits a block. */
static inline bool params_plain(const struct source *s, uint32_t off, uint32_t len,
				struct stw_sip_via *via)
{
	struct params p;

	while (len >= BLOCK) { /* those before the last semicolon of a block */
		struct value v;
		value_load(&v, s, off, BLOCK);
		uint64_t semi = bytes(&v, ';') & ~1ull;
		if (semi == 0)
			return false;
		uint32_t n = 63 - (uint32_t)__builtin_clzll(semi);
		if (!params_load(s, off, n, &p) || p.m != 0 || !take_branch(s, &p, via) ||
		    !take_r(s, &p, via))
			return false;
		off += n;
		len -= n;
	}
	return params_load(s, off, len, &p) && p.m == 0 && take_branch(s, &p, via) &&
	       take_r(s, &p, via);
}

/* Nothing but ";branch=" token from bit @at on, as proxies write it, and we do. */
static inline bool branch_alone(const struct source *s, const struct value *v, uint32_t off,
				unsigned at, uint32_t len, struct stw_span *out)
{
	const char *p = s->buf + off + at;

	if (len > BLOCK || len < at + 9 || (load8(p) | load8("\0      \0")) != load8(";branch="))
		return false;
	uint64_t value = v->mask & ~first_bits(at + 8);
	if ((bytes_of(v, STW_SET_TOKEN) & value) != value)
		return false;
	*out = (struct stw_span){(uint16_t)(off + at + 8), (uint16_t)(len - at - 8)};
	return true;
}

/* "SIP/2.0/UDP" SP host [ ":" port ], parameters; one element. @out is all zero before. */
static inline bool via_plain(const struct source *s, struct stw_span all, struct stw_sip_via *out)
{
	const char *text = s->buf + all.off;
	uint32_t port = 0, off = all.off + 12u, len = all.len - 12u;
	struct value v;

	if (all.len < 13 || load8(text) != load8("SIP/2.0/") || load4(text + 8) != load4("UDP ") ||
	    !value_begin(&v, s, off, len))
		return false;
	unsigned host = run_end(bytes_of(&v, STW_SET_HOST), 0);
	unsigned at = port_end(s, &v, off, host, &port);
	if (host == 0 || at == 0)
		return false;
	out->all = all;
	out->protocol = (struct stw_span){all.off, 11};
	out->host = (struct stw_span){(uint16_t)off, (uint16_t)host};
	out->port = (uint16_t)port;
	out->transport = STW_TRANSPORT_UDP;
	if (at == len || branch_alone(s, &v, off, at, len, &out->branch))
		return true;
	return at < BLOCK && params_plain(s, off + at, len - at, out);
}
