/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * REGISTERs on the slow path. Those of one batch go to the store together, and are answered once it
 * has them: one write to disk for many (group commit).
 *
 * Threads: the loop's only. Ownership: the registrar.
 */

#include "control/model/model.h"
#include "control/registrar/registrar.h"

struct ev_loop;
struct stw_registering; /* opaque */

/* A REGISTER, and what is to be said to it. */
struct stw_registering_request {
	const char *bytes;
	const struct stw_sip_msg *msg;
	struct stw_endpoint local, peer;
	struct stw_registrar_answer answer; /* its lines live until the next batch */
};

/** @return NULL without memory */
struct stw_registering *stw_registering_new(struct ev_loop *loop);

/**
 * Serve the domains of @m: open, reconfigure or close the registrar. One whose store cannot be
 * opened is told, and tried again, later each time; meanwhile there is no registrar. Likewise one
 * whose store breaks while it serves.
 */
void stw_registering_configure(struct stw_registering *g, const struct stw_model *m);

/**
 * Carry out REGISTERs for domains of ours in their order. On return their answers may be sent: what
 * they changed lasts, or else its answer says that it does not.
 *
 * @param request  [n], 1..STW_SLOW_BATCH; there is a registrar
 */
void stw_registering_handle(struct stw_registering *g, struct stw_registering_request *request,
			    size_t n);

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

/** Accepts NULL. */
void stw_registering_free(struct stw_registering *g);
