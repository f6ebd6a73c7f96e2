/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Buffers towards devices. A frame's row in the ledger is written when its device, or the worker
 * that has the device's queue, took it.
 */
#include "dataplane/path/path.h"

#include <string.h>

#include <rte_ethdev.h>
#include <rte_pause.h>

#include "dataplane/path/split.h"

/* A queue that takes nothing this often in a row is full. */
#define TRIES 8

struct tally {
	uint64_t n[STW_TAG_PART + 1];
	uint64_t n_parts;
	uint64_t bytes;
};

/* Every other frame is for no member, in no order: counting it nowhere is cheaper than a branch.
 * Where to is read from a table, as of a condition compilers make that branch. */
static void count_sent(struct stw_worker *w, const struct stw_out *o, uint16_t first, uint16_t end)
{
	_Atomic uint64_t nowhere[STW_MEMBER_STRIDE];
	_Atomic uint64_t *const rows[2] = {nowhere, w->members->c[0]};
	struct tally t = {0};

	memset(nowhere, 0, sizeof(nowhere));
	for (uint16_t i = first; i < end; i++) {
		uint32_t tag = o->tag[i];
		enum stw_tag_kind kind = stw_tag_kind(tag);
		size_t member = stw_tag_member(tag);
		size_t counts = (kind == STW_TAG_SENT) & (member < STW_MEMBER_NUMBERS);
		_Atomic uint64_t *row = rows[counts] + counts * member * STW_MEMBER_STRIDE;

		t.n[kind]++;
		t.bytes += kind != STW_TAG_KERNEL ? o->bytes[i] : 0;
		stw_counter_add(&row[STW_M_REQUESTS], 1);
		stw_counter_add(&row[STW_M_NEW_CALLS], (tag & STW_TAG_NEW_CALL) != 0);
	}
	stw_count(w, STW_C_SENT, t.n[STW_TAG_SENT]);
	stw_count(w, STW_C_ANSWERED, t.n[STW_TAG_ANSWERED]);
	stw_count(w, STW_C_KERNEL, t.n[STW_TAG_KERNEL]);
	stw_count(w, STW_C_KERNEL_SENT, t.n[STW_TAG_FROM_TWIN]);
	stw_count(w, STW_C_CONTROL_SENT, t.n[STW_TAG_CONTROL]);
	stw_count(w, STW_C_BYTES_SENT, t.bytes);
}

static void refuse(struct stw_worker *w, struct stw_out *o, uint16_t first, enum stw_counter reason)
{
	for (uint16_t i = first; i < o->n; i++) {
		uint32_t tag = o->tag[i];

		switch (stw_tag_kind(tag)) {
		case STW_TAG_FROM_TWIN:
			stw_count(w, STW_C_KERNEL_REFUSED, 1);
			rte_pktmbuf_free(o->frame[i]);
			break;
		case STW_TAG_PART: rte_pktmbuf_free(o->frame[i]); break;
		case STW_TAG_KERNEL:
			stw_drop(w, o->frame[i], tag,
				 reason == STW_C_DROP_TX_FULL ? STW_C_DROP_KERNEL_FULL : reason);
			break;
		default: stw_drop(w, o->frame[i], tag, reason);
		}
	}
}

static void flush_device(struct stw_worker *w, struct stw_out *o)
{
	uint16_t n = 0;

	for (unsigned tries = 0; n < o->n && tries < TRIES;) {
		uint16_t k = rte_eth_tx_burst(o->dev, o->queue, o->frame + n, (uint16_t)(o->n - n));

		n = (uint16_t)(n + k);
		if (k > 0) {
			tries = 0;
			continue;
		}
		tries++;
		rte_pause();
	}
	count_sent(w, o, 0, n);
	refuse(w, o, n, STW_C_DROP_TX_FULL);
}

static void flush_to_owner(struct stw_worker *w, struct stw_out *o)
{
	uint64_t n_counted = 0;
	unsigned n;

	for (uint16_t i = 0; i < o->n; i++) {
		o->frame[i]->hash.usr = o->tag[i];
		o->frame[i]->port = o->index;
	}
	n = rte_ring_mp_enqueue_burst(w->inboxes[o->owner], (void **)o->frame, o->n, NULL);
	for (unsigned i = 0; i < n; i++)
		n_counted += stw_tag_counts(o->tag[i]);
	stw_count(w, STW_C_HANDED_OVER, n_counted);
	refuse(w, o, (uint16_t)n, STW_C_DROP_HANDOVER_FULL);
}

void stw_out_flush_one(struct stw_worker *w, struct stw_out *o)
{
	if (o->owner == w->index)
		flush_device(w, o);
	else
		flush_to_owner(w, o);
	o->n = 0;
}

void stw_out_push_split(struct stw_worker *w, uint32_t out, struct rte_mbuf *m, uint32_t tag,
			uint16_t mtu)
{
	const uint32_t part = stw_tag_plain(STW_TAG_PART);
	struct rte_mempool *pool = w->ports->port[out % STW_STATS_PORTS_MAX].pool;
	struct rte_mbuf *piece[STW_SPLIT_MAX];
	unsigned n = stw_split(m, mtu, (uint32_t)w->now_tsc + w->ip_id++, pool, piece);

	if (n == 0) {
		stw_drop(w, m, tag, STW_C_DROP_NO_BUFFER);
		return;
	}
	/* A queue takes frames from the front: whether the last went tells of the message. */
	for (unsigned i = 0; i + 1 < n; i++)
		stw_out_push(w, out, piece[i], part);
	stw_out_push(w, out, piece[n - 1], tag);
	rte_pktmbuf_free(m);
	if (stw_tag_kind(tag) != STW_TAG_KERNEL)
		stw_count(w, STW_C_FRAGMENTS_SENT, n);
}

void stw_out_flush(struct stw_worker *w)
{
	for (size_t i = 0; i < w->ports->n; i++) {
		struct stw_out *wire = w->out[stw_out_wire((uint32_t)i)];
		struct stw_out *twin = w->out[stw_out_twin((uint32_t)i)];

		if (wire->n > 0)
			stw_out_flush_one(w, wire);
		if (twin != NULL && twin->n > 0)
			stw_out_flush_one(w, twin);
	}
}
