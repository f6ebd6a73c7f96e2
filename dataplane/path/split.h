/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Fragments out (RFC 791, RFC 8200 s4.5): copies in buffers of their own, each in one piece, since
 * not every driver sends a frame made of several buffers.
 */

#include <stdint.h>

#include <rte_mbuf.h>

/** Most fragments of one datagram: 64800 bytes at an MTU of 576. */
#define STW_SPLIT_MAX 128u

/**
 * Cut the IP packet in a frame into fragments no longer than @mtu.
 *
 * @param m     frame with its l2_len set; an IPv4 header without options, or IPv6 with UDP next;
 *              not freed
 * @param id    IPv6: the fragments' identification (IPv4 has its own in the header)
 * @param pool  where the fragments' buffers come from
 * @param out   [STW_SPLIT_MAX] on success
 * @return how many, 0 without buffers or when it cannot be cut
 *
 * Fast path: yes.
 */
unsigned stw_split(const struct rte_mbuf *m, uint16_t mtu, uint32_t id, struct rte_mempool *pool,
		   struct rte_mbuf **out);
