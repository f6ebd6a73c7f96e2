/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Records that changed since the last commit, in order, each with the row that was written; one
 * that changed twice is there twice. Threads: one.
 */

#include <stdbool.h>

#include "control/registrar/record.h"
#include "control/registrar/store.h"

struct stw_changes {
	char *bytes;
	size_t len, room;
	bool lost; /* one did not fit: without memory */
};

struct stw_change {
	struct stw_str name;
	struct stw_store_value row; /* without bytes: it was removed; NULL: as the store has it */
};

/** Note one. */
void stw_changes_add(struct stw_changes *c, const struct stw_change *change);

/**
 * The next one.
 *
 * @param at   0 at first; moved on
 * @param out  lives until the next stw_changes_add()
 * @return false: no more
 */
bool stw_changes_next(const struct stw_changes *c, size_t *at, struct stw_change *out);

/** Forget all; the memory stays. */
void stw_changes_clear(struct stw_changes *c);

/** All zero is fine. */
void stw_changes_fini(struct stw_changes *c);
