/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Part of a kernel's body: whether a message whose headers are located is plainly in order, and the
 * parts of its values on the way.
 */

static inline uint32_t load4(const char *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof(v));
	return v;
}

#define EACH_BYTE(c) (0x0101010101010101u * (c))

/* Bytes above 9, a high bit each; exact up to the first. */
static inline uint64_t no_digits(uint64_t v)
{
	return ((v + EACH_BYTE(0x76)) | v) & EACH_BYTE(0x80);
}

/* Digits as numbers, the last in the highest byte, zeros before the first. */
static inline uint32_t join_digits(uint64_t v)
{
	/* Neighbours are joined: eight numbers below 10, four below 100, two below 10000. */
	__m128i x = _mm_maddubs_epi16(_mm_cvtsi64_si128((long long)v), _mm_set1_epi16(10 | 1 << 8));
	x = _mm_madd_epi16(x, _mm_set1_epi32(100 | 1 << 16));
	x = _mm_madd_epi16(_mm_packus_epi32(x, x), _mm_set1_epi32(10000 | 1 << 16));
	return (uint32_t)_mm_cvtsi128_si32(x);
}

/* The last @n bytes before @end, 1 to 8, as numbers for the two above. */
static inline uint64_t last_digits(const char *end, unsigned n)
{
	unsigned others = 64 - 8 * n;
	return (load8(end - 8) ^ EACH_BYTE('0')) >> others << others;
}

/* @n digits before @end, 1 to 8, known to be some. */
static inline uint32_t digits_before(const char *end, unsigned n)
{
	return join_digits(last_digits(end, n));
}

static inline bool number(const char *buf, struct stw_span value, uint32_t *out)
{
	if (value.len - 1u >= 8)
		return false;
	uint64_t v = last_digits(buf + stw_span_end(value), value.len);
	*out = join_digits(v);
	return no_digits(v) == 0;
}

/* A method as in its row: up to 16 bytes, zero behind. */
struct method {
	uint64_t text[2];
	unsigned len;
};

/* The @n bytes from @p on, 1 to 16. */
static inline struct method method_at(const char *p, unsigned n)
{
	struct method method = {.len = n};

	if (stw_likely(n <= 8)) {
		method.text[0] = load8(p) & ~0ull >> (64 - 8 * n);
	} else {
		method.text[0] = load8(p);
		method.text[1] = load8(p + 8) & ~0ull >> (128 - 8 * n);
	}
	return method;
}

/* The same before @end, which is not one of the first eight bytes of the message. */
static inline struct method method_before(const char *end, unsigned n)
{
	struct method method = {.len = n};

	if (stw_likely(n <= 8)) {
		method.text[0] = load8(end - 8) >> (64 - 8 * n);
	} else {
		method.text[0] = load8(end - n);
		method.text[1] = load8(end - 8) >> (128 - 8 * n);
	}
	return method;
}

/* A method we know: @return its number, or STW_METHOD_OTHER. */
static inline uint8_t method_of(const struct method *m)
{
	const struct stw_method_row *row = &stw_method_rows[stw_method_hash(m->text[0])];
	uint64_t other = (row->text[0] ^ m->text[0]) | (row->text[1] ^ m->text[1]) |
			 (uint64_t)(row->len ^ m->len);
	return stw_likely(other == 0) ? row->method : STW_METHOD_OTHER;
}

/* "METHOD SP URI SP SIP/2.0" with a method we know; the URI is judged by the caller. */
static inline bool request_line(const struct source *s, uint32_t end, struct stw_sip_msg *m)
{
	__m128i v = _mm_loadu_si128((const __m128i *)s->buf);
	unsigned spaces = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8(' ')));
	unsigned n = (unsigned)__builtin_ctz(spaces | 1u << 16);

	if (n - 1 >= 15 || end < n + 12u || load8(s->buf + end - 10) != load8(" SIP/2.0"))
		return false;
	struct method method = method_at(s->buf, n);
	m->kind = STW_SIP_REQUEST;
	m->method = method_of(&method);
	m->method_name = (struct stw_span){0, (uint16_t)n};
	m->uri = (struct stw_span){(uint16_t)(n + 1), (uint16_t)(end - 10 - n - 1)};
	return m->method != STW_METHOD_OTHER;
}

static inline bool status_line(const struct source *s, uint32_t end, struct stw_sip_msg *m)
{
	uint64_t v = last_digits(s->buf + 11, 3);
	uint32_t status = join_digits(v);

	if (end < 14 || no_digits(v) != 0 || status - 100 >= 600 || s->buf[11] != ' ')
		return false;
	m->kind = STW_SIP_RESPONSE;
	m->status = (uint16_t)status;
	m->reason = (struct stw_span){12, (uint16_t)(end - 14)};
	return true;
}

#include "dataplane/sip/kernel_checks_body.h"
#include "dataplane/sip/kernel_via_body.h"

static inline bool uri_ok(const struct source *s, struct stw_span span)
{
	struct stw_sip_uri uri;

	if (sip_uri_plain(s, span))
		return true;
	return stw_sip_uri_parse(s->buf, span, &uri) != STW_EMALFORMED && uri.headers.len == 0;
}

static inline bool start_line(const struct source *s, uint32_t end, struct stw_sip_msg *m)
{
	if (load8(s->buf) == load8("SIP/2.0 "))
		return status_line(s, end, m) && text_plain(s, m->reason);
	return request_line(s, end, m) && uri_ok(s, m->uri);
}

/* "digits SP method", the method one we know, and of a request its own. */
static inline bool cseq_ok(const struct source *s, struct stw_sip_msg *m)
{
	struct stw_span value = m->value[STW_HDR_CSEQ];

	if (value.len < 4) /* less than "1 A" and the ends of lines behind are eight bytes */
		return false;
	const char *p = s->buf + value.off;
	/* All eight digits: the number is longer, or ends just there; rare, so give up. */
	uint64_t v = load8(p), other = no_digits(v ^ EACH_BYTE('0'));
	unsigned n = other ? (unsigned)__builtin_ctzll(other) / 8 : 0;
	unsigned rest = value.len - n - 1u;

	if (n == 0 || p[n] != ' ' || rest - 1 >= 16)
		return false;
	m->cseq = digits_before(p + n, n);
	struct method method = method_before(p + value.len, rest);
	uint8_t known = method_of(&method);
	if (m->kind == STW_SIP_REQUEST)
		return known == m->method;
	m->method = known;
	return known != STW_METHOD_OTHER;
}

static inline bool max_forwards_ok(const struct source *s, struct stw_sip_msg *m)
{
	uint32_t n;

	if (!stw_sip_has(m, STW_HDR_MAX_FORWARDS) || m->kind != STW_SIP_REQUEST)
		return true;
	if (!number(s->buf, m->value[STW_HDR_MAX_FORWARDS], &n) || n > 255)
		return false;
	m->max_forwards = (int32_t)n;
	return true;
}

static inline bool body_ok(const struct source *s, struct stw_sip_msg *m)
{
	uint32_t n;

	if (stw_unlikely(!stw_sip_has(m, STW_HDR_CONTENT_LENGTH)))
		return true;
	if (!number(s->buf, m->value[STW_HDR_CONTENT_LENGTH], &n) || n > s->len - m->body_off)
		return false;
	m->content_length = (int32_t)n;
	m->len = m->body_off + n;
	return true;
}

static inline bool via_ok(const struct source *s, struct stw_span value, struct stw_sip_via *out)
{
	return stw_likely(via_plain(s, value, out)) ||
	       stw_sip_via_parse(s->buf, value, out) == STW_OK;
}

static inline bool address_ok(const struct source *s, struct stw_span value, struct stw_span *tag)
{
	return stw_likely(address_plain(s, value, tag)) || stw_address_ok(s->buf, value, tag);
}

static inline bool route_ok(const struct source *s, struct stw_sip_msg *m)
{
	struct stw_span value = m->value[STW_HDR_ROUTE];

	if (!stw_sip_has(m, STW_HDR_ROUTE) || m->kind != STW_SIP_REQUEST)
		return true;
	return first_route_plain(s, value, &m->route) || stw_route_ok(s->buf, value, &m->route);
}

static inline bool identity_ok(const struct source *s, struct stw_sip_msg *m)
{
	struct stw_span call_id = m->value[STW_HDR_CALL_ID];

	return via_ok(s, m->value[STW_HDR_VIA], &m->via) &&
	       (stw_likely(callid_plain(s, call_id)) || stw_callid_ok(s->buf, call_id)) &&
	       address_ok(s, m->value[STW_HDR_FROM], &m->from_tag) &&
	       address_ok(s, m->value[STW_HDR_TO], &m->to_tag) && route_ok(s, m);
}

#define BIT(h)	  (1u << STW_HDR_##h)
#define MANDATORY (BIT(VIA) | BIT(CALL_ID) | BIT(FROM) | BIT(TO) | BIT(CSEQ))
#define SINGLE \
	(BIT(CALL_ID) | BIT(FROM) | BIT(TO) | BIT(CSEQ) | BIT(MAX_FORWARDS) | BIT(CONTENT_LENGTH))

/* Asked of all messages before one is judged: with it, what follows begins 5 ns earlier. */
static inline bool complete(const struct stw_sip_msg *m)
{
	return (m->present & MANDATORY) == MANDATORY && (m->repeated & SINGLE) == 0;
}

/* Of a message whose headers are located. @return false: the scalar kernel must look at it */
static inline bool judge(const char *buf, uint32_t len, struct stw_sip_msg *m)
{
	const struct source s = {buf, len};

	return start_line(&s, m->headers_off, m) && cseq_ok(&s, m) && max_forwards_ok(&s, m) &&
	       body_ok(&s, m) && identity_ok(&s, m) && stw_vias_ok(buf, m);
}
