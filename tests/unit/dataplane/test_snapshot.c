/* SPDX-License-Identifier: BSD-3-Clause */

/**
 * @file
 * The snapshot root without readers: parts replaced one by one, and which listener faces which
 * interface. Readers are in test_rcu.c.
 */

#include "tests/unit/dataplane/farm_tables.h"

#include "dataplane/snapshot.h"

static const struct stw_iface two[2] = {{.port = 0, .mtu = 1500}, {.port = 1, .mtu = 1500}};

static struct stw_fib *fib(void)
{
	struct stw_fib *f = stw_fib_build(two, 2, NULL, 0, NULL, 0);
	assert_non_null(f);
	return f;
}

static struct stw_ip farm_v4(void)
{
	return stw_farm_v4(192, 0, 2, 1, 5060).ip;
}

static void first_snapshot_has_a_fib_and_no_tables(void **state)
{
	struct stw_snapshots s;
	(void)state;
	assert_int_equal(stw_snapshots_init(&s), STW_OK);
	assert_null(stw_snapshot_rcu(&s)->tables);
	assert_non_null(stw_snapshot_rcu(&s)->fib);
	assert_int_equal(stw_fib_n_ifaces(stw_snapshot_rcu(&s)->fib), 0);
	assert_int_equal(stw_snapshot_rcu(&s)->facing[0][0], STW_NO_LISTENER);
	stw_snapshots_fini(&s);
}

static void parts_are_replaced_one_by_one(void **state)
{
	struct stw_snapshots s;
	struct stw_tables *t = farm_tables(1);
	struct stw_fib *f = fib();
	uint64_t swap_ns = UINT64_MAX;
	(void)state;
	assert_int_equal(stw_snapshots_init(&s), STW_OK);
	assert_int_equal(stw_snapshots_swap_tables(&s, t, &swap_ns), STW_OK);
	assert_int_not_equal(swap_ns, UINT64_MAX);
	assert_ptr_equal(stw_snapshot_rcu(&s)->tables, t);
	assert_int_equal(stw_fib_n_ifaces(stw_snapshot_rcu(&s)->fib), 0);
	assert_int_equal(stw_snapshots_swap_fib(&s, f, NULL, 0, NULL), STW_OK);
	assert_ptr_equal(stw_snapshot_rcu(&s)->tables, t);
	assert_ptr_equal(stw_snapshot_rcu(&s)->fib, f);
	t = farm_tables(2);
	assert_int_equal(stw_snapshots_swap_tables(&s, t, NULL), STW_OK);
	assert_ptr_equal(stw_snapshot_rcu(&s)->tables, t);
	assert_ptr_equal(stw_snapshot_rcu(&s)->fib, f);
	assert_int_equal(s.n_swaps, 3);
	stw_snapshots_fini(&s);
}

static void listener_faces_the_interface_that_has_its_address(void **state)
{
	struct stw_farm farm;
	struct stw_image image;
	struct stw_tables *t = NULL;
	char reason[160];
	struct stw_snapshot snap = {0};
	(void)state;
	stw_farm_init(&farm, 1);
	/* 0: 192.0.2.1, 1: [2001:db8::1], 2: 203.0.113.1, 3: 203.0.113.1 port 5080 */
	farm.listeners[2].address = stw_farm_v4(203, 0, 113, 1, 5060);
	farm.listeners[3].address = stw_farm_v4(203, 0, 113, 1, 5080);
	farm.model.n_listeners = 4;
	assert_int_equal(stw_image_build(&farm.model, NULL, 1, &image), STW_OK);
	assert_int_equal(stw_tables_new(image.bytes, image.size_bytes, reason, sizeof(reason), &t),
			 STW_OK);
	const struct stw_iface_address addresses[] = {
		{.ip = farm_v4(), .iface = 0},
		{.ip = stw_farm_v4(203, 0, 113, 1, 0).ip, .iface = 7},
		{.ip = stw_farm_v6(1, 0).ip, .iface = 7},
		{.ip = farm_v4(), .iface = STW_FIB_IFACES_MAX},
	};
	snap.tables = t;
	stw_snapshot_face(&snap, addresses, 4);
	assert_int_equal(snap.facing[0][0], 0);
	assert_int_equal(snap.facing[7][0], 2);
	assert_int_equal(snap.facing[7][1], 1);
	/* The first of the family, where no interface has a listener's address. */
	assert_int_equal(snap.facing[0][1], 1);
	assert_int_equal(snap.facing[255][0], 0);
	stw_tables_free(t);
	stw_image_fini(&image);
}

static void no_listener_of_a_family_faces_nothing(void **state)
{
	struct stw_farm farm;
	struct stw_image image;
	struct stw_tables *t = NULL;
	char reason[160];
	struct stw_snapshot snap = {0};
	(void)state;
	stw_farm_init(&farm, 1);
	farm.model.n_listeners = 1;
	assert_int_equal(stw_image_build(&farm.model, NULL, 1, &image), STW_OK);
	assert_int_equal(stw_tables_new(image.bytes, image.size_bytes, reason, sizeof(reason), &t),
			 STW_OK);
	snap.tables = t;
	stw_snapshot_face(&snap, NULL, 0);
	assert_int_equal(snap.facing[3][0], 0);
	assert_int_equal(snap.facing[3][1], STW_NO_LISTENER);
	stw_tables_free(t);
	stw_image_fini(&image);
}

static void facing_follows_either_part(void **state)
{
	struct stw_snapshots s;
	const struct stw_iface_address on_second = {.ip = farm_v4(), .iface = 1};
	(void)state;
	assert_int_equal(stw_snapshots_init(&s), STW_OK);
	assert_int_equal(stw_snapshots_swap_fib(&s, fib(), &on_second, 1, NULL), STW_OK);
	assert_int_equal(stw_snapshot_rcu(&s)->facing[1][0], STW_NO_LISTENER);
	assert_int_equal(stw_snapshots_swap_tables(&s, farm_tables(1), NULL), STW_OK);
	assert_int_equal(stw_snapshot_rcu(&s)->facing[1][0], 0);
	stw_snapshots_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_snapshot_has_a_fib_and_no_tables),
		cmocka_unit_test(parts_are_replaced_one_by_one),
		cmocka_unit_test(listener_faces_the_interface_that_has_its_address),
		cmocka_unit_test(no_listener_of_a_family_faces_nothing),
		cmocka_unit_test(facing_follows_either_part),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
