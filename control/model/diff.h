/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * What a reload changed, in words for people: listeners, pools, members, options. Options that take
 * effect only after a restart are named as such.
 */

#include <stdbool.h>
#include <stddef.h>

#include "control/model/model.h"

/** Receives each line; @needs_restart: it waits for a restart of the process the line names. */
typedef void (*stw_diff_line_fn)(void *ctx, bool needs_restart, const char *line);

/**
 * Compare two models.
 *
 * @param line  called once a difference, in the order of the file; NULL just counts
 * @return      how many differences, 0: the same; -1 without memory
 */
int stw_model_diff(const struct stw_model *before, const struct stw_model *after,
		   stw_diff_line_fn line, void *ctx);
