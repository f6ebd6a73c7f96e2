/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The kernel's addresses, routes (table main) and neighbours of our interfaces, kept up to date by
 * rtnetlink events, and read again whole when events were lost or a link changed: the kernel drops
 * routes of a link that goes down without telling each.
 *
 * Routes over interfaces that are not ours are not there, as far as the data plane is concerned.
 *
 * Threads: installer only.
 */

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/ifaces.h"
#include "dataplane/netlink/rows.h"
#include "dataplane/netlink/rtnl.h"

struct stw_mirror {
	struct mnl_socket *events; /* non-blocking, subscribed */
	struct stw_rtnl *rtnl;	   /* for dumps */
	const struct stw_ifaces *ifaces;
	struct stw_rows addresses;
	struct stw_rows routes;
	struct stw_rows neighbours;
	bool changed;	    /* a FIB made before is out of date; whoever makes one clears it */
	bool links_changed; /* look the interfaces up again, then resync */
	bool lost;	    /* resync */
	bool watch_links;   /* an interface of ours is missing: any new link may be it */
	bool doubled;	    /* some prefix has two ways; one removed, the other must be found */
	bool dumping;
	uint64_t n_overruns;
	uint64_t n_resyncs;
};

/** Subscribe, then read everything. @return STW_OK, STW_EIO (logged), STW_ENOMEM */
int stw_mirror_init(struct stw_mirror *m, const struct stw_ifaces *ifaces, struct stw_rtnl *rtnl);

/** Descriptor to poll for reading. */
int stw_mirror_fd(const struct stw_mirror *m);

/**
 * Take the events that wait, at most about a thousand.
 *
 * @return STW_OK (m->changed, links_changed and lost say what to do), STW_EIO
 */
int stw_mirror_read(struct stw_mirror *m);

/** Read the kernel's tables whole. Clears links_changed and lost. @return as stw_mirror_init() */
int stw_mirror_resync(struct stw_mirror *m);

/** Add what is known to the rows of a FIB. */
void stw_mirror_collect(const struct stw_mirror *m, struct stw_fib_input *in);

enum stw_neighbour_state {
	STW_NEIGHBOUR_UNKNOWN, /* ask */
	STW_NEIGHBOUR_AGED,    /* usable; the kernel would like to hear of it again: ask */
	STW_NEIGHBOUR_GOOD,
};

/** How well the kernel knows (@iface, @ip). */
enum stw_neighbour_state stw_mirror_neighbour(const struct stw_mirror *m, uint16_t iface,
					      const struct stw_ip *ip);

/**
 * Neighbours the kernel has not heard of for a while. Our traffic does not make it look again, as
 * its own would, so a host that came back with another MAC address would stay lost to us.
 *
 * @param cursor  where to go on, 0 at first; the caller keeps it
 * @param out     [max]
 * @return rows written
 */
size_t stw_mirror_aged(const struct stw_mirror *m, uint32_t *cursor,
		       struct stw_neighbour_request *out, size_t max);

/** Accepts one whose init failed. */
void stw_mirror_fini(struct stw_mirror *m);
