/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * By which of its fields the data plane finds a rule (dataplane/table/rules.h): the one whose
 * values it shares with the fewest others.
 *
 * Threads: any; pure.
 */

#include <stddef.h>

#include "control/model/model.h"

/**
 * Choose for all rules of @m: sets their @by.
 *
 * @param crowded  on STW_ERANGE the rule that is one too many
 * @return STW_OK, STW_ERANGE (a value, or none at all, is all that more than STW_IMAGE_RULE_SHARE
 * rules have), STW_ENOMEM
 */
int stw_rules_choose(struct stw_model *m, size_t *crowded);
