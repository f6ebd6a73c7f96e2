/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/path/split.h"

#include <netinet/in.h>
#include <string.h>

#include "dataplane/path/frame.h"

#define IPV4_LEN      20u
#define IPV6_LEN      40u
#define IPV6_FRAG_LEN 8u

struct cut {
	const char *frame;
	uint32_t headers; /* Ethernet and IP as they are */
	uint32_t l2;
	bool v4;
	uint32_t id;
};

static void put16(char *at, uint32_t value)
{
	uint16_t be = htons((uint16_t)value);

	memcpy(at, &be, sizeof(be));
}

static void finish_ipv4(const struct cut *c, char *start, uint32_t off, uint32_t len, bool more)
{
	char *ip = start + c->l2;

	put16(ip + 2, IPV4_LEN + len);
	put16(ip + 6, off / 8 | (more ? 0x2000u : 0));
	stw_frame_sum_ipv4(ip);
}

static void finish_ipv6(const struct cut *c, char *start, uint32_t off, uint32_t len, bool more)
{
	char *ip = start + c->l2, *h = ip + IPV6_LEN;
	uint32_t id = htonl(c->id);

	put16(ip + 4, IPV6_FRAG_LEN + len);
	h[0] = ip[6];
	h[1] = 0;
	ip[6] = IPPROTO_FRAGMENT;
	put16(h + 2, off | (more ? 1 : 0));
	memcpy(h + 4, &id, sizeof(id));
}

static struct rte_mbuf *piece(const struct cut *c, struct rte_mempool *pool, uint32_t off,
			      uint32_t len, bool more)
{
	uint32_t front = c->headers + (c->v4 ? 0 : IPV6_FRAG_LEN);
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	char *start;

	if (m == NULL)
		return NULL;
	start = rte_pktmbuf_append(m, (uint16_t)(front + len));
	if (start == NULL) {
		rte_pktmbuf_free(m);
		return NULL;
	}
	memcpy(start, c->frame, c->headers);
	memcpy(start + front, c->frame + c->headers + off, len);
	if (c->v4)
		finish_ipv4(c, start, off, len, more);
	else
		finish_ipv6(c, start, off, len, more);
	return m;
}

unsigned stw_split(const struct rte_mbuf *m, uint16_t mtu, uint32_t id, struct rte_mempool *pool,
		   struct rte_mbuf **out)
{
	struct cut c = {.frame = rte_pktmbuf_mtod(m, const char *), .l2 = m->l2_len, .id = id};
	uint32_t whole, each, overhead;
	unsigned n = 0;

	c.v4 = (c.frame[c.l2] & 0xf0) == 0x40;
	c.headers = c.l2 + (c.v4 ? IPV4_LEN : IPV6_LEN);
	overhead = c.v4 ? IPV4_LEN : IPV6_LEN + IPV6_FRAG_LEN;
	if (mtu < overhead + 8 || m->data_len <= c.headers)
		return 0;
	whole = m->data_len - c.headers;
	each = (mtu - overhead) & ~7u;
	for (uint32_t off = 0; off < whole; off += each) {
		bool more = whole - off > each;

		if (n < STW_SPLIT_MAX)
			out[n] = piece(&c, pool, off, more ? each : whole - off, more);
		if (n == STW_SPLIT_MAX || out[n] == NULL) {
			rte_pktmbuf_free_bulk(out, n);
			return 0;
		}
		n++;
	}
	return n;
}
