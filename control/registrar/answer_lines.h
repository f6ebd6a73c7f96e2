/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The header lines that a registrar adds to its answers. Threads: one. Not for others.
 */

#include <time.h>

#include "control/registrar/digest.h"
#include "control/registrar/gruu.h"
#include "control/registrar/registrar.h"

/** A line: @text, "Name: ", and a value. @return false: no room, nothing written */
bool stw_lines_add(struct stw_registrar_answer *a, const char *text, struct stw_str value);
bool stw_lines_add_number(struct stw_registrar_answer *a, const char *text, uint32_t value);

/** WWW-Authenticate (RFC 7616 s3.3, RFC 8760 s2.4). */
bool stw_lines_challenge(struct stw_registrar_answer *a, struct stw_str realm,
			 const char nonce[STW_NONCE_DIGITS], enum stw_digest_algorithm algorithm,
			 bool stale);

/* Who gets GRUUs. */
struct stw_lines_gruu {
	const struct stw_gruu_key *key;
	struct stw_str aor;
	uint32_t *salt; /* grows by one for each */
};

/**
 * The Contacts that are bound, with what remains of their time (s10.3 step 8), newest last.
 *
 * @param gruu  NULL: without GRUUs (RFC 5627 s5.3)
 */
bool stw_lines_contacts(struct stw_registrar_answer *a, const struct stw_record *record,
			uint64_t now_s, const struct stw_lines_gruu *gruu);

/* The line of a second. All zero: of none yet. */
struct stw_lines_date {
	time_t now;
	size_t len;
	char text[48];
};

/** Date (s20.17), by the wall clock. @p last: the line made last, or made now */
bool stw_lines_date(struct stw_registrar_answer *a, struct stw_lines_date *last);
