/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The location table follows the registrar's store: read through once, a piece a turn of the loop,
 * and told of each change that lasts. Once it is complete it is passed to the data plane.
 *
 * Until then, after a start of control, the data plane goes on with the table it has.
 *
 * Threads: the loop's only.
 */

#include <stdint.h>

#include "control/location/table.h"
#include "control/slow/registering.h"

struct ev_loop;
struct stw_feed; /* opaque; feed.c */

#define STW_FEED_MAX_BYTES ((uint64_t)16 << 30)

/** The table to use from now on; -1: none. */
typedef void stw_feed_ready_fn(void *ctx, int table_fd);

/**
 * @param g          the registrar it follows, also one that is opened later; outlives the feed
 * @param max_bytes  of the table, at most: of address space; memory is taken as it is needed
 * @return NULL without memory
 */
struct stw_feed *stw_feed_new(struct ev_loop *loop, struct stw_registering *g, uint64_t max_bytes,
			      stw_feed_ready_fn *ready, void *ctx);

/** @param f  NULL: there is no table. @return false: there is no table */
bool stw_feed_figures(const struct stw_feed *f, struct stw_location_figures *out, bool *complete);

/** Accepts NULL. */
void stw_feed_free(struct stw_feed *f);
