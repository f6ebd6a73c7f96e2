/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The configuration in effect, written back as YAML: all defaults spelled out. Reading it again
 * gives the same model.
 *
 * Threads: any; no shared state.
 */

#include <stdbool.h>
#include <stdio.h>

#include "control/model/model.h"

enum stw_dump_keys {
	STW_DUMP_HIDE_KEYS, /* secrets become a comment: fit for people and logs */
	STW_DUMP_SHOW_KEYS, /* complete: keep it as safe as the file */
};

/** @return STW_OK, STW_ENOMEM, STW_EIO (@out failed) */
int stw_config_dump(const struct stw_model *m, enum stw_dump_keys keys, FILE *out);
