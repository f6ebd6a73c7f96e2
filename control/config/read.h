/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The steps of stw_config_read_text(), each in its own file: tree (node.h), fill, check, resolve.
 *
 * Threads: one.
 */

#include "control/config/conf.h"
#include "control/config/message.h"
#include "control/config/node.h"

/**
 * Fill @out from @tree by the option table: defaults, types, ranges, unknown and repeated keys.
 *
 * @param out  all zero before; free with stw_conf_fini() whatever the result; borrows from @tree
 * @return STW_OK (mistakes are in report->n_errors), STW_ENOMEM
 */
int stw_conf_fill(const struct stw_tree *tree, struct stw_report *report, struct stw_conf *out);

/** Judge what one value alone cannot tell: references, duplicates, addresses. @return as above */
int stw_conf_check(const struct stw_conf *c, struct stw_report *report);

/** Make the model of a @c without mistakes. @return STW_OK, STW_ENOMEM */
int stw_conf_resolve(const struct stw_conf *c, struct stw_model **out);
