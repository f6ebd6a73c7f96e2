/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * What other tables would change: for each pool the share of the hash space, and so of new calls,
 * that moves, and what each member would get. Dialogs do not move: their cookie names their member.
 *
 * Threads: any; pure.
 */

#include <jansson.h>

#include "control/decide/desk.h"
#include "control/model/model.h"

/** One side of the comparison. */
struct stw_plan_side {
	const struct stw_desk *desk;
	const struct stw_model *model;
};

/** What a member has to do now. */
struct stw_plan_load {
	double calls_per_s; /* new ones, negative: not known */
	int64_t open;	    /* requests without their final answer, negative: not known */
};

/**
 * Compare pool by pool; pools are matched by name.
 *
 * @param loads  [before.model->n_members]
 * @return an array: pool, moved share, and members with their share and calls before and after,
 *         and what is open at them
 */
json_t *stw_plan_pools(const struct stw_plan_side *before, const struct stw_plan_side *after,
		       const struct stw_plan_load *loads);
