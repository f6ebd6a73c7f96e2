/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/** @file Rules of a table image. Pure, as build.h. */

#include <stdbool.h>
#include <stdint.h>

#include <strowger/table_image.h>

#include "control/model/model.h"

/** Rows of the three sections. @return false: there are too many */
bool stw_build_rules_size(const struct stw_model *m, uint64_t *n_keys, uint64_t *n_text);

/** Fill them: as many rows as stw_build_rules_size() said. */
void stw_build_rules(const struct stw_model *m, struct stw_image_rule *rules,
		     struct stw_image_rule_key *keys, char *text);
