/* SPDX-License-Identifier: BSD-3-Clause */

/**
 * @file
 * The FIB: stated cases by hand, and random tables of both families against a look-up that walks
 * every route and every neighbour.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include <strowger/errors.h>

#include "dataplane/route/fib.h"
#include "tests/support/ip.h"

#define N_IFACES 4u

static const struct stw_iface ifaces[N_IFACES] = {
	{.kernel_ifindex = 11, .port = 0, .mtu = 1500, .mac = {2, 0, 0, 0, 0, 1}},
	{.kernel_ifindex = 12, .port = 0, .vlan = 100, .mtu = 1500, .mac = {2, 0, 0, 0, 0, 1}},
	{.kernel_ifindex = 13, .port = 1, .mtu = 9000, .mac = {2, 0, 0, 0, 0, 2}},
	{.port = 2, .mtu = 1280, .mac = {2, 0, 0, 0, 0, 3}},
};

static struct stw_fib_route on_link(const char *prefix, uint8_t bits, uint16_t iface)
{
	return (struct stw_fib_route){.prefix = ip(prefix),
				      .bits = bits,
				      .on_link = true,
				      .iface = iface};
}

static struct stw_fib_route via(const char *prefix, uint8_t bits, const char *gateway,
				uint16_t iface, uint32_t metric)
{
	return (struct stw_fib_route){.prefix = ip(prefix),
				      .bits = bits,
				      .gateway = ip(gateway),
				      .iface = iface,
				      .metric = metric};
}

static struct stw_fib_neighbour neighbour(const char *address, uint16_t iface, uint8_t mac)
{
	return (struct stw_fib_neighbour){.ip = ip(address),
					  .iface = iface,
					  .mac = {2, 0, 0, 0, 1, mac}};
}

static struct stw_fib *build(const struct stw_fib_route *routes, size_t n_routes,
			     const struct stw_fib_neighbour *neighbours, size_t n_neighbours)
{
	struct stw_fib *fib =
		stw_fib_build(ifaces, N_IFACES, routes, n_routes, neighbours, n_neighbours);
	assert_non_null(fib);
	return fib;
}

static struct stw_hop must_find(const struct stw_fib *fib, const char *dst)
{
	const struct stw_ip d = ip(dst);
	struct stw_hop hop;
	memset(&hop, 0xee, sizeof(hop));
	assert_int_equal(stw_fib_lookup(fib, &d, &hop), STW_OK);
	return hop;
}

static void must_miss(const struct stw_fib *fib, const char *dst)
{
	const struct stw_ip d = ip(dst);
	struct stw_hop hop;
	assert_int_equal(stw_fib_lookup(fib, &d, &hop), STW_ENOENT);
}

static void assert_hop(struct stw_hop hop, const char *next_hop, uint16_t iface, int mac)
{
	const struct stw_ip want = ip(next_hop);
	assert_memory_equal(&hop.next_hop, &want, sizeof(want));
	assert_int_equal(hop.iface, iface);
	assert_int_equal(hop.resolved, mac >= 0);
	if (mac >= 0)
		assert_int_equal(hop.mac[5], mac);
}

static void empty_fib_routes_nothing(void **state)
{
	struct stw_fib *fib = stw_fib_build(NULL, 0, NULL, 0, NULL, 0);
	(void)state;
	assert_non_null(fib);
	must_miss(fib, "192.0.2.1");
	must_miss(fib, "2001:db8::1");
	assert_int_equal(stw_fib_n_ifaces(fib), 0);
	assert_int_equal(stw_fib_n_routes(fib), 0);
	assert_int_equal(stw_fib_n_neighbours(fib), 0);
	stw_fib_free(fib);
	stw_fib_free(NULL);
}

static void interfaces_are_kept(void **state)
{
	struct stw_fib *fib = build(NULL, 0, NULL, 0);
	(void)state;
	assert_int_equal(stw_fib_n_ifaces(fib), N_IFACES);
	for (uint16_t i = 0; i < N_IFACES; i++)
		assert_memory_equal(stw_fib_iface(fib, i), &ifaces[i], sizeof(ifaces[i]));
	stw_fib_free(fib);
}

static void neighbour_on_link_is_resolved(void **state)
{
	const struct stw_fib_route routes[] = {on_link("192.0.2.0", 120, 0),
					       on_link("2001:db8::", 64, 1)};
	const struct stw_fib_neighbour n[] = {neighbour("192.0.2.9", 0, 9),
					      neighbour("2001:db8::5", 1, 5)};
	struct stw_fib *fib = build(routes, 2, n, 2);
	(void)state;
	assert_hop(must_find(fib, "192.0.2.9"), "192.0.2.9", 0, 9);
	assert_hop(must_find(fib, "192.0.2.8"), "192.0.2.8", 0, -1);
	assert_hop(must_find(fib, "2001:db8::5"), "2001:db8::5", 1, 5);
	assert_hop(must_find(fib, "2001:db8::6"), "2001:db8::6", 1, -1);
	must_miss(fib, "192.0.3.9");
	must_miss(fib, "2001:db9::5");
	assert_int_equal(stw_fib_n_neighbours(fib), 2);
	stw_fib_free(fib);
}

static void gateway_takes_its_neighbour(void **state)
{
	const struct stw_fib_route routes[] = {on_link("192.0.2.0", 120, 0),
					       via("0.0.0.0", 96, "192.0.2.254", 0, 0),
					       via("::", 0, "fe80::1", 2, 0),
					       via("198.51.100.0", 120, "192.0.2.253", 0, 0)};
	const struct stw_fib_neighbour n[] = {neighbour("192.0.2.254", 0, 254),
					      neighbour("fe80::1", 0, 1),
					      neighbour("fe80::1", 2, 2)};
	struct stw_fib *fib = build(routes, 4, n, 3);
	(void)state;
	assert_hop(must_find(fib, "203.0.113.7"), "192.0.2.254", 0, 254);
	assert_hop(must_find(fib, "198.51.100.7"), "192.0.2.253", 0, -1);
	assert_hop(must_find(fib, "2001:db8::7"), "fe80::1", 2, 2);
	stw_fib_free(fib);
}

static void longest_prefix_wins_then_metric_then_first(void **state)
{
	const struct stw_fib_route routes[] = {
		via("10.0.0.0", 104, "192.0.2.1", 0, 0),  via("10.1.0.0", 112, "192.0.2.2", 0, 50),
		via("10.1.0.0", 112, "192.0.2.3", 0, 20), via("10.1.0.0", 112, "192.0.2.4", 0, 20),
		via("10.1.2.3", 128, "192.0.2.5", 0, 99), via("0.0.0.0", 96, "192.0.2.6", 0, 9),
		via("0.0.0.0", 96, "192.0.2.7", 0, 8),
	};
	struct stw_fib *fib = build(routes, 7, NULL, 0);
	(void)state;
	assert_hop(must_find(fib, "10.9.9.9"), "192.0.2.1", 0, -1);
	assert_hop(must_find(fib, "10.1.9.9"), "192.0.2.3", 0, -1);
	assert_hop(must_find(fib, "10.1.2.3"), "192.0.2.5", 0, -1);
	assert_hop(must_find(fib, "11.0.0.0"), "192.0.2.7", 0, -1);
	assert_int_equal(stw_fib_n_routes(fib), 4);
	stw_fib_free(fib);
}

static void default_routes_are_per_family(void **state)
{
	const struct stw_fib_route v4[] = {via("0.0.0.0", 96, "192.0.2.1", 0, 0)};
	const struct stw_fib_route v6[] = {via("::", 0, "2001:db8::1", 0, 0)};
	struct stw_fib *fib = build(v4, 1, NULL, 0);
	(void)state;
	must_miss(fib, "2001:db8::7");
	stw_fib_free(fib);
	fib = build(v6, 1, NULL, 0);
	must_miss(fib, "192.0.2.7");
	assert_hop(must_find(fib, "2001:db8::7"), "2001:db8::1", 0, -1);
	stw_fib_free(fib);
}

static void unreachable_route_is_a_hole(void **state)
{
	struct stw_fib_route routes[] = {via("0.0.0.0", 96, "192.0.2.1", 0, 0),
					 on_link("10.0.0.0", 104, 0), on_link("10.0.1.0", 120, 0)};
	const struct stw_fib_neighbour n[] = {neighbour("10.0.0.5", 0, 5)};
	struct stw_fib *fib;
	(void)state;
	routes[1].unreachable = true;
	fib = build(routes, 3, n, 1);
	must_miss(fib, "10.0.0.5");
	assert_hop(must_find(fib, "10.0.1.5"), "10.0.1.5", 0, -1);
	assert_hop(must_find(fib, "11.0.0.5"), "192.0.2.1", 0, -1);
	stw_fib_free(fib);
}

static void neighbour_on_another_interface_is_not_taken(void **state)
{
	const struct stw_fib_route routes[] = {on_link("192.0.2.0", 120, 0)};
	const struct stw_fib_neighbour n[] = {neighbour("192.0.2.9", 1, 9)};
	struct stw_fib *fib = build(routes, 1, n, 1);
	(void)state;
	assert_hop(must_find(fib, "192.0.2.9"), "192.0.2.9", 0, -1);
	stw_fib_free(fib);
}

static void last_of_equal_neighbours_stays(void **state)
{
	const struct stw_fib_route routes[] = {on_link("192.0.2.0", 120, 0)};
	const struct stw_fib_neighbour n[] = {neighbour("192.0.2.9", 0, 1),
					      neighbour("192.0.2.9", 0, 2)};
	struct stw_fib *fib = build(routes, 1, n, 2);
	(void)state;
	assert_hop(must_find(fib, "192.0.2.9"), "192.0.2.9", 0, 2);
	assert_int_equal(stw_fib_n_neighbours(fib), 1);
	stw_fib_free(fib);
}

static void nothing_reaches_a_whole_subnet(void **state)
{
	const struct stw_fib_route routes[] = {on_link("192.0.2.0", 120, 0),
					       on_link("198.51.100.0", 127, 0),
					       on_link("203.0.113.64", 122, 0),
					       on_link("203.0.113.127", 128, 1),
					       on_link("2001:db8::", 64, 0)};
	struct stw_fib *fib = build(routes, 5, NULL, 0);
	(void)state;
	must_miss(fib, "192.0.2.0");
	must_miss(fib, "192.0.2.255");
	must_find(fib, "192.0.2.1");
	must_find(fib, "192.0.2.254");
	must_find(fib, "198.51.100.0"); /* RFC 3021 */
	must_find(fib, "198.51.100.1");
	must_miss(fib, "203.0.113.64");
	must_find(fib, "203.0.113.127"); /* a route of its own */
	must_find(fib, "2001:db8::");
	assert_int_equal(stw_fib_n_routes(fib), 5);
	stw_fib_free(fib);
}

static void rows_of_unknown_interfaces_are_left_out(void **state)
{
	const struct stw_fib_route routes[] = {on_link("192.0.2.0", 120, N_IFACES)};
	const struct stw_fib_neighbour n[] = {neighbour("192.0.2.9", N_IFACES, 1)};
	struct stw_fib *fib = build(routes, 1, n, 1);
	(void)state;
	must_miss(fib, "192.0.2.9");
	assert_int_equal(stw_fib_n_routes(fib), 0);
	assert_int_equal(stw_fib_n_neighbours(fib), 0);
	stw_fib_free(fib);
}

/* --- against a walk over everything --- */

static uint64_t random_state;

static uint32_t random_below(uint32_t n)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((random_state >> 33) % n);
}

static bool covers(const struct stw_fib_route *r, const struct stw_ip *dst)
{
	if ((r->bits >= 96 && stw_ip_is_v4(&r->prefix)) != stw_ip_is_v4(dst))
		return false;
	for (unsigned i = 0; i < r->bits; i++) {
		const unsigned m = 0x80u >> i % 8;
		if ((r->prefix.b[i / 8] & m) != (dst->b[i / 8] & m))
			return false;
	}
	return true;
}

/* The first or last address of a subnet on link. */
static bool at_an_edge(const struct stw_fib_route *r, const struct stw_ip *dst)
{
	unsigned ones = 0;
	if (!r->on_link || r->unreachable || !stw_ip_is_v4(dst) || r->bits > 126 || !covers(r, dst))
		return false;
	for (unsigned i = r->bits; i < 128; i++)
		ones += (dst->b[i / 8] & 0x80u >> i % 8) != 0;
	return ones == 0 || ones == 128u - r->bits;
}

static const struct stw_fib_route *walk_routes(const struct stw_fib_route *routes, size_t n,
					       const struct stw_ip *dst)
{
	const struct stw_fib_route *best = NULL;
	for (size_t i = 0; i < n; i++) {
		const struct stw_fib_route *r = &routes[i];
		if (!covers(r, dst))
			continue;
		if (!best || r->bits > best->bits ||
		    (r->bits == best->bits && r->metric < best->metric))
			best = r;
	}
	for (size_t i = 0; best && best->bits < 128 && i < n; i++)
		if (at_an_edge(&routes[i], dst))
			return NULL;
	return best && !best->unreachable ? best : NULL;
}

static int walk(const struct stw_fib_route *routes, size_t n_routes,
		const struct stw_fib_neighbour *neighbours, size_t n_neighbours,
		const struct stw_ip *dst, struct stw_hop *out)
{
	const struct stw_fib_route *r = walk_routes(routes, n_routes, dst);
	if (!r)
		return STW_ENOENT;
	memset(out, 0, sizeof(*out));
	out->next_hop = r->on_link ? *dst : r->gateway;
	out->iface = r->iface;
	for (size_t i = n_neighbours; i-- > 0 && !out->resolved;) {
		if (neighbours[i].iface != r->iface ||
		    !stw_ip_equal(&neighbours[i].ip, &out->next_hop))
			continue;
		out->resolved = true;
		memcpy(out->mac, neighbours[i].mac, 6);
	}
	return STW_OK;
}

/* Few distinct bits, so that prefixes nest, repeat and are hit. */
static struct stw_ip random_ip(void)
{
	static const uint8_t bytes[] = {0x00, 0x01, 0x80, 0xff};
	struct stw_ip a;
	for (unsigned i = 0; i < 16; i++)
		a.b[i] = bytes[random_below(i % 5 == 0 ? 4 : 2)];
	a.b[0] = 0x20;
	if (random_below(2))
		memcpy(a.b, stw_ip4_prefix, sizeof(stw_ip4_prefix));
	return a;
}

static struct stw_fib_route random_route(void)
{
	struct stw_fib_route r = {.prefix = random_ip(),
				  .gateway = random_ip(),
				  .on_link = random_below(2),
				  .unreachable = random_below(10) == 0,
				  .iface = (uint16_t)random_below(N_IFACES),
				  .metric = random_below(3)};
	r.bits = (uint8_t)(stw_ip_is_v4(&r.prefix) ? 96 + random_below(33) : random_below(129));
	return r;
}

static void compare(const struct stw_fib *fib, const struct stw_fib_route *routes, size_t n_routes,
		    const struct stw_fib_neighbour *neighbours, size_t n_neighbours,
		    const struct stw_ip *dst)
{
	struct stw_hop want;
	struct stw_hop got;
	const int err = walk(routes, n_routes, neighbours, n_neighbours, dst, &want);
	assert_int_equal(stw_fib_lookup(fib, dst, &got), err);
	if (err != STW_OK)
		return;
	assert_memory_equal(&got.next_hop, &want.next_hop, sizeof(want.next_hop));
	assert_int_equal(got.iface, want.iface);
	assert_int_equal(got.resolved, want.resolved);
	if (want.resolved)
		assert_memory_equal(got.mac, want.mac, sizeof(want.mac));
}

#define MANY 200u

static void one_random_table(void)
{
	static struct stw_fib_route routes[MANY];
	static struct stw_fib_neighbour n[MANY];
	const size_t n_routes = random_below(MANY + 1);
	const size_t n_n = random_below(MANY + 1);
	for (size_t i = 0; i < n_routes; i++)
		routes[i] = random_route();
	for (size_t i = 0; i < n_n; i++) {
		n[i] = (struct stw_fib_neighbour){.ip = random_ip(),
						  .iface = (uint16_t)random_below(N_IFACES),
						  .mac = {2, 0, 0, 0, (uint8_t)(i >> 8),
							  (uint8_t)i}};
		if (n_routes && random_below(2))
			n[i].ip = routes[random_below((uint32_t)n_routes)].gateway;
	}
	struct stw_fib *fib = build(routes, n_routes, n, n_n);
	for (size_t i = 0; i < n_n; i++)
		compare(fib, routes, n_routes, n, n_n, &n[i].ip);
	for (size_t i = 0; i < n_routes; i++)
		compare(fib, routes, n_routes, n, n_n, &routes[i].prefix);
	for (size_t i = 0; i < 1000; i++) {
		const struct stw_ip dst = random_ip();
		compare(fib, routes, n_routes, n, n_n, &dst);
	}
	stw_fib_free(fib);
}

static void random_tables_agree_with_a_walk(void **state)
{
	(void)state;
	random_state = 20261122;
	for (unsigned i = 0; i < 60; i++)
		one_random_table();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_fib_routes_nothing),
		cmocka_unit_test(interfaces_are_kept),
		cmocka_unit_test(neighbour_on_link_is_resolved),
		cmocka_unit_test(gateway_takes_its_neighbour),
		cmocka_unit_test(longest_prefix_wins_then_metric_then_first),
		cmocka_unit_test(default_routes_are_per_family),
		cmocka_unit_test(unreachable_route_is_a_hole),
		cmocka_unit_test(neighbour_on_another_interface_is_not_taken),
		cmocka_unit_test(last_of_equal_neighbours_stays),
		cmocka_unit_test(nothing_reaches_a_whole_subnet),
		cmocka_unit_test(rows_of_unknown_interfaces_are_left_out),
		cmocka_unit_test(random_tables_agree_with_a_walk),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
