/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The writing side of the location table (strowger/location_table.h).
 *
 * Threads: one writes; readers need nothing from it. Ownership: the table owns its memfd and map;
 * whoever got the descriptor keeps what was written last.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/location/find.h"

struct stw_location_table; /* opaque */

/* How long a binding that ended is remembered: longer than any transaction (RFC 3261, Timer C). */
#define STW_LOCATION_GONE_S 240u

struct stw_location_figures {
	uint64_t users, bindings; /* live bindings */
	uint64_t bytes;		  /* of memory that is taken, buckets and all */
	uint64_t huge_bytes;	  /* in huge pages, of what the kernel gave so far */
	uint64_t generation;	  /* of the buckets, from 1 */
	uint64_t left_out;	  /* users for whom there was no memory: control answers for all */
};

/**
 * An empty table, not complete.
 *
 * @param max_bytes  more is never taken; at most STW_LOCATION_MAX_BYTES
 * @param users      to have buckets for at once
 * @return STW_OK, STW_ENOMEM, STW_ERANGE
 */
int stw_location_table_new(uint64_t max_bytes, uint64_t users, struct stw_location_table **out);

/**
 * Let readers see by themselves which bindings' time is over.
 *
 * @param steady_less_boottime_ms  from CLOCK_BOOTTIME to the time that stw_contact.time_s tells
 */
void stw_location_table_clock(struct stw_location_table *t, uint64_t steady_less_boottime_ms);

/** Of the memfd, to be passed on; sealed against shrinking and growing. */
int stw_location_table_fd(const struct stw_location_table *t);

/** As a reader of this very process sees it. */
const struct stw_location_map *stw_location_table_map(const struct stw_location_table *t);

/**
 * What is known of a user from now on.
 *
 * Bindings that are no longer among @c stay as gone ones for STW_LOCATION_GONE_S. What does not fit
 * becomes a record that sends readers to control.
 *
 * @param aor    canonical, with a user
 * @param c      [n] live ones, the best first; @same 0, the URI in @rest, @id not looked at;
 * @time_s is when they end
 * @param known  there is such a user, bound or not
 * @param now_s  steady seconds
 * @return STW_OK, STW_ENOSPACE: left out, and the table is not complete any more
 */
int stw_location_table_put(struct stw_location_table *t, const char *aor, size_t aor_len,
			   const struct stw_contact *c, size_t n, bool known, uint64_t now_s);

/** All users are in it: who is not does not exist. Not so while some were left out. */
void stw_location_table_complete(struct stw_location_table *t);

/**
 * Users were left out, and all are put again from now on. When that is done and nobody was left out
 * once more, stw_location_table_complete() says so.
 */
void stw_location_table_again(struct stw_location_table *t);

/** Forget gone bindings whose time is over, and buckets outgrown. Call it about once a second. */
void stw_location_table_tick(struct stw_location_table *t, uint64_t now_s);

void stw_location_table_figures(const struct stw_location_table *t,
				struct stw_location_figures *out);

/** Accepts NULL. */
void stw_location_table_free(struct stw_location_table *t);
