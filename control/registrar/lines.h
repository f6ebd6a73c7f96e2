/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The header lines of a REGISTER that the parser does not note, found once for all who read them.
 *
 * Threads: any. Ownership: borrows from the message.
 */

#include <strowger/sip.h>

enum stw_register_header {
	STW_REGISTER_AUTHORIZATION,
	STW_REGISTER_PATH,
	STW_REGISTER_REQUIRE,
	STW_REGISTER_SUPPORTED,
	STW_N_REGISTER_HEADERS,
};

struct stw_register_lines {
	const char *buf;
	const struct stw_sip_msg *msg;
	uint8_t present, repeated; /* bit: enum stw_register_header */
	struct stw_sip_line first[STW_N_REGISTER_HEADERS];
};

/** Find those of @m, accepted by the parser; both are borrowed. */
void stw_register_lines_find(const char *buf, const struct stw_sip_msg *m,
			     struct stw_register_lines *out);

/** The first line of @h. @return false: there is none */
bool stw_register_line_first(const struct stw_register_lines *l, enum stw_register_header h,
			     struct stw_sip_line *out);

/** The next line of @h after @line. @return false: that was the last */
bool stw_register_line_next(const struct stw_register_lines *l, enum stw_register_header h,
			    struct stw_sip_line *line);
