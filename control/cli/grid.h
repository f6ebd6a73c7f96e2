/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Aligned tables for people: cells are added row by row, columns become as wide as they need.
 * A heading that starts with '>' aligns its column to the right.
 */

#include <stddef.h>
#include <stdio.h>

struct stw_grid {
	size_t n_columns;
	size_t n_cells;
	char **cells; /* [n_cells], row by row, headings first */
};

/** @param headings  NULL-terminated; '>' in front: right-aligned */
void stw_grid_init(struct stw_grid *g, const char *const *headings);

/** Add the next cell; a row is full after n_columns of them. */
void stw_grid_add(struct stw_grid *g, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** Print all rows, two spaces between columns, none at the end of a line. */
void stw_grid_print(const struct stw_grid *g, FILE *out);

void stw_grid_fini(struct stw_grid *g);
