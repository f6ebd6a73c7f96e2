/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Datagrams under reassembly (RFC 791, RFC 8200 s4.5), one table a worker. Pure: no DPDK, no clock.
 *
 * Each fragment's bytes are copied at once to their place in a buffer as long as a datagram may be,
 * so a datagram costs one buffer however many fragments it has (rte_ip_frag of DPDK 22.11 stops at
 * eight, and adds lengths up where it should look for overlaps). A bit per eight bytes tells what
 * is there. An overlap discards the datagram (RFC 5722; IPv4 likewise); a fragment that came twice
 * with the same bytes is only dropped itself.
 *
 * Bounds: as many datagrams as the table has rows, STW_REASSEMBLY_PER_SOURCE of one source, each
 * for as long as the timeout says.
 *
 * Threads: one. Fast path: yes, no allocation after stw_reassembly_new().
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <strowger/endpoint.h>

/* Half of a worker's table: a trunk is one source, and so is one who floods. */
#define STW_REASSEMBLY_PER_SOURCE 64u

struct stw_reassembly;

struct stw_fragment {
	struct stw_ip src;
	struct stw_ip dst;
	uint32_t id;
	uint32_t off; /* bytes, of the datagram's payload */
	bool more;    /* not the last one */
	const uint8_t *data;
	uint32_t len; /* 0..65535 */
};

/* A buffer the caller lends: @handle is what he knows it by, @data has room for max_len bytes. */
struct stw_reassembly_buffer {
	void *handle;
	uint8_t *data;
};

enum stw_reassembly_result {
	STW_FRAGMENT_HELD,     /* copied; more must come */
	STW_FRAGMENT_COMPLETE, /* with this one the datagram is whole */
	STW_FRAGMENT_BAD,      /* this one is dropped: bad length, or there already */
	STW_FRAGMENT_OVERLAP,  /* this one and all of its datagram are dropped */
	STW_FRAGMENT_BUDGET,   /* no row for another datagram, or too many of this source */
	STW_FRAGMENT_NO_BUFFER,
};

/* What left the table: whole, or dropped. */
struct stw_reassembled {
	struct stw_reassembly_buffer buffer;
	uint32_t len;	      /* COMPLETE: bytes of payload */
	uint32_t n_fragments; /* that were held, this one not counted */
};

/**
 * @param n_rows   datagrams held at a time
 * @param max_len  payload bytes of the longest datagram accepted
 * @param timeout  in the unit of @now below
 * @param secret   against chosen collisions; the same in all workers
 * @return NULL without memory
 */
struct stw_reassembly *stw_reassembly_new(uint32_t n_rows, uint32_t max_len, uint64_t timeout,
					  uint64_t secret);

/**
 * Take one fragment.
 *
 * @param spare  a buffer for a datagram not seen before; its handle becomes NULL when it is taken
 * @param out    COMPLETE and OVERLAP: what left the table
 */
enum stw_reassembly_result stw_reassembly_add(struct stw_reassembly *r,
					      const struct stw_fragment *f, uint64_t now,
					      struct stw_reassembly_buffer *spare,
					      struct stw_reassembled *out);

/**
 * Take out one datagram whose time is over.
 *
 * @param now  UINT64_MAX: any datagram, to empty the table
 * @return false when there is none
 */
bool stw_reassembly_expire(struct stw_reassembly *r, uint64_t now, struct stw_reassembled *out);

/** The same for all fragments of a datagram, and evenly spread: which worker owns it. */
uint32_t stw_reassembly_hash(uint64_t secret, const struct stw_ip *src, const struct stw_ip *dst,
			     uint32_t id);

/** The table must be empty. Accepts NULL. */
void stw_reassembly_free(struct stw_reassembly *r);
