/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * One pool of a table image: who serves, which slots are whose, by what policy they are taken.
 * Pure, as build.h.
 */

#include <stdbool.h>

#include <strowger/table_image.h>

#include "control/model/model.h"
#include "control/tables/maglev.h"

/** True when its health leaves a member no new calls in this pool. @param failed as below */
bool stw_pool_failed(const struct stw_model_pool_member *pm, const uint8_t *failed);

/**
 * Who takes new calls: asked up, with weight, and a share of it by its health; of these, those of
 * the lowest priority. When all have failed and no other pool stands in, they are kept all the same
 * (panic): a farm that only looks dead is better than none.
 *
 * @param failed  [m->n_members], or NULL
 * @param out     [pool->n_members], index = row of the pool; weight 0: no new calls
 * @param panic   whether those that serve have failed
 * @return how many do
 */
size_t stw_pool_who(const struct stw_model *m, const uint8_t *failed,
		    const struct stw_model_pool *pool, struct stw_maglev_member *out, bool *panic);

/**
 * Give out the slots: by Maglev; for round robin in turns.
 *
 * @param who    as stw_pool_who() left it, somebody serves
 * @param slots  [n_slots], filled on STW_OK with indices into @m->members
 * @return STW_OK, STW_ERANGE, STW_ENOMEM
 */
int stw_pool_slots(const struct stw_model_pool *pool, const struct stw_maglev_member *who,
		   uint16_t *slots, uint32_t n_slots);

/** Policy and fall-back of @row, the rest left as it is. */
void stw_pool_policy(const struct stw_model *m, const struct stw_model_pool *pool,
		     struct stw_image_pool *row);

/** The pool's uses of members, ascending by member, into @rows [pool->n_members]. */
void stw_pool_members(const struct stw_model_pool *pool, const uint8_t *failed,
		      const struct stw_maglev_member *who, struct stw_image_pool_member *rows);
