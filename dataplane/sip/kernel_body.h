/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The body of a SIMD kernel, included once by each kernel_*.c after its block operations:
 *
 *   struct kb           64 bytes
 *   kb_load(b, buf, base, len)          bytes from @base on; @return how far masks must be shifted
 *   kb_load_value(b, buf, off, n, len)  the same of a value of @n bytes, of which kb_keep(bits,
 * ...) leaves those that are the value's kb_eq(b, c)         bit per byte equal to c kb_set(b, set)
 * bit per byte in @set kb_control(b)       bit per byte that is a control, HTAB not among them
 *   kb_least*           remembers whether any byte was zero
 *   kb_starts*          places of set bits as numbers, up to KB_LINES_MAX
 *
 * KERNEL_LINES and KERNEL_HEADERS name the files with find_lines() and set_headers().
 *
 * It works optimistically: whatever is not plainly in order (a fold, a space before a colon, more
 * white space than one blank, a stray byte, any fault at all) makes it give up, and
 * stw_parse_scalar() starts again. So there is one judge of faults, and here only the certainty
 * that there is none. The work does not depend on the order of the headers: names are found by
 * perfect hash, and each step runs for all of them alike, without a branch on which one it is.
 *
 * Nothing is read outside the message: a block or a chunk that would cross its end is read further
 * back and shifted.
 */

#include <immintrin.h>
#include <string.h>

#include "dataplane/sip/chars.h"
#include "dataplane/sip/check.h"
#include "dataplane/sip/kernel.h"
#include "dataplane/sip/limits.h"
#include "dataplane/sip/rows.h"
#include "dataplane/sip/sets.h"

#define BLOCK 64u

/* Where the header lines begin. */
struct lines {
	unsigned n;
	uint32_t blank; /* the empty line behind the last */
	struct kb_starts starts;
};

/* Bits 0..n, n < 64. */
static inline uint64_t through(unsigned n)
{
	return ~0ull >> (63 - n);
}

#include KERNEL_LINES

/* The message and a copy of its end with room behind it, for chunks that begin close to the end. */
struct source {
	const char *buf;
	uint32_t len;
	char tail[64];
};

static inline void source_init(struct source *s, const char *buf, size_t len)
{
	s->buf = buf;
	s->len = (uint32_t)len;
	memcpy(s->tail, buf + len - 32, 32);
	memset(s->tail + 32, 0, 32);
}

/* A condition no predictor knows: keeps the compiler from making a branch of it. */
#define chosen(condition) __builtin_expect_with_probability((condition), 1, 0.5)

/* Where 16 bytes from @off can be read; what lies behind the end reads as zero. */
static inline const char *chunk(const struct source *s, uint32_t off)
{
	const char *direct = s->buf + off;
	const char *copied = s->tail + 32 - (s->len - off);
	return chosen(s->len - off >= 16) ? direct : copied;
}

static inline uint64_t load8(const char *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof(v));
	return v;
}

#include KERNEL_HEADERS

/* 1 to 8 digits in the first @n bytes of @chunk. */
static inline bool digits(uint64_t chunk, unsigned n, uint32_t *out)
{
	const uint64_t ones = 0x0101010101010101u;

	if (n - 1u >= 8u)
		return false;
	uint64_t v = (chunk ^ ones * '0') << (64 - 8 * n); /* zeros before the first digit */
	bool ok = (((v + ones * 0x76) | v) & ones * 0x80) == 0;
	/* Neighbours are joined: eight numbers below 10, four below 100, two below 10000. */
	__m128i x = _mm_maddubs_epi16(_mm_cvtsi64_si128((long long)v), _mm_set1_epi16(10 | 1 << 8));
	x = _mm_madd_epi16(x, _mm_set1_epi32(100 | 1 << 16));
	x = _mm_madd_epi16(_mm_packus_epi32(x, x), _mm_set1_epi32(10000 | 1 << 16));
	*out = (uint32_t)_mm_cvtsi128_si32(x);
	return ok;
}

static inline bool number(const struct source *s, struct stw_span value, uint32_t *out)
{
	return digits(load8(chunk(s, value.off)), value.len, out);
}

/* The first @n bytes of 16, zero behind, as two numbers. */
static inline __m128i keep_bytes(const char *p, unsigned n)
{
	static const uint8_t masks[32] = {255, 255, 255, 255, 255, 255, 255, 255,
					  255, 255, 255, 255, 255, 255, 255, 255};
	return _mm_and_si128(_mm_loadu_si128((const __m128i *)p),
			     _mm_loadu_si128((const __m128i *)(masks + 16 - n)));
}

static inline bool equal16(__m128i a, __m128i b)
{
	return _mm_movemask_epi8(_mm_cmpeq_epi8(a, b)) == 0xffff;
}

/* A method we know: @return its number, or STW_METHOD_OTHER. @n <= 16 */
static inline uint8_t method_of(__m128i name, unsigned n)
{
	uint64_t first = (uint64_t)_mm_cvtsi128_si64(name);
	const struct stw_method_row *row = &stw_method_rows[stw_method_hash(first)];
	bool same = equal16(name, _mm_loadu_si128((const __m128i *)row->text));
	return same && row->len == n ? row->method : STW_METHOD_OTHER;
}

/* "METHOD SP URI SP SIP/2.0" with a method we know; the URI is judged by the caller. */
static inline bool request_line(const struct source *s, uint32_t end, struct stw_sip_msg *m,
				__m128i *method)
{
	__m128i v = _mm_loadu_si128((const __m128i *)s->buf);
	unsigned spaces = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8(' ')));
	unsigned n = (unsigned)__builtin_ctz(spaces | 1u << 16);

	if (n == 16 || end < n + 12u || load8(s->buf + end - 10) != load8(" SIP/2.0"))
		return false;
	*method = keep_bytes(s->buf, n);
	m->kind = STW_SIP_REQUEST;
	m->method = method_of(*method, n);
	m->method_name = (struct stw_span){0, (uint16_t)n};
	m->uri = (struct stw_span){(uint16_t)(n + 1), (uint16_t)(end - 10 - n - 1)};
	return m->method != STW_METHOD_OTHER;
}

static inline bool status_line(const struct source *s, uint32_t end, struct stw_sip_msg *m)
{
	uint32_t status;
	uint64_t v = load8(s->buf + 8);

	if (!digits(v, 3, &status) || status - 100 >= 600 || (v >> 24 & 0xff) != ' ' || end < 14)
		return false;
	m->kind = STW_SIP_RESPONSE;
	m->status = (uint16_t)status;
	m->reason = (struct stw_span){12, (uint16_t)(end - 14)};
	return true;
}

#include "dataplane/sip/kernel_checks_body.h"

static inline bool uri_ok(const struct source *s, struct stw_span span)
{
	struct stw_sip_uri uri;

	if (sip_uri_plain(s, span))
		return true;
	return stw_sip_uri_parse(s->buf, span, &uri) != STW_EMALFORMED && uri.headers.len == 0;
}

static inline bool start_line(const struct source *s, uint32_t end, struct stw_sip_msg *m,
			      __m128i *method)
{
	if (load8(s->buf) == load8("SIP/2.0 "))
		return status_line(s, end, m) && text_plain(s, m->reason);
	return request_line(s, end, m, method) && uri_ok(s, m->uri);
}

/* "digits SP method"; of a request the method must be its own. */
static inline bool cseq_ok(const struct source *s, struct stw_sip_msg *m, __m128i method)
{
	const uint64_t ones = 0x0101010101010101u;
	struct stw_span value = m->value[STW_HDR_CSEQ];
	uint64_t v = load8(chunk(s, value.off)), d = v ^ ones * '0';
	uint64_t not_digit = ((d + ones * 0x76) | d) & ones * 0x80;
	/* All eight digits: the number is longer, or ends just there; rare, so give up. */
	unsigned n = not_digit ? (unsigned)__builtin_ctzll(not_digit) / 8 : 0;
	unsigned rest = value.len - n - 1u;

	if (!digits(v, n, &m->cseq) || (v >> 8 * n & 0xff) != ' ' || rest - 1 >= 16)
		return false;
	__m128i name = keep_bytes(chunk(s, value.off + n + 1), rest);
	if (m->kind == STW_SIP_REQUEST)
		return rest == m->method_name.len && equal16(name, method);
	m->method = method_of(name, rest);
	return m->method != STW_METHOD_OTHER;
}

static inline bool max_forwards_ok(const struct source *s, struct stw_sip_msg *m)
{
	uint32_t n;

	if (!stw_sip_has(m, STW_HDR_MAX_FORWARDS) || m->kind != STW_SIP_REQUEST)
		return true;
	if (!number(s, m->value[STW_HDR_MAX_FORWARDS], &n) || n > 255)
		return false;
	m->max_forwards = (int32_t)n;
	return true;
}

static inline bool body_ok(const struct source *s, struct stw_sip_msg *m)
{
	uint32_t n;

	m->len = s->len;
	if (!stw_sip_has(m, STW_HDR_CONTENT_LENGTH))
		return true;
	if (!number(s, m->value[STW_HDR_CONTENT_LENGTH], &n) || n > s->len - m->body_off)
		return false;
	m->content_length = (int32_t)n;
	m->len = m->body_off + n;
	return true;
}

static inline bool address_ok(const struct source *s, struct stw_span value, struct stw_span *tag)
{
	return name_addr_plain(s, value, tag) || stw_address_ok(s->buf, value, tag);
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

	return stw_sip_via_parse(s->buf, m->value[STW_HDR_VIA], &m->via) == STW_OK &&
	       (callid_plain(s, call_id) || stw_callid_ok(s->buf, call_id)) &&
	       address_ok(s, m->value[STW_HDR_FROM], &m->from_tag) &&
	       address_ok(s, m->value[STW_HDR_TO], &m->to_tag) && route_ok(s, m);
}

#define BIT(h)	  (1u << STW_HDR_##h)
#define MANDATORY (BIT(VIA) | BIT(CALL_ID) | BIT(FROM) | BIT(TO) | BIT(CSEQ))
#define SINGLE \
	(BIT(CALL_ID) | BIT(FROM) | BIT(TO) | BIT(CSEQ) | BIT(MAX_FORWARDS) | BIT(CONTENT_LENGTH))

static inline bool settle(const char *buf, uint32_t len, struct stw_sip_msg *m)
{
	struct lines lines;
	struct source s;
	__m128i method = _mm_setzero_si128();

	if (!find_lines(buf, len, &lines) || lines.n > stw_limits.max_headers)
		return false;
	source_init(&s, buf, len);
	memset(m, 0, sizeof(*m));
	m->max_forwards = -1;
	m->content_length = -1;
	m->headers_off = (uint16_t)kb_starts_first(&lines.starts);
	m->body_off = (uint16_t)(lines.blank + 2);
	if (!set_headers(&s, &lines, m) || (m->present & MANDATORY) != MANDATORY ||
	    (m->repeated & SINGLE) != 0 || stw_vias_need_counting(m))
		return false;
	return start_line(&s, m->headers_off, m, &method) && cseq_ok(&s, m, method) &&
	       max_forwards_ok(&s, m) && body_ok(&s, m) && identity_ok(&s, m);
}

enum stw_sip_reject KERNEL_PARSE(const char *buf, size_t len, struct stw_sip_msg *out)
{
	if (len >= BLOCK && len <= UINT16_MAX && settle(buf, (uint32_t)len, out))
		return STW_SIP_ACCEPTED;
	return stw_parse_scalar(buf, len, out);
}
