/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The snapshot by which control decides. Its FIB is what the data plane's is: addresses and routes
 * that the kernel has on the ports' interfaces at this moment; or what the configuration says of
 * ports that have no interface, or not yet. Which port faces an address tells which listener speaks
 * for us there. Where the slow path's messages go the kernel decides, by more routes than these:
 * what none of them covers goes by the first port.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/model/model.h"
#include "dataplane/route/route.h"

struct stw_ways {
	struct stw_fib *fib;
	struct stw_iface_address *addresses;
	size_t n_addresses;
	uint64_t kernel_ports; /* bit: the port has a kernel side */
	uint16_t nowhere;      /* interface of what no route covers */
};

/** @param out on STW_OK only; free with stw_ways_fini(). @return STW_OK, STW_ENOMEM */
int stw_ways_build(const struct stw_model *m, struct stw_ways *out);

/** Whether what the kernel sends can leave by that interface of the FIB. */
bool stw_ways_has_kernel(const struct stw_ways *w, uint16_t iface);

/** A snapshot of @tables and @w, which must both outlive it. */
void stw_ways_snapshot(const struct stw_ways *w, const struct stw_tables *tables,
		       struct stw_snapshot *out);

/** All zero is fine. */
void stw_ways_fini(struct stw_ways *w);
