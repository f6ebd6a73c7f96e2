/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/dataplane/rig.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rte_dev.h>
#include <rte_eth_ring.h>

#include <strowger/errors.h>
#include <strowger/urcu.h>

#include "control/tables/build.h"
#include "dataplane/eal.h"
#include "dataplane/stats.h"
#include "dataplane/table/counted.h"

#define RING_SIZE 4096u

static bool eal_started;

static void choose_cores(struct rig *r)
{
	cpu_set_t allowed;
	unsigned n = 0;

	CPU_ZERO(&allowed);
	assert_int_equal(sched_getaffinity(0, sizeof(allowed), &allowed), 0);
	for (unsigned c = 0; c < CPU_SETSIZE && n < RIG_WORKERS; c++)
		if (CPU_ISSET(c, &allowed))
			r->cores[n++] = (uint16_t)c;
	while (n < RIG_WORKERS) {
		r->cores[n] = r->cores[0];
		n++;
	}
}

static void fill_model(struct rig *r, unsigned n_workers)
{
	struct stw_model *m = &r->farm.model;

	stw_farm_init(&r->farm, RIG_MEMBERS);
	choose_cores(r);
	m->dataplane.cores = r->cores;
	m->dataplane.n_cores = n_workers;
	m->dataplane.hugepages = STW_HUGEPAGES_NO;
	m->dataplane.memory_mb = 192;
	m->dataplane.mbufs = 8191;
	m->dataplane.burst = 32;
	m->ports = r->model_ports;
	m->n_ports = RIG_PORTS;
}

static struct rte_ring *ring(const char *name)
{
	struct rte_ring *made = rte_ring_create(name, RING_SIZE, SOCKET_ID_ANY, 0);

	assert_non_null(made);
	return made;
}

/* A device whose queues are rings of ours; the name follows from the port. */
static void make_device(struct rig *r, unsigned port, unsigned n_workers)
{
	char name[32];

	for (unsigned q = 0; q < n_workers; q++) {
		snprintf(name, sizeof(name), "rx%u_%u", port, q);
		r->rx[port][q] = ring(name);
		snprintf(name, sizeof(name), "tx%u_%u", port, q);
		r->tx[port][q] = ring(name);
	}
	snprintf(name, sizeof(name), "wire%u", port);
	assert_true(rte_eth_from_rings(name, r->rx[port], n_workers, r->tx[port], r->n_tx, 0) >= 0);
	snprintf(r->model_ports[port].name, STW_NAME_MAX, "%s", name);
	snprintf(r->model_ports[port].device, 64, "net_ring_%s", name);
	r->model_ports[port].kernel = STW_KERNEL_SIDE_NONE;
	r->model_ports[port].mtu = 1500;
	r->model_ports[port].rx_descriptors = 512;
	r->model_ports[port].tx_descriptors = 512;
}

static void make_kernel_side(struct rig *r)
{
	const struct rte_eth_conf conf = {0};
	struct stw_dev *twin = &r->ports.port[0].twin;
	int id;

	r->to_kernel = ring("to_kernel");
	r->from_kernel = ring("from_kernel");
	id = rte_eth_from_rings("kernel", &r->from_kernel, 1, &r->to_kernel, 1, 0);
	assert_true(id >= 0);
	twin->id = (uint16_t)id;
	twin->n_rx = twin->n_tx = 1;
	assert_int_equal(rte_eth_dev_configure(twin->id, 1, 1, &conf), 0);
	assert_int_equal(rte_eth_rx_queue_setup(twin->id, 0, 512, 0, NULL, r->ports.port[0].pool),
			 0);
	assert_int_equal(rte_eth_tx_queue_setup(twin->id, 0, 512, 0, NULL), 0);
	assert_int_equal(rte_eth_dev_start(twin->id), 0);
	twin->started = true;
	r->ports.by_dev[twin->id] = 0;
}

void rig_start(struct rig *r, unsigned n_workers, uint16_t n_tx)
{
	const struct stw_flight_shape shape = {.n = 256, .n_errors = 64, .text_bytes = 512};

	memset(r, 0, sizeof(*r));
	r->n_tx = n_tx;
	fill_model(r, n_workers);
	if (!eal_started)
		assert_int_equal(stw_eal_start(&r->farm.model), STW_OK);
	eal_started = true;
	for (unsigned p = 0; p < RIG_PORTS; p++)
		make_device(r, p, n_workers);
	assert_int_equal(stw_stats_new(n_workers, &shape, &r->stats, &r->stats_fd), STW_OK);
	assert_int_equal(stw_ports_start(&r->farm.model, n_workers, &r->ports), STW_OK);
	make_kernel_side(r);
	rcu_register_thread();
	assert_int_equal(stw_snapshots_init(&r->snapshots), STW_OK);
	assert_int_equal(stw_workers_new(&r->farm.model.dataplane, &r->ports, &r->snapshots,
					 r->stats, &r->workers),
			 STW_OK);
	rig_publish_fib(r, RIG_WITH_NEIGHBOURS);
}

void rig_stop(struct rig *r)
{
	for (unsigned i = 0; i < r->workers.n; i++)
		stw_worker_drain(r->workers.worker[i]);
	rig_clear(r);
	rig_assert_ledger(r);
	rig_assert_no_leak(r);
	stw_workers_free(&r->workers);
	stw_ports_stop(&r->ports);
	stw_snapshots_fini(&r->snapshots);
	rcu_unregister_thread();
	stw_stats_free(r->stats, r->stats_fd);
	rte_eal_hotplug_remove("vdev", "net_ring_kernel");
	for (unsigned p = 0; p < RIG_PORTS; p++) {
		rte_eal_hotplug_remove("vdev", r->model_ports[p].device);
		for (unsigned q = 0; q < RIG_WORKERS; q++) {
			rte_ring_free(r->rx[p][q]);
			rte_ring_free(r->tx[p][q]);
		}
	}
	rte_ring_free(r->to_kernel);
	rte_ring_free(r->from_kernel);
}

/* ---- what is published ---- */

void rig_publish_tables(struct rig *r)
{
	uint64_t generation = 1;
	struct stw_tables *tables;
	struct stw_image image;
	char reason[160];

	if (r->snapshots.tables != NULL)
		generation = stw_tables_generation(r->snapshots.tables) + 1;
	assert_int_equal(stw_image_build(&r->farm.model, NULL, generation, &image), STW_OK);
	assert_int_equal(stw_tables_new(image.bytes, image.size_bytes, reason, sizeof(reason),
					&tables),
			 STW_OK);
	stw_image_fini(&image);
	stw_counted_listeners(r->stats, tables);
	assert_int_equal(stw_snapshots_swap_tables(&r->snapshots, tables, NULL), STW_OK);
}

static struct stw_fib_route route(struct stw_ip prefix, uint8_t bits, uint16_t iface)
{
	return (struct stw_fib_route){.prefix = prefix,
				      .bits = bits,
				      .on_link = true,
				      .iface = iface};
}

static struct stw_fib_neighbour neighbour(struct stw_ip ip, uint16_t iface, uint8_t last)
{
	return (struct stw_fib_neighbour){.ip = ip,
					  .iface = iface,
					  .mac = {0x02, 0, 0, 0, 0xaa, last}};
}

void rig_publish_fib(struct rig *r, enum rig_neighbours with)
{
	struct stw_iface ifaces[3] = {{.port = 0, .mtu = 1500},
				      {.port = 0, .vlan = 42, .mtu = 1500},
				      {.port = 1, .mtu = 1500}};
	const struct stw_fib_route routes[] = {
		route(stw_farm_v4(198, 51, 100, 0, 0).ip, 120, 0),
		route(stw_farm_v4(192, 0, 2, 0, 0).ip, 120, 0),
		route(stw_farm_v6(0, 0).ip, 64, 0),
		route(stw_farm_v4(10, 42, 0, 0, 0).ip, 112, 1),
		route(stw_farm_v4(10, 1, 0, 0, 0).ip, 112, 2),
		{.prefix = stw_farm_v4(203, 0, 113, 0, 0).ip,
		 .bits = 120,
		 .gateway = stw_farm_v4(192, 0, 2, 254, 0).ip,
		 .iface = 0},
	};
	const struct stw_fib_neighbour neighbours[] = {
		neighbour(stw_farm_v4(192, 0, 2, 254, 0).ip, 0, 254),
		neighbour(stw_farm_v4(10, 42, 0, 7, 0).ip, 1, 7),
		neighbour(stw_farm_v4(10, 1, 0, 7, 0).ip, 2, 17),
		neighbour(stw_farm_v6(9, 0).ip, 0, 9),
		neighbour(stw_farm_v4(198, 51, 100, 10, 0).ip, 0, 10),
		neighbour(stw_farm_v4(198, 51, 100, 11, 0).ip, 0, 11),
	};
	const struct stw_iface_address addresses[] = {{stw_farm_v4(192, 0, 2, 1, 0).ip, 0},
						      {stw_farm_v6(1, 0).ip, 0}};
	size_t n = with == RIG_WITH_NEIGHBOURS ? 6 : 4;
	struct stw_fib *fib;

	for (unsigned i = 0; i < 3; i++)
		memcpy(ifaces[i].mac, r->ports.port[ifaces[i].port].mac, 6);
	fib = stw_fib_build(ifaces, 3, routes, sizeof(routes) / sizeof(routes[0]), neighbours, n);
	assert_non_null(fib);
	assert_int_equal(stw_snapshots_swap_fib(&r->snapshots, fib, addresses, 2, NULL), STW_OK);
}

/* ---- in and out ---- */

struct rte_mbuf *rig_buffer(struct rig *r, unsigned port)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(r->ports.port[port].pool);

	assert_non_null(m);
	m->port = r->ports.port[port].wire.id;
	return m;
}

void rig_feed(struct rig *r, unsigned port, unsigned queue, const void *frame, size_t len)
{
	struct rte_mbuf *m = rig_buffer(r, port);
	char *at = rte_pktmbuf_append(m, (uint16_t)len);

	assert_non_null(at);
	memcpy(at, frame, len);
	assert_int_equal(rte_ring_enqueue(r->rx[port][queue], m), 0);
}

void rig_turn(struct rig *r, unsigned w)
{
	stw_worker_turn(r->workers.worker[w]);
}

static struct rte_mbuf *take(struct rte_ring *from)
{
	void *m = NULL;

	return rte_ring_dequeue(from, &m) == 0 ? m : NULL;
}

struct rte_mbuf *rig_sent(struct rig *r, unsigned port)
{
	for (unsigned q = 0; q < r->n_tx; q++) {
		struct rte_mbuf *m = take(r->tx[port][q]);

		if (m != NULL)
			return m;
	}
	return NULL;
}

struct rte_mbuf *rig_kernel(struct rig *r)
{
	return take(r->to_kernel);
}

void rig_clear(struct rig *r)
{
	struct rte_mbuf *m;

	for (unsigned p = 0; p < RIG_PORTS; p++)
		while ((m = rig_sent(r, p)) != NULL)
			rte_pktmbuf_free(m);
	while ((m = rig_kernel(r)) != NULL)
		rte_pktmbuf_free(m);
}

uint64_t rig_count(const struct rig *r, enum stw_counter c)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < r->workers.n; i++)
		n += stw_stats_worker(r->stats, i)->c[c];
	return n;
}

uint64_t rig_listener_count(const struct rig *r, uint16_t listener, enum stw_listener_counter c)
{
	uint64_t n[STW_N_LISTENER_COUNTERS];

	stw_stats_sum_listener(r->stats,
			       stw_tables_listener(r->snapshots.tables, listener)->counted, n);
	return n[c];
}

uint64_t rig_member_count(const struct rig *r, uint16_t number, enum stw_member_counter c)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < r->workers.n; i++)
		n += stw_stats_members(r->stats, i)->c[number][c];
	return n;
}

void rig_assert_ledger(const struct rig *r)
{
	for (uint32_t i = 0; i < r->workers.n; i++) {
		_Atomic uint64_t *c = stw_stats_worker(r->stats, i)->c;
		uint64_t ended = c[STW_C_WAITING];

		for (unsigned e = STW_C_FIRST_END; e <= STW_C_LAST_DROP; e++)
			ended += c[e];
		assert_int_equal(c[STW_C_RECEIVED] + c[STW_C_INJECTED], ended);
	}
}

void rig_assert_no_leak(struct rig *r)
{
	for (unsigned p = 0; p < RIG_PORTS; p++)
		assert_int_equal(rte_mempool_in_use_count(r->ports.port[p].pool), 0);
	assert_int_equal(rte_mempool_in_use_count(r->ports.jumbo), 0);
}
