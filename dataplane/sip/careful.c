/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/sip/careful.h"

#include "dataplane/sip/check.h"
#include "dataplane/sip/limits.h"
#include "dataplane/sip/lines.h"
#include "dataplane/sip/startline.h"

/* First of its kind wins; a second only sets a bit. */
static void record(struct stw_sip_msg *m, const struct stw_sip_line *line)
{
	if (line->header >= STW_N_HOT_HEADERS)
		return;
	uint32_t bit = 1u << line->header;
	if (m->present & bit) {
		m->repeated |= bit;
		return;
	}
	m->present |= bit;
	m->value[line->header] = line->value;
	m->line_off[line->header] = line->off;
	m->line_end[line->header] = line->end;
}

/*
 * Walk the header block to the blank line. A line with a stray byte is not recorded: its value
 * might be copied into an answer, and nobody shall smuggle a CR, LF or NUL that way.
 */
static enum stw_sip_reject take_headers(const char *buf, size_t len, struct stw_sip_msg *m,
					uint32_t *error_off)
{
	enum stw_sip_reject error = STW_SIP_ACCEPTED;
	uint32_t off = m->headers_off, n_lines = 0;
	struct stw_sip_line line;

	for (;; off = line.end) {
		enum stw_sip_reject here = STW_SIP_ACCEPTED;
		uint32_t here_off = 0;
		enum stw_line_kind kind = stw_line_take(buf, len, off, &line, &here, &here_off);
		if (kind == STW_LINE_HEADER && n_lines++ == stw_limits.max_headers) {
			here = STW_REJECT_TOO_MANY_HEADERS;
			here_off = off;
			kind = STW_LINE_UNFINISHED;
		} else if (kind == STW_LINE_UNFINISHED) {
			here = STW_REJECT_HEADERS_UNFINISHED;
			here_off = (uint32_t)len;
		}
		if (here && !error) {
			error = here;
			*error_off = here_off;
		}
		if (kind == STW_LINE_UNFINISHED) {
			m->body_off = (uint16_t)off;
			return error;
		}
		if (kind == STW_LINE_BLANK) {
			m->body_off = line.end;
			return error;
		}
		if (here != STW_REJECT_STRAY_BYTE)
			record(m, &line);
	}
}

static enum stw_sip_reject finish(struct stw_sip_msg *m, enum stw_sip_reject reject,
				  uint32_t error_off)
{
	m->reject = (uint8_t)reject;
	m->error_off = reject ? (uint16_t)error_off : 0;
	return reject;
}

/* Where the start line ends, its CR LF left out. */
struct first_line {
	uint32_t end, lf;
	bool bare; /* no CR before the LF */
};

static bool find_first_line(const char *buf, size_t len, uint32_t from, struct first_line *out)
{
	const char *lf = memchr(buf + from, '\n', len - from);

	if (!lf)
		return false;
	out->lf = (uint32_t)(lf - buf);
	out->bare = out->lf == from || buf[out->lf - 1] != '\r';
	out->end = out->bare ? out->lf : out->lf - 1;
	return true;
}

/* What is behind the start line, of which @reject was said at @error_off. */
static enum stw_sip_reject take_lines(const char *buf, size_t len, const struct first_line *first,
				      struct stw_sip_msg *m, enum stw_sip_reject reject,
				      uint32_t *error_off)
{
	uint32_t later_off = 0;

	if (!reject && first->bare) {
		reject = STW_REJECT_STRAY_BYTE;
		*error_off = first->lf;
	}
	m->headers_off = (uint16_t)(first->lf + 1);
	m->len = (uint32_t)len;
	enum stw_sip_reject later = take_headers(buf, len, m, &later_off);
	if (!reject) {
		reject = later;
		*error_off = later_off;
	}
	return reject;
}

enum stw_sip_reject stw_locate_careful(const char *buf, size_t len, uint32_t from,
				       struct stw_sip_msg *out)
{
	struct first_line first;
	uint32_t error_off = 0;

	if (!find_first_line(buf, len, from, &first)) {
		out->kind = STW_SIP_NEITHER;
		return STW_SIP_ACCEPTED;
	}
	enum stw_sip_reject reject =
		take_lines(buf, len, &first, out, STW_SIP_ACCEPTED, &error_off);
	return finish(out, reject, error_off);
}

enum stw_sip_reject stw_parse_careful(const char *buf, size_t len, uint32_t from,
				      struct stw_sip_msg *out)
{
	struct first_line first;
	uint32_t error_off = 0;

	if (!find_first_line(buf, len, from, &first)) { /* nothing can be said of it */
		out->kind = STW_SIP_NEITHER;
		return STW_SIP_ACCEPTED;
	}
	enum stw_sip_reject reject = stw_startline_parse(buf, from, first.end, out, &error_off);
	if (out->kind == STW_SIP_NEITHER)
		return STW_SIP_ACCEPTED;
	reject = take_lines(buf, len, &first, out, reject, &error_off);
	if (!reject)
		reject = stw_check(buf, len, out, &error_off);
	return finish(out, reject, error_off);
}
