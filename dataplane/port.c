/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/port.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_lcore.h>

#include <strowger/device.h>
#include <strowger/errors.h>
#include <strowger/log.h>

#include "dataplane/eal.h"
#include "dataplane/pool.h"

#define TWIN_DESCRIPTORS 256u
#define TWIN_QUEUES_MAX	 16u /* of net_tap */

/* Why DPDK refused, in words: its own error line when it left one. */
static const char *why(int err)
{
	return stw_eal_error()[0] != '\0' ? stw_eal_error() : rte_strerror(-err);
}

static int refuse(const struct stw_port *p, const char *what, int err)
{
	/* The one refusal whose words help nobody. */
	const char *hint = strstr(stw_eal_error(), "umem") != NULL && p->mtu > 1500
				   ? " (a buffer of AF_XDP is one page: try mtu: 1500)"
				   : "";

	stw_error("port \"%s\": device %s: %s: %s%s", p->model->name, p->model->device, what,
		  why(err), hint);
	return STW_EIO;
}

/* A device string is "name,arguments"; its bus follows from the name. */
static int probe(const char *device, struct stw_dev *dev)
{
	const char *args = strchr(device, ',');
	size_t len = args != NULL ? (size_t)(args - device) : strlen(device);
	int err = 0;

	if (len >= sizeof(dev->name))
		return -ENAMETOOLONG;
	memcpy(dev->name, device, len);
	dev->name[len] = '\0';
	/* A PCI device is there since EAL scanned the bus; others may have been made before us. */
	if (rte_eth_dev_get_port_by_name(dev->name, &dev->id) == 0)
		return 0;
	err = rte_eal_hotplug_add(stw_device_is_pci(device) ? "pci" : "vdev", dev->name,
				  args != NULL ? args + 1 : "");
	if (err != 0)
		return err;
	dev->probed = true;
	if (rte_eth_dev_get_port_by_name(dev->name, &dev->id) != 0)
		return -ENODEV;
	return 0;
}

static uint16_t at_most(uint16_t n, uint16_t limit)
{
	return n < limit ? n : limit;
}

/* Only what is used: checksums, and spreading over queues. */
static void choose_offloads(const struct rte_eth_dev_info *info, struct stw_dev *dev,
			    struct rte_eth_conf *conf)
{
	const uint64_t rx = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM;
	const uint64_t tx = RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM;
	const uint64_t rss = RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP;

	conf->rxmode.offloads = info->rx_offload_capa & rx;
	/* net_tap computes them in software, one by one, slower than we do. */
	dev->sums = (info->tx_offload_capa & tx) == tx && strcmp(info->driver_name, "net_tap") != 0;
	if (dev->sums)
		conf->txmode.offloads = tx;
	if (dev->n_rx > 1 && (info->flow_type_rss_offloads & rss) != 0) {
		conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf->rx_adv_conf.rss_conf.rss_hf = info->flow_type_rss_offloads & rss;
	}
}

static int set_up_queues(struct stw_dev *dev, struct rte_mempool *pool, uint16_t rx, uint16_t tx)
{
	int socket = rte_eth_dev_socket_id(dev->id);
	int err = rte_eth_dev_adjust_nb_rx_tx_desc(dev->id, &rx, &tx);

	for (uint16_t q = 0; q < dev->n_rx && err == 0; q++)
		err = rte_eth_rx_queue_setup(dev->id, q, rx, (unsigned)socket, NULL, pool);
	for (uint16_t q = 0; q < dev->n_tx && err == 0; q++)
		err = rte_eth_tx_queue_setup(dev->id, q, tx, (unsigned)socket, NULL);
	return err;
}

static int set_mtu(uint16_t id, uint16_t mtu)
{
	uint16_t now = 0;

	if (rte_eth_dev_get_mtu(id, &now) == 0 && now == mtu)
		return 0;
	return rte_eth_dev_set_mtu(id, mtu);
}

static int configure(struct stw_dev *dev, struct rte_mempool *pool, uint16_t rx, uint16_t tx,
		     uint16_t n_rx, uint16_t n_tx)
{
	struct rte_eth_conf conf = {0};
	struct rte_eth_dev_info info;
	int err = rte_eth_dev_info_get(dev->id, &info);

	if (err != 0)
		return err;
	dev->n_rx = at_most(n_rx, info.max_rx_queues);
	dev->n_tx = at_most(n_tx, info.max_tx_queues);
	if (dev->n_rx == 0 || dev->n_tx == 0)
		return -ENOTSUP;
	choose_offloads(&info, dev, &conf);
	err = rte_eth_dev_configure(dev->id, dev->n_rx, dev->n_tx, &conf);
	return err != 0 ? err : set_up_queues(dev, pool, rx, tx);
}

static int start(struct stw_dev *dev)
{
	int err = rte_eth_dev_start(dev->id);

	dev->started = err == 0;
	return err;
}

static bool is_shared(const struct stw_port *p)
{
	return p->model->kernel == STW_KERNEL_SIDE_SHARED;
}

/* Only a device with nothing but software behind it has no MTU to set. */
static int wire_mtu(const struct stw_port *p)
{
	int err;

	if (is_shared(p))
		return 0;
	if (p->under[0] != '\0')
		return stw_netif_set_mtu(p->under, p->mtu) == STW_OK ? 0 : -EINVAL;
	err = set_mtu(p->wire.id, p->mtu);
	return err == -ENOTSUP ? 0 : err;
}

/* Somebody else's interface is taken as it is. */
static int prepare_shared(struct stw_port *p)
{
	uint16_t mtu;

	if (!stw_netif_is_up(p->under)) {
		stw_error("port \"%s\": interface %s is down: bring it up first (ip link set %s "
			  "up); a shared port leaves it as it is",
			  p->model->name, p->under, p->under);
		return STW_EIO;
	}
	if (stw_netif_mtu(p->under, &mtu) != STW_OK ||
	    stw_netif_save(p->under, &p->saved) != STW_OK)
		return STW_EIO;
	if (mtu > p->mtu) {
		stw_error("port \"%s\": interface %s has an MTU of %u: set mtu to that",
			  p->model->name, p->under, mtu);
		return STW_EIO;
	}
	p->mtu = mtu;
	return STW_OK;
}

/* An owned NIC is DPDK's alone, also where the kernel's driver stays beside (mlx5). */
static void find_under(struct stw_port *p)
{
	if (is_shared(p) || !stw_device_is_pci(p->model->device))
		stw_netif_of_device(p->model->device, p->under);
}

static int prepare_under(struct stw_port *p)
{
	find_under(p);
	if (p->under[0] == '\0' && is_shared(p)) {
		stw_error(
			"port \"%s\": the kernel has no interface of %s to share: a shared port "
			"is net_af_xdp with iface=, or a NIC that keeps its kernel driver (mlx5); "
			"bound to vfio-pci it is DPDK's alone, and the port's kernel side twin",
			p->model->name, p->model->device);
		return STW_EIO;
	}
	if (p->under[0] == '\0')
		return STW_OK;
	if (!stw_netif_exists(p->under)) {
		stw_error("port \"%s\": there is no interface %s", p->model->name, p->under);
		return STW_EIO;
	}
	if (is_shared(p))
		return prepare_shared(p);
	if (stw_netif_save(p->under, &p->saved) != STW_OK || stw_netif_up(p->under) != STW_OK) {
		stw_error("port \"%s\": interface %s cannot be brought up; is this root?",
			  p->model->name, p->under);
		return STW_EIO;
	}
	return STW_OK;
}

static bool is_taken(const struct stw_ports *ports, const struct stw_port *p)
{
	for (const struct stw_port *o = ports->port; o < p; o++)
		if (o->wire.id == p->wire.id || o->twin.id == p->wire.id)
			return true;
	return false;
}

/* net_af_xdp gets our program, unless the configuration names another. */
static bool wants_xdp(const struct stw_port *p)
{
	const char *device = p->model->device;

	return strncmp(device, "net_af_xdp", strlen("net_af_xdp")) == 0 &&
	       strstr(device, ",xdp_prog=") == NULL;
}

static int probe_wire(struct stw_port *p)
{
	char device[sizeof(p->model->device) + 64], program[32];

	if (!wants_xdp(p))
		return probe(p->model->device, &p->wire);
	if (stw_xdp_clear(p->under) == STW_EBUSY) {
		stw_error("port \"%s\": interface %s carries another XDP program: end what put it "
			  "there, or take it off (ip link set dev %s xdp off)",
			  p->model->name, p->under, p->under);
		return -EBUSY;
	}
	if (stw_xdp_path(program) != STW_OK)
		return -errno;
	snprintf(device, sizeof(device), "%s,xdp_prog=%s", p->model->device, program);
	return probe(device, &p->wire);
}

static int hold_xdp(struct stw_port *p)
{
	const struct stw_xdp_take take = {!is_shared(p), p->model->vlans, p->model->n_vlans};
	int err = wants_xdp(p) ? stw_xdp_hold(p->under, &take, &p->xdp) : STW_OK;

	if (err == STW_OK)
		return STW_OK;
	stw_error("port \"%s\": interface %s: hold the XDP program: %s", p->model->name, p->under,
		  err == STW_ENOENT ? "it carries another program" : strerror(errno));
	return STW_EIO;
}

/* A shared NIC: what no rule of ours names stays with the kernel, from before it is configured. */
static int isolate(struct stw_port *p)
{
	char reason[128];

	if (!is_shared(p) || wants_xdp(p) ||
	    stw_flow_isolate(&p->flow, p->wire.id, reason, sizeof(reason)) == STW_OK)
		return STW_OK;
	stw_error(
		"port \"%s\": device %s cannot leave the rest to the kernel (rte_flow isolation: "
		"%s): share its interface by net_af_xdp instead: device: \"net_af_xdp0,iface=%s\"",
		p->model->name, p->model->device, reason, p->under);
	return STW_EIO;
}

/* Neighbour discovery is multicast, and the groups are joined on the twin, not here. */
static void hear_groups(struct stw_port *p)
{
	if (p->model->kernel != STW_KERNEL_SIDE_TWIN)
		return;
	if (p->under[0] != '\0')
		p->groups_fd = stw_netif_hear_groups(p->under);
	if (p->groups_fd < 0 && rte_eth_allmulticast_enable(p->wire.id) != 0)
		rte_eth_promiscuous_enable(p->wire.id);
}

/* What arrives at a queue nobody serves is the kernel's, and a call is lost. */
static void warn_of_queues(const struct stw_port *p)
{
	const unsigned n = wants_xdp(p) ? stw_netif_queues(p->under) : 0;

	if (n > p->wire.n_rx)
		stw_warn("port \"%s\": interface %s has %u receive queues, %u of them served: "
			 "ethtool -L %s combined %u, or queue_count=%u in its device and as many "
			 "cores",
			 p->model->name, p->under, n, p->wire.n_rx, p->under, p->wire.n_rx, n);
}

static int start_wire(const struct stw_ports *ports, struct stw_port *p, unsigned n_workers)
{
	const struct stw_model_port *m = p->model;
	struct rte_ether_addr mac;
	int err = probe_wire(p);

	if (err != 0)
		return refuse(p, "cannot be opened", err);
	if (is_taken(ports, p)) {
		p->wire.id = STW_NO_DEV;
		return refuse(p, "is another port's already", -EEXIST);
	}
	if (isolate(p) != STW_OK)
		return STW_EIO;
	err = wire_mtu(p);
	if (err != 0)
		return refuse(p, "does not take this MTU", err);
	err = configure(&p->wire, p->pool, m->rx_descriptors, m->tx_descriptors,
			(uint16_t)n_workers, (uint16_t)n_workers);
	if (err != 0)
		return refuse(p, "cannot be configured", err);
	err = start(&p->wire);
	if (err != 0)
		return refuse(p, "does not start", err);
	err = rte_eth_macaddr_get(p->wire.id, &mac);
	if (err != 0)
		return refuse(p, "has no MAC address", err);
	memcpy(p->mac, mac.addr_bytes, sizeof(p->mac));
	/* Starting replays DPDK's idea of the flags, which are not ours to change. */
	if (is_shared(p)) {
		stw_netif_restore(p->under, &p->saved);
		p->saved.valid = false; /* from here on they are the owner's */
	}
	hear_groups(p);
	warn_of_queues(p);
	return hold_xdp(p);
}

static int start_twin(struct stw_port *p, size_t index)
{
	uint16_t n = at_most(p->wire.n_tx, TWIN_QUEUES_MAX);
	char device[128];
	int err;

	snprintf(device, sizeof(device),
		 "net_tap_twin%zu,iface=%s,mac=%02x:%02x:%02x:%02x:%02x:%02x", index,
		 p->model->twin, p->mac[0], p->mac[1], p->mac[2], p->mac[3], p->mac[4], p->mac[5]);
	if (stw_netif_exists(p->model->twin)) {
		stw_error("port \"%s\": twin %s: an interface of this name is there already",
			  p->model->name, p->model->twin);
		return STW_EIO;
	}
	if (p->twin_mtu < p->mtu)
		stw_warn("port \"%s\": its twin's MTU is %u: a TAP takes no longer frames, and "
			 "messages leave in fragments of that size",
			 p->model->name, p->twin_mtu);
	err = probe(device, &p->twin);
	if (err == 0)
		err = configure(&p->twin, p->pool, TWIN_DESCRIPTORS, TWIN_DESCRIPTORS, n, n);
	if (err == 0)
		err = set_mtu(p->twin.id, p->twin_mtu);
	if (err == 0)
		err = start(&p->twin);
	if (err != 0) {
		stw_error("port \"%s\": twin %s: %s", p->model->name, p->model->twin, why(err));
		return STW_EIO;
	}
	return STW_OK;
}

static int start_port(struct stw_ports *ports, size_t index, const struct stw_model *model,
		      unsigned n_workers)
{
	struct stw_port *p = &ports->port[index];
	char name[RTE_MEMPOOL_NAMESIZE];
	int err;

	stw_eal_error_clear();
	snprintf(name, sizeof(name), "port%zu", index);
	p->mtu = p->model->mtu;
	err = prepare_under(p);
	if (err != STW_OK)
		return err;
	p->twin_mtu = at_most(p->mtu, STW_TWIN_MTU_MAX);
	p->pool = stw_pool_new(name, &model->dataplane, p->mtu, SOCKET_ID_ANY);
	if (p->pool == NULL) {
		stw_error("port \"%s\": no memory for %u packets", p->model->name,
			  model->dataplane.mbufs);
		return STW_ENOMEM;
	}
	err = start_wire(ports, p, n_workers);
	if (err == STW_OK && p->model->kernel != STW_KERNEL_SIDE_NONE)
		err = start_twin(p, index);
	return err;
}

/* Name of the interface that has the port's addresses. */
static const char *kernel_side(const struct stw_port *p)
{
	if (p->twin.id == STW_NO_DEV)
		return "none";
	return is_shared(p) ? p->under : p->model->twin;
}

static void log_port(const struct stw_port *p)
{
	stw_info("port \"%s\": %s, %02x:%02x:%02x:%02x:%02x:%02x, MTU %u, queues %u/%u, "
		 "checksums by %s, kernel side %s",
		 p->model->name, p->wire.name, p->mac[0], p->mac[1], p->mac[2], p->mac[3],
		 p->mac[4], p->mac[5], p->mtu, p->wire.n_rx, p->wire.n_tx,
		 p->wire.sums ? "device" : "software", kernel_side(p));
}

int stw_ports_start(const struct stw_model *model, unsigned n_workers, struct stw_ports *out)
{
	int err;

	if (model->n_ports > STW_STATS_PORTS_MAX)
		return STW_ERANGE;
	out->jumbo = stw_pool_jumbo_new(&model->dataplane);
	if (out->jumbo == NULL) {
		stw_error("no memory for reassembled datagrams");
		return STW_ENOMEM;
	}
	for (size_t i = 0; i < model->n_ports; i++) {
		struct stw_port *p = &out->port[i];

		p->model = &model->ports[i];
		p->wire.id = STW_NO_DEV;
		p->twin.id = STW_NO_DEV;
		p->xdp = STW_XDP_NONE;
		p->groups_fd = -1;
		out->n = i + 1;
		err = start_port(out, i, model, n_workers);
		if (err != STW_OK)
			return err;
		out->by_dev[p->wire.id] = (uint8_t)i;
		if (p->twin.id != STW_NO_DEV)
			out->by_dev[p->twin.id] = (uint8_t)i;
		log_port(p);
	}
	return STW_OK;
}

/* What the device cannot take is said once: it will not learn. */
static void steer_by_flow(struct stw_port *p, const struct stw_endpoint *listeners, size_t n)
{
	const struct stw_flow_wanted wanted = {listeners, n, p->model->vlans, p->model->n_vlans,
					       p->wire.n_rx};
	const bool could = !p->flow.no_fragments;
	char reason[256] = "no memory";

	if (stw_flow_listeners(&p->flow, &wanted, reason, sizeof(reason)) != STW_OK)
		stw_error("port \"%s\": flow rules of device %s: %s: what is sent there stays with "
			  "the kernel",
			  p->model->name, p->wire.name, reason);
	if (could && p->flow.no_fragments)
		stw_warn("port \"%s\": device %s has no flow rules for fragments: messages longer "
			 "than its MTU stay with the kernel",
			 p->model->name, p->wire.name);
}

static void steer(struct stw_port *p, const struct stw_endpoint *listeners, size_t n)
{
	if (p->flow.isolated)
		steer_by_flow(p, listeners, n);
	else if (p->xdp.link_fd >= 0 && is_shared(p) &&
		 stw_xdp_listeners(&p->xdp, listeners, n) != STW_OK)
		stw_error("port \"%s\": steer SIP from interface %s: %s", p->model->name, p->under,
			  strerror(errno));
}

void stw_ports_steer(struct stw_ports *ports, const struct stw_tables *tables)
{
	const size_t n = stw_tables_n_listeners(tables);
	struct stw_endpoint *listeners = calloc(n + 1, sizeof(*listeners));

	if (listeners == NULL) {
		stw_error("no memory to steer %zu listeners: what was steered before still is", n);
		return;
	}
	for (uint16_t l = 0; l < n; l++)
		listeners[l] = stw_tables_listener(tables, l)->address;
	for (size_t i = 0; i < ports->n; i++)
		steer(&ports->port[i], listeners, n);
	free(listeners);
}

static void stop_dev(struct stw_dev *dev)
{
	if (dev->id != STW_NO_DEV) {
		if (dev->started) {
			rte_eth_promiscuous_disable(dev->id);
			rte_eth_allmulticast_disable(dev->id);
			rte_eth_dev_stop(dev->id);
		}
		rte_eth_dev_close(dev->id);
	}
	if (dev->probed)
		rte_eal_hotplug_remove(stw_device_is_pci(dev->name) ? "pci" : "vdev", dev->name);
	*dev = (struct stw_dev){.id = STW_NO_DEV};
}

void stw_ports_stop(struct stw_ports *ports)
{
	for (size_t i = ports->n; i-- > 0;) {
		struct stw_port *p = &ports->port[i];

		stw_xdp_release(&p->xdp);
		stw_flow_release(&p->flow);
		stop_dev(&p->twin);
		stop_dev(&p->wire);
		if (p->groups_fd >= 0)
			close(p->groups_fd);
		if (p->under[0] != '\0')
			stw_netif_restore(p->under, &p->saved);
		rte_mempool_free(p->pool);
	}
	rte_mempool_free(ports->jumbo);
	memset(ports, 0, sizeof(*ports));
}

void stw_ports_describe(const struct stw_ports *ports, struct stw_stats *stats)
{
	for (size_t i = 0; i < ports->n; i++) {
		const struct stw_port *p = &ports->port[i];
		struct stw_stats_port *s = &stats->ports[i];

		snprintf(s->name, sizeof(s->name), "%s", p->model->name);
		snprintf(s->device, sizeof(s->device), "%s", p->wire.name);
		if (p->twin.id != STW_NO_DEV)
			snprintf(s->kernel, sizeof(s->kernel), "%s", kernel_side(p));
		memcpy(s->mac, p->mac, sizeof(s->mac));
		s->n_rx_queues = (uint8_t)p->wire.n_rx;
		s->n_tx_queues = (uint8_t)p->wire.n_tx;
		s->mtu = p->mtu;
	}
	stats->n_ports = (uint32_t)ports->n;
}

static void set(_Atomic uint64_t *to, uint64_t value)
{
	atomic_store_explicit(to, value, memory_order_relaxed);
}

void stw_ports_refresh(const struct stw_ports *ports, struct stw_stats *stats)
{
	for (size_t i = 0; i < ports->n; i++) {
		struct stw_stats_port *s = &stats->ports[i];
		struct rte_eth_stats now;
		struct rte_eth_link link;

		if (rte_eth_link_get_nowait(ports->port[i].wire.id, &link) == 0)
			s->link_up = link.link_status == RTE_ETH_LINK_UP;
		if (rte_eth_stats_get(ports->port[i].wire.id, &now) != 0)
			continue;
		set(&s->rx_packets, now.ipackets);
		set(&s->tx_packets, now.opackets);
		set(&s->rx_bytes, now.ibytes);
		set(&s->tx_bytes, now.obytes);
		set(&s->rx_missed, now.imissed);
		set(&s->rx_errors, now.ierrors);
		set(&s->tx_errors, now.oerrors);
		set(&s->rx_no_buffer, now.rx_nombuf);
	}
}
