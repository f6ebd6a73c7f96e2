/* SPDX-License-Identifier: BSD-3-Clause */

/* The array of IPv4 /16s: routes painted over each other, shorter first, then holes for what lies
 * inside a block. */

#include <stdlib.h>

#include <strowger/errors.h>

#include "dataplane/route/fib_table.h"

/* A hop too far down the list for 16 bits is looked up the long way. */
static uint16_t colour_of(uint32_t hop)
{
	return hop < STW_FIB_MIXED ? (uint16_t)hop : STW_FIB_MIXED;
}

static void fill(struct stw_fib *fib, uint32_t from, uint32_t n, uint16_t colour)
{
	for (uint32_t i = from; i < from + n; i++)
		fib->blocks[i] = colour;
}

/* All routes of one length; markers are no routes. */
static void paint_level(struct stw_fib *fib, unsigned bits)
{
	const struct stw_fib_family *f = &fib->family[0];

	for (uint32_t i = 0; f->rows && i <= f->mask; i++) {
		const struct stw_fib_prefix *p = &f->rows[i];

		if (p->used && p->real && p->bits == bits)
			fill(fib, stw_fib_block_of(p->key), 1u << (STW_FIB_BLOCK_BITS - bits),
			     colour_of(p->hop));
	}
}

static void paint_routes(struct stw_fib *fib)
{
	const struct stw_fib_family *f = &fib->family[0];

	fill(fib, 0, STW_FIB_BLOCKS, colour_of(f->default_hop));
	for (uint32_t i = 0; i < f->n_levels && f->levels[i].bits <= STW_FIB_BLOCK_BITS; i++)
		paint_level(fib, f->levels[i].bits);
}

static void mark_mixed(struct stw_fib *fib)
{
	const struct stw_fib_family *f = &fib->family[0];

	for (uint32_t i = 0; f->rows && i <= f->mask; i++)
		if (f->rows[i].used && f->rows[i].bits > STW_FIB_BLOCK_BITS)
			fib->blocks[stw_fib_block_of(f->rows[i].key)] = STW_FIB_MIXED;
	for (uint32_t i = 0; i <= fib->host_mask; i++) {
		const struct stw_fib_host *h = &fib->hosts[i];

		if (h->used && stw_ip_is_v4(&h->hop.next_hop))
			fib->blocks[stw_fib_block_of(h->dst)] = STW_FIB_MIXED;
	}
}

int stw_fib_blocks_fill(struct stw_fib *fib)
{
	fib->blocks = malloc(STW_FIB_BLOCKS * sizeof(*fib->blocks));
	if (!fib->blocks)
		return STW_ENOMEM;
	paint_routes(fib);
	mark_mixed(fib);
	return STW_OK;
}
