/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Traffic of the last minutes: one point a second, the sum over all workers. What was sampled
 * before a new data plane started stays; seconds without a data plane are zero.
 *
 * Threads: the loop's only.
 */

#include <stddef.h>
#include <stdint.h>

#include "control/api/sample.h"

#define STW_TRAFFIC_POINTS 300u

struct stw_traffic_point {
	double unix_s;
	double received, sent, answered, dropped, requests, responses, new_calls; /* a second */
};

struct stw_traffic_history {
	struct stw_traffic_point points[STW_TRAFFIC_POINTS];
	size_t n, next;
};

/** Add what the sampler saw in the last second. */
void stw_traffic_history_take(struct stw_traffic_history *h, const struct stw_sampler *s,
			      uint32_t n_workers, double unix_s);

/** Point @i of h->n, the oldest first. */
const struct stw_traffic_point *stw_traffic_history_at(const struct stw_traffic_history *h,
						       size_t i);
