/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * What host names stand for: asked for by the slow path, kept by TTL, put into every table image.
 *
 * Workers answer from the image and tell nobody, so nothing here knows whether a name is in use. A
 * name is therefore refreshed, before its TTL ends, for an hour after it was last asked for here;
 * then it is forgotten, and the next message to it asks again. A refresh that gets no answer leaves
 * the last good one in force.
 *
 * Bounds: names in all, lookups under way; when full, who holds more than half of the names gives
 * way to himself, else whatever was asked for longest ago goes.
 *
 * Threads: the loop's only. Ownership: one object, made and freed by control.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <strowger/endpoint.h>

#include "control/model/model.h"
#include "control/tables/build.h"

struct ev_loop;
struct stw_names; /* opaque; names.c */

#define STW_NAMES_IN_USE_S 3600.
#define STW_NAMES_LOOKUPS  256u /* under way at one time */

enum stw_name_state {
	STW_NAME_PENDING, /* no answer yet, in no image */
	STW_NAME_KNOWN,
	STW_NAME_ABSENT, /* stands for nothing */
};

/** One name, for people. */
struct stw_name_view {
	const char *name; /* NUL-terminated */
	uint16_t port;	  /* 0: not given in the URI */
	enum stw_name_state state;
	double expires_unix_s; /* of the answer, 0 while PENDING */
	unsigned failures;     /* refreshes in a row without an answer */
	size_t n_targets;
	const struct stw_image_target *targets;
};

/**
 * @param changed  the next image differs: names came, went or stand for something else
 * @return NULL without memory. Free with stw_names_free().
 */
struct stw_names *stw_names_new(struct ev_loop *loop, void (*changed)(void *ctx), void *ctx);

/**
 * @param v4, v6  families of which there is a listener: addresses of the other are of no use
 * @return STW_OK, STW_ENOMEM, STW_EIO (no usable servers: those before go on being asked)
 */
int stw_names_configure(struct stw_names *n, const struct stw_model_resolver *config, bool v4,
			bool v6);

/**
 * Have a name resolved, unless it is already.
 *
 * @param name    [len] as stw_name_canonical() makes it
 * @param source  who wants it
 * @return STW_OK (it is in the next image, or will be once it is answered), STW_ENOSPACE (too many
 *         are under way), STW_ENOMEM
 */
int stw_names_ask(struct stw_names *n, const char *name, size_t len, uint16_t port,
		  const struct stw_ip *source);

/**
 * A name that the data plane serves from before us: it stands for what it stood for, and is
 * refreshed within seconds. A name known already, one too many, and one that stands for nothing are
 * left out.
 */
void stw_names_adopt(struct stw_names *n, const struct stw_image_resolved *served);

/**
 * What is to be in the image.
 *
 * @param out  on STW_OK: free() it; its texts and targets are borrowed until the loop's next turn
 * @return STW_OK, STW_ENOMEM
 */
int stw_names_collect(const struct stw_names *n, struct stw_image_resolved **out, size_t *n_out);

/** Every name, the one asked for longest ago first. */
void stw_names_each(const struct stw_names *n,
		    void (*each)(void *ctx, const struct stw_name_view *), void *ctx);

/** Accepts NULL. */
void stw_names_free(struct stw_names *n);
