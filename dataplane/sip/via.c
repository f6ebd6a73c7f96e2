/* SPDX-License-Identifier: BSD-3-Clause */
/* via-parm = sent-protocol LWS sent-by *( SEMI via-params ), RFC 3261 s25.1. */
#include <strowger/sip.h>

#include "dataplane/sip/lex.h"
#include "dataplane/sip/plain.h"
#include "dataplane/sip/transport.h"

static bool take_protocol(struct stw_lex *l, struct stw_sip_via *via)
{
	const char *from = l->p;
	struct stw_span token;

	if (!stw_lex_run(l, STW_C_TOKEN, &token) || !stw_lex_separator(l, '/') ||
	    !stw_lex_run(l, STW_C_TOKEN, &token) || !stw_lex_separator(l, '/') ||
	    !stw_lex_run(l, STW_C_TOKEN, &token))
		return false;
	via->protocol = stw_lex_span(l, from, l->p);
	via->transport = stw_transport_of(l->base + token.off, token.len);
	return true;
}

static bool take_sent_by(struct stw_lex *l, struct stw_sip_via *via)
{
	const char *from = l->p;

	stw_lex_lws(l);
	if (l->p == from || !stw_lex_host(l, &via->host))
		return false;
	return !stw_lex_separator(l, ':') || stw_lex_port(l, &via->port);
}

/* An address may stand in brackets; then both have to be there. Empty when it is none. */
static struct stw_span without_brackets(const char *buf, struct stw_span s)
{
	if (s.len == 0 || buf[s.off] != '[')
		return s;
	if (s.len < 3 || buf[stw_span_end(s) - 1] != ']')
		return (struct stw_span){s.off, 0};
	return (struct stw_span){(uint16_t)(s.off + 1), (uint16_t)(s.len - 2)};
}

/* A parameter may stand once (s7.3.1): which of two branches would we mean? */
static bool set_once(struct stw_span *field, struct stw_span value)
{
	if (field->len != 0 || value.len == 0)
		return false;
	*field = value;
	return true;
}

static bool note_rport(const char *buf, const struct stw_lex_param *param, struct stw_span whole,
		       struct stw_sip_via *via)
{
	if (!set_once(&via->rport_param, whole))
		return false;
	via->rport = param->value;
	struct stw_lex digits = stw_lex_on(buf, param->value);
	return !param->has_value ||
	       (stw_lex_port(&digits, &via->rport_value) && digits.p == digits.end);
}

static bool note_address(const char *buf, struct stw_span value, struct stw_span *field)
{
	return set_once(field, without_brackets(buf, value));
}

static bool note_param(const char *buf, const struct stw_lex_param *param, struct stw_span whole,
		       struct stw_sip_via *via)
{
	const char *name = buf + param->name.off;

	switch (param->name.len) {
	case 5:
		if (STW_CASE_IS(name, 5, "rport"))
			return note_rport(buf, param, whole, via);
		return !STW_CASE_IS(name, 5, "maddr") ||
		       note_address(buf, param->value, &via->maddr);
	case 6: return !STW_CASE_IS(name, 6, "branch") || set_once(&via->branch, param->value);
	case 8:
		return !STW_CASE_IS(name, 8, "received") ||
		       (note_address(buf, param->value, &via->received) &&
			set_once(&via->received_param, whole));
	default: return true;
	}
}

static bool take_params(struct stw_lex *lex, struct stw_sip_via *via)
{
	struct stw_lex l = *lex;
	struct stw_lex_param param;
	int taken;

	for (;;) {
		const char *from = stw_span_over(l.p, l.end, STW_C_LWS);
		taken = stw_lex_param(&l, &param);
		if (taken <= 0)
			break;
		uint32_t end = stw_span_end(param.has_value ? param.value : param.name);
		if (!note_param(l.base, &param, stw_lex_span(&l, from, l.base + end), via))
			return false;
	}
	lex->p = l.p;
	return taken == 0;
}

int stw_sip_via_parse(const char *buf, struct stw_span value, struct stw_sip_via *out)
{
	if (stw_plain.via(buf, value, out))
		return STW_OK;

	struct stw_lex l = stw_lex_on(buf, value);
	struct stw_sip_via via = {0};

	stw_lex_lws(&l);
	const char *from = l.p;
	if (!take_protocol(&l, &via) || !take_sent_by(&l, &via) || !take_params(&l, &via))
		return STW_EMALFORMED;
	const char *to = l.p;
	while (stw_is(to[-1], STW_C_LWS))
		to--;
	via.all = stw_lex_span(&l, from, to);
	if (stw_lex_separator(&l, ',')) {
		if (l.p == l.end)
			return STW_EMALFORMED;
		via.more = true;
		via.next = (uint16_t)(l.p - buf);
	} else if (to = stw_span_over(l.p, l.end, STW_C_LWS), to < l.end) {
		return STW_EMALFORMED;
	}
	*out = via;
	return STW_OK;
}
