/* SPDX-License-Identifier: BSD-3-Clause */
/* Lists inside of values: parameters, tokens, seconds. */
#include <strowger/sip_headers.h>

#include "dataplane/sip/lex.h"

static void move_behind(const struct stw_lex *l, struct stw_span *rest)
{
	*rest = stw_lex_span(l, l->p, l->end);
}

int stw_sip_param_next(const char *buf, struct stw_span *rest, struct stw_sip_param *out)
{
	struct stw_lex l = stw_lex_on(buf, *rest);
	struct stw_lex_param param;

	stw_lex_lws(&l);
	if (l.p == l.end)
		return STW_ENOENT;
	if (stw_lex_param(&l, &param) <= 0)
		return STW_EMALFORMED;
	*out = (struct stw_sip_param){param.name, param.value, param.has_value};
	move_behind(&l, rest);
	return STW_OK;
}

/* Behind an element stands a comma and another one, or nothing. */
static bool take_comma(struct stw_lex *l)
{
	if (stw_lex_separator(l, ','))
		return l->p < l->end;
	stw_lex_lws(l);
	return l->p == l->end;
}

int stw_sip_token_next(const char *buf, struct stw_span *rest, struct stw_span *out)
{
	struct stw_lex l = stw_lex_on(buf, *rest);
	struct stw_span token;

	stw_lex_lws(&l);
	if (l.p == l.end)
		return STW_ENOENT;
	if (!stw_lex_run(&l, STW_C_TOKEN, &token) || !take_comma(&l))
		return STW_EMALFORMED;
	*out = token;
	move_behind(&l, rest);
	return STW_OK;
}

int stw_sip_seconds_parse(const char *buf, struct stw_span value, uint32_t *out)
{
	return stw_lex_number(buf, value, UINT32_MAX, out);
}

int stw_sip_auth_scheme(const char *buf, struct stw_span value, struct stw_span *scheme,
			struct stw_span *rest)
{
	struct stw_lex l = stw_lex_on(buf, value);
	struct stw_span token;

	stw_lex_lws(&l);
	if (!stw_lex_run(&l, STW_C_TOKEN, &token))
		return STW_EMALFORMED;
	const char *behind = l.p;
	stw_lex_lws(&l);
	if (l.p == behind && l.p < l.end)
		return STW_EMALFORMED;
	*scheme = token;
	move_behind(&l, rest);
	return STW_OK;
}

int stw_sip_auth_param_next(const char *buf, struct stw_span *rest, struct stw_sip_param *out)
{
	struct stw_lex l = stw_lex_on(buf, *rest);

	stw_lex_lws(&l);
	if (l.p == l.end)
		return STW_ENOENT;
	out->has_value = true;
	if (!stw_lex_run(&l, STW_C_TOKEN, &out->name) || !stw_lex_separator(&l, '='))
		return STW_EMALFORMED;
	/* A token, or what people leave unquoted, as a URI; else a quoted-string. */
	bool ok = l.p < l.end && *l.p == '"'
			  ? stw_lex_quoted(&l, &out->value)
			  : stw_lex_run(&l, STW_C_TOKEN | STW_C_V6 | STW_C_SCHEME, &out->value);
	if (!ok || !take_comma(&l))
		return STW_EMALFORMED;
	move_behind(&l, rest);
	return STW_OK;
}

int stw_sip_resource_priority_next(const char *buf, struct stw_span *rest,
				   struct stw_sip_resource_priority *out)
{
	struct stw_span next = *rest, token;
	int err = stw_sip_token_next(buf, &next, &token);

	if (err)
		return err;
	/* token-nodot "." token-nodot */
	const char *p = buf + token.off, *dot = memchr(p, '.', token.len);
	if (!dot || dot == p || dot + 1 == p + token.len ||
	    memchr(dot + 1, '.', (size_t)(p + token.len - dot) - 1))
		return STW_EMALFORMED;
	uint16_t n = (uint16_t)(dot - p);
	out->space = (struct stw_span){token.off, n};
	out->priority =
		(struct stw_span){(uint16_t)(token.off + n + 1), (uint16_t)(token.len - n - 1)};
	*rest = next;
	return STW_OK;
}
