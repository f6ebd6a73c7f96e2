/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/pool.h"

#include <rte_ether.h>
#include <rte_lcore.h>

/* For rings, port structures and the smaller things; measured 6 MiB with four ports. */
#define OTHER_MB 24u
#define CACHE	 256u

static unsigned data_room(uint16_t mtu)
{
	unsigned frame = mtu + RTE_ETHER_HDR_LEN + 2 * RTE_VLAN_HLEN + RTE_ETHER_CRC_LEN;

	if (frame < RTE_MBUF_DEFAULT_DATAROOM)
		frame = 1536;
	return RTE_ALIGN_CEIL(RTE_PKTMBUF_HEADROOM + frame + STW_POOL_SLACK, 64u);
}

static unsigned n_jumbos(const struct stw_model_dataplane *d)
{
	return (unsigned)d->n_cores * (STW_JUMBO_HELD + STW_JUMBO_FLIGHT);
}

uint64_t stw_pool_memory_mb(const struct stw_model *m)
{
	const uint64_t head = sizeof(struct rte_mbuf) + STW_POOL_PRIVATE + 128;
	uint64_t bytes = (uint64_t)n_jumbos(&m->dataplane) * (head + STW_JUMBO_ROOM);

	for (size_t i = 0; i < m->n_ports; i++)
		bytes += (uint64_t)m->dataplane.mbufs * (head + data_room(m->ports[i].mtu));
	return OTHER_MB + (bytes >> 20) + 1;
}

struct rte_mempool *stw_pool_new(const char *name, const struct stw_model_dataplane *d,
				 uint16_t mtu, int socket)
{
	return rte_pktmbuf_pool_create(name, d->mbufs, CACHE, STW_POOL_PRIVATE,
				       (uint16_t)data_room(mtu), socket);
}

struct rte_mempool *stw_pool_jumbo_new(const struct stw_model_dataplane *d)
{
	/* No cache: it would keep buffers from the worker that needs one. */
	return rte_pktmbuf_pool_create("jumbo", n_jumbos(d), 0, STW_POOL_PRIVATE, STW_JUMBO_ROOM,
				       SOCKET_ID_ANY);
}
