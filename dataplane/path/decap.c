/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From frames to SIP bytes. A datagram to a listener's address and port is ours; a fragment of one
 * to a listener's address is, until its datagram is whole. Everything else is the kernel's, as it
 * came.
 */
#include "dataplane/path/path.h"

#include <netinet/in.h>
#include <string.h>

#include <rte_ether.h>
#include <rte_prefetch.h>

#include "dataplane/pool.h"
#include "dataplane/route/quoted.h"
#include "dataplane/table/lookup.h"

#define PREFETCH_AHEAD 8
#define UDP_LEN	       8u
#define IPV4_LEN       20u
#define IPV6_LEN       40u
#define IPV6_FRAG_LEN  8u

enum kind { KIND_KERNEL, KIND_TRUNCATED, KIND_UDP, KIND_FRAGMENT, KIND_ICMP };

/* What decap learns of a frame; pointers into it. */
struct view {
	uint32_t l3_off;
	const uint8_t *l4; /* UDP or ICMP header, or a fragment's bytes */
	uint32_t l4_len;
	struct stw_ip src;
	struct stw_ip dst;
	uint32_t id; /* of a fragment */
	uint32_t frag_off;
	bool more;
};

/* The listener that the datagram before was for: mostly this one's too. */
struct known {
	struct stw_endpoint to;
	int listener;
	bool is_plain; /* a listener's, and IPv4: then as it stands in a frame */
	uint16_t port_be;
	uint32_t ip_be;
};

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)be16(p) << 16 | be16(p + 2);
}

static enum kind see_ipv4(const uint8_t *ip, uint32_t left, struct view *v)
{
	uint32_t header, total, frag;

	if (left < IPV4_LEN)
		return KIND_TRUNCATED;
	header = (ip[0] & 0x0fu) * 4u;
	total = be16(ip + 2);
	if (ip[0] >> 4 != 4 || header < IPV4_LEN || header > total || total > left)
		return KIND_TRUNCATED;
	if (ip[9] != IPPROTO_UDP && ip[9] != IPPROTO_ICMP)
		return KIND_KERNEL;
	v->src = stw_ip_from_v4(ip + 12);
	v->dst = stw_ip_from_v4(ip + 16);
	v->l4 = ip + header;
	v->l4_len = total - header;
	frag = be16(ip + 6);
	if (ip[9] == IPPROTO_ICMP)
		return (frag & 0x3fff) == 0 ? KIND_ICMP : KIND_KERNEL;
	if ((frag & 0x3fff) == 0)
		return KIND_UDP;
	v->id = be16(ip + 4);
	v->frag_off = (frag & 0x1fff) * 8;
	v->more = (frag & 0x2000) != 0;
	return KIND_FRAGMENT;
}

static enum kind see_ipv6_fragment(struct view *v)
{
	const uint8_t *h = v->l4;
	uint32_t frag;

	if (v->l4_len < IPV6_FRAG_LEN)
		return KIND_TRUNCATED;
	if (h[0] != IPPROTO_UDP)
		return KIND_KERNEL;
	frag = be16(h + 2);
	v->id = be32(h + 4);
	v->l4 += IPV6_FRAG_LEN;
	v->l4_len -= IPV6_FRAG_LEN;
	v->frag_off = frag & 0xfff8;
	v->more = (frag & 1) != 0;
	/* A datagram in one piece that has the header all the same (RFC 6946). */
	return v->frag_off == 0 && !v->more ? KIND_UDP : KIND_FRAGMENT;
}

static enum kind see_ipv6(const uint8_t *ip, uint32_t left, struct view *v)
{
	uint32_t payload;

	if (left < IPV6_LEN)
		return KIND_TRUNCATED;
	payload = be16(ip + 4);
	if (ip[0] >> 4 != 6 || payload > left - IPV6_LEN)
		return KIND_TRUNCATED;
	v->src = stw_ip_from_v6(ip + 8);
	v->dst = stw_ip_from_v6(ip + 24);
	v->l4 = ip + IPV6_LEN;
	v->l4_len = payload;
	if (ip[6] == IPPROTO_UDP)
		return KIND_UDP;
	if (ip[6] == IPPROTO_ICMPV6)
		return KIND_ICMP;
	return ip[6] == IPPROTO_FRAGMENT ? see_ipv6_fragment(v) : KIND_KERNEL;
}

static enum kind see(const struct rte_mbuf *m, struct view *v)
{
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);
	uint32_t len = m->data_len;
	uint16_t type;

	if (len < RTE_ETHER_HDR_LEN)
		return KIND_TRUNCATED;
	v->l3_off = RTE_ETHER_HDR_LEN;
	type = be16(frame + 12);
	if (type == RTE_ETHER_TYPE_VLAN) {
		v->l3_off += RTE_VLAN_HLEN;
		if (len < v->l3_off)
			return KIND_TRUNCATED;
		type = be16(frame + 16);
	}
	if (type == RTE_ETHER_TYPE_IPV4)
		return see_ipv4(frame + v->l3_off, len - v->l3_off, v);
	if (type == RTE_ETHER_TYPE_IPV6)
		return see_ipv6(frame + v->l3_off, len - v->l3_off, v);
	return KIND_KERNEL;
}

/* Frames for other stations reach a port that listens to all; the twin drops them. */
static bool for_this_station(const struct stw_worker *w, const struct rte_mbuf *m)
{
	const struct stw_port *p = &w->ports->port[w->ports->by_dev[m->port]];

	return p->twin.id == STW_NO_DEV ||
	       memcmp(rte_pktmbuf_mtod(m, const char *), p->mac, sizeof(p->mac)) == 0;
}

static bool ip_sum_bad(const struct rte_mbuf *m)
{
	return (m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_BAD;
}

static bool udp_sum_bad(const struct rte_mbuf *m)
{
	return (m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_BAD;
}

static bool end(struct stw_worker *w, struct rte_mbuf *m, enum stw_counter reason)
{
	stw_drop(w, m, stw_tag_plain(STW_TAG_SENT), reason);
	return false;
}

static bool to_kernel(struct stw_worker *w, struct rte_mbuf *m)
{
	stw_to_kernel(w, m);
	return false;
}

static int listener_of(const struct stw_tables *t, const struct stw_endpoint *to, struct known *k)
{
	if (to->port == k->to.port && stw_ip_equal(&to->ip, &k->to.ip))
		return k->listener;
	*k = (struct known){.to = *to, .listener = stw_tables_find_listener(t, to)};
	k->is_plain = k->listener >= 0 && stw_ip_is_v4(&to->ip);
	k->port_be = rte_cpu_to_be_16(to->port);
	memcpy(&k->ip_be, to->ip.b + 12, sizeof(k->ip_be));
	return k->listener;
}

static void put_source(struct stw_worker *w, struct stw_burst *b, unsigned i,
		       const struct stw_ip *ip, uint16_t port, int listener)
{
	b->src[i] = (struct stw_source){
		.peer = {.ip = *ip, .port = port},
		.listener = (uint16_t)listener,
		.memory = &w->memory,
	};
}

static bool take_udp(struct stw_worker *w, struct stw_burst *b, unsigned i, const struct view *v,
		     struct known *known)
{
	struct rte_mbuf *m = b->frame[i];
	struct stw_endpoint to = {.ip = v->dst};
	uint32_t len;
	int listener;

	if (v->l4_len < UDP_LEN)
		return end(w, m, STW_C_DROP_FRAME_TRUNCATED);
	/* Silence until tables come: an ICMP error from the kernel would fail calls that a
	 * retransmission saves. */
	if (b->snap->tables == NULL)
		return end(w, m, STW_C_DROP_NO_TABLES);
	to.port = be16(v->l4 + 2);
	listener = listener_of(b->snap->tables, &to, known);
	if (listener < 0 || !for_this_station(w, m))
		return to_kernel(w, m);
	len = be16(v->l4 + 4);
	if (len < UDP_LEN || len > v->l4_len)
		return end(w, m, STW_C_DROP_FRAME_TRUNCATED);
	if (ip_sum_bad(m) || udp_sum_bad(m))
		return end(w, m, STW_C_DROP_BAD_CHECKSUM);
	b->text[i] = rte_pktmbuf_mtod(m, char *) +
		     (v->l4 + UDP_LEN - rte_pktmbuf_mtod(m, const uint8_t *));
	b->text_len[i] = len - UDP_LEN;
	if (w->spread.on && i >= b->n_injected &&
	    stw_spread_stage(w, m, b->text[i], b->text_len[i]))
		return false;
	put_source(w, b, i, &v->src, be16(v->l4), listener);
	return true;
}

static bool take_fragment(struct stw_worker *w, struct stw_burst *b, unsigned i,
			  const struct view *v, struct known *known)
{
	struct stw_fragment f = {.src = v->src,
				 .dst = v->dst,
				 .id = v->id,
				 .off = v->frag_off,
				 .more = v->more,
				 .data = v->l4,
				 .len = v->l4_len};
	struct rte_mbuf *m = b->frame[i];
	struct view whole;

	if (b->snap->tables == NULL)
		return end(w, m, STW_C_DROP_NO_TABLES);
	if (!stw_tables_has_listener_ip(b->snap->tables, &v->dst) || !for_this_station(w, m))
		return to_kernel(w, m);
	if (ip_sum_bad(m))
		return end(w, m, STW_C_DROP_BAD_CHECKSUM);
	m = stw_fragment_take(w, m, v->l3_off, &f, i >= b->n_injected);
	if (m == NULL)
		return false;
	b->frame[i] = m;
	if (see(m, &whole) != KIND_UDP)
		return end(w, m, STW_C_DROP_FRAGMENT_BAD);
	return take_udp(w, b, i, &whole, known);
}

/* The kernel has it as it came; what it proves about a member is counted. */
static bool take_icmp(struct stw_worker *w, const struct stw_burst *b, unsigned i,
		      const struct view *v)
{
	const struct stw_tables *t = b->snap->tables;
	uint16_t member =
		t != NULL ? stw_quoted_member(b->snap, v->l4, v->l4_len, !stw_ip_is_v4(&v->dst))
			  : STW_NO_MEMBER;

	if (member != STW_NO_MEMBER)
		stw_count_member(w, stw_tables_member(t, member)->number, STW_M_UNREACHABLE);
	return to_kernel(w, b->frame[i]);
}

/* A frame in several buffers is rare enough to be copied into one. */
static struct rte_mbuf *flatten(struct stw_worker *w, struct rte_mbuf *m)
{
	struct rte_mbuf *flat = rte_pktmbuf_alloc(w->ports->jumbo);
	const void *bytes;

	if (flat == NULL || m->pkt_len > STW_DATAGRAM_MAX) {
		rte_pktmbuf_free(flat);
		return NULL;
	}
	flat->data_off = STW_JUMBO_START;
	bytes = rte_pktmbuf_read(m, 0, m->pkt_len, rte_pktmbuf_mtod(flat, void *));
	if (bytes != rte_pktmbuf_mtod(flat, void *))
		memcpy(rte_pktmbuf_mtod(flat, void *), bytes, m->pkt_len);
	flat->data_len = (uint16_t)m->pkt_len;
	flat->pkt_len = m->pkt_len;
	flat->port = m->port;
	flat->ol_flags = m->ol_flags;
	rte_pktmbuf_free(m);
	return flat;
}

static inline uint16_t load16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint32_t load32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/*
 * As nearly every frame is: untagged, whole, IPv4 without options, UDP to where the one before was
 * sent, nothing wrong with it that the device saw. @return false: look closer
 */
static inline bool take_plain(struct stw_worker *w, struct stw_burst *b, unsigned i,
			      const struct known *known)
{
	const struct rte_mbuf *m = b->frame[i];
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);
	const uint8_t *ip = frame + RTE_ETHER_HDR_LEN, *udp = ip + IPV4_LEN;
	const uint16_t fragment = RTE_BE16(0x3fff);

	if (stw_unlikely(m->nb_segs > 1 || !known->is_plain) ||
	    stw_unlikely(m->data_len < RTE_ETHER_HDR_LEN + IPV4_LEN + UDP_LEN) ||
	    stw_unlikely(w->spread.on || ip_sum_bad(m) || udp_sum_bad(m)) ||
	    stw_unlikely(load16(frame + 12) != RTE_BE16(RTE_ETHER_TYPE_IPV4) || ip[0] != 0x45) ||
	    stw_unlikely((load16(ip + 6) & fragment) != 0 || ip[9] != IPPROTO_UDP) ||
	    stw_unlikely(load32(ip + 16) != known->ip_be || load16(udp + 2) != known->port_be) ||
	    stw_unlikely(!for_this_station(w, m)))
		return false;
	const uint32_t total = be16(ip + 2), len = be16(udp + 4);
	if (stw_unlikely(total > m->data_len - (uint32_t)RTE_ETHER_HDR_LEN || len < UDP_LEN ||
			 len + IPV4_LEN > total))
		return false;
	const struct stw_ip src = stw_ip_from_v4(ip + 12);
	b->text[i] = rte_pktmbuf_mtod(m, char *) + RTE_ETHER_HDR_LEN + IPV4_LEN + UDP_LEN;
	b->text_len[i] = len - UDP_LEN;
	put_source(w, b, i, &src, be16(udp), known->listener);
	return true;
}

__attribute__((noinline)) static bool look_closer(struct stw_worker *w, struct stw_burst *b,
						  unsigned i, struct known *known)
{
	struct view v;

	if (b->frame[i]->nb_segs > 1) {
		struct rte_mbuf *flat = flatten(w, b->frame[i]);

		if (flat == NULL)
			return end(w, b->frame[i], STW_C_DROP_NO_BUFFER);
		b->frame[i] = flat;
	}
	switch (see(b->frame[i], &v)) {
	case KIND_UDP: return take_udp(w, b, i, &v, known);
	case KIND_FRAGMENT: return take_fragment(w, b, i, &v, known);
	case KIND_ICMP: return take_icmp(w, b, i, &v);
	case KIND_TRUNCATED: return end(w, b->frame[i], STW_C_DROP_FRAME_TRUNCATED);
	default: return to_kernel(w, b->frame[i]);
	}
}

void stw_decap(struct stw_worker *w, struct stw_burst *b)
{
	/* No listener has port 0. */
	struct known known = {.listener = -1};
	uint16_t n = 0;

	for (unsigned i = 0; i < b->n; i++) {
		if (i + PREFETCH_AHEAD < b->n)
			stw_prefetch_write(rte_pktmbuf_mtod(b->frame[i + PREFETCH_AHEAD], void *));
		if (stw_likely(take_plain(w, b, i, &known)) || look_closer(w, b, i, &known))
			b->live[n++] = (uint8_t)i;
	}
	b->n_live = n;
	if (w->spread.n_staged > 0)
		stw_spread_flush(w);
	stw_fragment_expire(w, false);
	STW_PROBE(decapped, w, b->n_live);
}
