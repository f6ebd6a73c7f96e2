/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/sip/lex.h"

bool stw_lex_quoted(struct stw_lex *l, struct stw_span *out)
{
	const char *from = l->p, *p = stw_span_over(from + 1, l->end, STW_C_QDTEXT);

	while (p < l->end && *p == '\\') {
		if (++p == l->end || *p == '\r' || *p == '\n' || (*p & 0x80))
			return false;
		p = stw_span_over(p + 1, l->end, STW_C_QDTEXT);
	}
	if (p == l->end || *p != '"')
		return false;
	l->p = p + 1;
	*out = stw_lex_span(l, from, l->p);
	return true;
}

bool stw_lex_port(struct stw_lex *l, uint16_t *out)
{
	uint32_t value = 0;
	const char *from = l->p;

	for (; l->p < l->end && stw_is(*l->p, STW_C_DIGIT); l->p++) {
		value = value * 10 + (uint32_t)(*l->p - '0');
		if (value > UINT16_MAX)
			return false;
	}
	if (l->p == from || value == 0)
		return false;
	*out = (uint16_t)value;
	return true;
}

bool stw_lex_host(struct stw_lex *l, struct stw_span *out)
{
	const char *from = l->p;

	if (from < l->end && *from == '[') {
		const char *p = stw_span_over(from + 1, l->end, STW_C_V6);
		if (p == from + 1 || p == l->end || *p != ']')
			return false;
		l->p = p + 1;
		*out = stw_lex_span(l, from, l->p);
		return true;
	}
	return stw_lex_run(l, STW_C_HOST, out);
}

int stw_lex_number(const char *buf, struct stw_span value, uint32_t max, uint32_t *out)
{
	uint64_t n = 0;

	if (value.len == 0)
		return STW_EMALFORMED;
	for (uint32_t i = value.off; i < stw_span_end(value); i++) {
		if (!stw_is(buf[i], STW_C_DIGIT))
			return STW_EMALFORMED;
		if (n <= max)
			n = n * 10 + (uint64_t)(buf[i] - '0');
	}
	if (n > max)
		return STW_ERANGE;
	*out = (uint32_t)n;
	return STW_OK;
}
