/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The whole path in a test: EAL without hugepages, ports made of rings, tables and FIB published by
 * the code the installer uses, workers turned by hand. What goes into a port's rx ring comes from
 * the wire; what is in its tx ring was sent. Port 0 has a kernel side, made of rings too; port 1
 * has none.
 *
 *   interface 0: port 0, untagged     192.0.2.1     198.51.100.0/24 (members) and 2001:db8::/64
 *   interface 1: port 0, VLAN 42                    10.42.0.0/16
 *   interface 2: port 1, untagged                   10.1.0.0/16
 *   203.0.113.0/24 behind the gateway 192.0.2.254
 * Neighbours: members .10 and .11, the gateway, 10.42.0.7, 10.1.0.7 and 2001:db8::9.
 */

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "dataplane/worker.h"
#include "tests/support/farm.h"

#define RIG_PORTS   2
#define RIG_WORKERS 2
#define RIG_MEMBERS 2

struct rig {
	struct stw_farm farm;
	struct stw_model_port model_ports[RIG_PORTS];
	uint16_t cores[RIG_WORKERS];
	struct stw_stats *stats;
	int stats_fd;
	struct stw_ports ports;
	struct stw_snapshots snapshots;
	struct stw_workers workers;
	struct rte_ring *rx[RIG_PORTS][RIG_WORKERS];
	struct rte_ring *tx[RIG_PORTS][RIG_WORKERS];
	struct rte_ring *to_kernel;
	struct rte_ring *from_kernel;
	uint16_t n_tx; /* queues of each port */
};

/** Whether members' neighbours are in the FIB. */
enum rig_neighbours { RIG_WITH_NEIGHBOURS, RIG_WITHOUT_NEIGHBOURS };

/** Start everything but threads. @param n_tx  transmit queues of a port, 1..n_workers */
void rig_start(struct rig *r, unsigned n_workers, uint16_t n_tx);
void rig_stop(struct rig *r);

void rig_publish_tables(struct rig *r);
void rig_publish_fib(struct rig *r, enum rig_neighbours with);

/** An empty buffer as a driver leaves it. */
struct rte_mbuf *rig_buffer(struct rig *r, unsigned port);

/** A frame from the wire. */
void rig_feed(struct rig *r, unsigned port, unsigned queue, const void *frame, size_t len);

/** One turn of worker @w. */
void rig_turn(struct rig *r, unsigned w);

/** The next frame sent on a port, on any queue; NULL when there is none. Freed by the caller. */
struct rte_mbuf *rig_sent(struct rig *r, unsigned port);

/** The next frame the kernel side of port 0 got. */
struct rte_mbuf *rig_kernel(struct rig *r);

/** Throw away all that was sent. */
void rig_clear(struct rig *r);

/** A counter, over all workers. */
uint64_t rig_count(const struct rig *r, enum stw_counter c);

/** A member's counter, over all workers. */
uint64_t rig_listener_count(const struct rig *r, uint16_t listener, enum stw_listener_counter c);
uint64_t rig_member_count(const struct rig *r, uint16_t number, enum stw_member_counter c);

/** Fails the test unless each worker's ledger balances. */
void rig_assert_ledger(const struct rig *r);

/** Fails the test unless every buffer of every pool is back. Rings must be empty. */
void rig_assert_no_leak(struct rig *r);

/* ---- frames ---- */

struct rig_datagram {
	struct stw_endpoint src;
	struct stw_endpoint dst;
	const char *text;
	size_t len;
	uint16_t vlan;
	uint8_t ttl;
	uint16_t ip_id;
	uint8_t dst_mac[6];
	uint8_t src_mac[6];
};

#define RIG_FRAME_MAX 65600

/** Write a whole frame, however long, checksums by the slow way. @return its length */
size_t rig_frame(const struct rig_datagram *d, uint8_t *out);

/**
 * Cut a frame of rig_frame() into fragments of at most @mtu bytes of IP.
 *
 * @param out  each at most mtu + 18 bytes; @lens their lengths
 * @return how many
 */
size_t rig_fragments(const uint8_t *frame, size_t len, uint16_t mtu, uint8_t out[][1600],
		     size_t *lens);
