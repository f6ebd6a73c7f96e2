/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/cli/grid.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void push(struct stw_grid *g, char *text)
{
	char **cells = realloc(g->cells, (g->n_cells + 1) * sizeof(*cells));
	if (!cells || !text) {
		fprintf(stderr, "strowgerctl: out of memory\n");
		abort();
	}
	g->cells = cells;
	g->cells[g->n_cells++] = text;
}

void stw_grid_init(struct stw_grid *g, const char *const *headings)
{
	*g = (struct stw_grid){0};
	for (; headings[g->n_columns]; g->n_columns++)
		push(g, strdup(headings[g->n_columns]));
}

void stw_grid_add(struct stw_grid *g, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	va_start(ap, fmt);
	int n = vasprintf(&text, fmt, ap);
	va_end(ap);
	push(g, n < 0 ? NULL : text);
}

static size_t width_of(const struct stw_grid *g, size_t column)
{
	size_t width = strlen(g->cells[column]) - (g->cells[column][0] == '>');
	for (size_t i = column + g->n_columns; i < g->n_cells; i += g->n_columns)
		if (strlen(g->cells[i]) > width)
			width = strlen(g->cells[i]);
	return width;
}

void stw_grid_print(const struct stw_grid *g, FILE *out)
{
	for (size_t i = 0; i < g->n_cells; i++) {
		size_t column = i % g->n_columns;
		bool right = g->cells[column][0] == '>';
		const char *text = g->cells[i] + (i < g->n_columns && right);
		bool last = column + 1 == g->n_columns;
		int width = (int)width_of(g, column);
		if (!right && last)
			width = 0;
		fprintf(out, "%s%*s%s", column ? "  " : "", right ? width : -width, text,
			last ? "\n" : "");
	}
}

void stw_grid_fini(struct stw_grid *g)
{
	for (size_t i = 0; i < g->n_cells; i++)
		free(g->cells[i]);
	free(g->cells);
	*g = (struct stw_grid){0};
}
