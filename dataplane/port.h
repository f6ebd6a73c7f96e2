/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Ports: a DPDK device each, and its kernel side. Started in order of configuration, stopped in
 * reverse; what was changed on the kernel interface under a device (flags, MTU) is put back.
 *
 * Threads: started and stopped by main while no worker runs; constant in between.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_ethdev.h>

#include <strowger/stats.h>

#include "control/model/model.h"
#include "dataplane/netif.h"
#include "dataplane/steer/flow.h"
#include "dataplane/steer/xdp.h"
#include "dataplane/table/lookup.h"

#define STW_NO_DEV	 UINT16_MAX
#define STW_TWIN_MTU_MAX 1500

/* One DPDK device: the wire, or the TAP of the kernel twin. */
struct stw_dev {
	uint16_t id; /* DPDK port number, STW_NO_DEV when there is none */
	uint16_t n_rx;
	uint16_t n_tx;
	bool sums;    /* computes IPv4 and UDP checksums of what it sends */
	bool started; /* rte_eth_dev_start() succeeded */
	bool probed;  /* made by us: to be removed */
	char name[64];
};

struct stw_port {
	const struct stw_model_port *model;
	struct stw_dev wire;
	struct stw_dev twin;
	struct rte_mempool *pool;
	uint8_t mac[6];
	uint16_t mtu;		      /* of the wire */
	uint16_t twin_mtu;	      /* net_tap takes no longer frames than STW_TWIN_MTU_MAX */
	char under[16];		      /* kernel interface under the device, "" for none */
	struct stw_netif_saved saved; /* of @under */
	struct stw_xdp xdp;	      /* our program on @under (net_af_xdp) */
	struct stw_flow flow;	      /* our rules on a shared NIC (rte_flow) */
	int groups_fd;		      /* while open, @under hears every group; -1 */
};

struct stw_ports {
	struct stw_port port[STW_STATS_PORTS_MAX];
	size_t n;
	struct rte_mempool *jumbo;
	uint8_t by_dev[RTE_MAX_ETHPORTS]; /* index of the port a DPDK device belongs to */
};

/**
 * Start every port of the configuration: queues for @n_workers workers, or fewer where a device has
 * fewer.
 *
 * @param out  zeroed by the caller; stw_ports_stop() frees what was started, also after an error
 * @return STW_OK; STW_EIO, STW_ENOMEM, STW_ECONFIG: logged in one line that names the port
 */
int stw_ports_start(const struct stw_model *model, unsigned n_workers, struct stw_ports *out);

/**
 * Have shared ports take what is sent to the listeners of @tables, and leave the rest to the
 * kernel. A failure is logged.
 */
void stw_ports_steer(struct stw_ports *ports, const struct stw_tables *tables);

/** Stop and close all, put the kernel interfaces back as they were. */
void stw_ports_stop(struct stw_ports *ports);

/** Write names, MACs and queues into the statistics block, once. */
void stw_ports_describe(const struct stw_ports *ports, struct stw_stats *stats);

/** Copy the devices' counters and link states into the statistics block. */
void stw_ports_refresh(const struct stw_ports *ports, struct stw_stats *stats);
