/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * What became of the messages that took the slow path:
 *
 *     received = sent + answered + dropped + waiting
 *
 * Answers to control's own questions are counted apart.
 */

#include <stdint.h>

/* X(name, help) */
#define STW_SLOW_COUNTERS(X)                                                         \
	X(received, "messages that workers handed over, by lane or kernel side")     \
	X(sent, "messages forwarded to the next hop")                                \
	X(answered, "requests answered here")                                        \
	X(dropped, "messages that went nowhere, for whatever reason")                \
	X(waiting, "gauge: messages held until their name is resolved")              \
	X(queue_full, "of answered and dropped: too many were waiting")              \
	X(timed_out, "of answered and dropped: the name was not resolved in time")   \
	X(send_failed, "of dropped: the kernel did not take what was to go out")     \
	X(damaged, "times that what a worker wrote into its lane could not be read") \
	X(own, "answers to health probes")

struct stw_slow_counters {
#define X(name, help) uint64_t name;
	STW_SLOW_COUNTERS(X)
#undef X
};
