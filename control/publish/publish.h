/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Sends table images to the data plane and knows which generation it serves.
 *
 * Changes are numbered by stw_publish_change(). The image is built only when it can be sent, from
 * what is newest then, so changes that come while an image is in flight travel together. Each
 * change is settled once: accepted, refused, or not buildable. Without a data plane changes wait;
 * after a reconnect or a restart of the data plane the newest image is sent at once. If that one is
 * refused and the data plane serves nothing, the last good one is sent instead.
 *
 * Life of the link: WAITING (back-off 50 .. 250 ms) -> GREETING (HELLO awaited) -> IDLE <->
 * IN_FLIGHT
 *
 * Threads: the loop's only. Ownership: the caller's callbacks may call any function here but free.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <strowger/log.h>
#include <strowger/stats.h>

#include "control/tables/build.h"

struct ev_loop;
struct stw_tables;

#define STW_PUBLISH_REASON 200

enum stw_link {
	STW_LINK_WAITING,  /* not connected; tries again by itself */
	STW_LINK_GREETING, /* connected, no HELLO yet */
	STW_LINK_IDLE,
	STW_LINK_IN_FLIGHT, /* an image was sent, its RESULT is awaited */
};

/** How a change ended. */
struct stw_publish_result {
	uint64_t change;     /* this one and all before it */
	uint64_t generation; /* of the image that carried them, 0 when none could be built */
	int err;	     /* STW_OK: served by every worker */
	const char *reason;  /* for people when err, else "" */
};

/** What the owner does for the publisher. All members are needed. */
struct stw_publish_owner {
	void *ctx;
	/* The data plane serves an image we did not send: learn its numbers before the next build.
	 */
	void (*adopt)(void *ctx, const struct stw_tables *served);
	/* Build from what is newest. On error fill @reason; tried again with the next change. */
	int (*build)(void *ctx, uint64_t generation, struct stw_image *out, char *reason,
		     size_t reason_len);
	/* Generation @generation is served, no worker uses an older one. Before settled(). */
	void (*acknowledged)(void *ctx, uint64_t generation);
	void (*settled)(void *ctx, const struct stw_publish_result *result);
	/* Connected and greeted, or lost. The old stats block is gone when this is called. */
	void (*link)(void *ctx, bool up);
};

/** What is known of the data plane, for people. */
struct stw_publish_status {
	enum stw_link link;
	char reason[STW_PUBLISH_REASON]; /* why it is waiting, "" when connected */
	double since_unix_s;		 /* of connected or not connected */
	uint64_t pid;			 /* of the data plane, 0 when not connected */
	uint32_t n_lanes;		 /* that it takes; 0: none, or not connected */
	uint64_t generation;		 /* served, as last heard; 0: none or not connected */
	uint8_t digest[32];		 /* of it */
	uint64_t check_ns;		 /* of the last accepted image */
	uint64_t swap_ns;
	uint64_t changes; /* number of the newest change, and the newest one settled */
	uint64_t settled;
	uint64_t refused_generation; /* of the last refusal since the last accepted image, or 0 */
	char refused_reason[STW_PUBLISH_REASON];
	double refused_unix_s;
};

struct stw_publish; /* opaque; publish.c */

/**
 * @param socket  path of the data plane's socket; copied
 * @return NULL without memory. Free with stw_publish_free().
 */
struct stw_publish *stw_publish_new(struct ev_loop *loop, const char *socket,
				    const struct stw_publish_owner *owner);

/** Start connecting. */
void stw_publish_start(struct stw_publish *p);

/**
 * Something changed: send it as soon as possible. Settled from the loop, never from inside this
 * call.
 *
 * @return the change's number, 1, 2, ...
 */
uint64_t stw_publish_change(struct stw_publish *p);

/** Have the data plane log so: now, and after each reconnect. */
void stw_publish_log(struct stw_publish *p, enum stw_log_level level, enum stw_log_format format);

/**
 * Where users are found: now, and after each reconnect. A table being built is not told of: the
 * data plane goes on with the one it has.
 *
 * @param table_fd  of the location table, the caller's, valid until the next call; -1: there is
 * none
 */
void stw_publish_location(struct stw_publish *p, int table_fd);

/**
 * Pass lanes on to the data plane that is connected.
 *
 * @param n  as many as it takes
 * @return STW_OK, or that they were not taken
 */
int stw_publish_lanes(struct stw_publish *p, uint32_t n, int memory, int doorbell);

void stw_publish_get_status(const struct stw_publish *p, struct stw_publish_status *out);

/** The checked stats block. @return NULL when not connected; borrowed until the next link(). */
struct stw_stats *stw_publish_stats(const struct stw_publish *p);

/** Closes the link; the data plane goes on serving. Accepts NULL. */
void stw_publish_free(struct stw_publish *p);
