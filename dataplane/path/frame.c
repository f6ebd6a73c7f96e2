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

void stw_frame_sum(struct rte_mbuf *m)
{
	char *l4 = rte_pktmbuf_mtod(m, char *) + m->l2_len + m->l3_len;
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)l4;

	if (m->ol_flags & RTE_MBUF_F_TX_UDP_CKSUM)
		return;
	udp->dgram_cksum = complement(stw_cksum_sum(l4, m->pkt_len - m->l2_len - m->l3_len));
}

char *stw_frame_ipv6(struct rte_mbuf *m, char *text, uint32_t len, const struct stw_endpoint *src,
		     const struct stw_endpoint *dst, bool offload)
{
	const uint32_t udp_len = STW_UDP_LEN + len;
	char *ip = text - STW_UDP_LEN - STW_IPV6_LEN;
	uint64_t sum = (uint64_t)stw_cksum_sum(src->ip.b, 16) + stw_cksum_sum(dst->ip.b, 16) +
		       rte_cpu_to_be_16(IPPROTO_UDP) + rte_cpu_to_be_16((uint16_t)udp_len);

	m->tx_offload = rte_mbuf_tx_offload(0, STW_IPV6_LEN, 0, 0, 0, 0, 0);
	m->ol_flags = offload ? RTE_MBUF_F_TX_IPV6 | RTE_MBUF_F_TX_UDP_CKSUM : 0;
	stw_frame_put64(ip, (uint64_t)6 << 60 | (uint64_t)udp_len << 16 | IPPROTO_UDP << 8 |
				    STW_FRAME_TTL);
	memcpy(ip + 8, src->ip.b, 16);
	memcpy(ip + 24, dst->ip.b, 16);
	stw_frame_put64(ip + 40, (uint64_t)src->port << 48 | (uint64_t)dst->port << 32 |
					 (uint64_t)udp_len << 16 |
					 rte_be_to_cpu_16(stw_cksum_fold(sum)));
	return ip;
}

char *stw_frame_move_up(struct rte_mbuf *m, const char *start, uint32_t len)
{
	char *to = (char *)m->buf_addr + SETTLE_OFF;

	if (len > m->buf_len - SETTLE_OFF)
		return NULL;
	return memmove(to, start, len);
}
