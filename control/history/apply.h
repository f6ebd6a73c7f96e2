/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Configurations taken from people instead of the file. One that waits to be confirmed serves, but
 * is not written: unless somebody confirms it in time, or when errors rise meanwhile, the one
 * before it comes back; so it does when control dies, since the file still holds it.
 *
 * Threads: the loop's only.
 */

#include <stdbool.h>
#include <stdint.h>

#include "control/control.h"

struct stw_apply; /* opaque; apply.c */

/** Errors of requests sent to members: so many of so many, since the data plane started. */
struct stw_apply_errors {
	uint64_t errors, requests;
};

/** What is known, for people. */
struct stw_apply_status {
	bool pending;
	double confirm_by_unix_s;
	char undone[160]; /* why the last one was taken back, "" when none was */
	double undone_unix_s;
};

/** @return NULL without memory. Free with stw_apply_free(), before @control. */
struct stw_apply *stw_apply_new(struct ev_loop *loop, struct stw_control *control);

/**
 * Serve @text.
 *
 * @param confirm_s  0: for good, and the file is replaced by it
 * @param change     on STW_OK and STW_EIO: number of the change
 * @return STW_OK, STW_EBUSY (another one waits to be confirmed), STW_EIO (serves, but the file
 *         could not be written: message() says why), or as stw_control_take()
 */
int stw_apply_text(struct stw_apply *a, const char *text, size_t len, unsigned confirm_s,
		   const char *how, const struct stw_control_words *words, uint64_t *change);

/** The one that waits stays. @return STW_OK, STW_ENOENT (none waits), STW_EIO (not written) */
int stw_apply_confirm(struct stw_apply *a, const struct stw_control_words *words);

/** The one that waits goes. @return STW_OK, STW_ENOENT (none waits), or as stw_control_take() */
int stw_apply_undo(struct stw_apply *a, const char *why, const struct stw_control_words *words,
		   uint64_t *change);

void stw_apply_status(const struct stw_apply *a, struct stw_apply_status *out);

/**
 * Whether errors rose so much that a change must go: more than twice the share of before and five
 * per cent, over at least 50 requests. Pure.
 */
bool stw_apply_too_bad(double share_before, const struct stw_apply_errors *since);

/** Accepts NULL. */
void stw_apply_free(struct stw_apply *a);
