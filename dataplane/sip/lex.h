/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * A cursor over a header value and the few moves every value parser makes. A value holds CR and LF
 * only as parts of folds (stw_sip_parse() saw to that), so both count as white space here.
 */

#include <strowger/errors.h>
#include <strowger/span.h>

#include "dataplane/sip/chars.h"

struct stw_lex {
	const char *base; /* offsets count from here */
	const char *p;
	const char *end;
};

static inline struct stw_lex stw_lex_on(const char *buf, struct stw_span value)
{
	return (struct stw_lex){buf, buf + value.off, buf + stw_span_end(value)};
}

static inline struct stw_span stw_lex_span(const struct stw_lex *l, const char *from,
					   const char *to)
{
	return (struct stw_span){(uint16_t)(from - l->base), (uint16_t)(to - from)};
}

static inline void stw_lex_lws(struct stw_lex *l)
{
	l->p = stw_span_over(l->p, l->end, STW_C_LWS);
}

/** Take @c with white space around it (RFC 3261 s25.1 SLASH, EQUAL, SEMI, COLON, COMMA). */
static inline bool stw_lex_separator(struct stw_lex *l, char c)
{
	const char *p = l->p, *end = l->end;

	if (p < end && *p != c) /* mostly it stands right here */
		p = stw_span_over(p, end, STW_C_LWS);
	if (p == end || *p != c)
		return false;
	l->p = stw_span_over(p + 1, end, STW_C_LWS);
	return true;
}

/** Take one or more bytes of @classes. */
static inline bool stw_lex_run(struct stw_lex *l, unsigned classes, struct stw_span *out)
{
	const char *from = l->p;
	l->p = stw_span_over(from, l->end, classes);
	*out = stw_lex_span(l, from, l->p);
	return l->p > from;
}

/**
 * Take a quoted-string, both quotes included: qdtext, folds, and quoted-pair, which may hide any
 * byte but CR and LF. @return false when it does not end
 */
bool stw_lex_quoted(struct stw_lex *l, struct stw_span *out);

/** Take a port, 1..65535, digits only. */
bool stw_lex_port(struct stw_lex *l, uint16_t *out);

/**
 * Take a host: IPv6 reference with its brackets, or letters, digits, "-", "." and "_". The digits
 * of an address are not judged here: who needs the address parses it.
 */
bool stw_lex_host(struct stw_lex *l, struct stw_span *out);

/** A header parameter (generic-param): name, and value if there was an "=". */
struct stw_lex_param {
	struct stw_span name;
	struct stw_span value; /* quotes included when quoted */
	bool has_value;
};

/* gen-value = token / host / quoted-string; IPv6 comes with brackets or (received) without. */
static inline bool stw_lex_param_value(struct stw_lex *l, struct stw_span *out)
{
	if (l->p < l->end && *l->p == '"') {
		struct stw_lex quoted = *l; /* so that @l need not live in memory */
		bool ok = stw_lex_quoted(&quoted, out);
		l->p = quoted.p;
		return ok;
	}
	const char *from = l->p;
	while (l->p < l->end &&
	       (stw_is(*l->p, STW_C_TOKEN | STW_C_V6) || *l->p == '[' || *l->p == ']'))
		l->p++;
	*out = stw_lex_span(l, from, l->p);
	return l->p > from;
}

/** Take ";" and a generic-param. @return 1 taken, 0 no semicolon there, -1 malformed */
static inline int stw_lex_param(struct stw_lex *l, struct stw_lex_param *out)
{
	if (!stw_lex_separator(l, ';'))
		return 0;
	if (!stw_lex_run(l, STW_C_TOKEN, &out->name))
		return -1;
	out->value = (struct stw_span){(uint16_t)stw_span_end(out->name), 0};
	out->has_value = stw_lex_separator(l, '=');
	if (out->has_value && !stw_lex_param_value(l, &out->value))
		return -1;
	return 1;
}

/**
 * Read a whole span as a decimal number, 1 to 20 digits or more with leading zeros.
 *
 * @return STW_OK, STW_EMALFORMED (not digits only, or none), STW_ERANGE (over @max)
 */
int stw_lex_number(const char *buf, struct stw_span value, uint32_t max, uint32_t *out);
