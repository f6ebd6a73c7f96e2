/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * What images before the newest leave behind for as long as their transactions live: members that
 * are no longer configured, and each pool's slots as they were before they last changed. Without
 * them an answer of a member that was just removed would come from a stranger, and a CANCEL that
 * the recent-call table lost would follow the new slots.
 *
 * Threads: control's loop only. Ownership: stw_past_free() frees all of it.
 */

#include <stdbool.h>

#include "control/model/numbers.h"
#include "control/tables/build.h"

#define STW_PAST_S 240. /* as long as the recent-call table remembers */

/** @param numbers  those of members gone are held until they are forgotten */
struct stw_past *stw_past_new(struct stw_numbers *numbers);

/** Accepts NULL. */
void stw_past_free(struct stw_past *p);

/**
 * Before an image of @model is built: who is gone now, who is back, who can be forgotten.
 *
 * @param out  for stw_image_build_after(); borrowed until the next call of any of these
 * @return STW_OK or STW_ENOMEM (nothing changed)
 */
int stw_past_turn(struct stw_past *p, const struct stw_model *model, double now_s,
		  struct stw_image_past *out);

/** The image was built: its slots are the newest. @return STW_OK or STW_ENOMEM */
int stw_past_keep(struct stw_past *p, const struct stw_model *model, const struct stw_image *image,
		  double now_s);

/** Forget all members gone: their numbers are needed. @return whether there were any */
bool stw_past_forget(struct stw_past *p);

/** When an image should be built again to forget something, 0: never. */
double stw_past_due_s(const struct stw_past *p);
