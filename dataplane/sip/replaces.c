/* SPDX-License-Identifier: BSD-3-Clause */
#include <strowger/sip_headers.h>

#include "dataplane/sip/check.h"
#include "dataplane/sip/lex.h"

/* A mandatory parameter stands once and has a value. */
static bool set_tag(struct stw_span *tag, const struct stw_sip_param *param)
{
	if (tag->len != 0 || param->value.len == 0)
		return false;
	*tag = param->value;
	return true;
}

int stw_sip_replaces_parse(const char *buf, struct stw_span value, struct stw_sip_replaces *out)
{
	struct stw_lex l = stw_lex_on(buf, value);
	struct stw_sip_replaces r = {0};
	struct stw_sip_param param;
	bool ok = true;
	int err;

	stw_lex_lws(&l);
	const char *from = l.p;
	while (l.p < l.end && (stw_is(*l.p, STW_C_WORD) || *l.p == '@'))
		l.p++;
	r.call_id = stw_lex_span(&l, from, l.p);
	struct stw_span rest = stw_lex_span(&l, l.p, l.end);
	while ((err = stw_sip_param_next(buf, &rest, &param)) == STW_OK) {
		const char *name = buf + param.name.off;
		if (STW_CASE_IS(name, param.name.len, "to-tag"))
			ok = set_tag(&r.to_tag, &param) && ok;
		else if (STW_CASE_IS(name, param.name.len, "from-tag"))
			ok = set_tag(&r.from_tag, &param) && ok;
		else if (STW_CASE_IS(name, param.name.len, "early-only"))
			r.early_only = true;
	}
	if (err != STW_ENOENT || !ok || r.call_id.len == 0 || r.to_tag.len == 0 ||
	    r.from_tag.len == 0)
		return STW_EMALFORMED;
	*out = r;
	return STW_OK;
}
