/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The option table as documents. A test compares them with what is kept in docs/.
 *
 * Threads: any; no shared state.
 */

#include <stdio.h>

/** docs/configuration.md */
void stw_schema_markdown(FILE *out);

/** docs/man/strowger.yaml.5 */
void stw_schema_man(FILE *out);
