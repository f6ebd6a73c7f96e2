/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Flow rules on a shared port whose NIC is bifurcated (mlx5): the kernel's driver and DPDK's use it
 * at once. In rte_flow's isolated mode DPDK gets nothing but what our rules name; all else stays
 * with the kernel's interface. The NIC drops the rules of a process that ends, however it ends.
 *
 *     stw_flow_isolate()     after the device is probed, before it is configured
 *     stw_flow_listeners()   once it is started: what to take, now and after each reload
 *     stw_flow_release()     before it is stopped
 *
 * Threads: isolate and release main, listeners the installer; not at once.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <strowger/endpoint.h>

struct stw_flow_rule; /* opaque; flow.c */

struct stw_flow {
	bool isolated;
	bool no_fragments; /* the device has no rules for them: they stay with the kernel */
	uint16_t dev;
	struct stw_flow_rule *rules; /* [n] */
	size_t n;
};

/**
 * Leave the device's packets to the kernel until rules say otherwise.
 *
 * @param reason  on error: what the driver says
 * @return STW_OK, STW_EIO (the device or its driver cannot)
 */
int stw_flow_isolate(struct stw_flow *f, uint16_t dev, char *reason, size_t size);

/* What is to be taken: datagrams and fragments to listeners, untagged and on each VLAN. */
struct stw_flow_wanted {
	const struct stw_endpoint *listeners; /* [n]; doubles do no harm */
	size_t n;
	const uint16_t *vlans; /* [n_vlans] 1..4094, each once */
	size_t n_vlans;
	uint16_t n_queues; /* of the device, spread over by its own hash */
};

/**
 * Take what is wanted, and nothing else. New rules are made before old ones go.
 *
 * @param reason  on STW_EIO: the first rule that was refused, and why
 * @return STW_OK, STW_ENOMEM (all is as before), STW_EIO: what could be taken is
 */
int stw_flow_listeners(struct stw_flow *f, const struct stw_flow_wanted *wanted, char *reason,
		       size_t size);

/** Take nothing any more. Accepts one that was never isolated. */
void stw_flow_release(struct stw_flow *f);
