/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Watches the members of all pools: sends probes and takes their answers, looks at the counters
 * once a second, and says which share of its weight each member gets. A member of several pools is
 * watched for each by that pool's settings; what one address shows says nothing about another.
 *
 * Probes go out from the listener's own socket on the slow path, behind a port without a kernel
 * side by a worker's lane, and their answers come back through a worker: the way calls take. Where
 * there is neither, or no listener, a member is not probed, and says so.
 *
 * Threads: the loop's only. Ownership: one object, made and freed by control.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/health/state.h"
#include "control/health/window.h"
#include "control/model/model.h"
#include "control/slow/slow.h"

struct ev_loop;
struct stw_monitor; /* opaque; monitor.c */

/** What the owner does for the monitor. All members are needed. */
struct stw_monitor_owner {
	void *ctx;
	/* Shares differ: stw_monitor_apply(), then publish. At most once a second. */
	void (*changed)(void *ctx);
	/* A member is in another state: stw_monitor_save(). */
	void (*keep)(void *ctx);
	/* A member's counters, and seconds of a Retry-After that are left. @return false: unknown
	 */
	bool (*traffic)(void *ctx, const struct stw_endpoint *member, struct stw_traffic *out,
			uint32_t *rest_s);
};

/** A member in one pool, for people and programs. */
struct stw_monitor_view {
	const char *state; /* "healthy", "probing", "failed", "unchecked" */
	const char *cause; /* one word */
	char reason[160];
	double since_unix_s;
	unsigned share_percent;		 /* of its weight */
	bool panic;			 /* its pool serves all whatever their health */
	uint16_t status;		 /* of the last probe answered, 0: none */
	uint64_t sent, answered, missed; /* probes */
	double round_trip_ms;		 /* of the last one answered, 0: none */
	unsigned strikes;
	double quiet_s; /* since a request went to it or came from it, as far as known */
	uint64_t open;	/* requests that wait for their final answer */
	uint32_t quiet_needed_s;
	bool empty; /* takes no new calls, nothing is open, and quiet for long enough */
};

/** @return NULL without memory. Free with stw_monitor_free(), before @slow. */
struct stw_monitor *stw_monitor_new(struct ev_loop *loop, struct stw_slow *slow,
				    const struct stw_monitor_owner *owner);

/**
 * Watch the members of @m, and no others. Who was watched before keeps what is known of him; who
 * comes new serves untried when it is the first call, and waits for his first answer later.
 *
 * @return STW_OK, STW_ENOMEM (nothing changed)
 */
int stw_monitor_take(struct stw_monitor *mon, const struct stw_model *m);

/** Write each member's share into @m, as given to stw_monitor_take() last. @return shares that
 * differ from what stood there */
size_t stw_monitor_apply(struct stw_monitor *mon, struct stw_model *m);

/**
 * Who has failed in every pool that uses it, and serves in none for want of better.
 *
 * @param failed  [m->n_members], zero before
 */
void stw_monitor_failed(const struct stw_monitor *mon, const struct stw_model *m, uint8_t *failed);

/**
 * Tables with all members are served, or the data plane is gone: questions begin and end. Call it
 * again with each such tables: who came since the last time is asked from then on, and not before,
 * since to the workers the answer of somebody they do not know is a stranger's.
 */
void stw_monitor_link(struct stw_monitor *mon, bool up);

/** @return false: the pool has no such member */
bool stw_monitor_view(struct stw_monitor *mon, const char *pool, const struct stw_endpoint *member,
		      struct stw_monitor_view *out);

/** Keep in @state_dir what is known, and read it again after a restart (store.c). */
int stw_monitor_save(const struct stw_monitor *mon, const char *state_dir, char *reason,
		     size_t reason_len);
int stw_monitor_load(struct stw_monitor *mon, const char *state_dir, char *reason,
		     size_t reason_len);

/** Accepts NULL. */
void stw_monitor_free(struct stw_monitor *mon);
