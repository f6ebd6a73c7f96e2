/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/** @file Inside of the monitor: what its files share. Not for others. */

#include <ev.h>

#include "control/health/monitor.h"
#include "control/health/probe.h"

/* One member of one pool. */
struct stw_watch {
	struct stw_monitor *mon;
	char pool[STW_NAME_MAX];
	struct stw_endpoint member;
	struct stw_model_health c;
	bool asked_up; /* with weight: it counts for the pool */
	uint32_t quiet_needed_s;
	uint32_t weight;
	uint32_t index; /* its place, in the Call-IDs of its probes */
	struct stw_health h;
	struct stw_window window;
	struct stw_traffic traffic; /* as last seen */
	bool has_traffic;
	double active_s;	/* when a request was last seen, or the looking began */
	struct stw_probe probe; /* len 0: none is under way */
	double asked_s;		/* when it was sent first */
	bool again;		/* ... and once more */
	bool no_way;
	bool panic;
	uint32_t cseq;
	double round_trip_s;
	uint64_t sent, answered, missed;
	struct ev_timer timer; /* next probe, its repetition, or its end */
};

struct stw_monitor {
	struct ev_loop *loop;
	struct stw_slow *slow;
	struct stw_monitor_owner owner;
	struct stw_watch **rows; /* pool by pool, as in the model */
	size_t n;
	size_t found; /* where to look first: mostly they are asked for in order */
	bool taken;   /* a model was, so that whoever comes is new */
	bool up;
	bool due;      /* shares may differ */
	double told_s; /* when changed() was called last */
	struct ev_timer tick;
	struct ev_timer later; /* changed() was called less than a second ago */
};

/** ask.c: a new row, which is not asked yet; begin to ask, stop asking; what came back. */
void stw_watch_init(struct stw_watch *w);
void stw_watch_start(struct stw_watch *w);
void stw_watch_stop(struct stw_watch *w);

/** Something speaks against it: ask soon, if it is asked at all and that is not under way. */
void stw_watch_hurry(struct stw_watch *w);

void stw_watch_answered(void *mon, const struct stw_endpoint *peer, const char *buf,
			const struct stw_sip_msg *m);
void stw_watch_refused(void *mon, const struct stw_endpoint *peer, const char *quoted, size_t len);

/** State or share of @w may have changed. */
void stw_watch_changed(struct stw_watch *w);

/** @return NULL: there is none */
struct stw_watch *stw_monitor_find(struct stw_monitor *mon, const char *pool,
				   const struct stw_endpoint *member);
