/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Headers in front of a message: UDP, IPv4 or IPv6, 802.1Q, Ethernet, written backwards from the
 * first byte of the text. They may reach into the buffer's private area (pool.h);
 * stw_frame_settle() makes a sendable frame of it.
 */

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include <strowger/endpoint.h>

#include "dataplane/route/fib.h"

/** Most bytes of headers: Ethernet, one tag, IPv6, UDP. */
#define STW_FRAME_HEADERS 66u

#define STW_FRAME_TTL	  64

/**
 * Write UDP and IP headers for @len bytes of text. The UDP checksum is begun only: with @offload
 * the device does the rest, else stw_frame_sum() must, once the frame is settled.
 *
 * @param src, dst  of one family
 * @param len       at most 65535 - 28 (IPv4), 65535 - 8 (IPv6)
 * @return the first byte of the IP header
 */
char *stw_frame_ip(struct rte_mbuf *m, char *text, uint32_t len, const struct stw_endpoint *src,
		   const struct stw_endpoint *dst, uint16_t ip_id, bool offload);

/** Write the Ethernet header of @iface before an IP header. @return its first byte */
char *stw_frame_ethernet(struct rte_mbuf *m, char *l3, const struct stw_iface *iface);

/**
 * Make the @len bytes at @start the frame in @m. When they begin in the private area they move up,
 * once.
 *
 * @return false when they do not fit then
 */
bool stw_frame_settle(struct rte_mbuf *m, char *start, uint32_t len);

/**
 * Complete the UDP checksum of a settled frame, unless its device will. A burst's frames are better
 * summed when all are written: loads right behind their stores wait for them.
 */
void stw_frame_sum(struct rte_mbuf *m);

/** Replace the destination MAC address. */
static inline void stw_frame_set_mac(struct rte_mbuf *m, const uint8_t mac[6])
{
	memcpy(rte_pktmbuf_mtod(m, char *), mac, 6);
}

/** Write an IPv4 header's checksum, in software. */
void stw_frame_sum_ipv4(void *ip);
