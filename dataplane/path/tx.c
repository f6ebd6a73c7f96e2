/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/path/path.h"

#include "dataplane/path/frame.h"

void stw_send_on(struct stw_worker *w, const struct stw_iface *iface, const uint8_t mac[6],
		 struct rte_mbuf *m, uint32_t tag)
{
	stw_frame_set_mac(m, mac);
	stw_out_push_mtu(w, stw_out_wire(iface->port), m, tag, iface->mtu);
}

static void send_one(struct stw_worker *w, struct stw_burst *b, unsigned i)
{
	const struct stw_verdict *v = &b->verdict[i];

	if (stw_likely(v->hop.resolved))
		stw_send_on(w, stw_fib_iface(b->snap->fib, v->hop.iface), v->hop.mac, b->frame[i],
			    b->tag[i]);
	else
		stw_neighbour_hold(w, b->frame[i], b->tag[i], &v->dst.ip, &v->hop);
}

void stw_tx(struct stw_worker *w, struct stw_burst *b)
{
	uint64_t slots = 0;

	_Static_assert(STW_BURST_MAX <= 64, "a bit a slot");

	stw_neighbour_retry(w, b->snap, false);
	/* Sorted by shape as they are: they leave as they came, by slot. */
	for (unsigned k = 0; k < b->n_live; k++)
		slots |= 1ull << b->live[k];
	for (; slots != 0; slots &= slots - 1)
		send_one(w, b, (unsigned)__builtin_ctzll(slots));
	stw_out_flush(w);
	STW_PROBE(sent, w, b->n_live);
	b->n_live = 0;
}
