/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/sip/check.h"

#include "dataplane/sip/lex.h"
#include "dataplane/sip/limits.h"
#include "dataplane/sip/method.h"

#define BIT(h) (1u << STW_HDR_##h)

/* Headers that may stand once (s7.3.1: only lists may be split over lines). */
#define SINGLE \
	(BIT(CALL_ID) | BIT(FROM) | BIT(TO) | BIT(CSEQ) | BIT(MAX_FORWARDS) | BIT(CONTENT_LENGTH))

/*
 * Lines that repeat a single header: the same bytes again do no harm, two that differ would leave
 * the choice to each reader. Max-Forwards may not even repeat the same, as we change the first.
 */
static enum stw_sip_reject check_repeated(const char *buf, const struct stw_sip_msg *m,
					  uint32_t *error_off)
{
	struct stw_sip_line line;

	for (bool ok = stw_sip_line_first(buf, m, &line); ok;
	     ok = stw_sip_line_next(buf, m, &line)) {
		if (line.header >= STW_N_HOT_HEADERS || !(SINGLE >> line.header & 1) ||
		    line.off == m->line_off[line.header])
			continue;
		struct stw_span first = m->value[line.header];
		if (line.header == STW_HDR_MAX_FORWARDS ||
		    !stw_span_is(buf, line.value, buf + first.off, first.len)) {
			*error_off = line.off;
			return STW_REJECT_DUPLICATE;
		}
	}
	return STW_SIP_ACCEPTED;
}

/* Commas outside of quoted strings; no more are counted than too many. */
static uint32_t count_commas(const char *buf, struct stw_span value)
{
	bool quoted = false;
	uint32_t n = 0;

	for (uint32_t i = value.off; i < stw_span_end(value) && n < stw_limits.max_vias; i++) {
		if (quoted && buf[i] == '\\')
			i++;
		else if (buf[i] == '"')
			quoted = !quoted;
		else if (!quoted && buf[i] == ',')
			n++;
	}
	return n;
}

/* The line with which there are more Via elements than may be, told by their commas; 0 for none. */
static uint32_t too_many_vias(const char *buf, const struct stw_sip_msg *m)
{
	struct stw_sip_line line;
	uint32_t n = 0;

	if (!(m->repeated >> STW_HDR_VIA & 1)) {
		n = 1 + count_commas(buf, m->value[STW_HDR_VIA]);
		return n > stw_limits.max_vias ? m->line_off[STW_HDR_VIA] : 0;
	}
	for (bool ok = stw_sip_line_first(buf, m, &line); ok;
	     ok = stw_sip_line_next(buf, m, &line)) {
		if (line.header != STW_HDR_VIA)
			continue;
		n += 1 + count_commas(buf, line.value);
		if (n > stw_limits.max_vias)
			return line.off;
	}
	return 0;
}

bool stw_vias_counted_ok(const char *buf, const struct stw_sip_msg *m)
{
	return too_many_vias(buf, m) == 0;
}

/* A header block too short to hold too many is not looked at. */
static enum stw_sip_reject check_vias(const char *buf, const struct stw_sip_msg *m,
				      uint32_t *error_off)
{
	uint32_t off = stw_vias_need_counting(m) ? too_many_vias(buf, m) : 0;

	if (off == 0)
		return STW_SIP_ACCEPTED;
	*error_off = off;
	return STW_REJECT_TOO_MANY_VIAS;
}

static enum stw_sip_reject check_mandatory(const struct stw_sip_msg *m, uint32_t *error_off)
{
	*error_off = m->headers_off;
	if (!stw_sip_has(m, STW_HDR_VIA))
		return STW_REJECT_VIA_MISSING;
	if (!stw_sip_has(m, STW_HDR_CALL_ID))
		return STW_REJECT_CALL_ID_MISSING;
	if (!stw_sip_has(m, STW_HDR_FROM))
		return STW_REJECT_FROM_MISSING;
	if (!stw_sip_has(m, STW_HDR_TO))
		return STW_REJECT_TO_MISSING;
	if (!stw_sip_has(m, STW_HDR_CSEQ))
		return STW_REJECT_CSEQ_MISSING;
	return STW_SIP_ACCEPTED;
}

bool stw_address_ok(const char *buf, struct stw_span value, struct stw_span *tag)
{
	int err = stw_sip_tag_find(buf, value, tag);
	struct stw_sip_name_addr na;

	/* Malformed may be but the tag. */
	return err != STW_EMALFORMED ||
	       (stw_sip_name_addr_parse(buf, value, &na) == STW_OK && !na.more);
}

static enum stw_sip_reject check_identity(const char *buf, struct stw_sip_msg *m,
					  uint32_t *error_off)
{
	*error_off = m->value[STW_HDR_VIA].off;
	if (stw_sip_via_parse(buf, m->value[STW_HDR_VIA], &m->via) != STW_OK)
		return STW_REJECT_VIA;
	*error_off = m->value[STW_HDR_CALL_ID].off;
	if (!stw_callid_ok(buf, m->value[STW_HDR_CALL_ID]))
		return STW_REJECT_CALL_ID;
	*error_off = m->value[STW_HDR_FROM].off;
	if (!stw_address_ok(buf, m->value[STW_HDR_FROM], &m->from_tag))
		return STW_REJECT_FROM;
	*error_off = m->value[STW_HDR_TO].off;
	if (!stw_address_ok(buf, m->value[STW_HDR_TO], &m->to_tag))
		return STW_REJECT_TO;
	return STW_SIP_ACCEPTED;
}

static enum stw_sip_reject check_cseq(const char *buf, struct stw_sip_msg *m, uint32_t *error_off)
{
	struct stw_span method;

	*error_off = m->value[STW_HDR_CSEQ].off;
	if (stw_cseq_parse(buf, m->value[STW_HDR_CSEQ], &m->cseq, &method) != STW_SIP_ACCEPTED)
		return STW_REJECT_CSEQ;
	if (m->kind == STW_SIP_RESPONSE) {
		m->method = stw_method_of(buf + method.off, method.len);
		return STW_SIP_ACCEPTED;
	}
	*error_off = method.off;
	if (!stw_span_is(buf, method, buf + m->method_name.off, m->method_name.len))
		return STW_REJECT_CSEQ_METHOD;
	return STW_SIP_ACCEPTED;
}

/* Of a response Max-Forwards means nothing, so nothing can be wrong with it. */
static enum stw_sip_reject check_max_forwards(const char *buf, struct stw_sip_msg *m,
					      uint32_t *error_off)
{
	uint32_t n;

	if (!stw_sip_has(m, STW_HDR_MAX_FORWARDS) || m->kind != STW_SIP_REQUEST)
		return STW_SIP_ACCEPTED;
	*error_off = m->value[STW_HDR_MAX_FORWARDS].off;
	if (stw_lex_number(buf, m->value[STW_HDR_MAX_FORWARDS], 255, &n) != STW_OK)
		return STW_REJECT_MAX_FORWARDS;
	m->max_forwards = (int32_t)n;
	return STW_SIP_ACCEPTED;
}

/* s18.3: in a datagram, bytes after the body are cut off, a body cut short is an error. */
static enum stw_sip_reject check_body(const char *buf, size_t len, struct stw_sip_msg *m,
				      uint32_t *error_off)
{
	uint32_t n;

	if (!stw_sip_has(m, STW_HDR_CONTENT_LENGTH))
		return STW_SIP_ACCEPTED;
	*error_off = m->value[STW_HDR_CONTENT_LENGTH].off;
	if (stw_lex_number(buf, m->value[STW_HDR_CONTENT_LENGTH], INT32_MAX, &n) != STW_OK)
		return STW_REJECT_CONTENT_LENGTH;
	m->content_length = (int32_t)n;
	if (n > len - m->body_off)
		return STW_REJECT_BODY_SHORT;
	m->len = m->body_off + n;
	return STW_SIP_ACCEPTED;
}

bool stw_route_ok(const char *buf, struct stw_span value, struct stw_sip_name_addr *out)
{
	struct stw_sip_uri uri;

	return stw_sip_name_addr_parse(buf, value, out) == STW_OK && out->bracketed &&
	       stw_sip_uri_parse(buf, out->uri, &uri) != STW_EMALFORMED;
}

static enum stw_sip_reject check_route(const char *buf, struct stw_sip_msg *m, uint32_t *error_off)
{
	if (!stw_sip_has(m, STW_HDR_ROUTE) || m->kind != STW_SIP_REQUEST)
		return STW_SIP_ACCEPTED;
	*error_off = m->value[STW_HDR_ROUTE].off;
	if (!stw_route_ok(buf, m->value[STW_HDR_ROUTE], &m->route))
		return STW_REJECT_ROUTE;
	return STW_SIP_ACCEPTED;
}

enum stw_sip_reject stw_check(const char *buf, size_t len, struct stw_sip_msg *m,
			      uint32_t *error_off)
{
	enum stw_sip_reject reject = STW_SIP_ACCEPTED;

	if (m->repeated & SINGLE)
		reject = check_repeated(buf, m, error_off);
	if (!reject)
		reject = check_vias(buf, m, error_off);
	if (!reject)
		reject = check_mandatory(m, error_off);
	if (!reject)
		reject = check_identity(buf, m, error_off);
	if (!reject)
		reject = check_cseq(buf, m, error_off);
	if (!reject)
		reject = check_max_forwards(buf, m, error_off);
	if (!reject)
		reject = check_body(buf, len, m, error_off);
	if (!reject)
		reject = check_route(buf, m, error_off);
	return reject;
}
