/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * One scalar value of the option table: text to memory and back.
 *
 * Threads: any; no shared state.
 */

#include <stdbool.h>
#include <stddef.h>

#include "control/config/schema.h"

/** Longest text of a value, with the NUL. */
#define STW_VALUE_TEXT 320

/**
 * Read @text as a value of @row.
 *
 * @param at   where the value lives (the scope's struct plus row->at); changed on success only
 * @param why  [why_len] otherwise: what is wrong and what may stand there
 */
bool stw_value_read(const struct stw_opt *row, const char *text, void *at, char *why,
		    size_t why_len);

/** Write the value at @at as it would stand in the file, without quotes. */
void stw_value_write(const struct stw_opt *row, const void *at, char out[STW_VALUE_TEXT]);
