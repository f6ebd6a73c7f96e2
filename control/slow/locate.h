/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The location service as control asks it: what the store says of a user, in the form the decision
 * takes (dataplane/location/whereabouts.h). Workers find the same in the location table; what that
 * does not hold they leave to control.
 *
 * Threads: the loop's only.
 */

#include "control/registrar/gruu.h"
#include "control/registrar/registrar.h"
#include "dataplane/location/whereabouts.h"

#define STW_LOCATE_PACKED 65535u

/* What was found, with the memory it lies in. */
struct stw_located {
	struct stw_whereabouts w;
	struct stw_endpoint listeners[STW_RECORD_BINDINGS];
	char aor[STW_GRUU_TEXT];
	char packed[STW_LOCATE_PACKED];
};

/**
 * Find a user's contacts. The best is the one of the highest q; of equal ones that which was bound
 * last, whenever it was refreshed: so all of a call finds the same. A GRUU's are those of its
 * instance (RFC 5627 s6.1).
 *
 * @param uri  names a user of a domain of ours
 * @return STW_OK, STW_EIO or STW_ENOMEM: the store cannot tell
 */
int stw_locate(struct stw_registrar *r, const char *buf, struct stw_span uri,
	       struct stw_located *out);

/**
 * Contacts of a record, the live ones, the best first.
 *
 * @param gruu  whose contacts alone are wanted; NULL: all
 * @param out   [STW_RECORD_BINDINGS]; its texts are those of @record
 * @return how many
 */
size_t stw_locate_contacts(const struct stw_record *record, const struct stw_gruu *gruu,
			   uint64_t now_s, struct stw_contact *out);
