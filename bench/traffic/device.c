/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/traffic/device.h"

#include <stdio.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_ethdev.h>

#include <strowger/errors.h>

#define DESCRIPTORS  2048u
#define LINK_WAIT_MS 20000u

int stw_bench_device_start(const char *program, const struct stw_bench_device *d)
{
	char core[16], vdev[512], name[256];
	char *argv[] = {name, (char[]){"-l"}, core, vdev, (char[]){"--no-pci"},
			(char[]){"--no-telemetry"}, (char[]){"--iova-mode=va"},
			(char[]){"--log-level=warning"},
			/* Without hugepages DPDK 22.11 has no --in-memory. */
			d->huge ? (char[]){"--in-memory"} : (char[]){"--no-huge"},
			(char[]){"--no-shconf"}, (char[]){"-m"}, (char[]){"256"}, NULL};

	snprintf(name, sizeof(name), "%s", program);
	snprintf(core, sizeof(core), "%u", d->core);
	if (snprintf(vdev, sizeof(vdev), "--vdev=%s", d->name) >= (int)sizeof(vdev))
		return STW_ERANGE;
	if (rte_eal_init(d->huge ? 9 : 12, argv) < 0)
		return STW_EIO;
	if (rte_eth_dev_count_avail() == 1)
		return STW_OK;
	fprintf(stderr, "%s: device %s cannot be opened\n", program, d->name);
	return STW_EIO;
}

static int open_port(uint16_t port, struct rte_mempool *pool)
{
	struct rte_eth_conf conf = {0};
	uint16_t rx = DESCRIPTORS, tx = DESCRIPTORS;
	int err = rte_eth_dev_configure(port, 1, 1, &conf);

	if (err == 0)
		err = rte_eth_dev_adjust_nb_rx_tx_desc(port, &rx, &tx);
	if (err == 0)
		err = rte_eth_rx_queue_setup(port, 0, rx, SOCKET_ID_ANY, NULL, pool);
	if (err == 0)
		err = rte_eth_tx_queue_setup(port, 0, tx, SOCKET_ID_ANY, NULL);
	if (err == 0)
		err = rte_eth_dev_start(port);
	if (err != 0) {
		fprintf(stderr, "the port cannot be started: %s\n", rte_strerror(-err));
		return STW_EIO;
	}
	rte_eth_promiscuous_enable(port); /* who cannot has nothing to filter */
	return STW_OK;
}

/* The other end of a memif comes when it comes. */
static int await_link(uint16_t port, const volatile sig_atomic_t *stop)
{
	struct rte_eth_link link = {0};

	for (unsigned ms = 0; ms < LINK_WAIT_MS && !*stop; ms++) {
		if (rte_eth_link_get_nowait(port, &link) == 0 && link.link_status)
			return STW_OK;
		usleep(1000);
	}
	fprintf(stderr, "nobody came to the other end\n");
	return STW_EIO;
}

int stw_bench_device_open(uint16_t port, struct rte_mempool *rx, const volatile sig_atomic_t *stop)
{
	int err = open_port(port, rx);

	return err == STW_OK ? await_link(port, stop) : err;
}
