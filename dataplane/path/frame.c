/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/path/frame.h"

#include <netinet/in.h>
#include <string.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "dataplane/path/cksum.h"

#define UDP_LEN	 8u
#define IPV4_LEN 20u
#define IPV6_LEN 40u

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

/* The words of an address in host order, summed. */
static uint32_t halves(uint32_t address)
{
	return (address & 0xffff) + (address >> 16);
}

static uint32_t v4_of(const struct stw_ip *ip)
{
	uint32_t be;

	memcpy(&be, ip->b + 12, sizeof(be));
	return rte_be_to_cpu_32(be);
}

static void put64(char *at, uint64_t value)
{
	value = rte_cpu_to_be_64(value);
	memcpy(at, &value, sizeof(value));
}

void stw_frame_sum(struct rte_mbuf *m)
{
	char *l4 = rte_pktmbuf_mtod(m, char *) + m->l2_len + m->l3_len;
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)l4;

	if (m->ol_flags & RTE_MBUF_F_TX_UDP_CKSUM)
		return;
	udp->dgram_cksum = complement(stw_cksum_sum(l4, m->pkt_len - m->l2_len - m->l3_len));
}

/*
 * Both headers, eight bytes a store: what reads them next must not wait for shorter ones. In place
 * of the UDP checksum stands the pseudo header's: a device adds the rest, or stw_frame_sum().
 */
static char *put_ipv4(struct rte_mbuf *m, char *text, uint32_t len, const struct stw_endpoint *src,
		      const struct stw_endpoint *dst, uint16_t id, bool offload)
{
	const uint32_t from = v4_of(&src->ip), to = v4_of(&dst->ip);
	const uint32_t udp_len = UDP_LEN + len, total = IPV4_LEN + udp_len;
	const uint32_t addresses = halves(from) + halves(to);
	char *ip = text - UDP_LEN - IPV4_LEN;
	uint32_t sum = RTE_IPV4_VHL_DEF << 8;
	uint64_t ip_sum = 0;
	uint32_t tail;

	sum += total + id + (STW_FRAME_TTL << 8 | IPPROTO_UDP) + addresses;
	m->l3_len = IPV4_LEN;
	if (offload)
		m->ol_flags |=
			RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_UDP_CKSUM;
	else
		ip_sum = (uint16_t)~stw_cksum_fold(sum);
	put64(ip, (uint64_t)RTE_IPV4_VHL_DEF << 56 | (uint64_t)total << 32 | (uint32_t)id << 16);
	put64(ip + 8,
	      (uint64_t)STW_FRAME_TTL << 56 | (uint64_t)IPPROTO_UDP << 48 | ip_sum << 32 | from);
	put64(ip + 16, (uint64_t)to << 32 | (uint32_t)src->port << 16 | dst->port);
	tail = rte_cpu_to_be_32(udp_len << 16 | stw_cksum_fold(addresses + IPPROTO_UDP + udp_len));
	memcpy(ip + 24, &tail, sizeof(tail));
	return ip;
}

static char *put_ipv6(struct rte_mbuf *m, char *text, uint32_t len, const struct stw_endpoint *src,
		      const struct stw_endpoint *dst, bool offload)
{
	const uint32_t udp_len = UDP_LEN + len;
	char *ip = text - UDP_LEN - IPV6_LEN;
	uint64_t sum = (uint64_t)stw_cksum_sum(src->ip.b, 16) + stw_cksum_sum(dst->ip.b, 16) +
		       rte_cpu_to_be_16(IPPROTO_UDP) + rte_cpu_to_be_16((uint16_t)udp_len);

	m->l3_len = IPV6_LEN;
	if (offload)
		m->ol_flags |= RTE_MBUF_F_TX_IPV6 | RTE_MBUF_F_TX_UDP_CKSUM;
	put64(ip, (uint64_t)6 << 60 | (uint64_t)udp_len << 16 | IPPROTO_UDP << 8 | STW_FRAME_TTL);
	memcpy(ip + 8, src->ip.b, 16);
	memcpy(ip + 24, dst->ip.b, 16);
	put64(ip + 40, (uint64_t)src->port << 48 | (uint64_t)dst->port << 32 |
			       (uint64_t)udp_len << 16 | rte_be_to_cpu_16(stw_cksum_fold(sum)));
	return ip;
}

char *stw_frame_ip(struct rte_mbuf *m, char *text, uint32_t len, const struct stw_endpoint *src,
		   const struct stw_endpoint *dst, uint16_t ip_id, bool offload)
{
	m->ol_flags = 0;
	if (stw_ip_is_v4(&dst->ip))
		return put_ipv4(m, text, len, src, dst, ip_id, offload);
	return put_ipv6(m, text, len, src, dst, offload);
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
