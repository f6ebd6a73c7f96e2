/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * A worker: one thread pinned to a core, its queues, and what it holds between two turns of its
 * loop. The loop is stw_worker_run(); read path/path.h for the stages.
 *
 * Threads: made and freed by main while none runs. A worker touches its own struct only, but for
 * the queues named below. Ownership: buffers in @out, @held, @reassembly and @inbox are the
 * worker's.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_ring.h>

#include <strowger/likely.h>
#include <strowger/stats.h>

#include "dataplane/burst.h"
#include "dataplane/installer.h"
#include "dataplane/location/find.h"
#include "dataplane/path/budget.h"
#include "dataplane/path/reassembly.h"
#include "dataplane/path/spread.h"
#include "dataplane/port.h"
#include "dataplane/recent/recent.h"
#include "dataplane/recorder.h"
#include "dataplane/snapshot.h"
#include "dataplane/tag.h"
#include "dataplane/timing.h"

#define STW_OUT_MAX    256u  /* frames buffered for one device within a turn */
#define STW_HELD_MAX   256u  /* messages waiting for a neighbour's address */
#define STW_INBOX_SIZE 1024u /* packets other workers handed over */
#define STW_REQUESTS   64u   /* neighbours asked for, until the installer takes them */
#define STW_QUEUES_MAX (2 * STW_STATS_PORTS_MAX)

struct stw_rx_queue {
	uint16_t dev; /* DPDK port number */
	uint16_t queue;
	uint16_t port; /* index of ours */
};

/* Frames this worker is about to give one device; flushed each turn. */
struct stw_out {
	uint16_t dev;
	uint16_t queue;
	uint16_t owner; /* worker that has the queue: frames for another go to its inbox */
	uint16_t index; /* of this in stw_worker.out, the same in all workers */
	uint16_t n;
	bool sums; /* the device computes checksums */
	struct rte_mbuf *frame[STW_OUT_MAX];
	uint32_t tag[STW_OUT_MAX];
	uint32_t bytes[STW_OUT_MAX];
};

/* Frames that wait in the inbox, for the next turn: fetched during this one. They are still the
 * ring's. */
struct stw_ahead {
	uint16_t n;
	uint16_t next; /* to be fetched */
	void *frame[STW_BURST_MAX];
};

/* A finished frame whose Ethernet destination is not known yet. */
struct stw_held {
	struct rte_mbuf *frame;
	uint32_t tag;
	uint16_t iface; /* of @next_hop, for the request */
	struct stw_ip dst;
	struct stw_ip next_hop;
	uint64_t deadline_tsc;
	uint64_t asked_tsc;
};

struct stw_worker {
	/* read-mostly */
	uint32_t index;
	uint32_t n_workers;
	uint16_t burst_max;
	uint16_t n_rx;
	uint16_t n_twins;
	uint32_t idle_sleep_us;
	uint64_t tsc_hz;
	uint64_t tsc_us; /* a microsecond */
	uint64_t secret; /* of all workers: who owns a fragment */
	const struct stw_ports *ports;
	const struct stw_snapshots *snapshots;
	struct stw_stats_worker *stats;
	struct stw_stats_members *members;
	struct stw_stats_listeners *listeners;
	struct stw_stats_rules *rules;
	struct stw_recent recent; /* one table for all; memory.recent NULL: none */
	struct stw_rx_queue rx[STW_QUEUES_MAX];
	struct stw_rx_queue twin[STW_STATS_PORTS_MAX];
	struct rte_ring **inboxes;	 /* [n_workers], written by all, each read by its worker */
	struct stw_worker *const *peers; /* [n_workers] */
	struct rte_ring *requests;	 /* written here, read by the installer */
	struct stw_out *out[STW_QUEUES_MAX]; /* index: port, or STW_STATS_PORTS_MAX + port: twin */

	/* written each turn */
	_Atomic bool running __attribute__((aligned(64)));
	_Atomic bool asleep;
	bool gives_way; /* control waits for this core */
	uint16_t first_rx;
	uint16_t ip_id;
	uint64_t now_tsc;
	uint64_t busy_since_tsc; /* 0: the last turn was idle */
	uint64_t idle_since_tsc;
	struct stw_reassembly *reassembly;
	struct stw_budget *budget;
	struct stw_reassembly_buffer spare;
	uint32_t n_held;
	uint64_t held_check_tsc;
	struct stw_memory memory;	      /* its turn and sweep are written */
	const struct stw_snapshot *held_snap; /* compared, never followed */
	struct stw_held *held;
	struct stw_spread spread;
	bool has_given; /* this turn's burst has messages that another worker spread */
	struct stw_ahead ahead;
	struct stw_where_slot *where; /* [STW_BURST_MAX] what was found in the location table */
	struct stw_timing timing;
	struct stw_recorder recorder;
	struct stw_burst burst;
};

/** All workers of the process. */
struct stw_workers {
	uint32_t n;
	struct stw_worker *worker[STW_STATS_WORKERS_MAX];
	struct rte_ring *inboxes[STW_STATS_WORKERS_MAX];
	void *recent; /* memory of the recent-call table */
};

/**
 * Make one worker a core and share the queues out: queue q of a device is worker q % n's.
 *
 * @param out  zeroed by the caller; stw_workers_free() frees what was made, also after an error
 * @return STW_OK or STW_ENOMEM
 */
int stw_workers_new(const struct stw_model_dataplane *d, const struct stw_ports *ports,
		    const struct stw_snapshots *snapshots, struct stw_stats *stats,
		    struct stw_workers *out);

/** Bytes that the workers of one process share, beside their packets. */
size_t stw_workers_memory(const struct stw_model_dataplane *d);

/** Start worker i on lcore i + 1. @return STW_OK or STW_EIO */
int stw_workers_launch(struct stw_workers *ws);

/** Tell all to stop, wait for them, and end what is left in their inboxes (DROP_STOPPED). */
void stw_workers_stop(struct stw_workers *ws);

void stw_workers_free(struct stw_workers *ws);

/** One turn of the loop, for tests and benchmarks too. @return true when it found packets */
bool stw_worker_turn(struct stw_worker *w);

/** End all that @w holds: buffers sent, what waits dropped as STOPPED. */
void stw_worker_drain(struct stw_worker *w);

/** Installer's hook: take neighbour requests of all workers. @arg is the struct stw_workers. */
size_t stw_workers_take_requests(void *arg, struct stw_neighbour_request *out, size_t max);

/** Installer's hook: false when every worker has been idle for long. */
bool stw_workers_awake(void *arg);

static inline void stw_count(struct stw_worker *w, enum stw_counter c, uint64_t n)
{
	stw_counter_add(&w->stats->c[c], n);
}

/** WAITING goes down as well. */
static inline void stw_uncount(struct stw_worker *w, enum stw_counter c, uint64_t n)
{
	stw_counter_add(&w->stats->c[c], (uint64_t)0 - n);
}

static inline void stw_count_listener(struct stw_worker *w, uint16_t row,
				      enum stw_listener_counter c, uint64_t n)
{
	stw_counter_add(&w->listeners->c[row][c], n);
}

static inline void stw_count_member(struct stw_worker *w, uint16_t number,
				    enum stw_member_counter c)
{
	if (stw_likely(number < STW_MEMBER_NUMBERS))
		stw_counter_add(&w->members->c[number][c], 1);
}
