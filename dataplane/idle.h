/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * How long a worker sleeps that finds nothing to do. The longer there was nothing, the longer: what
 * comes then waits half as long as the silence before it at most, and never longer than a limit.
 *
 * Pollers pay by the waking, some 15 us of CPU on a virtual machine. So after STW_IDLE_DEEP_US the
 * limit is STW_IDLE_DEEPER times as long: with the default of 100 us, 2000 wakings a second are 3
 * to 4 % of a core. A queue of 1024 takes 2 M packets a second for that long, which is what a
 * worker takes from it.
 */

#include <stdint.h>

#define STW_IDLE_SPIN_US  50u	  /* it does not sleep before */
#define STW_IDLE_FIRST_US 5u	  /* its first sleep */
#define STW_IDLE_DEEP_US  100000u /* idle for so long it counts as asleep */
#define STW_IDLE_DEEPER	  5u

/**
 * @param idle_us   since there was something to do
 * @param limit_us  dataplane.idle_sleep_us
 * @return microseconds to sleep; 0: spin, but for control on the same core, which is given way to
 */
static inline uint32_t stw_idle_sleep_us(uint64_t idle_us, uint32_t limit_us)
{
	uint64_t limit = idle_us < STW_IDLE_DEEP_US ? limit_us : limit_us * STW_IDLE_DEEPER;
	uint64_t sleep;

	if (idle_us < STW_IDLE_SPIN_US)
		return 0;
	sleep = STW_IDLE_FIRST_US + (idle_us - STW_IDLE_SPIN_US) / 2;
	return (uint32_t)(sleep < limit ? sleep : limit);
}
