/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Who of a pool gets a call: policies, and whom to try next. Inside of the decision.
 */

#include "dataplane/route/decide.h"

/** The pool that serves in @pool's place, itself if it can; NULL: none. */
const struct stw_image_pool *stw_pool_serving(const struct stw_tables *t,
					      const struct stw_image_pool *pool);

/** Hash of what the pool's policy looks at; of the Call-ID where the request lacks it. */
uint64_t stw_pool_key(const struct stw_decision *d, const struct stw_image_pool *pool);

/**
 * The member for a new call.
 *
 * @param pool  with slots
 * @param key   stw_pool_key()
 */
uint16_t stw_pool_pick(struct stw_decision *d, const struct stw_image_pool *pool, uint64_t key);

/**
 * The member after @current in the order that @key's slots name them; those that failed are passed
 * over. After some distinct ones it begins anew.
 *
 * @return its index, or STW_NO_MEMBER: there is no other
 */
uint16_t stw_pool_next(const struct stw_tables *t, const struct stw_image_pool *pool, uint64_t key,
		       uint16_t current);

/**
 * Sum up the open work of each pool that bounds it, for stw_pool_pick().
 *
 * Threads: one at a time, the installer; workers may be reading. Fast path: no.
 */
void stw_pools_weigh(const struct stw_tables *t, const struct stw_memory *m);

/** True for a member that takes no new calls here: failed, unless all look dead. */
static inline bool stw_pool_avoids(const struct stw_tables *t, const struct stw_image_pool *pool,
				   uint16_t member)
{
	uint16_t flags = t->members[member].flags;

	return (flags & STW_IMAGE_MEMBER_GONE) ||
	       ((flags & STW_IMAGE_MEMBER_FAILED) && !(pool->flags & STW_IMAGE_POOL_PANIC));
}
