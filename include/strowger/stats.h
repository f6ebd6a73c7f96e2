/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Counters as shared memory: a memfd made by the data plane, written by its threads, mapped
 * read-only by control (it arrives with the HELLO of ctl_proto.h). Fixed layout, found by offsets.
 *
 * Threads: each row has one writer (the worker; the installer for ports and the header). Readers
 * use relaxed loads and may see counters of one moment apart.
 */

#include <stdatomic.h>
#include <stdint.h>

#include <strowger/counters.h>
#include <strowger/endpoint.h>
#include <strowger/flight.h>

#define STW_STATS_MAGIC	  0x53575453u /* "STWS" */
#define STW_STATS_VERSION 9u
/* Member numbers are 0..STW_MEMBER_NUMBERS - 1: room for all members there can be, twice, so that a
 * reload may replace every one. */
#define STW_MEMBERS_MAX	      8192u
#define STW_MEMBER_NUMBERS    (2 * STW_MEMBERS_MAX)
#define STW_RULE_ROWS	      131072u /* of rules' counters: all there can be, and some gone */
#define STW_STATS_NAME	      32
#define STW_STATS_PORTS_MAX   32u
#define STW_STATS_WORKERS_MAX 64u
/* Addresses that were listeners in a process's life and have a row of counters. */
#define STW_STATS_LISTENERS_MAX 512u

struct stw_stats_port {
	char name[STW_STATS_NAME];   /* NUL-terminated, as configured */
	char device[64];	     /* DPDK device name */
	char kernel[STW_STATS_NAME]; /* twin interface, "" without one */
	uint8_t mac[6];
	uint8_t link_up;
	uint8_t n_rx_queues;
	uint8_t n_tx_queues;
	uint8_t reserved[3];
	uint32_t mtu;
	/* written about every 200 ms by the installer from rte_eth_stats_get() */
	_Atomic uint64_t rx_packets;
	_Atomic uint64_t tx_packets;
	_Atomic uint64_t rx_bytes;
	_Atomic uint64_t tx_bytes;
	_Atomic uint64_t rx_missed;
	_Atomic uint64_t rx_errors;
	_Atomic uint64_t tx_errors;
	_Atomic uint64_t rx_no_buffer;
};

struct stw_stats_worker {
	uint32_t core; /* CPU it is pinned to */
	uint32_t running;
	uint64_t reserved[7];
	/* 64-byte line boundary: written by the worker */
	_Atomic uint64_t c[STW_N_COUNTERS] __attribute__((aligned(64)));
} __attribute__((aligned(64)));

/* The last 503 with Retry-After that a member sent (RFC 3261 s20.33, s21.5.4). */
struct stw_stats_retry_after {
	_Atomic uint64_t tsc;	  /* when it came, 0: never */
	_Atomic uint64_t seconds; /* as it said; written before @tsc */
};

/* index = member number */
struct stw_stats_members {
	_Atomic uint64_t c[STW_MEMBER_NUMBERS][STW_MEMBER_STRIDE]; /* enum stw_member_counter */
	_Atomic uint64_t first_answer[STW_MEMBER_NUMBERS][STW_LATENCY_BUCKETS];
	_Atomic uint64_t first_answer_us[STW_MEMBER_NUMBERS]; /* sum of the same times */
	struct stw_stats_retry_after retry_after[STW_MEMBER_NUMBERS];
} __attribute__((aligned(64)));

/* index = row of a listener; the last is of those for which there was none */
struct stw_stats_listeners {
	_Atomic uint64_t c[STW_STATS_LISTENERS_MAX + 1][STW_N_LISTENER_COUNTERS];
} __attribute__((aligned(64)));

/* New requests that fell under each rule; index = its row (table_image.h). */
struct stw_stats_rules {
	_Atomic uint64_t hits[STW_RULE_ROWS];
} __attribute__((aligned(64)));

/* X(NAME, "name"): the stages of dataplane/path/path.h, in the order of a turn. */
#define STW_STAGES(X)           \
	X(RX, "rx")             \
	X(DECAP, "decap")       \
	X(PARSE, "parse")       \
	X(CLASSIFY, "classify") \
	X(ROUTE, "route")       \
	X(REWRITE, "rewrite")   \
	X(TWIN, "twin")         \
	X(TX, "tx")

enum stw_stage {
#define X(name, text) STW_STAGE_##name,
	STW_STAGES(X)
#undef X
		STW_N_STAGES,
};

/** [STW_N_STAGES], index = enum stw_stage. */
static const char *const stw_stage_names[STW_N_STAGES] __attribute__((unused)) = {
#define X(name, text) [STW_STAGE_##name] = text,
	STW_STAGES(X)
#undef X
};

#define STW_STAGE_BUCKETS 16u

/** Bucket i holds bursts of at most this many nanoseconds; the last one holds all above. */
static inline uint64_t stw_stage_bound_ns(unsigned bucket)
{
	return (uint64_t)128 << bucket;
}

/* How long a stage had a burst in hand, of the turns that were timed (dataplane/timing.h). */
struct stw_stats_stage {
	_Atomic uint64_t n[STW_STAGE_BUCKETS];
	_Atomic uint64_t sum_ns;
};

struct stw_stats_stages {
	struct stw_stats_stage stage[STW_N_STAGES];
} __attribute__((aligned(64)));

struct stw_stats {
	uint32_t magic;
	uint32_t version;
	uint64_t size_bytes; /* of the whole block */
	uint32_t n_workers;
	uint32_t n_ports;
	uint32_t n_counters;	    /* STW_N_COUNTERS of the writer: refuse if it differs */
	uint32_t n_member_counters; /* likewise */
	uint64_t pid;
	uint64_t started_unix_s;
	uint64_t tsc_hz;
	uint64_t workers_offset;   /* struct stw_stats_worker [n_workers] */
	uint64_t rules_offset;	   /* struct stw_stats_rules [n_workers] */
	uint64_t members_offset;   /* struct stw_stats_members [n_workers] */
	uint64_t stages_offset;	   /* struct stw_stats_stages [n_workers] */
	uint64_t listeners_offset; /* struct stw_stats_listeners [n_workers] */
	uint64_t records_offset;   /* the flight recorder's rings, two a worker */
	struct stw_flight_shape record_shape;
	char version_text[64]; /* of the data plane's build */
	/* written by the installer */
	_Atomic uint64_t generation; /* of the tables being served, 0 before the first */
	_Atomic uint64_t swap_ns;    /* last swap: from publishing to the end of the grace period */
	_Atomic uint64_t heartbeat;  /* grows at least twice a second while the installer lives */
	_Atomic uint64_t neighbours; /* known next hops with an address */
	_Atomic uint64_t routes;
	struct stw_stats_port ports[STW_STATS_PORTS_MAX];
	/* rows of listeners; an address is written before the number grows, and stays */
	_Atomic uint32_t n_listeners;
	struct stw_endpoint listeners[STW_STATS_LISTENERS_MAX];
};

/** Worker @i's row of @s. The block was checked: magic, version, sizes, @i < n_workers. */
static inline struct stw_stats_worker *stw_stats_worker(struct stw_stats *s, uint32_t i)
{
	return (struct stw_stats_worker *)((char *)s + s->workers_offset) + i;
}

/** Worker @i's counters of rules. */
static inline struct stw_stats_rules *stw_stats_rules(struct stw_stats *s, uint32_t i)
{
	return (struct stw_stats_rules *)((char *)s + s->rules_offset) + i;
}

/** A rule's hits summed over workers. @row < STW_RULE_ROWS */
static inline uint64_t stw_stats_rule_hits(struct stw_stats *s, uint32_t row)
{
	uint64_t sum = 0;

	for (uint32_t w = 0; w < s->n_workers; w++)
		sum += atomic_load_explicit(&stw_stats_rules(s, w)->hits[row],
					    memory_order_relaxed);
	return sum;
}

/** Worker @i's member rows. */
static inline struct stw_stats_members *stw_stats_members(struct stw_stats *s, uint32_t i)
{
	return (struct stw_stats_members *)((char *)s + s->members_offset) + i;
}

/** A member's counters summed over workers. @number < STW_MEMBER_NUMBERS */
static inline void stw_stats_sum_member(struct stw_stats *s, uint16_t number,
					uint64_t out[STW_N_MEMBER_COUNTERS])
{
	for (int c = 0; c < STW_N_MEMBER_COUNTERS; c++)
		out[c] = 0;
	for (uint32_t w = 0; w < s->n_workers; w++) {
		const struct stw_stats_members *m = stw_stats_members(s, w);

		for (int c = 0; c < STW_N_MEMBER_COUNTERS; c++)
			out[c] += atomic_load_explicit(&m->c[number][c], memory_order_relaxed);
	}
}

/** Worker @i's rows of listeners. */
static inline struct stw_stats_listeners *stw_stats_listeners(struct stw_stats *s, uint32_t i)
{
	return (struct stw_stats_listeners *)((char *)s + s->listeners_offset) + i;
}

/** Rows of listeners given so far. */
static inline uint32_t stw_stats_n_listeners(const struct stw_stats *s)
{
	uint32_t n = atomic_load_explicit(&s->n_listeners, memory_order_acquire);

	return n < STW_STATS_LISTENERS_MAX ? n : STW_STATS_LISTENERS_MAX;
}

/** @return the row of the listener at @address, -1: there is none */
static inline int stw_stats_find_listener(const struct stw_stats *s,
					  const struct stw_endpoint *address)
{
	uint32_t n = stw_stats_n_listeners(s);

	for (uint32_t i = 0; i < n; i++)
		if (stw_endpoint_equal(&s->listeners[i], address))
			return (int)i;
	return -1;
}

/** A listener's counters summed over workers. @row < STW_STATS_LISTENERS_MAX */
static inline void stw_stats_sum_listener(struct stw_stats *s, uint32_t row,
					  uint64_t out[STW_N_LISTENER_COUNTERS])
{
	for (int c = 0; c < STW_N_LISTENER_COUNTERS; c++) {
		out[c] = 0;
		for (uint32_t w = 0; w < s->n_workers; w++)
			out[c] += atomic_load_explicit(&stw_stats_listeners(s, w)->c[row][c],
						       memory_order_relaxed);
	}
}

/** Worker @i's times in each stage. */
static inline struct stw_stats_stages *stw_stats_stages(struct stw_stats *s, uint32_t i)
{
	return (struct stw_stats_stages *)((char *)s + s->stages_offset) + i;
}

/** Worker @i's ring of messages; record_shape.n is not 0. */
static inline struct stw_flight_ring *stw_stats_records(struct stw_stats *s, uint32_t i)
{
	return (struct stw_flight_ring *)((char *)s + s->records_offset +
					  i * stw_flight_worker_bytes(&s->record_shape));
}

/** Worker @i's ring of rejected and dropped ones. */
static inline struct stw_flight_ring *stw_stats_error_records(struct stw_stats *s, uint32_t i)
{
	return (struct stw_flight_ring *)((char *)stw_stats_records(s, i) +
					  stw_flight_ring_bytes(&s->record_shape,
								s->record_shape.n));
}
