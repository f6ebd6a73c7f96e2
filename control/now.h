/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Seconds for deadlines and spans. The loop's ev_now() is the wall clock: where that is set, by
 * hand, by NTP or at a boot without a battery, a span measured by it lasts for years or not at all.
 * It is for what people read.
 */

#include <time.h>

/** CLOCK_MONOTONIC. Threads: any. */
static inline double stw_now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}
