/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * What is to be served, and who changes it: the model from the file, with what people asked for at
 * run time laid over it, published to the data plane. Reload, drain, undrain and weight all end in
 * one numbered change of control/publish/publish.h.
 *
 * Threads: the loop's only. Ownership: owns model, overrides, numbers and publisher.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <strowger/log.h>

#include "control/config/config.h"
#include "control/health/monitor.h"
#include "control/location/feed.h"
#include "control/model/diff.h"
#include "control/model/members.h"
#include "control/model/model.h"
#include "control/model/numbers.h"
#include "control/model/rule_rows.h"
#include "control/model/override.h"
#include "control/publish/publish.h"
#include "control/records/export.h"
#include "control/resolve/farm_names.h"
#include "control/resolve/names.h"
#include "control/slow/slow.h"

struct ev_loop;
struct ev_timer;
struct stw_past;
struct stw_pace;

/** Told of what the publisher reports; the API sets it. Both members may be NULL. */
struct stw_control_watch {
	void *ctx;
	void (*settled)(void *ctx, const struct stw_publish_result *result);
	void (*link)(void *ctx, bool up);
};

struct stw_control {
	char *config_path;
	char *text; /* of the running configuration, as it was written */
	size_t text_len;
	uint64_t taken;		 /* grows with each configuration taken over */
	struct stw_model *model; /* file + overrides; numbered once the first image is built */
	struct stw_file_members *file; /* who stands in it, before the rest was laid over them */
	struct stw_overrides *overrides;
	struct stw_numbers *numbers;
	struct stw_rule_rows *rule_rows; /* counters of rules, by name */
	struct stw_past *past;		 /* what images before the newest left behind */
	struct ev_timer *past_timer;	 /* until some of it can be forgotten */
	struct ev_loop *loop;
	struct stw_publish *publish;
	struct stw_names *names;
	struct stw_slow *slow;
	struct stw_feed *feed; /* of the location table */
	struct stw_monitor *monitor;
	struct stw_farm_names *farm_names; /* of pools */
	struct stw_export *export;	   /* of recorded messages */
	struct stw_pace *pace;		   /* of images with other names */
	struct stw_control_watch watch;
	uint64_t numbered_for; /* generation the model's numbers were assigned with, 0: not yet */
	double started_unix_s;
	double loaded_unix_s;	      /* when the running configuration was read */
	double reload_refused_unix_s; /* of the last reload, 0 when it was good */
};

/** Where words about a change go, one line a call. */
struct stw_control_words {
	void *ctx;
	stw_config_message_fn message; /* why a configuration is refused */
	stw_diff_line_fn line;	       /* what changes */
};

/**
 * Read the configuration, the secret and the overrides; make the publisher, not yet started.
 *
 * @param message  receives why not
 * @param out      on STW_OK only; free with stw_control_free()
 * @return STW_OK, or as stw_config_read() and stw_secret_fill()
 */
int stw_control_new(struct ev_loop *loop, const char *config_path, stw_config_message_fn message,
		    void *ctx, struct stw_control **out);

/** Start to publish: the configuration is change 1. */
void stw_control_start(struct stw_control *c);

/**
 * Read the file again. A bad one is refused: the running configuration stays.
 *
 * @param change  on STW_OK: number of the change
 * @return STW_OK, or as stw_config_read() and stw_secret_fill()
 */
int stw_control_reload(struct stw_control *c, const struct stw_control_words *words,
		       uint64_t *change);

/**
 * Serve the configuration @text in place of the running one; the file is not touched.
 *
 * @param name    stands for a file in messages
 * @param change  on STW_OK: number of the change
 * @return as stw_control_reload()
 */
int stw_control_take(struct stw_control *c, const char *name, const char *text, size_t len,
		     const struct stw_control_words *words, uint64_t *change);

/** Keep the running configuration's text in the history; a failure is logged. */
void stw_control_remember(const struct stw_control *c, const char *how);

/** Member of that name. @return its index in the model, or -1 */
int stw_control_find_member(const struct stw_control *c, const char *name);

/**
 * Ask for a state or a weight of a member in one pool, or in all of its pools.
 *
 * @param member  index in the model
 * @param pool    NULL: all pools that use the member
 * @param words   line() is called once a pool that changes: "k1 in farm: up -> drain"
 * @param change  on STW_OK: number of the change, 0 when nothing changed
 * @return STW_OK, STW_ENOENT (the pool does not use the member), STW_ERANGE (weight), STW_ENOMEM,
 *         STW_EIO (done, but it could not be saved: message() says why; @change is set)
 */
int stw_control_ask(struct stw_control *c, size_t member, const char *pool, enum stw_asked asked,
		    const struct stw_control_words *words, uint64_t *change);
int stw_control_set_weight(struct stw_control *c, size_t member, const char *pool, uint32_t weight,
			   const struct stw_control_words *words, uint64_t *change);

/**
 * Have a member that the file does not have, or again one that was removed. It gets calls once it
 * answered a probe.
 *
 * @param name  "" for none
 * @return STW_OK, STW_ENOENT (no such pool), STW_EDUP (in the pool already; or its name or identity
 *         is another's), STW_ERANGE (weight; an address that cannot be a member's), STW_ENOSPACE,
 *         STW_ENOMEM, STW_EIO (as above)
 */
int stw_control_add_member(struct stw_control *c, const char *pool,
			   const struct stw_endpoint *address, const char *name, uint32_t weight,
			   const struct stw_control_words *words, uint64_t *change);

/**
 * Do without a member in one pool, or in all.
 *
 * @param force  also while it takes new calls
 * @return STW_OK, STW_ENOENT (the pool does not use it), STW_EBUSY (it takes new calls: drain it
 *         first), STW_ENOMEM, STW_EIO (as above)
 */
int stw_control_remove_member(struct stw_control *c, size_t member, const char *pool, bool force,
			      const struct stw_control_words *words, uint64_t *change);

/** Write what runs as a configuration, without secrets' keys and without whom names stand for. */
int stw_control_dump(struct stw_control *c, FILE *out);

/** @m as it would be served: with what people asked for and names stand for laid over it. */
int stw_control_dress(const struct stw_control *c, struct stw_model *m);

/** Only with what names stand for. */
int stw_control_dress_names(const struct stw_control *c, struct stw_model *m);

/** "up", "drain", "down". */
const char *stw_asked_text(enum stw_asked asked);

/** Both processes log this level and above, in the form the configuration says. */
void stw_control_log(struct stw_control *c, enum stw_log_level level);

/** Stops publishing; the data plane goes on serving. Accepts NULL. */
void stw_control_free(struct stw_control *c);
