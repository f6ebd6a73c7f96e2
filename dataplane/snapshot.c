/* SPDX-License-Identifier: BSD-3-Clause */

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <strowger/errors.h>

#include "dataplane/snapshot.h"

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/*
 * RCU retire: freed after a grace period; caller gives up the pointer. Debug builds poison what
 * they free, so that a reader that kept a pointer trips over it instead of finding old, good bytes.
 */
static void snapshot_free(struct stw_snapshot *snap)
{
#ifndef NDEBUG
	if (snap)
		memset(snap, 0x5a, sizeof(*snap));
#endif
	free(snap);
}

/* Publish @fresh, wait until nobody reads the one before, free that. Its parts stay. */
static void swap(struct stw_snapshots *s, struct stw_snapshot *fresh, uint64_t *swap_ns)
{
	const uint64_t start = now_ns();
	struct stw_snapshot *old = rcu_xchg_pointer(&s->current, fresh);
	synchronize_rcu();
	if (swap_ns)
		*swap_ns = now_ns() - start;
	snapshot_free(old);
	s->n_swaps++;
}

int stw_snapshots_init(struct stw_snapshots *s)
{
	struct stw_snapshot *first = calloc(1, sizeof(*first));
	struct stw_fib *fib = stw_fib_build(NULL, 0, NULL, 0, NULL, 0);
	if (!first || !fib) {
		free(first);
		stw_fib_free(fib);
		return STW_ENOMEM;
	}
	memset(s, 0, sizeof(*s));
	first->fib = fib;
	stw_snapshot_face(first, NULL, 0);
	s->fib = fib;
	s->current = first;
	stw_snapshots_tell_time(s);
	return STW_OK;
}

void stw_snapshots_tell_time(struct stw_snapshots *s)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	atomic_store_explicit(&s->boottime_ms,
			      (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u,
			      memory_order_relaxed);
}

int stw_snapshots_swap_tables(struct stw_snapshots *s, struct stw_tables *tables, uint64_t *swap_ns)
{
	struct stw_tables *old = s->tables;
	struct stw_snapshot *fresh = calloc(1, sizeof(*fresh));
	if (!fresh)
		return STW_ENOMEM;
	fresh->tables = tables;
	fresh->fib = s->fib;
	fresh->location = s->location;
	fresh->lanes = s->lanes;
	stw_snapshot_face(fresh, s->addresses, s->n_addresses);
	swap(s, fresh, swap_ns);
	s->tables = tables;
	stw_tables_free(old);
	return STW_OK;
}

int stw_snapshots_swap_fib(struct stw_snapshots *s, struct stw_fib *fib,
			   const struct stw_iface_address *addresses, size_t n_addresses,
			   uint64_t *swap_ns)
{
	struct stw_fib *old = s->fib;
	struct stw_snapshot *fresh = calloc(1, sizeof(*fresh));
	struct stw_iface_address *kept = calloc(n_addresses + 1, sizeof(*kept));
	if (!fresh || !kept) {
		free(fresh);
		free(kept);
		return STW_ENOMEM;
	}
	if (n_addresses)
		memcpy(kept, addresses, n_addresses * sizeof(*kept));
	fresh->tables = s->tables;
	fresh->fib = fib;
	fresh->location = s->location;
	fresh->lanes = s->lanes;
	stw_snapshot_face(fresh, kept, n_addresses);
	swap(s, fresh, swap_ns);
	s->fib = fib;
	free(s->addresses);
	s->addresses = kept;
	s->n_addresses = n_addresses;
	stw_fib_free(old);
	return STW_OK;
}

static void location_free(struct stw_location_map *map)
{
	if (map)
		stw_location_unmap(map);
	free(map);
}

int stw_snapshots_swap_location(struct stw_snapshots *s, const struct stw_location_map *map)
{
	struct stw_location_map *old = s->location, *kept = calloc(1, sizeof(*kept));
	struct stw_snapshot *fresh = calloc(1, sizeof(*fresh));
	if (!fresh || !kept) {
		free(fresh);
		free(kept);
		return STW_ENOMEM;
	}
	if (map)
		*kept = *map;
	fresh->tables = s->tables;
	fresh->fib = s->fib;
	fresh->location = map ? kept : NULL;
	fresh->lanes = s->lanes;
	stw_snapshot_face(fresh, s->addresses, s->n_addresses);
	swap(s, fresh, NULL);
	if (!map)
		free(kept);
	s->location = map ? kept : NULL;
	location_free(old);
	return STW_OK;
}

int stw_snapshots_swap_lanes(struct stw_snapshots *s, struct stw_lanes *lanes)
{
	struct stw_lanes *old = s->lanes;
	struct stw_snapshot *fresh = calloc(1, sizeof(*fresh));
	if (!fresh)
		return STW_ENOMEM;
	fresh->tables = s->tables;
	fresh->fib = s->fib;
	fresh->location = s->location;
	fresh->lanes = lanes;
	stw_snapshot_face(fresh, s->addresses, s->n_addresses);
	if (old)
		stw_lanes_say_taken(old, false);
	swap(s, fresh, NULL);
	s->lanes = lanes;
	if (lanes)
		stw_lanes_say_taken(lanes, true);
	stw_lanes_free(old);
	return STW_OK;
}

void stw_snapshots_fini(struct stw_snapshots *s)
{
	stw_lanes_free(s->lanes);
	location_free(s->location);
	snapshot_free(s->current);
	stw_tables_free(s->tables);
	stw_fib_free(s->fib);
	free(s->addresses);
	memset(s, 0, sizeof(*s));
}
