/* SPDX-License-Identifier: BSD-3-Clause */

#include <stdlib.h>

#include <strowger/errors.h>

#include "dataplane/route/fib_table.h"

#define SLOTS_FIRST 16u

/* Build only: (address, interface) to a row of another array. */
struct pair {
	struct stw_ip ip;
	uint16_t iface;
	bool used;
	uint32_t row;
};

struct pair_map {
	struct pair *slots; /* [mask + 1] */
	uint32_t mask;
};

/* Slots for @n rows at no more than half load; 0 when too many. */
static uint32_t slots_for(size_t n)
{
	uint32_t slots = SLOTS_FIRST;
	while (slots < n * 2) {
		if (slots > UINT32_MAX / 4)
			return 0;
		slots *= 2;
	}
	return slots;
}

static int pair_map_init(struct pair_map *m, size_t n)
{
	const uint32_t slots = slots_for(n);
	m->slots = slots ? calloc(slots, sizeof(*m->slots)) : NULL;
	m->mask = slots - 1;
	return m->slots ? STW_OK : STW_ENOMEM;
}

/* The pair's slot, or the unused one where it belongs. */
static struct pair *pair_map_at(const struct pair_map *m, const struct stw_ip *ip, uint16_t iface)
{
	uint32_t i = stw_fib_hash(stw_fib_key_of(ip), iface) & m->mask;
	while (m->slots[i].used &&
	       (m->slots[i].iface != iface || !stw_ip_equal(&m->slots[i].ip, ip)))
		i = (i + 1) & m->mask;
	return &m->slots[i];
}

static void pair_take(struct pair *p, const struct stw_ip *ip, uint16_t iface, uint32_t row)
{
	p->ip = *ip;
	p->iface = iface;
	p->used = true;
	p->row = row;
}

/* --- hops of routes --- */

static bool is_default(unsigned family, uint8_t bits)
{
	return bits == (family == 0 ? STW_FIB_V4_BITS : 0);
}

static unsigned family_of(const struct stw_fib_route *r)
{
	return r->bits >= STW_FIB_V4_BITS && stw_ip_is_v4(&r->prefix) ? 0 : 1;
}

/* The shared hop of a route, made when missing. */
static uint32_t hop_need(struct stw_fib *fib, struct pair_map *map, const struct stw_fib_route *r)
{
	static const struct stw_ip none;
	const struct stw_ip *gateway = r->on_link ? &none : &r->gateway;
	struct pair *at;
	if (r->unreachable)
		return STW_FIB_HOLE;
	at = pair_map_at(map, gateway, r->iface);
	if (!at->used) {
		pair_take(at, gateway, r->iface, (uint32_t)fib->n_hops);
		if (!r->on_link)
			fib->gateways[fib->n_gateways++] = (uint32_t)fib->n_hops;
		fib->hops[fib->n_hops++] = (struct stw_fib_hop){.gateway = *gateway,
								.iface = r->iface,
								.reachable = true,
								.on_link = r->on_link};
	}
	return at->row;
}

/*
 * Nothing is to reach a whole IPv4 subnet of ours: its first and last address (RFC 1812 s5.3.5,
 * RFC 2644) are holes, unless a route of their own says otherwise. A /31 has neither (RFC 3021).
 */
static int add_broadcasts(struct stw_fib *fib, const struct stw_fib_route *r)
{
	struct stw_fib_route hole = {.prefix = r->prefix,
				     .bits = STW_FIB_BITS,
				     .unreachable = true,
				     .metric = UINT32_MAX};
	bool fresh;
	int err;

	if (!r->on_link || family_of(r) != 0 || r->bits > STW_FIB_BITS - 2)
		return STW_OK;
	for (unsigned bit = r->bits; bit < STW_FIB_BITS; bit++)
		hole.prefix.b[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
	err = stw_fib_family_add(&fib->family[0], &hole, false, STW_FIB_HOLE, &fresh);
	for (unsigned bit = r->bits; bit < STW_FIB_BITS; bit++)
		hole.prefix.b[bit / 8] |= (uint8_t)(0x80u >> bit % 8);
	return err != STW_OK
		       ? err
		       : stw_fib_family_add(&fib->family[0], &hole, false, STW_FIB_HOLE, &fresh);
}

static int add_routes(struct stw_fib *fib, const struct stw_fib_route *routes, size_t n_routes)
{
	struct pair_map map;
	int err;
	fib->hops = calloc(n_routes + STW_FIB_HOPS_FIRST, sizeof(*fib->hops));
	fib->gateways = calloc(n_routes + 1, sizeof(*fib->gateways));
	fib->n_hops = STW_FIB_HOPS_FIRST;
	if (!fib->hops || !fib->gateways || pair_map_init(&map, n_routes) != STW_OK)
		return STW_ENOMEM;
	err = STW_OK;
	for (size_t i = 0; i < n_routes && err == STW_OK; i++) {
		const struct stw_fib_route *r = &routes[i];
		bool fresh = false;
		if (r->bits > STW_FIB_BITS || (!r->unreachable && r->iface >= fib->n_ifaces))
			continue;
		const unsigned family = family_of(r);
		err = stw_fib_family_add(&fib->family[family], r, is_default(family, r->bits),
					 hop_need(fib, &map, r), &fresh);
		fib->n_routes += fresh;
	}
	for (size_t i = 0; i < n_routes && err == STW_OK; i++)
		if (!routes[i].unreachable && routes[i].iface < fib->n_ifaces)
			err = add_broadcasts(fib, &routes[i]);
	free(map.slots);
	for (unsigned i = 0; i < 2 && err == STW_OK; i++)
		err = stw_fib_family_finish(&fib->family[i]);
	return err;
}

/* --- neighbours --- */

/* A neighbour that its own address is routed to by its own interface needs no second step. */
static void host_add(struct stw_fib *fib, const struct stw_fib_neighbour *n)
{
	const struct stw_fib_hop *hop = stw_fib_route_of(fib, &n->ip);
	struct stw_fib_host *h;
	if (!hop->reachable || !hop->on_link || hop->iface != n->iface)
		return;
	h = stw_fib_host_at(fib, stw_fib_key_of(&n->ip));
	h->dst = stw_fib_key_of(&n->ip);
	h->used = true;
	h->hop = (struct stw_hop){.next_hop = n->ip, .iface = n->iface, .resolved = true};
	memcpy(h->hop.mac, n->mac, sizeof(h->hop.mac));
}

static void resolve_gateways(struct stw_fib *fib, const struct pair_map *map,
			     const struct stw_fib_neighbour *neighbours)
{
	for (size_t i = 0; i < fib->n_hops; i++) {
		struct stw_fib_hop *hop = &fib->hops[i];
		const struct pair *at;
		if (!hop->reachable || hop->on_link)
			continue;
		at = pair_map_at(map, &hop->gateway, hop->iface);
		if (!at->used)
			continue;
		hop->resolved = true;
		memcpy(hop->mac, neighbours[at->row].mac, sizeof(hop->mac));
	}
}

static int add_neighbours(struct stw_fib *fib, const struct stw_fib_neighbour *neighbours, size_t n)
{
	const uint32_t slots = slots_for(n);
	struct pair_map map;
	fib->hosts = slots ? stw_fib_rows_new(slots, sizeof(*fib->hosts)) : NULL;
	fib->host_mask = slots - 1;
	if (!fib->hosts || pair_map_init(&map, n) != STW_OK)
		return STW_ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct pair *at;
		if (neighbours[i].iface >= fib->n_ifaces)
			continue;
		at = pair_map_at(&map, &neighbours[i].ip, neighbours[i].iface);
		fib->n_neighbours += !at->used;
		pair_take(at, &neighbours[i].ip, neighbours[i].iface, (uint32_t)i);
		host_add(fib, &neighbours[i]);
	}
	resolve_gateways(fib, &map, neighbours);
	free(map.slots);
	return STW_OK;
}

/* --- public --- */

struct stw_fib *stw_fib_build(const struct stw_iface *ifaces, size_t n_ifaces,
			      const struct stw_fib_route *routes, size_t n_routes,
			      const struct stw_fib_neighbour *neighbours, size_t n_neighbours)
{
	struct stw_fib *fib = calloc(1, sizeof(*fib));
	if (!fib)
		return NULL;
	if (n_ifaces > STW_FIB_IFACES_MAX)
		n_ifaces = STW_FIB_IFACES_MAX;
	fib->ifaces = calloc(n_ifaces + 1, sizeof(*fib->ifaces));
	if (!fib->ifaces)
		goto fail;
	if (n_ifaces)
		memcpy(fib->ifaces, ifaces, n_ifaces * sizeof(*ifaces));
	fib->n_ifaces = n_ifaces;
	if (add_routes(fib, routes, n_routes) != STW_OK ||
	    add_neighbours(fib, neighbours, n_neighbours) != STW_OK ||
	    stw_fib_blocks_fill(fib) != STW_OK)
		goto fail;
	return fib;
fail:
	stw_fib_free(fib);
	return NULL;
}

void stw_fib_free(struct stw_fib *fib)
{
	if (!fib)
		return;
#ifndef NDEBUG
	/* A reader that comes late should trip, not find old, good bytes. */
	if (fib->hosts)
		memset(fib->hosts, 0x5a, ((size_t)fib->host_mask + 1) * sizeof(*fib->hosts));
	if (fib->hops)
		memset(fib->hops, 0x5a, fib->n_hops * sizeof(*fib->hops));
#endif
	free(fib->blocks);
	free(fib->hosts);
	free(fib->hops);
	free(fib->gateways);
	free(fib->family[0].rows);
	free(fib->family[1].rows);
	free(fib->ifaces);
	free(fib);
}
