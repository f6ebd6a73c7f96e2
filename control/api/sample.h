/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Rates: the stats block is sampled once a second, and eleven samples are kept, so that rates over
 * the last second and the last ten can be told. Also the baselines of members' counters, since a
 * number may have belonged to another member before and nobody resets a counter.
 *
 * Threads: the loop's only.
 */

#include <stdbool.h>
#include <stdint.h>

#include "control/control.h"

#define STW_SAMPLE_LONG_S 10

enum stw_rate_span {
	STW_RATE_SHORT, /* between the last two samples, about a second */
	STW_RATE_LONG,	/* up to STW_SAMPLE_LONG_S */
};

struct stw_sampler; /* opaque; sample.c */

/** @return NULL without memory. Samples once a second from now on; free with stw_sampler_free(). */
struct stw_sampler *stw_sampler_new(struct ev_loop *loop, struct stw_control *control);

/** The link to the data plane came or went: samples start over; totals do if it is a new process.
 */
void stw_sampler_link(struct stw_sampler *s);

/** Take a sample now (the timer does so each second). @now_s: a monotonic clock */
void stw_sampler_take(struct stw_sampler *s, double now_s);

/**
 * Growth of a worker's or member's counter a second.
 *
 * @param out  on true only
 * @return false until there are two samples (of that member under that number)
 */
bool stw_sampler_worker_rate(const struct stw_sampler *s, uint32_t worker, enum stw_counter c,
			     enum stw_rate_span span, double *out);
bool stw_sampler_member_rate(const struct stw_sampler *s, uint16_t number,
			     enum stw_member_counter c, enum stw_rate_span span, double *out);

/** Growth a second of a rule's hits, by their row, over STW_RATE_LONG. As above. */
bool stw_sampler_rule_rate(const struct stw_sampler *s, uint32_t row, double *out);

/**
 * Time to the first answer that so large a @share of the member's requests of the last ten seconds
 * did not exceed, to the next power of two.
 *
 * @return false when there were none
 */
bool stw_sampler_first_answer(const struct stw_sampler *s, uint16_t number, double share,
			      double *out_s);

/* What came in at a listener since the data plane gave it a row, and its rate of the last 10 s. */
struct stw_listener_counts {
	uint64_t c[STW_N_LISTENER_COUNTERS];
	bool rated; /* there were two samples */
	double per_s[STW_N_LISTENER_COUNTERS];
};

/** @param out  on true only. @return false without a data plane, or before it serves the listener
 */
bool stw_sampler_listener(const struct stw_sampler *s, const struct stw_endpoint *address,
			  struct stw_listener_counts *out);

/* All that a member ever counted. */
struct stw_member_counts {
	uint64_t c[STW_N_MEMBER_COUNTERS];
	uint64_t first_answer[STW_LATENCY_BUCKETS]; /* requests, by the time to that answer */
	uint64_t first_answer_us;		    /* sum of these times */
};

/**
 * A member's counters over all workers since it got its number or the data plane started.
 *
 * @param out  on true only
 * @return false without a data plane
 */
bool stw_sampler_member_total(struct stw_sampler *s, uint16_t number,
			      struct stw_member_counts *out);

/**
 * Requests open at a member now. Of all that the number ever counted: what was opened under it
 * before it changed hands ends under it too.
 *
 * @param out  on true only
 * @return false without a data plane
 */
bool stw_sampler_member_open(const struct stw_sampler *s, uint16_t number, uint64_t *out);

struct stw_traffic_history;

/** Traffic of the last minutes. Never NULL. */
const struct stw_traffic_history *stw_sampler_history(const struct stw_sampler *s);

/** The data plane's installer has not moved for more than two seconds. */
bool stw_sampler_stalled(const struct stw_sampler *s);

/** Accepts NULL. */
void stw_sampler_free(struct stw_sampler *s);
