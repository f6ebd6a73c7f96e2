/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Part of a kernel's body: values judged by masks, a bit per byte. Each check is sure when it says
 * yes; when it does not, the exact parser decides. Behind each value there are four bytes at least,
 * the ends of its line and of the header block: what reads a little further may rely on that.
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
	v->mask = first_bits(len);
	return true;
}

/* As far as a block goes. */
static inline bool value_begin(struct value *v, const struct source *s, uint32_t off, uint32_t len)
{
	return value_load(v, s, off, len < BLOCK ? len : BLOCK);
}

static inline uint64_t bytes(const struct value *v, char c)
{
	return kb_keep(kb_eq(&v->b, c), v->shift, v->mask);
}

static inline uint64_t bytes_of(const struct value *v, enum stw_set set)
{
	return kb_keep(kb_set(&v->b, set), v->shift, v->mask);
}

static inline bool at_most_one(uint64_t bits)
{
	return (bits & (bits - 1)) == 0;
}

/* The first bit from @from on, at most 64, that is not in @run; 64 when all are. */
static inline unsigned run_end(uint64_t run, unsigned from)
{
	return first_bit(~run & ~first_bits(from));
}

/* Where runs of @run that begin at @starts end; bits behind 63 are lost. */
static inline uint64_t runs_end(uint64_t run, uint64_t starts)
{
	return (run + starts) & ~run;
}

/* All bytes in @set, however many. */
static inline bool all_of(const struct source *s, uint32_t off, uint32_t len, enum stw_set set)
{
	struct value v;

	for (; stw_unlikely(len > BLOCK); off += BLOCK, len -= BLOCK) {
		value_load(&v, s, off, BLOCK);
		if (bytes_of(&v, set) != v.mask)
			return false;
	}
	return stw_likely(value_load(&v, s, off, len) && bytes_of(&v, set) == v.mask);
}

/* @n digits, from bit @at on: a port? The number ends eight bytes into the message or later. */
static inline bool port_plain(const struct source *s, uint32_t off, unsigned at, unsigned n,
			      uint32_t *out)
{
	if (n - 1 >= 5)
		return false;
	*out = digits_before(s->buf + off + at + n, n);
	return *out - 1 < UINT16_MAX;
}

/* [ ":" port ] behind a host. @return where it ends, 0 when not sure; @port is set if there is one
 */
static inline unsigned port_end(const struct source *s, const struct value *v, uint32_t off,
				unsigned at, uint32_t *port)
{
	if (at >= v->len || s->buf[off + at] != ':')
		return at;
	unsigned end = run_end(bytes_of(v, STW_SET_DIGIT), at + 1);
	return port_plain(s, off, at + 1, end - at - 1, port) ? end : 0;
}

static inline bool begins_sip(const char *p)
{
	return (load4(p) | 0x00202020u) == 0x3a706973u;
}

/* Parameters from bit @from to the end: no empty name, no second "=" in one. */
static inline bool uri_params_plain(const struct value *v, unsigned from)
{
	uint64_t semi = bytes(v, ';'), equal = bytes(v, '='), param = bytes_of(v, STW_SET_PARAM);
	uint64_t params = v->mask & ~first_bits(from);

	return (semi >> from & 1) && ((semi | equal | param) & params) == params &&
	       (semi << 1 & params & ~param) == 0 && !(semi >> (v->len - 1) & 1) &&
	       (runs_end(param, equal << 1) & equal) == 0;
}

/* From bit @host on, host [ ":" port ] parameters to the end. */
static inline bool uri_rest_plain(const struct source *s, const struct value *v, uint32_t off,
				  unsigned host)
{
	unsigned end = run_end(bytes_of(v, STW_SET_HOST), host);
	uint32_t port;

	if (end == host || (end = port_end(s, v, off, end, &port)) == 0)
		return false;
	return end == v->len || uri_params_plain(v, end);
}

static __attribute__((noinline)) bool uri_rest_alone(const struct source *s, uint32_t off,
						     uint32_t len)
{
	struct value v;
	return value_load(&v, s, off, len) && uri_rest_plain(s, &v, off, 0);
}

/*
 * "sip:" [ user "@" ] host [ ":" port ] parameters, no escapes, no headers. Of one longer than a
 * block, as with a flow token, the user has one block and the rest another.
 */
static inline bool sip_uri_plain(const struct source *s, struct stw_span span)
{
	uint32_t off = span.off;
	struct value v;

	if (span.len < 5 || !value_begin(&v, s, off, span.len) || !begins_sip(s->buf + off))
		return false;
	uint64_t at = bytes(&v, '@');
	unsigned host = 4;
	if (stw_likely(at != 0)) {
		host = (unsigned)__builtin_ctzll(at) + 1;
		uint64_t user = first_bits(host - 1) & ~15ull;
		if (host >= v.len || !at_most_one(at) || user == 0 ||
		    (user & ~bytes_of(&v, STW_SET_USER)) != 0)
			return false;
	}
	if (stw_unlikely(span.len > BLOCK))
		return uri_rest_alone(s, off + host, span.len - host);
	return uri_rest_plain(s, &v, off, host);
}

/*
 * A display name and the blanks behind it: tokens and blanks, or one quoted-string. @return how
 * many bytes there are before the "<", 0 when not sure
 */
static inline unsigned display_plain(const struct source *s, struct stw_span span)
{
	struct value v;

	if (!value_begin(&v, s, span.off, span.len))
		return 0;
	uint64_t open = bytes(&v, '<');
	if (open == 0)
		return 0;
	unsigned end = (unsigned)__builtin_ctzll(open);
	uint64_t before = first_bits(end), quotes = bytes(&v, '"') & before,
		 blanks = bytes(&v, ' ');
	if (stw_unlikely(quotes == 0))
		return ((bytes_of(&v, STW_SET_TOKEN) | blanks) & before) == before ? end : 0;
	uint64_t escaped = (bytes(&v, '\\') & before) << 1;
	if ((escaped & ~quotes) != 0) /* anything but an escaped quote */
		return 0;
	quotes &= ~escaped;
	uint64_t second = quotes & (quotes - 1);
	uint64_t behind = before & ~(second | (second - 1));
	bool sound = (quotes & 1) && second != 0 && at_most_one(second) &&
		     (behind & ~blanks) == 0 && (kb_control(&v.b) >> v.shift & before) == 0;
	return sound ? end : 0;
}

/* [ display-name ] "<sip:" ... ">" [ ";tag=" token ] */
static inline bool address_plain(const struct source *s, struct stw_span span, struct stw_span *tag)
{
	uint32_t off = span.off, len = span.len;
	struct value v;

	if (s->buf[off] != '<') {
		unsigned n = display_plain(s, span);
		if (n == 0)
			return false;
		off += n;
		len -= n;
	}
	if (len < 7 || !value_begin(&v, s, off, len) || !begins_sip(s->buf + off + 1))
		return false;
	unsigned close = run_end(bytes_of(&v, STW_SET_URI), 1);
	if (close <= 5 || close >= v.len || s->buf[off + close] != '>')
		return false;
	unsigned at = close + 6, n = len - at;
	if (close + 1 == len)
		return true;
	if (at >= len || (load8(s->buf + off + close + 1) & 0xffffffffff) != load8(";tag=\0\0"))
		return false;
	*tag = (struct stw_span){(uint16_t)(off + at), (uint16_t)n};
	if (len > BLOCK)
		return all_of(s, off + at, n, STW_SET_TOKEN);
	return (~bytes_of(&v, STW_SET_TOKEN) & v.mask) >> at == 0;
}

/* How many bytes from @off on are a URI's, as far as a block goes. */
static __attribute__((noinline)) unsigned uri_bytes(const struct source *s, uint32_t off,
						    uint32_t len)
{
	struct value v;
	return value_begin(&v, s, off, len) ? run_end(bytes_of(&v, STW_SET_URI), 0) : 0;
}

/* Where the bytes of a URI that begin at byte 1 of @span end, as far as two blocks go. */
static inline unsigned uri_end(const struct source *s, struct stw_span span)
{
	struct value v;

	if (!value_begin(&v, s, span.off, span.len))
		return 0;
	unsigned end = run_end(bytes_of(&v, STW_SET_URI), 1);
	if (stw_unlikely(end == BLOCK && span.len > BLOCK))
		end += uri_bytes(s, span.off + BLOCK, span.len - BLOCK);
	return end;
}

/* A Route's first element, "<sip:" ... ">", alone or before a comma; the others are for others. */
static inline bool first_route_plain(const struct source *s, struct stw_span span,
				     struct stw_sip_name_addr *out)
{
	if (span.len == 0 || s->buf[span.off] != '<')
		return false;
	unsigned close = uri_end(s, span);
	if (close >= span.len || s->buf[span.off + close] != '>')
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
	return all_of(s, span.off, span.len, STW_SET_CALLID);
}

static inline bool text_plain(const struct source *s, struct stw_span span)
{
	struct value v;
	if (span.len == 0)
		return true;
	return value_load(&v, s, span.off, span.len) && (kb_control(&v.b) >> v.shift & v.mask) == 0;
}
