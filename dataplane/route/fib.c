/* SPDX-License-Identifier: BSD-3-Clause */

/**
 * @file
 * The FIB in two steps, each one open-addressing table:
 *
 * 1. hosts: destination to finished hop, for every known neighbour that is reached on its own link.
 *    Members and callers beside us are found in one cache line.
 * 2. prefixes: binary search on prefix lengths (Waldvogel, Varghese, Turner, Plattner, "Scalable
 *    High Speed IP Routing Lookups", SIGCOMM 1997). A prefix leaves markers at the lengths a search
 *    passes on its way to it, each with the best shorter prefix already in it, so a look-up never
 *    turns back: log2(lengths in use) cache lines, one or two in an ordinary network, at most
 *    seven. The default route is no prefix here: it is where the search starts from.
 *
 * IPv4 and IPv6 keep separate prefix tables: ::/0 does not cover the mapped IPv4 addresses.
 *
 * Not RCU: immutable after init.
 */

#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>

#include "dataplane/route/fib.h"

#define IP_BITS	   128u
#define V4_BITS	   96u /* prefix of the mapped form */
#define HOP_NONE   0u  /* hops[0]: no route */
#define HOP_HOLE   1u  /* hops[1]: an unreachable route */
#define HOPS_FIRST 2u
#define ROWS_FIRST 16u

/* An address as two words in memory order: masks and comparisons need no byte order. */
struct key {
	uint64_t w[2];
};

struct host {
	struct key dst;
	struct stw_hop hop;
	bool used;
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct host) == 64, "a look-up of a neighbour is one cache line");

struct prefix {
	struct key key;
	uint32_t hop;	 /* of the prefix; of a marker: of the best shorter prefix */
	uint32_t metric; /* build only */
	uint8_t bits;
	bool used;
	bool real; /* not only a marker */
} __attribute__((aligned(32)));

struct level {
	struct key mask;
	uint8_t bits;
};

struct family {
	struct prefix *rows; /* [mask + 1] */
	uint32_t mask;
	uint32_t n_rows;
	uint32_t default_hop;
	uint32_t default_metric;
	uint32_t n_levels;
	struct level levels[IP_BITS + 1]; /* lengths in use, ascending */
};

/* What routes share: a gateway, or a link. */
struct hop {
	struct stw_ip gateway; /* zeroes when on link */
	uint16_t iface;
	bool reachable;
	bool on_link;
	bool resolved;
	uint8_t mac[6];
};

struct stw_fib {
	struct host *hosts; /* [host_mask + 1] */
	uint32_t host_mask;
	struct hop *hops;
	struct family family[2]; /* 0 IPv4, 1 IPv6 */
	struct stw_iface *ifaces;
	size_t n_ifaces;
	size_t n_hops;
	uint32_t *gateways; /* [n_gateways] indexes of those hops that are not links */
	size_t n_gateways;
	size_t n_routes;
	size_t n_neighbours;
};

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

static struct key key_of(const struct stw_ip *ip)
{
	struct key k;
	memcpy(&k, ip, sizeof(k));
	return k;
}

static struct key key_and(struct key a, struct key b)
{
	return (struct key){{a.w[0] & b.w[0], a.w[1] & b.w[1]}};
}

static bool key_equal(struct key a, struct key b)
{
	return ((a.w[0] ^ b.w[0]) | (a.w[1] ^ b.w[1])) == 0;
}

static struct key mask_of(unsigned bits)
{
	uint8_t b[16] = {0};
	struct key k;
	memset(b, 0xff, bits / 8);
	if (bits % 8)
		b[bits / 8] = (uint8_t)(0xff << (8 - bits % 8));
	memcpy(&k, b, sizeof(k));
	return k;
}

static uint32_t hash(struct key k, uint32_t salt)
{
	uint64_t h = (k.w[0] + salt) * 0x9e3779b97f4a7c15u ^ k.w[1];
	h = (h ^ h >> 32) * 0xd6e8feb86659fd93u;
	return (uint32_t)(h ^ h >> 32);
}

/* Slots for @n rows at no more than half load; 0 when too many. */
static uint32_t slots_for(size_t n)
{
	uint32_t slots = ROWS_FIRST;
	while (slots < n * 2) {
		if (slots > UINT32_MAX / 4)
			return 0;
		slots *= 2;
	}
	return slots;
}

/* @n zeroed rows on a cache line boundary. */
static void *rows_new(size_t n, size_t size)
{
	size_t bytes;
	void *p;
	if (n == 0 || __builtin_mul_overflow(n, size, &bytes) || bytes > SIZE_MAX - 64)
		return NULL;
	bytes = (bytes + 63) & ~(size_t)63;
	p = aligned_alloc(64, bytes);
	if (p)
		memset(p, 0, bytes);
	return p;
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
	uint32_t i = hash(key_of(ip), iface) & m->mask;
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

/* --- prefixes --- */

static struct prefix *prefix_at(const struct family *f, struct key key, uint8_t bits)
{
	uint32_t i = hash(key, bits) & f->mask;
	while (f->rows[i].used && (f->rows[i].bits != bits || !key_equal(f->rows[i].key, key)))
		i = (i + 1) & f->mask;
	return &f->rows[i];
}

static int family_grow(struct family *f)
{
	struct prefix *old = f->rows;
	const uint32_t n_old = old ? f->mask + 1 : 0;
	const uint32_t n_new = n_old ? n_old * 2 : ROWS_FIRST;
	if (n_new < n_old)
		return STW_ENOMEM;
	f->rows = rows_new(n_new, sizeof(*f->rows));
	if (!f->rows) {
		f->rows = old;
		return STW_ENOMEM;
	}
	f->mask = n_new - 1;
	for (uint32_t i = 0; i < n_old; i++)
		if (old[i].used)
			*prefix_at(f, old[i].key, old[i].bits) = old[i];
	free(old);
	return STW_OK;
}

/* The row of (key, bits), made when missing. NULL without memory. */
static struct prefix *prefix_need(struct family *f, struct key key, uint8_t bits)
{
	struct prefix *p;
	if ((!f->rows || f->n_rows * 2 > f->mask) && family_grow(f) != STW_OK)
		return NULL;
	p = prefix_at(f, key, bits);
	if (!p->used) {
		*p = (struct prefix){.key = key, .bits = bits, .used = true};
		f->n_rows++;
	}
	return p;
}

static bool is_default(unsigned family, uint8_t bits)
{
	return bits == (family == 0 ? V4_BITS : 0);
}

static unsigned family_of(const struct stw_fib_route *r)
{
	return r->bits >= V4_BITS && stw_ip_is_v4(&r->prefix) ? 0 : 1;
}

/* @fresh says whether the prefix had no route before. */
static int family_add(struct family *f, const struct stw_fib_route *r, bool is_default_route,
		      uint32_t hop, bool *fresh)
{
	struct prefix *p;
	if (is_default_route) {
		*fresh = f->default_hop == HOP_NONE;
		if (!*fresh && f->default_metric <= r->metric)
			return STW_OK;
		f->default_hop = hop;
		f->default_metric = r->metric;
		return STW_OK;
	}
	p = prefix_need(f, key_and(key_of(&r->prefix), mask_of(r->bits)), r->bits);
	if (!p)
		return STW_ENOMEM;
	*fresh = !p->real;
	if (*fresh || r->metric < p->metric) {
		p->real = true;
		p->hop = hop;
		p->metric = r->metric;
	}
	return STW_OK;
}

/* List the lengths in use. */
static void family_levels(struct family *f)
{
	bool present[IP_BITS + 1] = {false};
	for (uint32_t i = 0; f->rows && i <= f->mask; i++)
		if (f->rows[i].used)
			present[f->rows[i].bits] = true;
	for (unsigned bits = 0; bits <= IP_BITS; bits++)
		if (present[bits])
			f->levels[f->n_levels++] =
				(struct level){.mask = mask_of(bits), .bits = (uint8_t)bits};
}

/* The hop of the longest real prefix of @key shorter than level @below. */
static uint32_t best_shorter(const struct family *f, struct key key, uint32_t below)
{
	while (below-- > 0) {
		const struct level *l = &f->levels[below];
		const struct prefix *p = prefix_at(f, key_and(key, l->mask), l->bits);
		if (p->used && p->real)
			return p->hop;
	}
	return f->default_hop;
}

/* Leave markers for a prefix of level @target along the way a search takes to it. */
static int leave_markers(struct family *f, struct key key, uint32_t target)
{
	uint32_t lo = 0;
	uint32_t hi = f->n_levels;
	while (lo < hi) {
		const uint32_t mid = lo + (hi - lo) / 2;
		if (mid == target)
			return STW_OK;
		if (mid > target) {
			hi = mid;
			continue;
		}
		const struct level *l = &f->levels[mid];
		const uint32_t n_before = f->n_rows;
		struct prefix *p = prefix_need(f, key_and(key, l->mask), l->bits);
		if (!p)
			return STW_ENOMEM;
		if (f->n_rows != n_before)
			p->hop = best_shorter(f, key, mid);
		lo = mid + 1;
	}
	return STW_OK;
}

static uint32_t level_of(const struct family *f, uint8_t bits)
{
	uint32_t i = 0;
	while (f->levels[i].bits != bits)
		i++;
	return i;
}

/* After all real prefixes are in. Markers are rows too, so walk a list made before the first. */
static int family_finish(struct family *f)
{
	const uint32_t n_real = f->n_rows;
	struct prefix *real;
	uint32_t n = 0;
	int err = STW_OK;
	family_levels(f);
	if (f->n_levels < 2)
		return STW_OK;
	real = calloc(n_real, sizeof(*real));
	if (!real)
		return STW_ENOMEM;
	for (uint32_t i = 0; i <= f->mask; i++)
		if (f->rows[i].used)
			real[n++] = f->rows[i];
	for (uint32_t i = 0; i < n && err == STW_OK; i++)
		err = leave_markers(f, real[i].key, level_of(f, real[i].bits));
	free(real);
	return err;
}

static uint32_t family_lookup(const struct family *f, struct key dst)
{
	uint32_t best = f->default_hop;
	uint32_t lo = 0;
	uint32_t hi = f->n_levels;
	while (lo < hi) {
		const uint32_t mid = lo + (hi - lo) / 2;
		const struct level *l = &f->levels[mid];
		const struct prefix *p = prefix_at(f, key_and(dst, l->mask), l->bits);
		if (p->used) {
			best = p->hop;
			lo = mid + 1;
		} else {
			hi = mid;
		}
	}
	return best;
}

/* --- hops of routes --- */

/* The shared hop of a route, made when missing. */
static uint32_t hop_need(struct stw_fib *fib, struct pair_map *map, const struct stw_fib_route *r)
{
	static const struct stw_ip none;
	const struct stw_ip *gateway = r->on_link ? &none : &r->gateway;
	struct pair *at;
	if (r->unreachable)
		return HOP_HOLE;
	at = pair_map_at(map, gateway, r->iface);
	if (!at->used) {
		pair_take(at, gateway, r->iface, (uint32_t)fib->n_hops);
		if (!r->on_link)
			fib->gateways[fib->n_gateways++] = (uint32_t)fib->n_hops;
		fib->hops[fib->n_hops++] = (struct hop){.gateway = *gateway,
							.iface = r->iface,
							.reachable = true,
							.on_link = r->on_link};
	}
	return at->row;
}

static int add_routes(struct stw_fib *fib, const struct stw_fib_route *routes, size_t n_routes)
{
	struct pair_map map;
	int err;
	fib->hops = calloc(n_routes + HOPS_FIRST, sizeof(*fib->hops));
	fib->gateways = calloc(n_routes + 1, sizeof(*fib->gateways));
	fib->n_hops = HOPS_FIRST;
	if (!fib->hops || !fib->gateways || pair_map_init(&map, n_routes) != STW_OK)
		return STW_ENOMEM;
	err = STW_OK;
	for (size_t i = 0; i < n_routes && err == STW_OK; i++) {
		const struct stw_fib_route *r = &routes[i];
		bool fresh = false;
		if (r->bits > IP_BITS || (!r->unreachable && r->iface >= fib->n_ifaces))
			continue;
		const unsigned family = family_of(r);
		err = family_add(&fib->family[family], r, is_default(family, r->bits),
				 hop_need(fib, &map, r), &fresh);
		fib->n_routes += fresh;
	}
	free(map.slots);
	for (unsigned i = 0; i < 2 && err == STW_OK; i++)
		err = family_finish(&fib->family[i]);
	return err;
}

static const struct hop *route_of(const struct stw_fib *fib, const struct stw_ip *dst)
{
	const struct family *f = &fib->family[stw_ip_is_v4(dst) ? 0 : 1];
	return &fib->hops[family_lookup(f, key_of(dst))];
}

/* --- neighbours --- */

static struct host *host_at(const struct stw_fib *fib, struct key dst)
{
	uint32_t i = hash(dst, 0) & fib->host_mask;
	while (fib->hosts[i].used && !key_equal(fib->hosts[i].dst, dst))
		i = (i + 1) & fib->host_mask;
	return &fib->hosts[i];
}

/* A neighbour that its own address is routed to by its own interface needs no second step. */
static void host_add(struct stw_fib *fib, const struct stw_fib_neighbour *n)
{
	const struct hop *hop = route_of(fib, &n->ip);
	struct host *h;
	if (!hop->reachable || !hop->on_link || hop->iface != n->iface)
		return;
	h = host_at(fib, key_of(&n->ip));
	h->dst = key_of(&n->ip);
	h->used = true;
	h->hop = (struct stw_hop){.next_hop = n->ip, .iface = n->iface, .resolved = true};
	memcpy(h->hop.mac, n->mac, sizeof(h->hop.mac));
}

static void resolve_gateways(struct stw_fib *fib, const struct pair_map *map,
			     const struct stw_fib_neighbour *neighbours)
{
	for (size_t i = 0; i < fib->n_hops; i++) {
		struct hop *hop = &fib->hops[i];
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
	fib->hosts = slots ? rows_new(slots, sizeof(*fib->hosts)) : NULL;
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
	    add_neighbours(fib, neighbours, n_neighbours) != STW_OK)
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
	free(fib->hosts);
	free(fib->hops);
	free(fib->gateways);
	free(fib->family[0].rows);
	free(fib->family[1].rows);
	free(fib->ifaces);
	free(fib);
}

static void fill(struct stw_hop *out, const struct hop *hop, const struct stw_ip *next_hop)
{
	out->next_hop = *next_hop;
	out->iface = hop->iface;
	out->resolved = hop->resolved;
	memcpy(out->mac, hop->mac, sizeof(out->mac));
}

int stw_fib_lookup(const struct stw_fib *fib, const struct stw_ip *dst, struct stw_hop *out)
{
	const struct host *host = host_at(fib, key_of(dst));
	const struct hop *hop;
	if (host->used) {
		*out = host->hop;
		return STW_OK;
	}
	hop = route_of(fib, dst);
	if (!hop->reachable)
		return STW_ENOENT;
	fill(out, hop, hop->on_link ? dst : &hop->gateway);
	return STW_OK;
}

const struct stw_iface *stw_fib_iface(const struct stw_fib *fib, uint16_t i)
{
	return &fib->ifaces[i];
}

size_t stw_fib_n_ifaces(const struct stw_fib *fib)
{
	return fib->n_ifaces;
}

size_t stw_fib_n_routes(const struct stw_fib *fib)
{
	return fib->n_routes;
}

size_t stw_fib_n_neighbours(const struct stw_fib *fib)
{
	return fib->n_neighbours;
}

size_t stw_fib_n_gateways(const struct stw_fib *fib)
{
	return fib->n_gateways;
}

void stw_fib_gateway(const struct stw_fib *fib, size_t i, struct stw_hop *out)
{
	const struct hop *hop = &fib->hops[fib->gateways[i]];
	fill(out, hop, &hop->gateway);
}
