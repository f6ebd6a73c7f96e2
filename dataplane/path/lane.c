/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Between a worker and control, without the kernel. What control gives is checked like bytes from
 * the wire: it leaves from a listener of ours, by our routes and neighbours, or not at all.
 */
#include "dataplane/path/path.h"

#include "dataplane/lane/lanes.h"
#include "dataplane/path/frame.h"
#include "dataplane/pool.h"
#include "dataplane/table/lookup.h"

#define LANE_BURST 32u
#define RING_TURNS 4u /* some 100 us of a worker that is never idle */

/* ---- to control ---- */

bool stw_to_control(struct stw_worker *w, struct stw_burst *b, unsigned i)
{
	struct stw_lanes *l = b->snap->lanes;
	const struct stw_endpoint *local;

	if (l == NULL || b->verdict[i].kernel_for == STW_KERNEL_FOR_RULE)
		return false;
	local = &stw_tables_listener(b->snap->tables, b->src[i].listener)->address;
	if (!stw_lane_put(&l->end[w->index].up, local, &b->src[i].peer, b->text[i],
			  b->text_len[i])) {
		stw_drop(w, b->frame[i], b->tag[i], STW_C_DROP_CONTROL_FULL);
		return true;
	}
	stw_count(w, STW_C_CONTROL, 1);
	rte_pktmbuf_free(b->frame[i]);
	return true;
}

/* Control that sleeps is woken for all that comes together: when a turn brought no more. */
static void show(struct stw_lanes *l, struct stw_lane_end *e)
{
	const bool more = stw_lane_show(&e->up);

	e->not_rung += more;
	if (e->not_rung == 0 || (more && e->not_rung < RING_TURNS))
		return;
	e->not_rung = 0;
	if (stw_lanes_must_ring(l->shared))
		stw_lanes_ring(l);
}

/* ---- from control ---- */

static void refuse(struct stw_worker *w)
{
	stw_count(w, STW_C_CONTROL_REFUSED, 1);
}

/* A copy of the text in a buffer that has room for it, and for headers before it. */
static struct rte_mbuf *buffer_for(struct stw_worker *w, uint16_t port,
				   const struct stw_lane_message *msg)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(w->ports->port[port].pool);

	if (m != NULL && msg->len > rte_pktmbuf_tailroom(m)) {
		rte_pktmbuf_free(m);
		m = msg->len <= STW_FRAGMENTED_MAX ? rte_pktmbuf_alloc(w->ports->jumbo) : NULL;
		if (m != NULL)
			m->data_off = STW_JUMBO_START + STW_FRAME_HEADERS;
	}
	if (m != NULL)
		memcpy(rte_pktmbuf_mtod(m, char *), msg->bytes, msg->len);
	return m;
}

static void send_message(struct stw_worker *w, const struct stw_burst *b,
			 const struct stw_lane_message *msg)
{
	const uint32_t tag = stw_tag_plain(STW_TAG_CONTROL);
	const struct stw_snapshot *snap = b->snap;
	const struct stw_iface *iface;
	struct stw_hop hop;
	struct rte_mbuf *m;

	if (snap->tables == NULL || stw_tables_find_listener(snap->tables, &msg->local) < 0 ||
	    msg->peer.port == 0 || stw_fib_lookup(snap->fib, &msg->peer.ip, &hop) != STW_OK) {
		refuse(w);
		return;
	}
	iface = stw_fib_iface(snap->fib, hop.iface);
	m = buffer_for(w, iface->port, msg);
	if (m == NULL) {
		refuse(w);
		return;
	}
	if (stw_wrap(w, m, rte_pktmbuf_mtod(m, char *), msg->len, &msg->local, &msg->peer, iface,
		     hop.resolved) != STW_C_SENT) {
		stw_drop(w, m, tag, STW_C_DROP_TOO_BIG);
		return;
	}
	stw_frame_sum(m);
	if (hop.resolved)
		stw_send_on(w, iface, hop.mac, m, tag);
	else
		stw_neighbour_hold(w, m, tag, &msg->peer.ip, &hop);
}

static uint32_t take(struct stw_worker *w, const struct stw_burst *b, struct stw_lane_reader *down)
{
	struct stw_lane_message msg;
	uint32_t n = 0;

	while (n < LANE_BURST) {
		int err = stw_lane_get(down, &msg);

		if (err == STW_EAGAIN)
			break;
		if (err == STW_OK) {
			send_message(w, b, &msg);
			n++;
		} else {
			stw_count(w, STW_C_LANE_DAMAGED, 1);
			break;
		}
	}
	stw_lane_release(down);
	stw_count(w, STW_C_CONTROL_RECEIVED, n);
	return n;
}

uint32_t stw_lane(struct stw_worker *w, struct stw_burst *b)
{
	struct stw_lanes *l = b->snap->lanes;
	struct stw_lane_end *e = &l->end[w->index];

	show(l, e);
	w->gives_way = stw_lanes_wait_for(l->shared, w->stats->core);
	return stw_lane_has_more(&e->down) ? take(w, b, &e->down) : 0;
}
