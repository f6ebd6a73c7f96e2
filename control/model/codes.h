/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * A set of final status codes as people write it: "200-299,404".
 *
 * Threads: any; no shared state.
 */

#include <stdbool.h>
#include <stdint.h>

/** The text is such a set: codes 200..699 and ranges of them with commas, blanks allowed. */
bool stw_codes_valid(const char *text);

/** @return whether @code is in the set, which is valid */
bool stw_codes_has(const char *text, uint16_t code);
