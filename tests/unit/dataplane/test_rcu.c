/* SPDX-License-Identifier: BSD-3-Clause */

/**
 * @file
 * Readers against an installer that swaps tiny tables and FIBs all the time. Each snapshot a reader
 * takes must be whole (contents as its generation says), never older than the one before, and never
 * freed under it: freed tables are poisoned, and under a sanitizer freed for real.
 *
 * Bounded by swaps: a reader ends when it has seen the last ones.
 */

#include "tests/unit/dataplane/farm_tables.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "dataplane/snapshot.h"
#include "tests/unit/dataplane/poison.h"

#define READERS	 3u
#define SWAPS	 2000u /* of each kind */
#define FIB_ADDR 8u

struct reader {
	pthread_t thread;
	struct stw_snapshots *snapshots;
	unsigned habit; /* how it leaves its read sections */
	uint64_t generation;
	uint64_t serial;
	uint64_t n_snapshots;
	const char *wrong;
};

static const struct stw_iface_address address_of_first = {.iface = 0};

/* FIB number @serial: all its neighbours carry the number in their MAC address. */
static struct stw_fib *serial_fib(uint64_t serial)
{
	const struct stw_iface iface = {.mtu = (uint16_t)(1280 + serial % 200)};
	const struct stw_fib_route route = {.prefix = stw_farm_v4(192, 0, 2, 0, 0).ip,
					    .bits = 120,
					    .on_link = true};
	struct stw_fib_neighbour n[FIB_ADDR];
	for (uint8_t i = 0; i < FIB_ADDR; i++) {
		n[i] = (struct stw_fib_neighbour){
			.ip = stw_farm_v4(192, 0, 2, (uint8_t)(i + 1), 0).ip};
		memcpy(n[i].mac, &serial, sizeof(n[i].mac));
	}
	return stw_fib_build(&iface, 1, &route, 1, n, 1 + serial % FIB_ADDR);
}

static uint64_t mac_serial(const struct stw_hop *hop)
{
	uint64_t serial = 0;
	memcpy(&serial, hop->mac, sizeof(hop->mac));
	return serial;
}

static const char *check_fib(const struct stw_fib *fib, uint64_t *serial)
{
	const size_t n = stw_fib_n_neighbours(fib);
	uint64_t first = 0;
	for (uint8_t i = 0; i < n; i++) {
		struct stw_hop hop;
		const struct stw_ip dst = stw_farm_v4(192, 0, 2, (uint8_t)(i + 1), 0).ip;
		if (stw_fib_lookup(fib, &dst, &hop) != STW_OK || !hop.resolved)
			return "a neighbour is missing";
		if (i == 0)
			first = mac_serial(&hop);
		if (mac_serial(&hop) != first)
			return "a FIB of two pieces";
	}
	if (n != 1 + first % FIB_ADDR || stw_fib_iface(fib, 0)->mtu != 1280 + first % 200)
		return "a FIB that is not what its number says";
	if (first < *serial)
		return "a FIB older than the one before";
	*serial = first;
	return NULL;
}

static const char *check_tables(const struct stw_tables *t, uint64_t *generation)
{
	uint64_t g;
	if (is_poisoned(t, 16))
		return "freed tables";
	g = stw_tables_generation(t);
	if (g < *generation)
		return "tables older than those before";
	if (stw_tables_n_members(t) != farm_members(g))
		return "tables with another generation's members";
	for (uint16_t i = 0; i < farm_members(g); i++)
		if (stw_tables_member(t, i)->number != farm_number(g, i))
			return "tables with another generation's numbers";
	*generation = g;
	return NULL;
}

static const char *check_snapshot(struct reader *r)
{
	const struct stw_snapshot *snap = stw_snapshot_rcu(r->snapshots);
	const char *wrong = check_fib(snap->fib, &r->serial);
	if (!wrong && snap->tables)
		wrong = check_tables(snap->tables, &r->generation);
	if (!wrong && snap->facing[0][0] != (snap->tables ? 0 : STW_NO_LISTENER))
		wrong = "facing does not fit the tables";
	return wrong;
}

/* As a worker between two bursts, idle, or asleep. */
static void leave(const struct reader *r)
{
	rcu_quiescent_state();
	/* Else, with fewer cores than readers, each grace period takes a scheduler's turn. */
	if (r->habit == 0 && r->n_snapshots % 256 == 0)
		sched_yield();
	if (r->habit == 1 && r->n_snapshots % 16 == 0)
		sched_yield();
	if (r->habit == 2 && r->n_snapshots % 64 == 0) {
		rcu_thread_offline();
		sched_yield();
		rcu_thread_online();
	}
}

static void *read_on(void *arg)
{
	struct reader *r = arg;
	rcu_register_thread();
	while (!r->wrong && (r->generation < SWAPS || r->serial < SWAPS)) {
		rcu_read_lock();
		r->wrong = check_snapshot(r);
		rcu_read_unlock();
		r->n_snapshots++;
		leave(r);
	}
	rcu_unregister_thread();
	return NULL;
}

static void swap_both(struct stw_snapshots *s, uint64_t g)
{
	struct stw_fib *fib = serial_fib(g);
	assert_non_null(fib);
	assert_int_equal(stw_snapshots_swap_fib(s, fib, &address_of_first, 1, NULL), STW_OK);
	assert_int_equal(stw_snapshots_swap_tables(s, farm_tables(g), NULL), STW_OK);
}

static void readers_never_see_what_is_freed(void **state)
{
	struct reader readers[READERS] = {0};
	struct stw_snapshots s;
	(void)state;
	stw_tables_set_allocator(poison_alloc, poison_free);
	assert_int_equal(stw_snapshots_init(&s), STW_OK);
	swap_both(&s, 1);
	for (unsigned i = 0; i < READERS; i++) {
		readers[i].snapshots = &s;
		readers[i].habit = i;
		assert_int_equal(pthread_create(&readers[i].thread, NULL, read_on, &readers[i]), 0);
	}
	for (uint64_t g = 2; g <= SWAPS; g++)
		swap_both(&s, g);
	for (unsigned i = 0; i < READERS; i++) {
		pthread_join(readers[i].thread, NULL);
		if (readers[i].wrong)
			fail_msg("reader %u, generation %llu, FIB %llu: %s", i,
				 (unsigned long long)readers[i].generation,
				 (unsigned long long)readers[i].serial, readers[i].wrong);
		assert_int_equal(readers[i].generation, SWAPS);
		assert_int_equal(readers[i].serial, SWAPS);
	}
	stw_snapshots_fini(&s);
	stw_tables_set_allocator(NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(readers_never_see_what_is_freed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
