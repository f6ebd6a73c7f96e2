/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The one RCU root: what workers read is a struct stw_snapshot (dataplane/route/route.h), replaced
 * whole whenever its tables or its FIB change, and shared in its parts: new tables take the FIB of
 * before along, a new FIB the tables.
 *
 *     build (may fail, invisible) -> publish (one pointer) -> grace period -> free
 *
 * Threads: the installer writes, workers read one pointer a burst. Ownership: the root owns the
 * snapshot, its tables, its FIB and the addresses; stw_snapshots_fini() frees them all.
 */

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <strowger/urcu.h>

#include "dataplane/lane/lanes.h"
#include "dataplane/location/find.h"
#include "dataplane/route/fib.h"
#include "dataplane/route/route.h"
#include "dataplane/table/lookup.h"

struct stw_snapshots {
	struct stw_snapshot *current; /* RCU root; never NULL between init and fini */
	/* CLOCK_BOOTTIME as the installer read it a moment ago, for workers, who read no clock of
	 * the system; 0: it has not yet. */
	_Atomic uint64_t boottime_ms;

	/* The installer's own view of what it published; no reader looks here. */
	struct stw_tables *tables __attribute__((aligned(64)));
	struct stw_fib *fib;
	struct stw_location_map *location; /* NULL: none */
	struct stw_lanes *lanes;	   /* NULL: none */
	struct stw_iface_address *addresses;
	size_t n_addresses;
	uint64_t n_swaps;
};

/**
 * Publish the first snapshot: no tables, a FIB without interfaces.
 *
 * @return STW_OK or STW_ENOMEM
 *
 * RCU writer: installer thread only (or before any reader exists).
 */
int stw_snapshots_init(struct stw_snapshots *s);

/** Read the clock for workers. Installer thread only, a few times a second. */
void stw_snapshots_tell_time(struct stw_snapshots *s);

/**
 * What is being served, for one burst.
 *
 * @return never NULL
 *
 * RCU reader: online worker only.  Fast path: yes.
 * RCU borrowed: dead at this thread's next quiescent state.
 */
static inline const struct stw_snapshot *stw_snapshot_rcu(const struct stw_snapshots *s)
{
	return rcu_dereference(s->current);
}

/**
 * Serve other tables: publish, wait for the grace period, free the old ones.
 *
 * @param tables   taken over on STW_OK, still the caller's on error
 * @param swap_ns  from publishing to the end of the grace period; may be NULL
 * @return STW_OK or STW_ENOMEM (nothing changed)
 *
 * RCU writer: installer thread only; blocks for a grace period.
 */
int stw_snapshots_swap_tables(struct stw_snapshots *s, struct stw_tables *tables,
			      uint64_t *swap_ns);

/**
 * Serve another FIB, made from @addresses as well: publish, wait, free the old one.
 *
 * @param fib        taken over on STW_OK, still the caller's on error
 * @param addresses  [n_addresses] of all interfaces, copied: they decide which listener faces
 *                   which interface
 * @param swap_ns    as above; may be NULL
 * @return STW_OK or STW_ENOMEM (nothing changed)
 *
 * RCU writer: installer thread only; blocks for a grace period.
 */
int stw_snapshots_swap_fib(struct stw_snapshots *s, struct stw_fib *fib,
			   const struct stw_iface_address *addresses, size_t n_addresses,
			   uint64_t *swap_ns);

/**
 * Find users in another location table: publish, wait, unmap the old one.
 *
 * @param map  copied; NULL: in none, control locates
 * @return STW_OK or STW_ENOMEM (nothing changed)
 *
 * RCU writer: installer thread only; blocks for a grace period.
 */
int stw_snapshots_swap_location(struct stw_snapshots *s, const struct stw_location_map *map);

/**
 * Hand over to control by other lanes: publish, wait, free the old ones.
 *
 * @param lanes  taken over on STW_OK; NULL: there are none, the kernel sides have it
 * @return STW_OK or STW_ENOMEM (nothing changed)
 *
 * RCU writer: installer thread only; blocks for a grace period.
 */
int stw_snapshots_swap_lanes(struct stw_snapshots *s, struct stw_lanes *lanes);

/** Free everything. No reader may be left. */
void stw_snapshots_fini(struct stw_snapshots *s);
