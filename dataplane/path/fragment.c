/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fragments in. All of a datagram's go to the worker that their addresses and id name, wherever the
 * NIC put them; there they become one frame again, as if the wire had taken it whole.
 */
#include "dataplane/path/path.h"

#include <netinet/in.h>
#include <string.h>

#include "dataplane/path/frame.h"
#include "dataplane/pool.h"

#define IPV4_LEN 20u
#define IPV6_LEN 40u

/* Room in a jumbo buffer for the longest headers; the payload's place is always the same. */
#define PAYLOAD_OFF (STW_JUMBO_START + 18u + IPV6_LEN)

static void hand_over(struct stw_worker *w, uint32_t owner, struct rte_mbuf *m)
{
	const uint32_t tag = stw_tag_plain(STW_TAG_RAW);

	m->hash.usr = tag;
	if (rte_ring_mp_enqueue(w->inboxes[owner], m) == 0)
		stw_count(w, STW_C_HANDED_OVER, 1);
	else
		stw_drop(w, m, tag, STW_C_DROP_HANDOVER_FULL);
}

static void lend_spare(struct stw_worker *w)
{
	struct rte_mbuf *m;

	if (w->spare.handle != NULL)
		return;
	m = rte_pktmbuf_alloc(w->ports->jumbo);
	if (m == NULL)
		return;
	w->spare.handle = m;
	w->spare.data = (uint8_t *)m->buf_addr + PAYLOAD_OFF;
}

static void put_ipv4(char *h, const uint8_t *ip, uint32_t len)
{
	uint16_t total = htons((uint16_t)(IPV4_LEN + len));

	memcpy(h, ip, IPV4_LEN);
	h[0] = 0x45;
	memcpy(h + 2, &total, sizeof(total));
	memset(h + 6, 0, 2);
	stw_frame_sum_ipv4(h);
}

static void put_ipv6(char *h, const uint8_t *ip, uint32_t len)
{
	uint16_t payload_len = htons((uint16_t)len);

	memcpy(h, ip, IPV6_LEN);
	memcpy(h + 4, &payload_len, sizeof(payload_len));
	h[6] = IPPROTO_UDP;
}

/* The frame the wire would have brought: this fragment's Ethernet and IP headers, whole payload. */
static struct rte_mbuf *make_whole(struct rte_mbuf *part, uint32_t l3_off,
				   const struct stw_reassembled *done)
{
	struct rte_mbuf *m = done->buffer.handle;
	const uint8_t *frame = rte_pktmbuf_mtod(part, const uint8_t *);
	bool v4 = frame[l3_off] >> 4 == 4;
	uint32_t l3 = PAYLOAD_OFF - (v4 ? IPV4_LEN : IPV6_LEN);
	char *base = m->buf_addr;

	if (v4)
		put_ipv4(base + l3, frame + l3_off, done->len);
	else
		put_ipv6(base + l3, frame + l3_off, done->len);
	memcpy(base + l3 - l3_off, frame, l3_off);
	m->data_off = (uint16_t)(l3 - l3_off);
	m->data_len = (uint16_t)(PAYLOAD_OFF + done->len - m->data_off);
	m->pkt_len = m->data_len;
	m->port = part->port;
	rte_pktmbuf_free(part);
	return m;
}

static void drop_held(struct stw_worker *w, const struct stw_reassembled *r,
		      enum stw_counter reason)
{
	stw_uncount(w, STW_C_WAITING, r->n_fragments);
	stw_count(w, reason, r->n_fragments);
	rte_pktmbuf_free(r->buffer.handle);
}

static struct rte_mbuf *add(struct stw_worker *w, struct rte_mbuf *m, uint32_t l3_off,
			    const struct stw_fragment *f)
{
	const uint32_t tag = stw_tag_plain(STW_TAG_SENT);
	struct stw_reassembled out;

	lend_spare(w);
	switch (stw_reassembly_add(w->reassembly, f, w->now_tsc, &w->spare, &out)) {
	case STW_FRAGMENT_HELD:
		stw_count(w, STW_C_WAITING, 1);
		rte_pktmbuf_free(m);
		return NULL;
	case STW_FRAGMENT_COMPLETE:
		stw_uncount(w, STW_C_WAITING, out.n_fragments);
		stw_count(w, STW_C_MERGED, out.n_fragments);
		return make_whole(m, l3_off, &out);
	case STW_FRAGMENT_OVERLAP:
		drop_held(w, &out, STW_C_DROP_FRAGMENT_BAD);
		stw_drop(w, m, tag, STW_C_DROP_FRAGMENT_BAD);
		return NULL;
	case STW_FRAGMENT_BUDGET: stw_drop(w, m, tag, STW_C_DROP_FRAGMENT_BUDGET); return NULL;
	case STW_FRAGMENT_NO_BUFFER: stw_drop(w, m, tag, STW_C_DROP_NO_BUFFER); return NULL;
	default: stw_drop(w, m, tag, STW_C_DROP_FRAGMENT_BAD); return NULL;
	}
}

struct rte_mbuf *stw_fragment_take(struct stw_worker *w, struct rte_mbuf *m, uint32_t l3_off,
				   const struct stw_fragment *f, bool foreign)
{
	if (foreign) {
		uint32_t owner =
			stw_reassembly_hash(w->secret, &f->src, &f->dst, f->id) % w->n_workers;

		stw_count(w, STW_C_FRAGMENTS_RECEIVED, 1);
		if (owner != w->index) {
			hand_over(w, owner, m);
			return NULL;
		}
	}
	return add(w, m, l3_off, f);
}

void stw_fragment_expire(struct stw_worker *w, bool all)
{
	uint64_t now = all ? UINT64_MAX : w->now_tsc;
	struct stw_reassembled out;

	while (stw_reassembly_expire(w->reassembly, now, &out))
		drop_held(w, &out, all ? STW_C_DROP_STOPPED : STW_C_DROP_FRAGMENT_TIMEOUT);
	if (all && w->spare.handle != NULL) {
		rte_pktmbuf_free(w->spare.handle);
		w->spare.handle = NULL;
	}
}
