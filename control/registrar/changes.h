/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Names of the records that changed since the last commit, in order; one that changed twice is
 * there twice. Threads: one.
 */

#include <stdbool.h>

#include "control/registrar/record.h"

struct stw_changes {
	char *bytes; /* of each: its length in two bytes, then the name */
	size_t len, room;
	bool lost; /* one did not fit: without memory */
};

/** Note one. */
void stw_changes_add(struct stw_changes *c, struct stw_str name);

/**
 * The next one.
 *
 * @param at  0 at first; moved on
 * @return false: no more
 */
bool stw_changes_next(const struct stw_changes *c, size_t *at, struct stw_str *name);

/** Forget all; the memory stays. */
void stw_changes_clear(struct stw_changes *c);

/** All zero is fine. */
void stw_changes_fini(struct stw_changes *c);
