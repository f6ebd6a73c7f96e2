/* SPDX-License-Identifier: BSD-3-Clause */
/* Event and Subscription-State (RFC 6665 s8.2), Retry-After (RFC 3261 s20.33). */
#include <strowger/sip_headers.h>

#include "dataplane/sip/lex.h"

/* What is left of @l as parameters; all of them have to be sound. */
static bool take_params(struct stw_lex *l, struct stw_span *params)
{
	struct stw_lex_param param;
	int taken;

	stw_lex_lws(l);
	*params = stw_lex_span(l, l->p, l->end);
	while ((taken = stw_lex_param(l, &param)) > 0)
		;
	stw_lex_lws(l);
	return taken == 0 && l->p == l->end;
}

static bool named(const char *buf, const struct stw_sip_param *param, const char *name, size_t len)
{
	return stw_case_is(buf + param->name.off, param->name.len, name, len);
}

#define NAMED(buf, param, name) named(buf, param, name, sizeof(name) - 1)

int stw_sip_event_parse(const char *buf, struct stw_span value, struct stw_sip_event *out)
{
	struct stw_lex l = stw_lex_on(buf, value);
	struct stw_sip_event event = {0};
	struct stw_sip_param param;

	stw_lex_lws(&l);
	if (!stw_lex_run(&l, STW_C_TOKEN, &event.type) || !take_params(&l, &event.params))
		return STW_EMALFORMED;
	for (struct stw_span rest = event.params;
	     stw_sip_param_next(buf, &rest, &param) == STW_OK;) {
		if (NAMED(buf, &param, "id"))
			event.id = param.value;
	}
	*out = event;
	return STW_OK;
}

static bool take_seconds(const char *buf, struct stw_span value, int64_t *out)
{
	uint32_t n;
	if (stw_sip_seconds_parse(buf, value, &n) != STW_OK)
		return false;
	*out = n;
	return true;
}

int stw_sip_subscription_state_parse(const char *buf, struct stw_span value,
				     struct stw_sip_subscription_state *out)
{
	struct stw_lex l = stw_lex_on(buf, value);
	struct stw_sip_subscription_state s = {.expires = -1, .retry_after = -1};
	struct stw_sip_param param;
	struct stw_span rest;

	stw_lex_lws(&l);
	if (!stw_lex_run(&l, STW_C_TOKEN, &s.state) || !take_params(&l, &rest))
		return STW_EMALFORMED;
	while (stw_sip_param_next(buf, &rest, &param) == STW_OK) {
		if (NAMED(buf, &param, "reason"))
			s.reason = param.value;
		else if (NAMED(buf, &param, "expires") &&
			 !take_seconds(buf, param.value, &s.expires))
			return STW_EMALFORMED;
		else if (NAMED(buf, &param, "retry-after") &&
			 !take_seconds(buf, param.value, &s.retry_after))
			return STW_EMALFORMED;
	}
	*out = s;
	return STW_OK;
}

/* comment = "(" *( ctext / quoted-pair / comment ) ")", to any depth */
static bool take_comment(struct stw_lex *l, struct stw_span *out)
{
	const char *from = l->p;
	unsigned depth = 0;

	for (const char *p = from; p < l->end; p++) {
		if (*p == '(') {
			depth++;
		} else if (*p == ')' && --depth == 0) {
			l->p = p + 1;
			*out = stw_lex_span(l, from, l->p);
			return true;
		} else if (*p == '\\' && ++p == l->end) {
			return false;
		}
	}
	return false;
}

int stw_sip_retry_after_parse(const char *buf, struct stw_span value,
			      struct stw_sip_retry_after *out)
{
	struct stw_lex l = stw_lex_on(buf, value);
	struct stw_sip_retry_after retry = {0};
	struct stw_span digits;

	stw_lex_lws(&l);
	if (!stw_lex_run(&l, STW_C_DIGIT, &digits))
		return STW_EMALFORMED;
	int err = stw_sip_seconds_parse(buf, digits, &retry.seconds);
	if (err)
		return err;
	stw_lex_lws(&l);
	if (l.p < l.end && *l.p == '(' && !take_comment(&l, &retry.comment))
		return STW_EMALFORMED;
	if (!take_params(&l, &retry.params))
		return STW_EMALFORMED;
	*out = retry;
	return STW_OK;
}
