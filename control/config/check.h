/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The parts of stw_conf_check(), a file each. All report and go on; only memory can fail.
 */

#include "control/config/read.h"
#include "control/config/refs.h"

/** Ports, their addresses, routes and neighbours. @return STW_OK, STW_ENOMEM */
int stw_check_ports(const struct stw_conf *c, struct stw_report *report);

/** Listeners against ports and pools. @return STW_OK, STW_ENOMEM */
int stw_check_listeners(const struct stw_conf *c, struct stw_report *report);

/** Pools and their members. @return STW_OK, STW_ENOMEM */
int stw_check_pools(const struct stw_conf *c, struct stw_report *report);

/** A host name or address as it stands in URIs, in lower case: there is one way to write it. */
bool stw_is_domain(const char *name);

/** How pools watch their members. */
void stw_check_health(const struct stw_conf *c, struct stw_report *report);

/** Members of all pools as one list: names, identities, our own listeners. As above. */
int stw_check_members(const struct stw_conf *c, struct stw_report *report);

/**
 * References to the members of all pools, in the order of the file; group: the pool's index, key:
 * the struct stw_conf_member.
 *
 * @param n  how many
 * @return   to be freed, NULL without memory; never NULL for none
 */
struct stw_ref *stw_member_refs(const struct stw_conf *c, size_t *n);

/** Report each reference that equals one before it, as "@what is used twice". Sorts @refs. */
void stw_check_unique(struct stw_ref *refs, size_t n, stw_ref_cmp_fn cmp, const char *what,
		      struct stw_report *report);
