/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * What the memory says about a message: inside of the decision.
 */

#include "dataplane/route/decide.h"
#include "dataplane/recent/recent.h"

static inline const struct stw_recent *stw_decide_recent(const struct stw_source *src)
{
	return src->memory != NULL ? src->memory->recent : NULL;
}

/**
 * Find where a request for @pool went before, and say in the verdict what is to be noted. Its
 * branch is made on the way: after a rotation of secrets that of the request before it.
 *
 * @param pool  that the request came to, with slots or without
 * @return the member's index; STW_NO_MEMBER: it is for the pool's policy to choose
 */
uint16_t stw_decide_recall(struct stw_decision *d, const struct stw_image_pool *pool,
			   const struct stw_routes *routes);

/**
 * Find the contact that the request before this one went to. Its branch is made on the way.
 *
 * @return false: there was none; what is chosen now is to be noted
 */
bool stw_decide_recall_contact(struct stw_decision *d, const struct stw_routes *routes,
			       uint32_t *id);

/**
 * Where a request for no pool went before, when a pool still had it.
 *
 * @return the member's index, and what is to be noted as above; STW_NO_MEMBER: it is new
 */
uint16_t stw_decide_known(struct stw_decision *d, const struct stw_routes *routes);

/** A request that goes to @d->v->member whatever is remembered: note it for the counters only. */
void stw_decide_track(struct stw_decision *d, const struct stw_routes *routes);

/** A response from a member: note it when it is the one that was asked. */
void stw_decide_answered(struct stw_decision *d, uint64_t branch);
