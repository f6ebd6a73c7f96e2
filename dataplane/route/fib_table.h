/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Inside of struct stw_fib, for fib.c (look-ups) and fib_build.c, fib_prefix.c (how it comes to
 * be).
 *
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
 * Before both, for IPv4, one array: the hop of each /16 all of whose addresses go one way. So
 * strangers behind a gateway are found in one load; a /16 that holds neighbours or longer prefixes
 * says so.
 *
 * IPv4 and IPv6 keep separate prefix tables: ::/0 does not cover the mapped IPv4 addresses.
 *
 * Not RCU: immutable after init.
 */

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "dataplane/route/fib.h"

#define STW_FIB_BITS	   128u
#define STW_FIB_V4_BITS	   96u /* prefix of the mapped form */

#define STW_FIB_BLOCKS	   65536u /* of IPv4: its /16s */
#define STW_FIB_BLOCK_BITS 112u	  /* of the mapped form */
#define STW_FIB_MIXED	   UINT16_MAX

/* Rows of stw_fib.hops with a meaning of their own. */
enum {
	STW_FIB_NO_HOP = 0, /* no route */
	STW_FIB_HOLE = 1,   /* an unreachable route */
	STW_FIB_HOPS_FIRST = 2,
};

/* An address as two words in memory order: masks and comparisons need no byte order. */
struct stw_fib_key {
	uint64_t w[2];
};

struct stw_fib_host {
	struct stw_fib_key dst;
	struct stw_hop hop;
	bool used;
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct stw_fib_host) == 64, "a look-up of a neighbour is one cache line");

struct stw_fib_prefix {
	struct stw_fib_key key;
	uint32_t hop;	 /* of the prefix; of a marker: of the best shorter prefix */
	uint32_t metric; /* build only */
	uint8_t bits;
	bool used;
	bool real; /* not only a marker */
} __attribute__((aligned(32)));

struct stw_fib_level {
	struct stw_fib_key mask;
	uint8_t bits;
};

struct stw_fib_family {
	struct stw_fib_prefix *rows; /* [mask + 1] */
	uint32_t mask;
	uint32_t n_rows;
	uint32_t default_hop;
	uint32_t default_metric;
	uint32_t n_levels;
	struct stw_fib_level levels[STW_FIB_BITS + 1]; /* lengths in use, ascending */
};

/* What routes share: a gateway, or a link. */
struct stw_fib_hop {
	struct stw_ip gateway; /* zeroes when on link */
	uint16_t iface;
	bool reachable;
	bool on_link;
	bool resolved;
	uint8_t mac[6];
};

struct stw_fib {
	uint16_t *blocks;	    /* [STW_FIB_BLOCKS] row of hops, or STW_FIB_MIXED */
	struct stw_fib_host *hosts; /* [host_mask + 1] */
	uint32_t host_mask;
	struct stw_fib_hop *hops;
	struct stw_fib_family family[2]; /* 0 IPv4, 1 IPv6 */
	struct stw_iface *ifaces;
	size_t n_ifaces;
	size_t n_hops;
	uint32_t *gateways; /* [n_gateways] indexes of those hops that are not links */
	size_t n_gateways;
	size_t n_routes;
	size_t n_neighbours;
};

static inline struct stw_fib_key stw_fib_key_of(const struct stw_ip *ip)
{
	struct stw_fib_key k;
	memcpy(&k, ip, sizeof(k));
	return k;
}

static inline struct stw_fib_key stw_fib_key_and(struct stw_fib_key a, struct stw_fib_key b)
{
	return (struct stw_fib_key){{a.w[0] & b.w[0], a.w[1] & b.w[1]}};
}

static inline bool stw_fib_key_equal(struct stw_fib_key a, struct stw_fib_key b)
{
	return ((a.w[0] ^ b.w[0]) | (a.w[1] ^ b.w[1])) == 0;
}

static inline uint32_t stw_fib_hash(struct stw_fib_key k, uint32_t salt)
{
	uint64_t h = (k.w[0] + salt) * 0x9e3779b97f4a7c15u ^ k.w[1];
	h = (h ^ h >> 32) * 0xd6e8feb86659fd93u;
	return (uint32_t)(h ^ h >> 32);
}

static inline struct stw_fib_prefix *stw_fib_prefix_at(const struct stw_fib_family *f,
						       struct stw_fib_key key, uint8_t bits)
{
	uint32_t i = stw_fib_hash(key, bits) & f->mask;
	while (f->rows[i].used &&
	       (f->rows[i].bits != bits || !stw_fib_key_equal(f->rows[i].key, key)))
		i = (i + 1) & f->mask;
	return &f->rows[i];
}

/* The hop of the longest prefix of @dst. */
static inline uint32_t stw_fib_family_lookup(const struct stw_fib_family *f, struct stw_fib_key dst)
{
	uint32_t best = f->default_hop;
	uint32_t lo = 0;
	uint32_t hi = f->n_levels;
	while (lo < hi) {
		const uint32_t mid = lo + (hi - lo) / 2;
		const struct stw_fib_level *l = &f->levels[mid];
		const struct stw_fib_prefix *p =
			stw_fib_prefix_at(f, stw_fib_key_and(dst, l->mask), l->bits);
		if (p->used) {
			best = p->hop;
			lo = mid + 1;
		} else {
			hi = mid;
		}
	}
	return best;
}

static inline struct stw_fib_host *stw_fib_host_at(const struct stw_fib *fib,
						   struct stw_fib_key dst)
{
	uint32_t i = stw_fib_hash(dst, 0) & fib->host_mask;
	while (fib->hosts[i].used && !stw_fib_key_equal(fib->hosts[i].dst, dst))
		i = (i + 1) & fib->host_mask;
	return &fib->hosts[i];
}

static inline const struct stw_fib_hop *stw_fib_route_of(const struct stw_fib *fib,
							 const struct stw_ip *dst)
{
	const struct stw_fib_family *f = &fib->family[stw_ip_is_v4(dst) ? 0 : 1];
	return &fib->hops[stw_fib_family_lookup(f, stw_fib_key_of(dst))];
}

/* The /16 of a mapped IPv4 address. */
static inline uint32_t stw_fib_block_of(struct stw_fib_key k)
{
	return __builtin_bswap16((uint16_t)(k.w[1] >> 32));
}

/** @n zeroed rows on a cache line boundary. fib_prefix.c */
void *stw_fib_rows_new(size_t n, size_t size);

/**
 * Add a route. fib_prefix.c
 *
 * @param fresh  on STW_OK: whether its prefix had no route before
 * @return STW_OK or STW_ENOMEM
 */
int stw_fib_family_add(struct stw_fib_family *f, const struct stw_fib_route *r,
		       bool is_default_route, uint32_t hop, bool *fresh);

/** After the last route: lay the markers. @return STW_OK or STW_ENOMEM. fib_prefix.c */
int stw_fib_family_finish(struct stw_fib_family *f);

/** After routes and neighbours: fill the blocks. @return STW_OK or STW_ENOMEM. fib_blocks.c */
int stw_fib_blocks_fill(struct stw_fib *fib);
