/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * One run of the generator: messages at a fixed rate, each at its own moment, whatever comes back
 * ("open loop"). A message that the port does not take at once is lost, not put off; one that
 * leaves late, as the machine took the core away, is counted from the moment it was due (no
 * coordinated omission).
 *
 * Threads: one, on a core of its own.
 */

#include <signal.h>
#include <stdint.h>

#include "bench/traffic/frames.h"
#include "bench/traffic/histogram.h"

#define STW_TRAFFIC_MESSAGES_MAX 400000000u /* of one run */

struct stw_traffic_plan {
	uint32_t run; /* distinguishes this run's messages from what is left of others; not 0 */
	double rate;  /* messages a second */
	double seconds;
	double drain_s; /* how long to wait for the last ones */
	double lead_s;	/* of the seconds: what is sent until then counts, but for its latency */
};

struct stw_traffic_result {
	uint32_t due;	   /* messages of the schedule */
	uint32_t refused;  /* of these, not taken by the port */
	uint32_t received; /* of these, came back, once and right */
	uint64_t repeated; /* came back again */
	uint64_t wrong;	   /* came back to somebody else, or of another length */
	uint64_t stale;	   /* of an earlier run */
	uint64_t foreign;  /* without a stamp */
	uint64_t late_max; /* ticks after its moment that a message left */
	uint64_t
		paused; /* ticks beyond 100 us between two turns of the loop: not the generator's */
	double seconds; /* that sending took */
	struct stw_histogram latency; /* ticks from when it was due */
};

/**
 * Run @plan over port @port.
 *
 * @param hz    ticks a second
 * @param stop  ends the run early when it becomes nonzero
 * @return STW_OK, STW_ERANGE (too many messages), STW_ENOMEM
 */
int stw_traffic_run(uint16_t port, struct stw_traffic_frames *f,
		    const struct stw_traffic_plan *plan, double hz,
		    const volatile sig_atomic_t *stop, struct stw_traffic_result *out);
