/* SPDX-License-Identifier: BSD-3-Clause */

#include <string.h>

#include <strowger/errors.h>

#include "dataplane/route/fib_table.h"

static void fill(struct stw_hop *out, const struct stw_fib_hop *hop, const struct stw_ip *next_hop)
{
	out->next_hop = *next_hop;
	out->iface = hop->iface;
	out->resolved = hop->resolved;
	memcpy(out->mac, hop->mac, sizeof(out->mac));
}

static inline int by_row(const struct stw_fib *fib, uint32_t row, const struct stw_ip *dst,
			 struct stw_hop *out)
{
	const struct stw_fib_hop *hop = &fib->hops[row];

	if (!hop->reachable)
		return STW_ENOENT;
	fill(out, hop, hop->on_link ? dst : &hop->gateway);
	return STW_OK;
}

/* Each way by itself, so that the registers one needs are not kept by those before it. */
__attribute__((noinline)) static int by_prefix(const struct stw_fib *fib, const struct stw_ip *dst,
					       struct stw_hop *out)
{
	const struct stw_fib_family *f = &fib->family[!stw_ip_is_v4(dst)];

	return by_row(fib, stw_fib_family_lookup(f, stw_fib_key_of(dst)), dst, out);
}

__attribute__((noinline)) static int by_host(const struct stw_fib *fib, const struct stw_ip *dst,
					     struct stw_hop *out)
{
	const struct stw_fib_host *host = stw_fib_host_at(fib, stw_fib_key_of(dst));

	if (!host->used)
		return by_prefix(fib, dst, out);
	*out = host->hop;
	return STW_OK;
}

int stw_fib_lookup(const struct stw_fib *fib, const struct stw_ip *dst, struct stw_hop *out)
{
	if (stw_ip_is_v4(dst)) {
		uint32_t row = fib->blocks[stw_fib_block_of(stw_fib_key_of(dst))];

		if (row != STW_FIB_MIXED)
			return by_row(fib, row, dst, out);
	}
	return by_host(fib, dst, out);
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
	const struct stw_fib_hop *hop = &fib->hops[fib->gateways[i]];
	fill(out, hop, &hop->gateway);
}
