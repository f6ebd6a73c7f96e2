/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * REGISTERs on the slow path. Those that came in one turn of the loop go to the store together, and
 * are answered once it has them: one write to disk for many (group commit).
 *
 * Threads: the loop's only. Ownership: the registrar.
 */

#include "control/model/model.h"
#include "control/registrar/registrar.h"

struct ev_loop;
struct stw_registering; /* opaque */

#define STW_REGISTERING_MAX 4096u /* waiting in one turn */

/* A REGISTER that waits for its answer. */
struct stw_registering_request {
	struct stw_endpoint local, peer;
	char *bytes; /* while it is answered: with the room an answer needs */
	size_t len, room;
};

/* Send the answer. */
typedef void stw_registering_answer_fn(void *ctx, const struct stw_registering_request *request,
				       const struct stw_registrar_answer *answer);

/** @return NULL without memory */
struct stw_registering *stw_registering_new(struct ev_loop *loop, stw_registering_answer_fn *answer,
					    void *ctx);

/**
 * Serve the domains of @m: open, reconfigure or close the registrar. One whose store cannot be
 * opened is told, and tried again, later each time; meanwhile stw_registering_take() takes nothing.
 * Likewise one whose store breaks while it serves.
 */
void stw_registering_configure(struct stw_registering *g, const struct stw_model *m);

/** Take a REGISTER for a domain of ours, copied. @return false: no registrar, or too many */
bool stw_registering_take(struct stw_registering *g, const struct stw_endpoint *local,
			  const struct stw_endpoint *peer, const char *bytes, size_t len);

/* Who follows the bindings. */
struct stw_registering_watch {
	void *ctx;
	/* A registrar serves: read what its store has. */
	void (*opened)(void *ctx, struct stw_registrar *r);
	stw_registrar_changed_fn *changed;
	/* Its store is closed, to be opened again: @opened is next, or @closed. */
	void (*paused)(void *ctx);
	/* There is none any more. */
	void (*closed)(void *ctx);
};

/** Tell @watch, copied, of the registrar from now on; of one that serves already at once. */
void stw_registering_watch(struct stw_registering *g, const struct stw_registering_watch *watch);

/** The registrar; NULL: there is none. @p why, when not NULL: why, "" when none is configured */
struct stw_registrar *stw_registering_registrar(const struct stw_registering *g, const char **why);

/** How often the store could not be opened. */
uint64_t stw_registering_open_failed(const struct stw_registering *g);

/** What waits is answered 503. Accepts NULL. */
void stw_registering_free(struct stw_registering *g);
