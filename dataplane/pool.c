/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/pool.h"

#include <unistd.h>

#include <rte_eal.h>
#include <rte_ether.h>
#include <rte_lcore.h>
#include <rte_mbuf_pool_ops.h>

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

/* Bytes of an mbuf with its private area and that room. */
static unsigned element(unsigned room)
{
	return (unsigned)sizeof(struct rte_mbuf) + STW_POOL_PRIVATE + room;
}

/*
 * In ordinary pages no buffer lies in two, so that smaller ones leave gaps. net_af_xdp (22.11)
 * counts none when it tells the kernel how far the pool reaches: the last buffers would be out of
 * its sight, and what is received into or sent from those lost. So each fills its page.
 */
#define WHOLE_PAGES RTE_MEMPOOL_F_NO_SPREAD /* and is not made longer for memory channels */

static unsigned fill_page(unsigned room)
{
	const unsigned page = (unsigned)sysconf(_SC_PAGESIZE);
	const unsigned taken = rte_mempool_calc_obj_size(element(room), WHOLE_PAGES, NULL);

	return taken < page ? room + page - taken : room;
}

/* As rte_pktmbuf_pool_create(), which takes no @flags. */
static struct rte_mempool *create(const char *name, unsigned n, unsigned room, int socket,
				  unsigned flags)
{
	struct rte_pktmbuf_pool_private about = {
		.mbuf_data_room_size = (uint16_t)room,
		.mbuf_priv_size = STW_POOL_PRIVATE,
	};
	struct rte_mempool *pool = rte_mempool_create_empty(name, n, element(room), CACHE,
							    sizeof(about), socket, flags);

	if (pool == NULL)
		return NULL;
	if (rte_mempool_set_ops_byname(pool, rte_mbuf_best_mempool_ops(), NULL) == 0) {
		rte_pktmbuf_pool_init(pool, &about);
		if (rte_mempool_populate_default(pool) >= 0) {
			rte_mempool_obj_iter(pool, rte_pktmbuf_init, NULL);
			return pool;
		}
	}
	rte_mempool_free(pool);
	return NULL;
}

static unsigned n_jumbos(const struct stw_model_dataplane *d)
{
	return (unsigned)d->n_cores * (STW_JUMBO_HELD + STW_JUMBO_FLIGHT);
}

uint64_t stw_pool_memory_mb(const struct stw_model *m, bool hugepages)
{
	/* A mempool asks for whole ordinary pages for each buffer; of the large ones little is
	 * lost. */
	const uint64_t page = hugepages ? 1 : (uint64_t)sysconf(_SC_PAGESIZE);
	const uint64_t head = sizeof(struct rte_mbuf) + STW_POOL_PRIVATE + 128;
	uint64_t bytes = n_jumbos(&m->dataplane) * RTE_ALIGN_CEIL(head + STW_JUMBO_ROOM, page);

	for (size_t i = 0; i < m->n_ports; i++)
		bytes += (uint64_t)m->dataplane.mbufs *
			 RTE_ALIGN_CEIL(head + data_room(m->ports[i].mtu), page);
	return OTHER_MB + (bytes >> 20) + 1;
}

struct rte_mempool *stw_pool_new(const char *name, const struct stw_model_dataplane *d,
				 uint16_t mtu, int socket)
{
	const unsigned room = data_room(mtu);

	if (rte_eal_has_hugepages())
		return create(name, d->mbufs, room, socket, 0);
	return create(name, d->mbufs, fill_page(room), socket, WHOLE_PAGES);
}

struct rte_mempool *stw_pool_jumbo_new(const struct stw_model_dataplane *d)
{
	/* No cache: it would keep buffers from the worker that needs one. */
	return rte_pktmbuf_pool_create("jumbo", n_jumbos(d), 0, STW_POOL_PRIVATE, STW_JUMBO_ROOM,
				       SOCKET_ID_ANY);
}
