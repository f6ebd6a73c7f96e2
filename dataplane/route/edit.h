/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * A short list of edits to a message, carried out in one pass. What lies behind the last edit (the
 * body, and most of the headers) never moves; what lies before it moves by the growth of the edits
 * behind it, into the headroom.
 */

#include <stddef.h>
#include <stdint.h>

#include <strowger/likely.h>

#include "dataplane/route/route.h"

/* Via, received, rport, Max-Forwards, Max-Breadth, Request-URI, last Route, and the cuts. */
#define STW_EDITS_MAX (7 + STW_ROUTE_CUTS_MAX)

struct stw_edit {
	uint16_t off; /* the first byte it removes, or before which it writes */
	uint16_t cut; /* bytes removed */
	uint16_t len; /* bytes written */
	const char *text;
};

struct stw_edits {
	size_t n;
	uint32_t headroom;		  /* bytes before the message, 0: STW_REWRITE_HEADROOM */
	struct stw_edit e[STW_EDITS_MAX]; /* by offset; equal offsets in the order they came */
};

/** Add one; its bytes must not overlap another's. @text outlives the list and lies elsewhere. */
static inline void stw_edits_add(struct stw_edits *edits, uint32_t off, uint32_t cut,
				 const char *text, size_t len)
{
	size_t at = edits->n++;

	for (; stw_unlikely(at > 0 && edits->e[at - 1].off > off); at--)
		edits->e[at] = edits->e[at - 1];
	edits->e[at] = (struct stw_edit){(uint16_t)off, (uint16_t)cut, (uint16_t)len, text};
}

/** Bytes by which the message grows, negative when it shrinks. */
int32_t stw_edits_growth(const struct stw_edits *edits);

/**
 * Carry them out.
 *
 * @param buf  the message of @len bytes, edits->headroom writable bytes before it
 * @return STW_OK, STW_ENOSPACE (would grow beyond the headroom or 65535 bytes; nothing was changed)
 *
 * Fast path: yes.
 */
int stw_edits_apply(const struct stw_edits *edits, char *buf, uint32_t len,
		    struct stw_rewritten *out);

/** Longest text of stw_edits_via(). */
#define STW_VIA_EDIT_TEXT 80

/**
 * received and rport of the sender's Via, by what the datagram tells (RFC 3261 s18.2.1, RFC 3581
 * s4); what the sender wrote there himself is replaced.
 *
 * @param text  [STW_VIA_EDIT_TEXT], outlives the list
 */
void stw_edits_via(struct stw_edits *edits, const struct stw_sip_via *via,
		   const struct stw_endpoint *peer, char *text);
