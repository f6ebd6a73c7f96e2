/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/path/frame.h"

#include <netinet/in.h>
#include <string.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "dataplane/path/cksum.h"

/* Where a moved frame begins: room for a tag, should its way change while it waits. */
#define SETTLE_OFF 64u

void stw_frame_sum_ipv4(void *ip)
{
	struct rte_ipv4_hdr *h = ip;

	h->hdr_checksum = 0;
	h->hdr_checksum = (uint16_t)~stw_cksum_fold(stw_cksum_sum(h, sizeof(*h)));
}

/* A sum of zero is sent as all ones: zero would say that there is none (RFC 768, RFC 8200 s8.1). */
static uint16_t complement(uint64_t sum)
{
	uint16_t c = (uint16_t)~stw_cksum_fold(sum);

	return c == 0 ? 0xffff : c;
}

/* The halves of an IPv4 address as words of a sum. */
static uint32_t halves(uint32_t address)
{
	return (address & 0xffff) + (address >> 16);
}

/* From the values, not the bytes just written: loading those would wait for the stores. */
static uint16_t sum_of(const struct rte_ipv4_hdr *h, uint32_t addresses)
{
	uint32_t sum = (uint32_t)rte_cpu_to_be_16(RTE_IPV4_VHL_DEF << 8) + h->total_length +
		       h->packet_id + rte_cpu_to_be_16(STW_FRAME_TTL << 8 | IPPROTO_UDP) +
		       addresses;

	return (uint16_t)~stw_cksum_fold(sum);
}

/* The pseudo header's sum in place of the checksum: a device adds the rest, or stw_frame_sum(). */
static void begin_sum(struct rte_mbuf *m, struct rte_udp_hdr *udp, uint64_t addresses, bool offload)
{
	udp->dgram_cksum =
		stw_cksum_fold(addresses + rte_cpu_to_be_16(IPPROTO_UDP) + udp->dgram_len);
	if (offload)
		m->ol_flags |= RTE_MBUF_F_TX_UDP_CKSUM;
}

void stw_frame_sum(struct rte_mbuf *m)
{
	char *l4 = rte_pktmbuf_mtod(m, char *) + m->l2_len + m->l3_len;
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)l4;

	if (m->ol_flags & RTE_MBUF_F_TX_UDP_CKSUM)
		return;
	udp->dgram_cksum = complement(stw_cksum_sum(l4, m->pkt_len - m->l2_len - m->l3_len));
}

static char *put_ipv4(struct rte_mbuf *m, struct rte_udp_hdr *udp, uint32_t udp_len,
		      const struct stw_ip *src, const struct stw_ip *dst, uint16_t id, bool offload)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)((char *)udp - sizeof(*ip));
	struct rte_ipv4_hdr h = {
		.version_ihl = RTE_IPV4_VHL_DEF,
		.total_length = rte_cpu_to_be_16((uint16_t)(sizeof(*ip) + udp_len)),
		.packet_id = rte_cpu_to_be_16(id),
		.time_to_live = STW_FRAME_TTL,
		.next_proto_id = IPPROTO_UDP,
	};

	memcpy(&h.src_addr, src->b + 12, 4);
	memcpy(&h.dst_addr, dst->b + 12, 4);
	uint32_t addresses = halves(h.src_addr) + halves(h.dst_addr);
	m->l3_len = sizeof(*ip);
	if (offload)
		m->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM;
	else
		h.hdr_checksum = sum_of(&h, addresses);
	*ip = h;
	begin_sum(m, udp, addresses, offload);
	return (char *)ip;
}

static char *put_ipv6(struct rte_mbuf *m, struct rte_udp_hdr *udp, uint32_t udp_len,
		      const struct stw_ip *src, const struct stw_ip *dst, bool offload)
{
	struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)((char *)udp - sizeof(*ip));

	ip->vtc_flow = rte_cpu_to_be_32(6u << 28);
	ip->payload_len = rte_cpu_to_be_16((uint16_t)udp_len);
	ip->proto = IPPROTO_UDP;
	ip->hop_limits = STW_FRAME_TTL;
	memcpy(ip->src_addr, src->b, 16);
	memcpy(ip->dst_addr, dst->b, 16);
	m->l3_len = sizeof(*ip);
	if (offload)
		m->ol_flags |= RTE_MBUF_F_TX_IPV6;
	begin_sum(m, udp, (uint64_t)stw_cksum_sum(src->b, 16) + stw_cksum_sum(dst->b, 16), offload);
	return (char *)ip;
}

char *stw_frame_ip(struct rte_mbuf *m, char *text, uint32_t len, const struct stw_endpoint *src,
		   const struct stw_endpoint *dst, uint16_t ip_id, bool offload)
{
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(text - sizeof(*udp));
	uint32_t udp_len = (uint32_t)sizeof(*udp) + len;

	udp->src_port = rte_cpu_to_be_16(src->port);
	udp->dst_port = rte_cpu_to_be_16(dst->port);
	udp->dgram_len = rte_cpu_to_be_16((uint16_t)udp_len);
	m->ol_flags = 0;
	if (stw_ip_is_v4(&dst->ip))
		return put_ipv4(m, udp, udp_len, &src->ip, &dst->ip, ip_id, offload);
	return put_ipv6(m, udp, udp_len, &src->ip, &dst->ip, offload);
}

char *stw_frame_ethernet(struct rte_mbuf *m, char *l3, const struct stw_iface *iface)
{
	uint16_t type =
		rte_cpu_to_be_16((*l3 & 0xf0) == 0x40 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6);
	char *at = l3;

	if (iface->vlan != 0) {
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

bool stw_frame_settle(struct rte_mbuf *m, char *start, uint32_t len)
{
	char *base = m->buf_addr;

	if (start < base) {
		if (len > m->buf_len - SETTLE_OFF)
			return false;
		memmove(base + SETTLE_OFF, start, len);
		start = base + SETTLE_OFF;
	}
	if (len > (uint32_t)m->buf_len - (uint32_t)(start - base))
		return false;
	m->data_off = (uint16_t)(start - base);
	m->data_len = (uint16_t)len;
	m->pkt_len = len;
	return true;
}
