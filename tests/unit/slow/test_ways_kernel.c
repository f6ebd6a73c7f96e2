/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ways over what a kernel has, in a network namespace of the test's own; needs root, and skips
 * without.
 */
#include "tests/unit/dataplane/netns.h"

#include <ev.h>

#include <strowger/errors.h>

#include "control/slow/route_watch.h"
#include "control/slow/ways.h"
#include "tests/support/ip.h"

static int set_up(void **state)
{
	(void)state;
	return netns_enter_routed();
}

static struct stw_hop hop(const struct stw_ways *w, const char *to)
{
	const struct stw_ip dst = ip(to);
	struct stw_hop out;

	assert_int_equal(stw_fib_lookup(w->fib, &dst, &out), STW_OK);
	return out;
}

static void assert_by(const struct stw_ways *w, const char *to, const char *gateway, uint16_t vlan)
{
	const struct stw_hop h = hop(w, to);
	const struct stw_ip want = ip(gateway);

	assert_int_not_equal(h.iface, w->nowhere);
	assert_true(stw_ip_equal(&h.next_hop, &want));
	assert_int_equal(stw_fib_iface(w->fib, h.iface)->vlan, vlan);
}

static void routes_that_only_the_kernel_has_are_known(void **state)
{
	struct stw_model_port port = {.device = "net_af_xdp0,iface=dp0",
				      .kernel = STW_KERNEL_SIDE_SHARED};
	const struct stw_model m = {.ports = &port, .n_ports = 1};
	struct stw_ways w;

	(void)state;
	assert_int_equal(stw_ways_build(&m, &w), STW_OK);
	assert_by(&w, "192.0.2.9", "192.0.2.9", 0);
	assert_by(&w, "203.0.113.9", "192.0.2.254", 0);
	assert_by(&w, "2001:db8:77::9", "2001:db8::fe", 0);
	assert_int_equal(hop(&w, "198.51.100.9").iface, w.nowhere);
	stw_ways_fini(&w);
}

static void vlans_of_a_shared_port_are_found_by_another_name(void **state)
{
	uint16_t vlans[] = {100};
	struct stw_model_port port = {.device = "net_af_xdp0,iface=dp0",
				      .kernel = STW_KERNEL_SIDE_SHARED,
				      .vlans = vlans,
				      .n_vlans = 1};
	const struct stw_model m = {.ports = &port, .n_ports = 1};
	struct stw_ways w;
	const struct stw_ip own = ip("10.100.0.1");
	bool found = false;

	(void)state;
	must_sh("ip link add voice type veth peer name vfar && ip link set voice up &&"
		" ip link set vfar up && ip link property add dev voice altname dp0.100 &&"
		" ip addr add 10.100.0.1/24 dev voice");
	assert_int_equal(stw_ways_build(&m, &w), STW_OK);
	assert_by(&w, "10.100.0.9", "10.100.0.9", 100);
	assert_by(&w, "192.0.2.9", "192.0.2.9", 0);
	for (size_t i = 0; i < w.n_addresses; i++)
		if (stw_ip_equal(&w.addresses[i].ip, &own))
			found |= stw_fib_iface(w.fib, w.addresses[i].iface)->vlan == 100;
	assert_true(found);
	stw_ways_fini(&w);
}

/* A twin's routes are the kernel's once it is there; before that the file's. */
static void the_file_counts_until_the_twin_is_there(void **state)
{
	struct stw_model_address address = {.prefix = {ip("192.0.2.1"), 24}};
	struct stw_model_route route = {.to = {ip("203.0.113.0"), 24}, .via = ip("192.0.2.77")};
	struct stw_model_port port = {.kernel = STW_KERNEL_SIDE_TWIN,
				      .twin = "later0",
				      .addresses = &address,
				      .n_addresses = 1,
				      .routes = &route,
				      .n_routes = 1};
	const struct stw_model m = {.ports = &port, .n_ports = 1};
	struct stw_ways w;

	(void)state;
	assert_int_equal(stw_ways_build(&m, &w), STW_OK);
	assert_by(&w, "203.0.113.9", "192.0.2.77", 0);
	stw_ways_fini(&w);
	must_sh("ip link set dp0 down && ip link set dp0 name later0 && ip link set later0 up &&"
		" ip route add 203.0.113.0/24 via 192.0.2.254");
	assert_int_equal(stw_ways_build(&m, &w), STW_OK);
	assert_by(&w, "203.0.113.9", "192.0.2.254", 0);
	stw_ways_fini(&w);
}

static void count(void *arg)
{
	++*(unsigned *)arg;
}

static void changes_are_told_together(void **state)
{
	struct ev_loop *loop = ev_loop_new(0);
	unsigned told = 0;
	struct stw_route_watch *watch;

	(void)state;
	assert_non_null(loop);
	watch = stw_route_watch_new(loop, count, &told);
	assert_non_null(watch);
	ev_run(loop, EVRUN_NOWAIT);
	must_sh("for i in 1 2 3 4 5 6 7 8 9; do"
		" ip route add 10.$i.0.0/16 via 192.0.2.254 || exit 1; done");
	while (told == 0)
		ev_run(loop, EVRUN_ONCE);
	ev_run(loop, EVRUN_NOWAIT);
	assert_int_equal(told, 1);
	must_sh("ip addr add 192.0.2.2/24 dev dp0");
	while (told == 1)
		ev_run(loop, EVRUN_ONCE);
	stw_route_watch_free(watch);
	stw_route_watch_free(NULL);
	ev_loop_destroy(loop);
}

int main(void)
{
#define IN_NETNS(t) cmocka_unit_test_setup_teardown(t, set_up, netns_tear_down)
	const struct CMUnitTest tests[] = {
		IN_NETNS(routes_that_only_the_kernel_has_are_known),
		IN_NETNS(vlans_of_a_shared_port_are_found_by_another_name),
		IN_NETNS(the_file_counts_until_the_twin_is_there),
		IN_NETNS(changes_are_told_together),
	};

	if (!netns_possible()) {
		puts("1..0 # SKIP needs root");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
