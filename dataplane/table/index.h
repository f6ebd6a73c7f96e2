/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * An open-addressing index over rows kept elsewhere: 8-byte cells, at most half full, a 32-bit tag
 * of the key in the cell so that most misses touch one line. Its keys come from a checked image;
 * a stranger's key costs a probe or two, no more.
 *
 * Not RCU: immutable after init, part of struct stw_tables.
 */

#include <stdint.h>

#include <strowger/endpoint.h>

#define STW_INDEX_EMPTY UINT32_MAX

struct stw_index_cell {
	uint32_t tag;
	uint32_t row; /* STW_INDEX_EMPTY: free */
};

struct stw_index {
	uint32_t mask; /* cells minus 1 */
	struct stw_index_cell *cells;
};

/** Cells for @rows rows: a power of two, at least twice as many; of a small table many more, as
 * they cost nothing there and spare a stranger's key the second probe. */
static inline uint32_t stw_index_cells(uint32_t rows)
{
	uint32_t cells = 64;

	while (cells < 2 * rows)
		cells *= 2;
	return cells;
}

static inline uint32_t stw_index_tag_u32(uint32_t key)
{
	return key * 0x9e3779b1u;
}

/** Tag of an address and port (transport included). */
static inline uint32_t stw_index_tag_endpoint(const struct stw_endpoint *ep)
{
	uint64_t a, b;

	memcpy(&a, ep->ip.b, 8);
	memcpy(&b, ep->ip.b + 8, 8);
	/* Port and transport one by one, as they are stored: one load would wait for two stores. */
	b ^= ep->port ^ (uint64_t)ep->transport << 16;
	/* Both halves of the product, as an IPv4 address lies in the high bits of @b. */
	__extension__ unsigned __int128 h =
		(unsigned __int128)(b ^ 0x9e3779b97f4a7c15u) * (a ^ 0xc2b2ae3d27d4eb4fu);
	uint64_t folded = (uint64_t)h ^ (uint64_t)(h >> 64);

	return (uint32_t)(folded ^ folded >> 32);
}

static inline uint32_t stw_index_home(const struct stw_index *ix, uint32_t tag)
{
	return (tag ^ tag >> 16) & ix->mask;
}

/** Add @row; the caller knows that it is not there yet and that a cell is free. */
static inline void stw_index_add(struct stw_index *ix, uint32_t tag, uint32_t row)
{
	uint32_t at = stw_index_home(ix, tag);

	while (ix->cells[at].row != STW_INDEX_EMPTY)
		at = (at + 1) & ix->mask;
	ix->cells[at] = (struct stw_index_cell){tag, row};
}
