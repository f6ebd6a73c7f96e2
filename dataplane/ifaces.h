/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The interfaces of the data plane (each port untagged, and each VLAN its configuration names) with
 * fixed indexes for the life of the process, and the rows a FIB is made of, gathered from the
 * configuration here and from the kernel by netlink/mirror.h.
 *
 * Threads: installer only.
 */

#include <stddef.h>
#include <stdint.h>

#include "dataplane/installer.h"
#include "dataplane/route/fib.h"
#include "dataplane/route/route.h"

struct stw_ifaces {
	struct stw_iface rows[STW_FIB_IFACES_MAX];
	size_t n;
};

/**
 * Number the interfaces: by port, untagged first, then VLANs ascending.
 *
 * @return STW_OK, STW_ERANGE (more than STW_FIB_IFACES_MAX)
 */
int stw_ifaces_init(struct stw_ifaces *x, const struct stw_installer_port *ports, size_t n_ports);

/** @return the index, or -1 */
int stw_ifaces_find(const struct stw_ifaces *x, size_t port, uint16_t vlan);

/** By the kernel's interface index, not 0. @return the index, or -1 */
int stw_ifaces_find_kernel(const struct stw_ifaces *x, uint32_t ifindex);

/* Growing arrays; @err sticks at the first failure. */
struct stw_fib_input {
	struct stw_fib_route *routes;
	struct stw_fib_neighbour *neighbours;
	struct stw_iface_address *addresses;
	size_t n_routes;
	size_t n_neighbours;
	size_t n_addresses;
	size_t routes_room;
	size_t neighbours_room;
	size_t addresses_room;
	int err; /* STW_OK or STW_ENOMEM */
};

void stw_fib_input_route(struct stw_fib_input *in, const struct stw_fib_route *row);
void stw_fib_input_neighbour(struct stw_fib_input *in, const struct stw_fib_neighbour *row);
void stw_fib_input_address(struct stw_fib_input *in, const struct stw_iface_address *row);

/** Forget the rows, keep the memory. */
void stw_fib_input_clear(struct stw_fib_input *in);

void stw_fib_input_fini(struct stw_fib_input *in);

/** Add what the configuration says of ports without a kernel side. */
void stw_fib_input_static(struct stw_fib_input *in, const struct stw_ifaces *x,
			  const struct stw_installer_port *ports, size_t n_ports);
