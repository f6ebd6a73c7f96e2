/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The key that signs cookies and branches, when the configuration names none: made once, kept in
 * state_dir/secret (mode 0600), the same after every restart. Nodes of a cluster share theirs by
 * the configuration file instead.
 *
 * Threads: control's loop only.
 */

#include <stddef.h>

#include "control/model/model.h"

#define STW_SECRET_FILE "secret"

/**
 * Load the secret of @state_dir, or make it. Written to a new file, synced, then linked into place:
 * a crash leaves either none or a whole one, and of two makers one wins.
 *
 * @param out     on STW_OK only
 * @param reason  [reason_len] filled on failure, for people
 * @return STW_OK, STW_EIO (cannot be read or made; readable by others), STW_EMALFORMED
 */
int stw_secret_load_or_make(const char *state_dir, struct stw_model_secret *out, char *reason,
			    size_t reason_len);

/** Give @model the secret of its state_dir unless the configuration named one. As above. */
int stw_secret_fill(struct stw_model *model, char *reason, size_t reason_len);
