/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The workers' ends of the lanes (strowger/lane.h). Control makes the memory; here it is checked,
 * mapped and served like tables, by RCU: control that goes takes its lanes along, and what was for
 * it goes by the kernel side again.
 *
 * Threads: made and freed by the installer. Of @end each worker has one. No DPDK in it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <strowger/lane.h>

/* A worker's end of its lane. Its positions are its own memory, which control cannot damage. */
struct stw_lane_end {
	struct stw_lane_writer up;
	struct stw_lane_reader down;
	uint32_t not_rung; /* turns that showed something, since control was looked after */
} __attribute__((aligned(64)));

struct stw_lanes {
	struct stw_lanes_header *shared;
	size_t size;
	int doorbell; /* eventfd, never blocks */
	uint32_t n;
	struct stw_lane_end end[];
};

/**
 * Take lanes that control offers.
 *
 * @param memory    memfd, sealed against shrinking and growing, all of it allocated: else a worker
 *                  could die of it. Still the caller's
 * @param doorbell  taken over on STW_OK
 * @param n         workers
 * @param why       when not STW_OK: for people
 * @return STW_OK, STW_EMALFORMED, STW_EVERSION, STW_EIO, STW_ENOMEM
 */
int stw_lanes_map(int memory, int doorbell, uint32_t n, struct stw_lanes **out, const char **why);

/** Tell control whether workers serve them. */
static inline void stw_lanes_say_taken(struct stw_lanes *l, bool is)
{
	atomic_store_explicit(&l->shared->taken, is, memory_order_release);
}

/** No worker may have them any more. Accepts NULL. */
void stw_lanes_free(struct stw_lanes *l);

/** Wake control. A system call, once for each time that control sleeps. */
void stw_lanes_ring(struct stw_lanes *l);
