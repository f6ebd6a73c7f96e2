/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Rows of counters for rules, by name: a rule keeps its row over reloads and a restart of control,
 * wherever it moves in the list. A name that is gone keeps its row until rows run out; then the one
 * gone longest gives way, and its heir's counter goes on from where that was.
 *
 * Threads: control's loop only.
 */

#include <stdint.h>

#include "control/model/model.h"

struct stw_rule_rows; /* opaque; rule_rows.c */

/** @return an empty registry, NULL without memory */
struct stw_rule_rows *stw_rule_rows_new(void);

/** Accepts NULL. */
void stw_rule_rows_free(struct stw_rule_rows *r);

/** Learn a row that the data plane serves already. @return STW_OK, STW_EDUP, STW_ERANGE, STW_ENOMEM
 */
int stw_rule_rows_adopt(struct stw_rule_rows *r, const char *name, uint32_t row);

/** Give each rule of @m its row. @return STW_OK, STW_ENOMEM (nothing changed) */
int stw_rule_rows_assign(struct stw_rule_rows *r, struct stw_model *m);
