/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Records in the store, with the order in which they expire. Nothing here commits.
 *
 * Most of what is bound is bound again before it expires. So its entry among those that expire
 * stays where it is as long as that is not too late, and is moved on when its time comes; the row
 * says how early it is.
 *
 * Threads: one. Ownership: texts of a record live until the store changes.
 */

#include "control/registrar/record.h"
#include "control/registrar/store.h"

/* A record as the store has it. */
struct stw_location {
	struct stw_record record;
	uint64_t indexed_s; /* where it stands in the expiry table; UINT64_MAX: nowhere */
};

/**
 * The record of @aor; an empty one when there is none.
 *
 * @return STW_OK, STW_EDIGEST, STW_EMALFORMED, STW_EVERSION (damaged: @out is empty, and writing it
 *         replaces the row), or the store's
 */
int stw_location_get(struct stw_store *s, struct stw_str aor, struct stw_location *out);

/**
 * Write @location, or remove it when it holds nothing. Its texts may lie in the row being replaced.
 *
 * @return STW_OK, STW_ENOSPACE, STW_ERANGE (@aor too long), STW_ENOMEM, or the store's
 */
int stw_location_put(struct stw_store *s, struct stw_str aor, struct stw_location *location);

/**
 * Forget what expired, of at most @max records, the earliest first.
 *
 * @param n_bindings  grows by each binding that ended
 * @return STW_OK, STW_EAGAIN (more is due), or the store's
 */
int stw_location_expire(struct stw_store *s, uint64_t now_s, size_t max, uint64_t *n_bindings);
