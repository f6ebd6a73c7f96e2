/* SPDX-License-Identifier: BSD-3-Clause */
/* Request-Line and Status-Line, RFC 3261 s7.1, s7.2, s25.1: single spaces, nothing else. */
#include "dataplane/sip/startline.h"

#include "dataplane/sip/chars.h"
#include "dataplane/sip/method.h"

static bool begins_version(const char *p, const char *end)
{
	return end - p >= 4 && STW_CASE_IS(p, 4, "sip/");
}

/* SIP-Version = "SIP" "/" 1*DIGIT "." 1*DIGIT, filling [p, end). */
static enum stw_sip_reject judge_version(const char *p, const char *end)
{
	if (!begins_version(p, end))
		return STW_REJECT_START_LINE;
	const char *major = p + 4;
	const char *dot = stw_span_over(major, end, STW_C_DIGIT);
	if (dot == major || dot == end || *dot != '.')
		return STW_REJECT_START_LINE;
	if (dot + 1 == end || stw_span_over(dot + 1, end, STW_C_DIGIT) != end)
		return STW_REJECT_START_LINE;
	return end - major == 3 && memcmp(major, "2.0", 3) == 0 ? STW_SIP_ACCEPTED
								: STW_REJECT_VERSION;
}

static const char *next_space(const char *p, const char *end)
{
	const char *space = memchr(p, ' ', (size_t)(end - p));
	return space ? space : end;
}

static enum stw_sip_reject judge_uri(const char *buf, struct stw_span span, uint32_t *error_off)
{
	struct stw_sip_uri uri;

	*error_off = span.off;
	if (stw_sip_uri_parse(buf, span, &uri) == STW_EMALFORMED)
		return STW_REJECT_REQUEST_URI;
	if (uri.headers.len > 0) { /* s19.1.1: not allowed in a Request-URI */
		*error_off = uri.headers.off;
		return STW_REJECT_REQUEST_URI;
	}
	return STW_SIP_ACCEPTED;
}

static enum stw_sip_reject parse_request(const char *buf, const char *p, const char *end,
					 struct stw_sip_msg *m, uint32_t *error_off)
{
	p += m->method_name.len + 1; /* the caller saw the space */
	const char *space = next_space(p, end);
	m->uri = (struct stw_span){(uint16_t)(p - buf), (uint16_t)(space - p)};
	*error_off = (uint32_t)(space - buf);
	if (space == p || space == end)
		return STW_REJECT_START_LINE;
	*error_off = (uint32_t)(space + 1 - buf);
	enum stw_sip_reject version = judge_version(space + 1, end);
	return version ? version : judge_uri(buf, m->uri, error_off);
}

static enum stw_sip_reject parse_status(const char *buf, const char *p, const char *end,
					struct stw_sip_msg *m, uint32_t *error_off)
{
	const char *space = next_space(p, end);

	*error_off = (uint32_t)(p - buf);
	enum stw_sip_reject version = judge_version(p, space);
	if (version)
		return version;
	p = space == end ? end : space + 1;
	*error_off = (uint32_t)(p - buf);
	if (end - p < 3 || stw_span_over(p, p + 3, STW_C_DIGIT) != p + 3)
		return STW_REJECT_START_LINE;
	if (end - p > 3 && p[3] != ' ')
		return STW_REJECT_START_LINE;
	uint16_t status = (uint16_t)((p[0] - '0') * 100 + (p[1] - '0') * 10 + (p[2] - '0'));
	if (status < 100 || status > 699)
		return STW_REJECT_START_LINE;
	m->status = status;
	p = end - p > 3 ? p + 4 : end; /* some leave out the space of an empty phrase */
	m->reason = (struct stw_span){(uint16_t)(p - buf), (uint16_t)(end - p)};
	p = stw_span_over(p, end, STW_C_TEXT);
	*error_off = (uint32_t)(p - buf);
	return p == end ? STW_SIP_ACCEPTED : STW_REJECT_START_LINE;
}

/* The last field looks like a version: then somebody meant a request, whatever is wrong with it. */
static bool ends_in_version(const char *p, const char *end)
{
	while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	const char *field = end;
	while (field > p && field[-1] != ' ' && field[-1] != '\t')
		field--;
	return begins_version(field, end);
}

enum stw_sip_reject stw_startline_parse(const char *buf, uint32_t from, uint32_t end_off,
					struct stw_sip_msg *m, uint32_t *error_off)
{
	const char *p = buf + from, *end = buf + end_off;

	if (begins_version(p, end)) {
		m->kind = STW_SIP_RESPONSE;
		return parse_status(buf, p, end, m, error_off);
	}
	m->kind = STW_SIP_NEITHER;
	const char *space = stw_span_over(p, end, STW_C_TOKEN);
	if (space == p || space == end || (*space != ' ' && *space != '\t'))
		return STW_SIP_ACCEPTED;
	uint8_t method = stw_method_of(p, (size_t)(space - p));
	if (method == STW_METHOD_OTHER && !ends_in_version(space, end))
		return STW_SIP_ACCEPTED;
	m->kind = STW_SIP_REQUEST;
	m->method = method;
	m->method_name = (struct stw_span){(uint16_t)from, (uint16_t)(space - p)};
	*error_off = (uint32_t)(space - buf);
	if (*space == '\t')
		return STW_REJECT_START_LINE;
	return parse_request(buf, p, end, m, error_off);
}
