/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The one DPDK device of a generator, at the other end of the balancer's cable.
 *
 * Threads: one, the generator's.
 */

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

struct stw_bench_device {
	const char *name; /* with its arguments, as after --vdev= */
	unsigned core;
	bool huge; /* there are hugepages */
};

/** Start DPDK with @d alone. @return STW_OK, STW_ERANGE, STW_EIO; told on standard error */
int stw_bench_device_start(const char *program, const struct stw_bench_device *d);

/**
 * Open the port, with a queue each way, and wait until somebody is at the other end.
 *
 * @param rx    where buffers of what comes are from
 * @param stop  not 0: give up
 * @return STW_OK, STW_EIO (told)
 */
int stw_bench_device_open(uint16_t port, struct rte_mempool *rx, const volatile sig_atomic_t *stop);
