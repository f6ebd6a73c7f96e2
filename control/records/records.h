/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Reads the flight recorder's rings (strowger/flight.h) from a place on, and tells what was
 * overwritten before it was read. Nothing is ever written, nobody waits.
 *
 * Threads: the loop's only.
 */

#include <stdbool.h>
#include <stdint.h>

#include <strowger/stats.h>

enum stw_flight_kind { STW_RECORDS_ALL, STW_RECORDS_ERRORS };

/** How far somebody has read. All zero: from the oldest there is. */
struct stw_flight_cursor {
	uint64_t pid; /* of the data plane the places are of */
	uint64_t next[STW_STATS_WORKERS_MAX];
};

/** Receives each entry; @r is valid during the call. @return false to stop */
typedef bool (*stw_flight_fn)(void *ctx, uint32_t worker, const struct stw_flight *r);

/** Set @c to what comes next: nothing that is there now. */
void stw_flights_skip(struct stw_stats *s, enum stw_flight_kind kind, struct stw_flight_cursor *c);

/**
 * Read what came since @c, worker by worker, and move @c.
 *
 * @return how many were lost: overwritten before they were read
 */
uint64_t stw_flights_read(struct stw_stats *s, enum stw_flight_kind kind,
			  struct stw_flight_cursor *c, stw_flight_fn fn, void *ctx);

/** One moment by both clocks, so that times taken with it stand in the order of what happened. */
struct stw_flight_clock {
	uint64_t unix_us;
	uint64_t tsc;
	uint64_t tsc_hz;
};

struct stw_flight_clock stw_flight_clock_now(const struct stw_stats *s);

/** When it was recorded, microseconds since 1970. */
uint64_t stw_flight_unix_us(const struct stw_flight_clock *c, const struct stw_flight *r);
