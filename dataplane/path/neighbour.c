/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages whose next hop's MAC address is not known yet. They wait here, bounded in number and
 * time, while the installer has the kernel ask; the address comes with the next snapshot.
 */
#include "dataplane/path/path.h"

#include "dataplane/path/frame.h"

#define ASK_AGAIN_MS 50u
#define RETRY_MS     5u
#define TIMEOUT_MS   1000u

static uint64_t ticks(const struct stw_worker *w, uint64_t ms)
{
	return w->tsc_hz / 1000 * ms;
}

/* When the queue is full the installer has plenty to ask for; a later round asks again. */
static void ask(struct stw_worker *w, struct stw_held *h)
{
	struct stw_neighbour_request r = {.ip = h->next_hop, .iface = h->iface};

	h->asked_tsc = w->now_tsc;
	rte_ring_sp_enqueue_elem(w->requests, &r, sizeof(r));
}

static bool asked_already(const struct stw_worker *w, const struct stw_held *h)
{
	for (uint32_t i = 0; i < w->n_held; i++)
		if (w->held[i].iface == h->iface &&
		    stw_ip_equal(&w->held[i].next_hop, &h->next_hop))
			return true;
	return false;
}

void stw_neighbour_hold(struct stw_worker *w, struct rte_mbuf *m, uint32_t tag,
			const struct stw_ip *dst, const struct stw_hop *hop)
{
	struct stw_held h = {.frame = m,
			     .tag = tag,
			     .iface = hop->iface,
			     .dst = *dst,
			     .next_hop = hop->next_hop,
			     .deadline_tsc = w->now_tsc + ticks(w, TIMEOUT_MS),
			     .asked_tsc = w->now_tsc};

	if (w->n_held == STW_HELD_MAX) {
		stw_drop(w, m, tag, STW_C_DROP_NEIGHBOUR_FULL);
		return;
	}
	if (!asked_already(w, &h))
		ask(w, &h);
	w->held[w->n_held++] = h;
	stw_count(w, STW_C_WAITING, stw_tag_counts(tag));
}

/* The way may have changed while it waited: a new Ethernet header for the interface of now. */
static bool readdress(struct rte_mbuf *m, const struct stw_iface *iface)
{
	char *l3 = rte_pktmbuf_mtod(m, char *) + m->l2_len;
	uint32_t l3_len = m->pkt_len - m->l2_len;
	char *start = stw_frame_ethernet(m, l3, iface);

	return stw_frame_settle(m, start, (uint32_t)(l3 - start) + l3_len);
}

static void leave(struct stw_worker *w, struct stw_held *h, enum stw_counter reason)
{
	stw_uncount(w, STW_C_WAITING, stw_tag_counts(h->tag));
	stw_drop(w, h->frame, h->tag, reason);
}

/* @return true when the message is held no longer */
static bool retry(struct stw_worker *w, const struct stw_snapshot *snap, struct stw_held *h)
{
	const struct stw_iface *iface;
	struct stw_hop hop;

	if (stw_fib_lookup(snap->fib, &h->dst, &hop) == STW_OK && hop.resolved) {
		iface = stw_fib_iface(snap->fib, hop.iface);
		if (!readdress(h->frame, iface)) {
			leave(w, h, STW_C_DROP_TOO_BIG);
			return true;
		}
		stw_uncount(w, STW_C_WAITING, stw_tag_counts(h->tag));
		stw_send_on(w, iface, hop.mac, h->frame, h->tag);
		return true;
	}
	if (w->now_tsc >= h->deadline_tsc) {
		leave(w, h, STW_C_DROP_NEIGHBOUR_TIMEOUT);
		return true;
	}
	if (w->now_tsc - h->asked_tsc > ticks(w, ASK_AGAIN_MS))
		ask(w, h);
	return false;
}

void stw_neighbour_retry(struct stw_worker *w, const struct stw_snapshot *snap, bool all)
{
	uint32_t n = 0;

	if (w->n_held == 0)
		return;
	if (all) {
		for (uint32_t i = 0; i < w->n_held; i++)
			leave(w, &w->held[i], STW_C_DROP_STOPPED);
		w->n_held = 0;
		return;
	}
	/* The time as well: a new snapshot may have the old one's address. */
	if (snap == w->held_snap && w->now_tsc < w->held_check_tsc)
		return;
	w->held_snap = snap;
	w->held_check_tsc = w->now_tsc + ticks(w, RETRY_MS);
	for (uint32_t i = 0; i < w->n_held; i++)
		if (!retry(w, snap, &w->held[i]))
			w->held[n++] = w->held[i];
	w->n_held = n;
}
