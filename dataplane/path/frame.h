/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Headers in front of a message: UDP, IPv4 or IPv6, 802.1Q, Ethernet, written backwards from the
 * first byte of the text. They may reach into the buffer's private area (pool.h);
 * stw_frame_settle() makes a sendable frame of it.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>

#include <strowger/endpoint.h>
#include <strowger/likely.h>

#include "dataplane/route/fib.h"

/** Most bytes of headers: Ethernet, one tag, IPv6, UDP. */
#define STW_FRAME_HEADERS 66u

#define STW_FRAME_TTL	  64

#define STW_UDP_LEN	  8u
#define STW_IPV4_LEN	  20u
#define STW_IPV6_LEN	  40u

static inline void stw_frame_put64(char *at, uint64_t value)
{
	value = rte_cpu_to_be_64(value);
	memcpy(at, &value, sizeof(value));
}

/* The words of an address in host order, summed. */
static inline uint32_t stw_frame_halves(uint32_t address)
{
	return (address & 0xffff) + (address >> 16);
}

/* Of at most 65536 words. */
static inline uint16_t stw_frame_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)(sum + (sum >> 16));
}

static inline uint32_t stw_frame_v4(const struct stw_ip *ip)
{
	uint32_t be;

	memcpy(&be, ip->b + 12, sizeof(be));
	return rte_be_to_cpu_32(be);
}

/*
 * Both headers, eight bytes a store: what reads them next must not wait for shorter ones. In place
 * of the UDP checksum stands the pseudo header's: a device adds the rest, or stw_frame_sum().
 */
static inline char *stw_frame_ipv4(struct rte_mbuf *m, char *text, uint32_t len,
				   const struct stw_endpoint *src, const struct stw_endpoint *dst,
				   uint16_t id, bool offload)
{
	const uint64_t flags =
		RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_UDP_CKSUM;
	const uint64_t here = (uint64_t)offload - 1; /* all bits or none */
	const uint32_t from = stw_frame_v4(&src->ip), to = stw_frame_v4(&dst->ip);
	const uint32_t udp_len = STW_UDP_LEN + len, total = STW_IPV4_LEN + udp_len;
	const uint32_t addresses = stw_frame_halves(from) + stw_frame_halves(to);
	const uint32_t sum = (RTE_IPV4_VHL_DEF << 8) + total + id +
			     (STW_FRAME_TTL << 8 | IPPROTO_UDP) + addresses;
	const uint64_t ip_sum = (uint16_t)~stw_frame_fold(sum) & here;
	char *ip = text - STW_UDP_LEN - STW_IPV4_LEN;
	uint32_t tail;

	m->tx_offload = rte_mbuf_tx_offload(0, STW_IPV4_LEN, 0, 0, 0, 0, 0);
	m->ol_flags = flags & ~here;
	stw_frame_put64(ip, (uint64_t)RTE_IPV4_VHL_DEF << 56 | (uint64_t)total << 32 |
				    (uint32_t)id << 16);
	stw_frame_put64(ip + 8, (uint64_t)STW_FRAME_TTL << 56 | (uint64_t)IPPROTO_UDP << 48 |
					ip_sum << 32 | from);
	stw_frame_put64(ip + 16, (uint64_t)to << 32 | (uint32_t)src->port << 16 | dst->port);
	tail = rte_cpu_to_be_32(udp_len << 16 | stw_frame_fold(addresses + IPPROTO_UDP + udp_len));
	memcpy(ip + 24, &tail, sizeof(tail));
	return ip;
}

/* The same for IPv6. */
char *stw_frame_ipv6(struct rte_mbuf *m, char *text, uint32_t len, const struct stw_endpoint *src,
		     const struct stw_endpoint *dst, bool offload);

/**
 * Write UDP and IP headers for @len bytes of text. The UDP checksum is begun only: with @offload
 * the device does the rest, else stw_frame_sum() must, once the frame is settled.
 *
 * @param src, dst  of one family
 * @param len       at most 65535 - 28 (IPv4), 65535 - 8 (IPv6)
 * @return the first byte of the IP header
 */
static inline char *stw_frame_ip(struct rte_mbuf *m, char *text, uint32_t len,
				 const struct stw_endpoint *src, const struct stw_endpoint *dst,
				 uint16_t ip_id, bool offload)
{
	return stw_likely(stw_ip_is_v4(&dst->ip))
		       ? stw_frame_ipv4(m, text, len, src, dst, ip_id, offload)
		       : stw_frame_ipv6(m, text, len, src, dst, offload);
}

/** Write the Ethernet header of @iface before an IP header. @return its first byte */
static inline char *stw_frame_ethernet(struct rte_mbuf *m, char *l3, const struct stw_iface *iface)
{
	uint16_t type =
		rte_cpu_to_be_16((*l3 & 0xf0) == 0x40 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6);
	char *at = l3;

	if (stw_unlikely(iface->vlan != 0)) {
		uint16_t tag[2] = {rte_cpu_to_be_16(iface->vlan), type};

		at -= sizeof(tag);
		memcpy(at, tag, sizeof(tag));
		type = rte_cpu_to_be_16(RTE_ETHER_TYPE_VLAN);
	}
	at -= sizeof(type);
	memcpy(at, &type, sizeof(type));
	at -= RTE_ETHER_ADDR_LEN;
	memcpy(at, iface->mac, RTE_ETHER_ADDR_LEN);
	at -= RTE_ETHER_ADDR_LEN;
	m->l2_len = (uint64_t)(l3 - at) & 0x7f;
	return at;
}

/* @return where they begin then; NULL when they do not fit */
char *stw_frame_move_up(struct rte_mbuf *m, const char *start, uint32_t len);

/**
 * Make the @len bytes at @start the frame in @m. When they begin in the private area they move up,
 * once.
 *
 * @return false when they do not fit then
 */
static inline bool stw_frame_settle(struct rte_mbuf *m, char *start, uint32_t len)
{
	char *base = m->buf_addr;

	if (start < base && (start = stw_frame_move_up(m, start, len)) == NULL)
		return false;
	if (stw_unlikely(len > m->buf_len - (uint32_t)(start - base)))
		return false;
	m->data_off = (uint16_t)(start - base);
	m->data_len = (uint16_t)len;
	m->pkt_len = len;
	return true;
}

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
