/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Dress a port's twin (a TAP with the port's MAC) as the configuration says: MAC, MTU, up, VLAN
 * interfaces, addresses, routes, static neighbours. Where a kernel interface lies under the port
 * (net_af_xdp, net_af_packet) and has the very same address, the address is taken over: removed
 * there, and given back with its routes at the end.
 *
 * Threads: installer only.
 */

#include <stddef.h>

#include "dataplane/ifaces.h"
#include "dataplane/installer.h"
#include "dataplane/netlink/rtnl.h"

struct stw_undo; /* a request that takes back what was done */

struct stw_twins {
	const struct stw_installer_port *ports;
	size_t n_ports;
	struct stw_ifaces *ifaces;
	struct stw_rtnl *rtnl;
	struct stw_undo *undo; /* last done first */
	char notes[128];       /* file with what to give back, for whoever follows a kill */
};

/**
 * Set up all twins and write their interface indexes into @ifaces.
 *
 * @param notes  file where taken addresses are written down until they are given back: a process
 *               that is killed leaves it, and the next one gives back what it took
 * @return STW_OK, STW_EIO (logged), STW_ENOMEM; call stw_twins_fini() in any case
 */
int stw_twins_init(struct stw_twins *t, const struct stw_installer_port *ports, size_t n_ports,
		   struct stw_ifaces *ifaces, struct stw_rtnl *rtnl, const char *notes);

/**
 * Look up the interface indexes by name again: links came or went.
 *
 * @return true when all are there
 */
bool stw_twins_rebind(struct stw_twins *t);

/** Name of interface @i's kernel side ("dp0", "dp0.100", on a shared port "eth0"), "" without one.
 * @param out [16] */
void stw_twin_name(const struct stw_twins *t, size_t i, char out[16]);

/** Undo all, backwards: addresses, routes and VLAN interfaces off, taken addresses given back. */
void stw_twins_fini(struct stw_twins *t);
