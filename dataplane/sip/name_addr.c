/* SPDX-License-Identifier: BSD-3-Clause */
/* ( name-addr / addr-spec ) *( SEMI generic-param ), RFC 3261 s20, s25.1. */
#include <strowger/sip.h>

#include "dataplane/sip/lex.h"
#include "dataplane/sip/plain.h"

/* "<" addr-spec ">": any scheme, no white space, no bracket and no quote inside. */
static bool take_bracketed(struct stw_lex *l, struct stw_sip_name_addr *na)
{
	const char *from = ++l->p; /* past the "<" */

	if (from == l->end || !stw_is(*from, STW_C_ALPHA))
		return false;
	const char *p = stw_span_over(from, l->end, STW_C_SCHEME);
	if (p == l->end || *p++ != ':')
		return false;
	const char *rest = p;
	p = stw_span_escaped(rest, l->end, STW_C_URIC | STW_C_PARAM | STW_C_HEADER);
	if (p == rest || p == l->end || *p != '>')
		return false;
	na->uri = stw_lex_span(l, from, p);
	na->bracketed = true;
	l->p = p + 1;
	return true;
}

/* addr-spec alone ends where a parameter or the next element begins; it may not hold "?" (s20). */
static bool take_plain(struct stw_lex *l, struct stw_sip_name_addr *na)
{
	const char *from = l->p;

	if (from == l->end || !stw_is(*from, STW_C_ALPHA))
		return false;
	const char *p = stw_span_over(from, l->end, STW_C_SCHEME);
	if (p == l->end || *p++ != ':')
		return false;
	const char *rest = p;
	while (p < l->end && *p != ';' && *p != ',' && *p != '?') {
		const char *q = p;
		if (stw_is(*p, STW_C_URIC | STW_C_PARAM))
			q = p + 1;
		else
			q = stw_span_escaped(p, l->end, 0);
		if (q == p)
			break;
		p = q;
	}
	if (p == rest || (p < l->end && *p == '?'))
		return false;
	na->uri = stw_lex_span(l, from, p);
	l->p = p;
	return true;
}

/* [ display-name ] before "<": a quoted-string, or tokens with white space between them. */
static bool take_display(struct stw_lex *l, struct stw_sip_name_addr *na)
{
	if (*l->p == '"') {
		if (!stw_lex_quoted(l, &na->display))
			return false;
		stw_lex_lws(l);
	} else {
		const char *from = l->p, *p = stw_span_over(from, l->end, STW_C_TOKEN | STW_C_LWS);
		const char *to = p;
		while (to > from && stw_is(to[-1], STW_C_LWS))
			to--;
		na->display = stw_lex_span(l, from, to);
		l->p = p;
	}
	return l->p < l->end && *l->p == '<';
}

static bool take_address(struct stw_lex *l, struct stw_sip_name_addr *na)
{
	const struct stw_lex start = *l;

	if (l->p == l->end)
		return false;
	if (*l->p == '<' || take_display(l, na))
		return take_bracketed(l, na);
	if (*start.p == '"')
		return false;
	na->display = (struct stw_span){0, 0};
	*l = start;
	return take_plain(l, na);
}

static bool take_params(struct stw_lex *l, struct stw_sip_name_addr *na)
{
	struct stw_lex_param param;
	const char *from = stw_span_over(l->p, l->end, STW_C_LWS);
	int taken;

	while ((taken = stw_lex_param(l, &param)) > 0)
		na->params = stw_lex_span(l, from,
					  l->base + stw_span_end(param.has_value ? param.value
										 : param.name));
	return taken == 0;
}

int stw_sip_name_addr_parse(const char *buf, struct stw_span value, struct stw_sip_name_addr *out)
{
	if (stw_plain.name_addr(buf, value, out))
		return STW_OK;

	struct stw_lex l = stw_lex_on(buf, value);
	struct stw_sip_name_addr na = {0};

	stw_lex_lws(&l);
	const char *from = l.p;
	if (!take_address(&l, &na))
		return STW_EMALFORMED;
	const char *to = l.p;
	if (!take_params(&l, &na))
		return STW_EMALFORMED;
	if (na.params.len > 0)
		to = buf + stw_span_end(na.params);
	na.all = stw_lex_span(&l, from, to);
	if (stw_lex_separator(&l, ',')) {
		if (l.p == l.end)
			return STW_EMALFORMED;
		na.more = true;
		na.next = (uint16_t)(l.p - buf);
	} else if (stw_span_over(l.p, l.end, STW_C_LWS) < l.end) {
		return STW_EMALFORMED;
	}
	*out = na;
	return STW_OK;
}

int stw_sip_tag_find(const char *buf, struct stw_span value, struct stw_span *out)
{
	struct stw_sip_name_addr na;
	struct stw_lex_param param;

	if (stw_sip_name_addr_parse(buf, value, &na) != STW_OK)
		return STW_EMALFORMED;
	if (na.more)
		return STW_EMALFORMED;
	if (na.params.len == 0)
		return STW_ENOENT;
	struct stw_lex l = stw_lex_on(buf, na.params);
	while (stw_lex_param(&l, &param) > 0) {
		if (!STW_CASE_IS(buf + param.name.off, param.name.len, "tag"))
			continue;
		if (param.value.len == 0)
			return STW_EMALFORMED;
		*out = param.value;
		return STW_OK;
	}
	return STW_ENOENT;
}
