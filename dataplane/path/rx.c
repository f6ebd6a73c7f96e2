/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/path/path.h"

#include <rte_ethdev.h>
#include <rte_prefetch.h>
#include <rte_ring_peek.h>

#define PREFETCH_AHEAD 8

/* Finished frames are for our device queues; what is raw joins the burst. */
static void sort_inbox(struct stw_worker *w, struct stw_burst *b, void **handed, unsigned n)
{
	unsigned n_counted = 0, n_given = 0;

	for (unsigned i = 0; i < n; i++) {
		stw_prefetch_write(handed[i]);
		stw_prefetch_write((char *)handed[i] + RTE_CACHE_LINE_MIN_SIZE);
	}
	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *m = handed[i];
		uint32_t tag = m->hash.usr;

		n_counted += stw_tag_counts(tag);
		if (stw_tag_kind(tag) == STW_TAG_SPREAD) {
			stw_spread_given(&w->spread, stw_tag_member(tag));
			n_given++;
		}
		if (stw_tag_kind(tag) <= STW_TAG_SPREAD)
			b->frame[b->n++] = m;
		else
			stw_out_push(w, m->port, m, tag);
	}
	w->has_given = n_given > 0;
	stw_count(w, STW_C_INJECTED, n_counted);
	b->n_injected = b->n;
}

/* A worker that has more to do than a burst has the next one's lines come while it does this one:
 * all are in the cache of whoever handed them over, and all at once would be waited for. */
static void look_ahead(struct stw_worker *w, bool more)
{
	struct stw_ahead *a = &w->ahead;

	a->n = a->next = 0;
	if (!more)
		return;
	a->n = (uint16_t)rte_ring_dequeue_burst_start(w->inboxes[w->index], a->frame, w->burst_max,
						      NULL);
	if (a->n == 0)
		return;
	rte_ring_dequeue_finish(w->inboxes[w->index], 0);
	for (unsigned i = 0; i < a->n; i++) {
		stw_prefetch_write(a->frame[i]);
		stw_prefetch_write((char *)a->frame[i] + RTE_CACHE_LINE_MIN_SIZE);
	}
}

static void take_inbox(struct stw_worker *w, struct stw_burst *b)
{
	void *handed[STW_BURST_MAX];
	unsigned n = rte_ring_sc_dequeue_burst(w->inboxes[w->index], handed, w->burst_max, NULL);

	if (n > 0)
		sort_inbox(w, b, handed, n);
	look_ahead(w, n == w->burst_max);
}

/* Queues take turns at being first, so that a full one cannot starve the next. */
static void take_queues(struct stw_worker *w, struct stw_burst *b, uint16_t most)
{
	uint16_t q = w->first_rx;

	for (uint16_t k = 0; k < w->n_rx && b->n < most; k++) {
		const struct stw_rx_queue *rx = &w->rx[q];

		b->n = (uint16_t)(b->n + rte_eth_rx_burst(rx->dev, rx->queue, b->frame + b->n,
							  (uint16_t)(most - b->n)));
		if (++q == w->n_rx)
			q = 0;
	}
	if (++w->first_rx >= w->n_rx)
		w->first_rx = 0;
}

/* Of what is taken to be handed over little is left to do: so that it is a burst, more is taken. */
static void take_shared(struct stw_worker *w, struct stw_burst *b)
{
	bool take = stw_spread_may_take(w);
	uint16_t most = w->spread.on ? STW_BURST_MAX : w->burst_max;

	if (take)
		take_queues(w, b, most);
	stw_spread_look(w, (uint32_t)b->n - b->n_injected, b->n_injected, b->n == most);
}

static void count_received(struct stw_worker *w, const struct stw_burst *b)
{
	uint64_t bytes = 0;

	for (uint16_t i = b->n_injected; i < b->n; i++)
		bytes += b->frame[i]->pkt_len;
	stw_count(w, STW_C_RECEIVED, (uint64_t)b->n - b->n_injected);
	stw_count(w, STW_C_BYTES_RECEIVED, bytes);
}

void stw_rx(struct stw_worker *w, struct stw_burst *b)
{
	b->n = 0;
	b->n_injected = 0;
	b->n_live = 0;
	b->snap = stw_snapshot_rcu(w->snapshots);
	w->has_given = false;
	take_inbox(w, b);
	if (w->spread.how == STW_SPREADING_OFF)
		take_queues(w, b, w->burst_max);
	else
		take_shared(w, b);
	if (b->n == 0)
		return;
	for (uint16_t i = 0; i < b->n && i < PREFETCH_AHEAD; i++)
		stw_prefetch_write(rte_pktmbuf_mtod(b->frame[i], void *));
	count_received(w, b);
	STW_PROBE(received, w, b->n);
}
