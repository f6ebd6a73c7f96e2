/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <strowger/errors.h>

#include "control/slow/ways.h"
#include "control/tables/build.h"
#include "dataplane/table/lookup.h"
#include "tests/support/farm.h"

/* Two ports, the second with a VLAN; listeners on each, and one whose address no port carries. */
struct world {
	struct stw_farm farm;
	struct stw_model_port ports[2];
	struct stw_model_address outside[2], inside[2];
	struct stw_model_route routes[2];
	struct stw_tables *tables;
	struct stw_ways ways;
	struct stw_snapshot snap;
};

static struct stw_model_address on(struct stw_endpoint ep, uint8_t bits, uint16_t vlan)
{
	return (struct stw_model_address){.prefix = {ep.ip, bits}, .vlan = vlan};
}

static void make_ports(struct world *w)
{
	w->outside[0] = on(stw_farm_v4(192, 0, 2, 1, 0), 24, 0);
	w->outside[1] = on(stw_farm_v6(1, 0), 64, 0);
	w->inside[0] = on(stw_farm_v4(198, 51, 100, 1, 0), 24, 0);
	w->inside[1] = on(stw_farm_v4(10, 0, 0, 1, 0), 8, 7);
	w->routes[0] =
		(struct stw_model_route){.to = {stw_farm_v4(203, 0, 113, 0, 0).ip, 24}, .vlan = 7};
	w->routes[1] = (struct stw_model_route){.to = {stw_farm_v4(0, 0, 0, 0, 0).ip, 0}};
	w->ports[0] = (struct stw_model_port){.addresses = w->outside, .n_addresses = 2};
	w->ports[1] = (struct stw_model_port){.addresses = w->inside,
					      .n_addresses = 2,
					      .routes = w->routes,
					      .n_routes = 2};
	w->farm.model.ports = w->ports;
	w->farm.model.n_ports = 2;
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct stw_image image;
	char reason[160];

	assert_non_null(w);
	stw_farm_init(&w->farm, 1);
	make_ports(w);
	w->farm.listeners[2].address = stw_farm_v4(198, 51, 100, 1, 5060);
	w->farm.listeners[3].address = stw_farm_v4(10, 0, 0, 1, 5060);
	w->farm.model.n_listeners = 4;
	assert_int_equal(stw_image_build(&w->farm.model, NULL, 1, &image), STW_OK);
	assert_int_equal(stw_tables_new(image.bytes, image.size_bytes, reason, sizeof(reason),
					&w->tables),
			 STW_OK);
	stw_image_fini(&image);
	assert_int_equal(stw_ways_build(&w->farm.model, &w->ways), STW_OK);
	stw_ways_snapshot(&w->ways, w->tables, &w->snap);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	stw_ways_fini(&w->ways);
	stw_tables_free(w->tables);
	free(w);
	return 0;
}

/* Listener that speaks for us towards @to. */
static uint16_t speaker(const struct world *w, struct stw_endpoint to)
{
	struct stw_hop hop;

	assert_int_equal(stw_fib_lookup(w->snap.fib, &to.ip, &hop), STW_OK);
	return w->snap.facing[hop.iface][!stw_ip_is_v4(&to.ip)];
}

static void the_longest_prefix_of_subnets_and_routes_tells_the_listener(void **state)
{
	const struct world *w = *state;

	assert_int_equal(speaker(w, stw_farm_v4(192, 0, 2, 77, 0)), 0);
	assert_int_equal(speaker(w, stw_farm_v4(198, 51, 100, 77, 0)), 2);
	assert_int_equal(speaker(w, stw_farm_v4(10, 9, 9, 9, 0)), 3);
	assert_int_equal(speaker(w, stw_farm_v4(203, 0, 113, 9, 0)), 3);
	assert_int_equal(speaker(w, stw_farm_v6(77, 0)), 1);
}

static void what_nothing_covers_goes_by_the_default_or_the_first_port(void **state)
{
	const struct world *w = *state;
	struct stw_endpoint far6 = stw_farm_v6(9, 0);

	far6.ip.b[1] = 0x99;
	assert_int_equal(speaker(w, stw_farm_v4(8, 8, 8, 8, 0)), 2);
	assert_int_equal(speaker(w, far6), 1);
}

static void a_model_without_ports_still_has_ways(void **state)
{
	const struct world *w = *state;
	struct stw_model m = {.n_ports = 0};
	struct stw_ways ways;
	struct world bare = *w;

	assert_int_equal(stw_ways_build(&m, &ways), STW_OK);
	stw_ways_snapshot(&ways, w->tables, &bare.snap);
	assert_int_equal(speaker(&bare, stw_farm_v4(198, 51, 100, 77, 0)), 0);
	stw_ways_fini(&ways);
}

/* The loopback interface has its address everywhere. */
static void shared_ports_have_their_interfaces_addresses(void **state)
{
	struct stw_model_port port = {.device = "net_af_xdp0,iface=lo",
				      .kernel = STW_KERNEL_SIDE_SHARED};
	const struct stw_model m = {.ports = &port, .n_ports = 1};
	const struct stw_endpoint local = stw_farm_v4(127, 0, 0, 1, 0);
	struct stw_ways ways;
	bool found = false;

	(void)state;
	assert_int_equal(stw_ways_build(&m, &ways), STW_OK);
	for (size_t i = 0; i < ways.n_addresses; i++)
		found |= stw_ip_equal(&ways.addresses[i].ip, &local.ip);
	assert_true(found);
	stw_ways_fini(&ways);
	strcpy(port.device, "net_af_xdp0,iface=nothere0");
	assert_int_equal(stw_ways_build(&m, &ways), STW_OK);
	assert_int_equal(ways.n_addresses, 0);
	stw_ways_fini(&ways);
}

int main(void)
{
#define WAYS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shared_ports_have_their_interfaces_addresses),
		WAYS_TEST(the_longest_prefix_of_subnets_and_routes_tells_the_listener),
		WAYS_TEST(what_nothing_covers_goes_by_the_default_or_the_first_port),
		WAYS_TEST(a_model_without_ports_still_has_ways),
	};
	return cmocka_run_group_tests_name("ways", tests, NULL, NULL);
}
