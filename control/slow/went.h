/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Where requests that control decided went: what workers have in the recent-call table and in the
 * gone bindings of the location table. A CANCEL, an ACK or an INVITE that comes again takes the way
 * of the one before it (RFC 3261 s9.1, s16.10, s17.1.1.3), wherever the user has moved since.
 *
 * Bounded: of too many the oldest give way, and of one user's before those of others. Threads: the
 * loop's only.
 */

#include "control/slow/locate.h"
#include "dataplane/route/route.h"

struct stw_went; /* opaque */

#define STW_WENT_MAX 4096u

/** @return NULL without memory */
struct stw_went *stw_went_new(void);

/** What the decision is to look at. */
const struct stw_memory *stw_went_memory(const struct stw_went *w);

/** Note a FORWARD verdict, before its message is rewritten. @p located  what it was decided by */
void stw_went_note(struct stw_went *w, const struct stw_tables *t, const struct stw_sip_msg *m,
		   const struct stw_verdict *v, const struct stw_located *located);

/** Contacts of this user that requests went to, and that are not bound any more: as gone ones. */
void stw_went_add(struct stw_went *w, struct stw_located *located);

/** Contacts that are remembered. */
size_t stw_went_n(const struct stw_went *w);

/** Accepts NULL. */
void stw_went_free(struct stw_went *w);
