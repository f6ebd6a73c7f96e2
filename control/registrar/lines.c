/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/registrar/lines.h"

#include <strowger/sip_headers.h>

/* Supported has a compact form. */
#define LETTERS                                                                                  \
	(STW_SIP_LETTER('a') | STW_SIP_LETTER('p') | STW_SIP_LETTER('r') | STW_SIP_LETTER('s') | \
	 STW_SIP_LETTER('k'))

static const char *const names[STW_N_REGISTER_HEADERS] = {
	[STW_REGISTER_AUTHORIZATION] = "Authorization",
	[STW_REGISTER_PATH] = "Path",
	[STW_REGISTER_REQUIRE] = "Require",
	[STW_REGISTER_SUPPORTED] = "Supported",
};

static bool is_of(const char *buf, const struct stw_sip_line *line, enum stw_register_header h)
{
	return line->header == STW_HDR_OTHER && stw_sip_name_is(buf, line->name, names[h]);
}

static void note(struct stw_register_lines *l, enum stw_register_header h,
		 const struct stw_sip_line *line)
{
	if (l->present >> h & 1u) {
		l->repeated |= (uint8_t)(1u << h);
	} else {
		l->present |= (uint8_t)(1u << h);
		l->first[h] = *line;
	}
}

void stw_register_lines_find(const char *buf, const struct stw_sip_msg *m,
			     struct stw_register_lines *out)
{
	struct stw_sip_line line = {.end = m->headers_off};

	out->buf = buf;
	out->msg = m;
	out->present = out->repeated = 0;
	while (stw_sip_line_among(buf, m, LETTERS, &line))
		for (int h = 0; h < STW_N_REGISTER_HEADERS; h++)
			if (is_of(buf, &line, (enum stw_register_header)h)) {
				note(out, (enum stw_register_header)h, &line);
				break;
			}
}

bool stw_register_line_first(const struct stw_register_lines *l, enum stw_register_header h,
			     struct stw_sip_line *out)
{
	if (!(l->present >> h & 1u))
		return false;
	*out = l->first[h];
	return true;
}

bool stw_register_line_next(const struct stw_register_lines *l, enum stw_register_header h,
			    struct stw_sip_line *line)
{
	if (!(l->repeated >> h & 1u))
		return false;
	while (stw_sip_line_among(l->buf, l->msg, LETTERS, line))
		if (is_of(l->buf, line, h))
			return true;
	return false;
}
