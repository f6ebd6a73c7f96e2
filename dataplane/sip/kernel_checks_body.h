/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Part of a kernel's body: values judged by masks, a bit per byte. Each check is sure when it says
 * yes; when it does not, the exact parser decides.
 */

/* A value's bytes, at most 64, as masks; bits from @len on are zero. */
struct value {
	struct kb b;
	unsigned shift, len;
	uint64_t mask; /* bits 0..len - 1 */
};

static inline bool value_load(struct value *v, const struct source *s, uint32_t off, uint32_t len)
{
	if (len - 1 >= BLOCK)
		return false;
	v->shift = kb_load_value(&v->b, s->buf, off, len, s->len);
	v->len = len;
	v->mask = through(len - 1);
	return true;
}

static inline uint64_t bytes(const struct value *v, char c)
{
	return kb_keep(kb_eq(&v->b, c), v->shift, v->mask);
}

static inline uint64_t bytes_of(const struct value *v, const uint8_t set[16])
{
	return kb_keep(kb_set(&v->b, set), v->shift, v->mask);
}

static inline uint64_t below(unsigned n) /* bits 0..n - 1, n < 64 */
{
	return (1ull << n) - 1;
}

static inline bool at_most_one(uint64_t bits)
{
	return (bits & (bits - 1)) == 0;
}

/* The first bit from @from on that is not in @run; 64 when all are. */
static inline unsigned run_end(uint64_t run, unsigned from)
{
	uint64_t rest = ~run & ~below(from);
	return rest ? (unsigned)__builtin_ctzll(rest) : 64;
}

/* Where runs of @run that begin at @starts end; bits behind 63 are lost. */
static inline uint64_t runs_end(uint64_t run, uint64_t starts)
{
	return (run + starts) & ~run;
}

/* host [ ":" port ] from @from on. @return where it ends, 0 when not sure */
static inline unsigned hostport_end(const struct source *s, const struct value *v, uint32_t off,
				    unsigned from)
{
	uint64_t host = bytes_of(v, stw_set_host);
	unsigned end = run_end(host, from);

	if (end == from || end >= v->len || !(bytes(v, ':') >> end & 1))
		return end == from ? 0 : end;
	uint64_t chunk_of_port = load8(chunk(s, off + end + 1));
	const uint64_t ones = 0x0101010101010101u;
	uint64_t d = chunk_of_port ^ ones * '0';
	uint64_t not_digit = ((d + ones * 0x76) | d) & ones * 0x80;
	unsigned n = not_digit ? (unsigned)__builtin_ctzll(not_digit) / 8 : 8;
	uint32_t port;
	if (n > 5 || end + 1 + n > v->len || !digits(chunk_of_port, n, &port) ||
	    port - 1 >= UINT16_MAX)
		return 0;
	return end + 1 + n;
}

/* "sip:" [ user "@" ] host [ ":" port ] parameters, no escapes, no headers. */
static inline bool sip_uri_plain(const struct source *s, struct stw_span span)
{
	struct value v;

	if (!value_load(&v, s, span.off, span.len) || span.len < 5 ||
	    ((uint32_t)load8(chunk(s, span.off)) | 0x00202020u) != 0x3a706973u)
		return false;
	uint64_t at = bytes(&v, '@');
	unsigned host = 4;
	if (at != 0) {
		host = (unsigned)__builtin_ctzll(at) + 1;
		uint64_t user = below(host - 1) & ~15ull;
		if (host >= v.len || !at_most_one(at) || user == 0 ||
		    (user & ~bytes_of(&v, stw_set_user)) != 0)
			return false;
	}
	unsigned end = hostport_end(s, &v, span.off, host);
	if (end == 0 || end == v.len)
		return end != 0;
	uint64_t semi = bytes(&v, ';'), equal = bytes(&v, '='), param = bytes_of(&v, stw_set_param);
	uint64_t params = v.mask & ~below(end);
	/* All of it parameters, no empty name, no second "=" in one. */
	return (semi >> end & 1) && ((semi | equal | param) & params) == params &&
	       (semi << 1 & params & ~param) == 0 && !(semi >> (v.len - 1) & 1) &&
	       (runs_end(param, equal << 1) & equal) == 0;
}

/* Bits of @v that lie before the "<": nothing, tokens and blanks, or one quoted-string and blanks.
 */
static inline bool display_plain(const struct value *v, unsigned end)
{
	uint64_t before = below(end), quotes = bytes(v, '"') & before, blanks = bytes(v, ' ');
	uint64_t escaped = (bytes(v, '\\') & before) << 1;

	if (quotes == 0)
		return ((bytes_of(v, stw_set_token) | blanks) & before) == before;
	if ((escaped & ~quotes) != 0) /* anything but an escaped quote */
		return false;
	quotes &= ~escaped;
	uint64_t second = quotes & (quotes - 1);
	if (!(quotes & 1) || second == 0 || !at_most_one(second))
		return false;
	uint64_t behind = before & ~(second | (second - 1));
	return (behind & ~blanks) == 0 && (kb_control(&v->b) >> v->shift & before) == 0;
}

/* [ display-name ] "<sip:" ... ">" [ ";tag=" token ] */
static inline bool name_addr_plain(const struct source *s, struct stw_span span,
				   struct stw_span *tag)
{
	struct value v;
	uint32_t first = span.len < BLOCK ? span.len : BLOCK;

	if (!value_load(&v, s, span.off, first))
		return false;
	uint64_t open = bytes(&v, '<');
	if (open == 0)
		return false;
	unsigned start = (unsigned)__builtin_ctzll(open);
	if (start > 0 && !display_plain(&v, start))
		return false;
	/* From the "<" on. */
	uint32_t off = span.off + start;
	if (!value_load(&v, s, off, span.len - start) || span.len - start < 7 ||
	    ((uint32_t)load8(chunk(s, off + 1)) | 0x00202020u) != 0x3a706973u)
		return false;
	unsigned close = run_end(bytes_of(&v, stw_set_uri), 1);
	if (close <= 5 || close >= v.len || !(bytes(&v, '>') >> close & 1))
		return false;
	if (close + 1 == v.len)
		return true;
	unsigned at = close + 6;
	if (at >= v.len ||
	    (load8(chunk(s, off + close + 1)) & 0xffffffffff) != load8(";tag=\0\0\0") ||
	    (~bytes_of(&v, stw_set_token) & v.mask & ~below(at)) != 0)
		return false;
	*tag = (struct stw_span){(uint16_t)(off + at), (uint16_t)(v.len - at)};
	return true;
}

/* A Route's first element, "<sip:" ... ">", alone or before a comma; the others are for others. */
static inline bool first_route_plain(const struct source *s, struct stw_span span,
				     struct stw_sip_name_addr *out)
{
	struct value v;
	uint32_t first = span.len < BLOCK ? span.len : BLOCK;

	if (!value_load(&v, s, span.off, first) || !(bytes(&v, '<') & 1))
		return false;
	unsigned close = run_end(bytes_of(&v, stw_set_uri), 1);
	if (close >= v.len || !(bytes(&v, '>') >> close & 1))
		return false;
	const uint8_t *behind = (const uint8_t *)s->buf + span.off + close + 1;
	unsigned rest = span.len - close - 1;
	/* The comma, a blank perhaps, and the beginning of something. */
	if (rest != 0 && (rest < 3 || behind[0] != ',' || behind[1 + (behind[1] == ' ')] <= ' '))
		return false;
	*out = (struct stw_sip_name_addr){
		.all = {span.off, (uint16_t)(close + 1)},
		.uri = {(uint16_t)(span.off + 1), (uint16_t)(close - 1)},
		.bracketed = true,
		.more = rest != 0,
		.next = (uint16_t)(rest ? span.off + close + 2 + (behind[1] == ' ') : 0),
	};
	return sip_uri_plain(s, out->uri);
}

static inline bool callid_plain(const struct source *s, struct stw_span span)
{
	struct value v;
	return value_load(&v, s, span.off, span.len) && bytes_of(&v, stw_set_callid) == v.mask;
}

static inline bool text_plain(const struct source *s, struct stw_span span)
{
	struct value v;
	if (span.len == 0)
		return true;
	return value_load(&v, s, span.off, span.len) && (kb_control(&v.b) >> v.shift & v.mask) == 0;
}
