/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Where a packet to an address leaves: interfaces (a port, with or without a VLAN), routes and
 * neighbours, as one immutable value. Built by the installer from the kernel's tables (netlink) and
 * from static configuration; looked up by workers. Pure: no DPDK, no socket.
 *
 * Not RCU: immutable after init; retired with the snapshot that points to it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <strowger/endpoint.h>

#define STW_FIB_IFACES_MAX 256u

/* A port's untagged side or one of its VLANs. */
struct stw_iface {
	uint32_t kernel_ifindex; /* of the twin (or its VLAN interface), 0 without a kernel side */
	uint16_t port;		 /* index of the port in the configuration */
	uint16_t vlan;		 /* 0 untagged */
	uint16_t mtu;
	uint8_t mac[6];
};

/* Where to send: filled by stw_fib_lookup(). */
struct stw_hop {
	struct stw_ip next_hop; /* the gateway, or the destination itself when on link */
	uint16_t iface;		/* index of the interface */
	bool resolved;		/* @mac is known */
	uint8_t mac[6];
};

struct stw_fib; /* opaque; fib.c */

/* Builder input: one route. Longest prefix wins, then the lower metric. */
struct stw_fib_route {
	struct stw_ip prefix; /* IPv4 mapped */
	uint8_t bits;	      /* 0..128, counted on the mapped form: an IPv4 /24 is 120 */
	bool on_link;	      /* no gateway */
	bool unreachable;     /* a hole: its destinations have no route; gateway and iface unused */
	struct stw_ip gateway;
	uint16_t iface;
	uint32_t metric;
};

struct stw_fib_neighbour {
	struct stw_ip ip;
	uint16_t iface;
	uint8_t mac[6];
};

/**
 * Build a FIB from plain arrays, which are copied. Of routes with one prefix the lowest metric
 * stays, then the first; of neighbours with one address on one interface the last. Rows that name
 * an interface not in @ifaces are left out. The network and broadcast addresses of IPv4 subnets on
 * link have no route, unless one of their own is given.
 *
 * @return the FIB, or NULL without memory. Free with stw_fib_free() after a grace period.
 */
struct stw_fib *stw_fib_build(const struct stw_iface *ifaces, size_t n_ifaces,
			      const struct stw_fib_route *routes, size_t n_routes,
			      const struct stw_fib_neighbour *neighbours, size_t n_neighbours);

/** Accepts NULL. */
void stw_fib_free(struct stw_fib *fib);

/**
 * Route an address.
 *
 * @param out  on STW_OK only
 * @return STW_OK (out->resolved says whether the neighbour is known), STW_ENOENT (no route)
 *
 * Fast path: yes; a few cache lines whatever the number of routes.
 */
int stw_fib_lookup(const struct stw_fib *fib, const struct stw_ip *dst, struct stw_hop *out);

/** Interface @i, i < stw_fib_n_ifaces(). */
const struct stw_iface *stw_fib_iface(const struct stw_fib *fib, uint16_t i);
size_t stw_fib_n_ifaces(const struct stw_fib *fib);
size_t stw_fib_n_routes(const struct stw_fib *fib);
size_t stw_fib_n_neighbours(const struct stw_fib *fib);

/** Distinct gateways of routes, each on its interface. */
size_t stw_fib_n_gateways(const struct stw_fib *fib);

/** Gateway @i, i < stw_fib_n_gateways(). */
void stw_fib_gateway(const struct stw_fib *fib, size_t i, struct stw_hop *out);
