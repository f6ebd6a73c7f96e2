/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Between a port and its kernel side. What is not ours goes up as it came; what the kernel sends
 * goes out as it is, from the very queue pair this worker serves.
 */
#include "dataplane/path/path.h"

#include <rte_ethdev.h>
#include <rte_ether.h>
#include <string.h>

#define TWIN_BURST 32

static uint32_t ethernet_len(const struct rte_mbuf *m)
{
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);

	return frame[12] == 0x81 && frame[13] == 0x00 ? RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN
						      : RTE_ETHER_HDR_LEN;
}

/* The kernel has no VLANs on the way in of a shared port, where addresses say enough. */
static void untag(struct rte_mbuf *m)
{
	char *frame = rte_pktmbuf_mtod(m, char *);

	if (ethernet_len(m) == RTE_ETHER_HDR_LEN)
		return;
	memmove(frame + RTE_VLAN_HLEN, frame, 2 * RTE_ETHER_ADDR_LEN);
	rte_pktmbuf_adj(m, RTE_VLAN_HLEN);
}

void stw_to_kernel(struct stw_worker *w, struct rte_mbuf *m)
{
	const struct stw_ports *ports = w->ports;
	uint32_t port = ports->by_dev[m->port];
	const uint32_t tag = stw_tag_plain(STW_TAG_KERNEL);

	if (ports->port[port].twin.id == STW_NO_DEV) {
		stw_drop(w, m, tag, STW_C_DROP_NO_KERNEL);
		return;
	}
	m->ol_flags = 0;
	if (ports->port[port].model->n_vlans > 0)
		untag(m);
	/* Only what we put together ourselves is longer than what the wire brings. */
	if (m->pool == ports->jumbo) {
		m->l2_len = ethernet_len(m) & 0x7f;
		stw_out_push_mtu(w, stw_out_twin(port), m, tag, ports->port[port].twin_mtu);
	} else {
		stw_out_push(w, stw_out_twin(port), m, tag);
	}
}

uint32_t stw_twin(struct stw_worker *w)
{
	const uint32_t tag = stw_tag_plain(STW_TAG_FROM_TWIN);
	struct rte_mbuf *frame[TWIN_BURST];
	uint32_t n_all = 0;

	for (uint16_t k = 0; k < w->n_twins; k++) {
		const struct stw_rx_queue *q = &w->twin[k];
		uint16_t n = rte_eth_rx_burst(q->dev, q->queue, frame, TWIN_BURST);

		for (uint16_t i = 0; i < n; i++) {
			frame[i]->ol_flags = 0;
			stw_out_push(w, stw_out_wire(q->port), frame[i], tag);
		}
		n_all += n;
	}
	if (n_all > 0)
		stw_count(w, STW_C_KERNEL_RECEIVED, n_all);
	return n_all;
}
