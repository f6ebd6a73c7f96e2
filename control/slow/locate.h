/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The location service as a proxy and a redirect server use it (RFC 3261 s16.5, s8.3): a request
 * for a user of ours becomes one for the contact the user registered, or is answered.
 *
 * Threads: the loop's only.
 */

#include "control/model/model.h"
#include "control/registrar/registrar.h"
#include "dataplane/route/route.h"

/* More than this a request does not grow: a contact's URI and the way to it. */
#define STW_LOCATE_ROOM 6144u

enum stw_located {
	STW_LOCATED_FORWARD, /* @out holds the request for the contact */
	STW_LOCATED_ANSWER,  /* @status, @phrase; 302: the Contacts are in @out */
};

struct stw_location_found {
	enum stw_located kind;
	uint16_t status;
	const char *phrase; /* static */
	size_t len;	    /* bytes of @out */
};

/**
 * Find where a request goes.
 *
 * A GRUU (RFC 5627) is for the contacts of its instance only.
 *
 * The best contact is the one of the highest q; of equal ones that which was bound last, whenever
 * it was refreshed: so all of a call finds the same. A Path leads to it (RFC 3327 s5.2), else the
 * flow it registered by (RFC 5626 s5.3) as our own token in a Route.
 *
 * @param redirect  the Contacts are wanted, not a request for one
 * @param out       [room]; with less than m->len + STW_LOCATE_ROOM a long one is answered 513
 */
void stw_locate(struct stw_registrar *r, const struct stw_tables *t, bool redirect, const char *buf,
		const struct stw_sip_msg *m, char *out, size_t room,
		struct stw_location_found *found);
