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

struct stw_contact;
struct stw_where_slot;

/**
 * Whom a request may be for: the key to look for in the location table, before the request is
 * decided. A GRUU is not looked for: only control can read it.
 *
 * @param slot  on true: w.uri, w.aor and hash
 * @param src   its uri, wherever the Request-URI can be read; it lies in @slot
 * @return false: nobody of ours, or nothing the table could tell
 *
 * Threads: any.  Fast path: yes, and one test where nobody is located.
 */
bool stw_locate_key(const struct stw_snapshot *snap, const char *buf, const struct stw_sip_msg *m,
		    struct stw_where_slot *slot, struct stw_source *src);

/**
 * Locate the user that @routes->uri names: a URI that stw_locate_hosts().
 *
 * @return true: d->v has the target, on with the way there; false: the verdict is made, an answer
 *         or, where only control can tell, KERNEL_FOR_LOCATION
 */
bool stw_decide_locate(struct stw_decision *d, const struct stw_routes *routes,
		       enum stw_locate what);

/**
 * Does a call between two phones, no member in it, stay with us? Where they cannot reach each other
 * by themselves: behind a NAT (listeners[].nat), or on two sides of ours.
 */
bool stw_locate_stays(const struct stw_decision *d);

/**
 * Is there room for what the rewrite of a located request adds?
 *
 * @return false: the verdict is made. Where only the headroom of a frame is too small it is for
 *         control, which has more
 */
bool stw_locate_fits(struct stw_decision *d);

/** The next contact that a caller can be told, the best first. @param at  0 for the first */
bool stw_locate_told(const struct stw_tables *t, struct stw_whereabouts *w, size_t *at,
		     struct stw_contact *out);
