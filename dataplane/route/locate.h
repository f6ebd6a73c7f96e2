/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Inside of the decision: a request for a user of a domain we host goes by what the location
 * service knows of that user (RFC 3261 s16.5), or is told it (s8.3).
 */

#include "dataplane/route/decide.h"

/* What is made of a user's contacts. */
enum stw_locate {
	STW_LOCATE_FORWARD,  /* the request goes to the best of them */
	STW_LOCATE_REDIRECT, /* its sender is told all of them (302) */
};

/** True for a URI of a user whose address-of-record is of a domain we host. */
static inline bool stw_locate_hosts(const struct stw_decision *d, const struct stw_sip_uri *uri)
{
	return uri->has_user && stw_tables_has_domain(d->t, d->buf + uri->host.off, uri->host.len);
}

/**
 * Locate the user that @routes->uri names: a URI that stw_locate_hosts().
 *
 * @return true: d->v has the target, on with the way there; false: the verdict is made, an answer
 *         or, where only control can tell, KERNEL_FOR_LOCATION
 */
bool stw_decide_locate(struct stw_decision *d, const struct stw_routes *routes,
		       enum stw_locate what);
