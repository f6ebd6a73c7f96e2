/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/** @file Comma-separated tokens over all lines of a header: Proxy-Require (RFC 3261 s20.29). */

#include <strings.h>

#include <strowger/sip.h>

#include "dataplane/table/tables.h"

struct stw_token_walk {
	const char *buf;
	const struct stw_sip_msg *m;
	struct stw_sip_line line;
	uint32_t at, end; /* of the current line's value */
	enum stw_sip_header header;
};

static inline struct stw_token_walk
stw_token_walk_start(const char *buf, const struct stw_sip_msg *m, enum stw_sip_header header)
{
	struct stw_token_walk w = {.buf = buf, .m = m, .header = header};

	w.line.end = m->line_end[header];
	w.at = m->value[header].off;
	w.end = stw_span_end(m->value[header]);
	return w;
}

static inline bool stw_token_walk_line(struct stw_token_walk *w)
{
	if (!(w->m->repeated >> w->header & 1))
		return false;
	while (stw_sip_line_next(w->buf, w->m, &w->line))
		if (w->line.header == w->header) {
			w->at = w->line.value.off;
			w->end = stw_span_end(w->line.value);
			return true;
		}
	return false;
}

static inline bool stw_token_is_gap(char c)
{
	return c == ',' || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/** The next token, never empty. @return false at the end */
static inline bool stw_token_walk_next(struct stw_token_walk *w, struct stw_span *out)
{
	for (;;) {
		while (w->at < w->end && stw_token_is_gap(w->buf[w->at]))
			w->at++;
		if (w->at < w->end)
			break;
		if (!stw_token_walk_line(w))
			return false;
	}
	uint32_t from = w->at;
	while (w->at < w->end && !stw_token_is_gap(w->buf[w->at]))
		w->at++;
	*out = (struct stw_span){(uint16_t)from, (uint16_t)(w->at - from)};
	return true;
}

/** Whether this option tag may stand in a Proxy-Require. */
static inline bool stw_proxy_supports(const struct stw_tables *t, const char *buf,
				      struct stw_span tag)
{
	for (uint32_t i = 0; i < t->n_options; i++) {
		const char *known = t->options[i].tag;

		if (tag.len < STW_IMAGE_OPTION_TEXT && known[tag.len] == '\0' &&
		    strncasecmp(buf + tag.off, known, tag.len) == 0)
			return true;
	}
	return false;
}
