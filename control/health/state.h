/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * What is known of one member's health in one pool. Pure: events and a clock in, a state and a
 * share of the member's weight out.
 *
 *              first answer                     `fall` of the last `of` probes missed,
 *   probing ------------------> healthy ------> failed    or thrown out by its traffic
 *      ^  \                                       |
 *      |   `-- fails again: hold-down doubles --> |
 *      `------------- `rise` answers in a row, hold-down over (slow start)
 *
 * A member that control finds at its start is PROBING with its whole share: nothing is known
 * against it. One that is added later waits, PROBING, for its first answer. One that comes back
 * from FAILED is PROBING, on trial, while its share grows over slow_start_s.
 *
 * Flaps are damped: each failure that follows another doubles the time that must pass before a
 * return. The first one by probes has none, so that a restart costs only the probes' time.
 *
 * Time is any monotonic clock in seconds. Threads: any; no shared state.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/model/model.h"

/** A share of 8/8 is the whole weight. A power of two: shares of all then scale without moving a
 * slot of a Maglev table. */
#define STW_SHARE_WHOLE 8u

enum stw_health_state { STW_HEALTH_PROBING, STW_HEALTH_HEALTHY, STW_HEALTH_FAILED };

/* Why it is in its state. */
enum stw_health_cause {
	STW_CAUSE_START,       /* control's start: nothing known yet */
	STW_CAUSE_NEW,	       /* added: its first answer is awaited */
	STW_CAUSE_ANSWERED,    /* a probe was answered as it should be */
	STW_CAUSE_SILENT,      /* probes were not answered */
	STW_CAUSE_UNREACHABLE, /* ICMP says that nobody is there, about a probe of ours */
	STW_CAUSE_STATUS,      /* probes were answered with a code that is not accepted */
	STW_CAUSE_UNANSWERED,  /* traffic: too many INVITEs without any answer */
	STW_CAUSE_ERRORS,      /* traffic: too many 5xx */
	STW_CAUSE_TRIAL,       /* came back; its share grows */
	STW_CAUSE_N,
};

struct stw_health {
	enum stw_health_state state;
	enum stw_health_cause cause;
	uint16_t status;     /* of the last probe answered, 0: none yet */
	double since_s;	     /* of state */
	uint32_t history;    /* one bit a probe, the last lowest: 1 missed */
	uint32_t answers;    /* in a row */
	uint32_t misses;     /* in a row */
	uint32_t strikes;    /* failures close to one another */
	double held_until_s; /* FAILED: no return before */
	double rest_until_s; /* Retry-After: no new calls before */
};

/** @param at_start  control starts: it may well be alive, and serves until proved otherwise */
void stw_health_init(struct stw_health *h, bool at_start, double now_s);

/** A probe was answered with an accepted code. @return true when state or share changed */
bool stw_health_answered(struct stw_health *h, const struct stw_model_health *c, uint16_t status,
			 double now_s);

/**
 * A probe failed.
 *
 * @param cause  STW_CAUSE_SILENT, _UNREACHABLE or _STATUS
 */
bool stw_health_missed(struct stw_health *h, const struct stw_model_health *c,
		       enum stw_health_cause cause, uint16_t status, double now_s);

/** Thrown out by its traffic: STW_CAUSE_UNANSWERED or _ERRORS. Whether it may be is the pool's
 * affair (pool.h). */
bool stw_health_eject(struct stw_health *h, const struct stw_model_health *c,
		      enum stw_health_cause cause, double now_s);

/** 503 with Retry-After (RFC 3261 s21.5.4): no new calls for that long, bounded. */
bool stw_health_rest(struct stw_health *h, const struct stw_model_health *c, uint32_t seconds,
		     double now_s);

/** Time passes: trials end, rests end, old failures are forgotten. Call about once a second. */
bool stw_health_tick(struct stw_health *h, const struct stw_model_health *c, double now_s);

/** Eighths of its weight that count for new calls, 0..STW_SHARE_WHOLE. */
unsigned stw_health_share(const struct stw_health *h, const struct stw_model_health *c,
			  double now_s);

/** Whether it is out by what traffic showed, a Retry-After included, and not by probes. */
bool stw_health_is_ejected(const struct stw_health *h, double now_s);

/**
 * Until the next probe, from the start of the last one; in doubt at once.
 *
 * @param random  any number: spreads probes by jitter_percent
 */
double stw_health_interval_s(const struct stw_health *h, const struct stw_model_health *c,
			     uint32_t random);

/** "healthy", "probing", "failed". */
const char *stw_health_state_text(enum stw_health_state state);

/** One word for programs: "answered", "silent" ... */
const char *stw_health_cause_text(enum stw_health_cause cause);

/** @return the state or cause of that name, -1: none */
int stw_health_state_parse(const char *name);
int stw_health_cause_parse(const char *name);

/** Why it is in its state, a sentence for people. */
void stw_health_reason(const struct stw_health *h, const struct stw_model_health *c, double now_s,
		       char *out, size_t size);
