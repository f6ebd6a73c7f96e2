/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The snapshot by which the slow path decides. Its FIB comes from the configuration, and for shared
 * ports from the addresses of their interfaces, alone: which
 * port faces an address tells which listener speaks for us there. The kernel does the sending, so
 * gateways and neighbours are not in it, and what no subnet or route covers goes by the first port.
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
