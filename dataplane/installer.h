/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The installer: the one thread of the data plane that talks to control and to the kernel's tables,
 * and the only writer of what workers read by RCU. No DPDK in it: what it needs of ports comes as
 * plain values and callbacks, so that it runs in a test or under a sanitizer without EAL.
 *
 * Life, as main sees it:
 *     ports are up, twins (TAPs) exist
 *     stw_installer_new()    takes over addresses, first FIB published, socket listens
 *     workers start; a thread calls stw_installer_run()
 *     stop_fd becomes readable: run returns; workers stop
 *     stw_installer_free()   addresses given back, socket removed
 *
 * Threads: new, run and free from one thread at a time, no worker needed in between.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <strowger/endpoint.h>
#include <strowger/stats.h>

#include "control/model/model.h"
#include "dataplane/snapshot.h"

struct stw_installer;

/* A port, as far as the installer cares; index = index in the configuration. */
struct stw_installer_port {
	const struct stw_model_port *model; /* kept, not copied */
	char kernel[16]; /* the interface that has the port's addresses: its twin, or on a shared
			  * port itself; "" without a kernel side */
	char inlet[16];	 /* shared: the TAP by which we give packets to the kernel, else "" */
	uint8_t mac[6];	 /* of the port: its twin gets the same */
	uint16_t mtu;
};

/* A worker met a next hop without a MAC address. */
struct stw_neighbour_request {
	struct stw_ip ip;    /* hop.next_hop */
	uint16_t iface;	     /* hop.iface */
	uint8_t reserved[6]; /* zero: 24 bytes, compared as bytes */
};

_Static_assert(sizeof(struct stw_neighbour_request) == 24, "a queue element without padding");

/* What the rest of the data plane does for the installer. Called on the installer's thread; any of
 * them may be NULL. */
struct stw_installer_hooks {
	void *arg;
	/** Take up to @max requests the workers left. @return how many were written to @out */
	size_t (*take_requests)(void *arg, struct stw_neighbour_request *out, size_t max);
	/** False while every worker sleeps: nobody makes requests then. */
	bool (*workers_awake)(void *arg);
	/** These tables are being served from now on. */
	void (*tables_changed)(void *arg, const struct stw_tables *tables);
	/** About every 200 ms: copy the NICs' counters and link states into the stats block. */
	void (*refresh_ports)(void *arg);
};

struct stw_installer_config {
	const char *socket; /* path control connects to; its directory is made if missing */
	const struct stw_installer_port *ports; /* [n_ports], copied; what ->model points to is kept
						 */
	size_t n_ports;
	struct stw_snapshots *snapshots; /* after stw_snapshots_init() */
	struct stw_stats *stats;	 /* generation, swap_ns, heartbeat, neighbours, routes */
	int stats_fd;			 /* memfd of @stats, sent to control; not closed here */
	int stop_fd; /* readable: stw_installer_run() returns; not read, not closed */
	struct stw_installer_hooks hooks;
};

/**
 * Set up twins, read the kernel's tables, publish the first FIB, listen for control.
 *
 * @param out  on STW_OK only; free with stw_installer_free()
 * @return STW_OK, STW_ENOMEM, STW_ERANGE (more than STW_FIB_IFACES_MAX interfaces),
 *         STW_EIO (logged: which interface, address or path, and why)
 */
int stw_installer_new(const struct stw_installer_config *config, struct stw_installer **out);

/**
 * Serve until stop_fd is readable. Registers the calling thread with RCU and blocks offline.
 *
 * @return STW_OK, or STW_EIO when the loop itself cannot go on (logged)
 */
int stw_installer_run(struct stw_installer *inst);

/**
 * Give taken-over addresses back to their interfaces, remove the socket. The last snapshot stays
 * (stw_snapshots_fini()). Accepts NULL.
 */
void stw_installer_free(struct stw_installer *inst);
