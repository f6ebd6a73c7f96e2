/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The header block line by line, with exact judgement of each byte: the slow truth that the line
 * walker and the scalar kernel share.
 */

#include <strowger/sip.h>

/** What stw_line_take() found. */
enum stw_line_kind {
	STW_LINE_HEADER,
	STW_LINE_BLANK,	    /* the empty line; out->end is where the body starts */
	STW_LINE_UNFINISHED /* no LF before the end */
};

/**
 * Take the line at @off, folds included.
 *
 * @param out    header lines: filled; else only off and end. A line with a bad name has header
 *               STW_HDR_OTHER, an empty name and its whole text as value.
 * @param error  set to the first thing wrong with it, when still STW_SIP_ACCEPTED: HEADER_NAME or
 *               STRAY_BYTE, @error_off to the byte that told
 */
enum stw_line_kind stw_line_take(const char *buf, size_t len, uint32_t off,
				 struct stw_sip_line *out, enum stw_sip_reject *error,
				 uint32_t *error_off);
