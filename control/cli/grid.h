/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Aligned tables for people: cells are added row by row, columns become as wide as they need.
 * A heading that starts with '>' aligns its column to the right.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define STW_GRID_COLUMNS 24u /* at most */

struct stw_grid {
	size_t n_columns;
	size_t n_cells;
	size_t room;
	bool cut;     /* out of memory: the rest is missing */
	char **cells; /* [n_cells], row by row, headings first */
};

/** @param headings  NULL-terminated, at most STW_GRID_COLUMNS; '>' in front: right-aligned */
void stw_grid_init(struct stw_grid *g, const char *const *headings);

/** Add the next cell; a row is full after n_columns of them. */
void stw_grid_add(struct stw_grid *g, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** Print all rows, two spaces between columns, none at the end of a line. */
void stw_grid_print(const struct stw_grid *g, FILE *out);

void stw_grid_fini(struct stw_grid *g);
