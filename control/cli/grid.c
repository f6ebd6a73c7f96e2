/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/cli/grid.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool make_room(struct stw_grid *g)
{
	if (g->n_cells < g->room)
		return true;
	size_t room = g->room ? 2 * g->room : 64;
	char **cells = realloc(g->cells, room * sizeof(*cells));
	if (!cells)
		return false;
	g->cells = cells;
	g->room = room;
	return true;
}

/* Takes @text over. Without memory the table ends there, rather than going on in wrong columns. */
static void push(struct stw_grid *g, char *text)
{
	g->cut = g->cut || !text || !make_room(g);
	if (g->cut)
		free(text);
	else
		g->cells[g->n_cells++] = text;
}

void stw_grid_init(struct stw_grid *g, const char *const *headings)
{
	*g = (struct stw_grid){0};
	for (; headings[g->n_columns] && g->n_columns < STW_GRID_COLUMNS; g->n_columns++)
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

/* As wide as the widest cell; a heading's '>' is not printed. */
static void measure(const struct stw_grid *g, size_t *widths)
{
	for (size_t i = 0; i < g->n_cells; i++) {
		size_t column = i % g->n_columns;
		size_t len = strlen(g->cells[i]) - (i < g->n_columns && g->cells[i][0] == '>');
		if (i < g->n_columns || len > widths[column])
			widths[column] = len;
	}
}

static void print_cell(const struct stw_grid *g, size_t i, size_t width, FILE *out)
{
	size_t column = i % g->n_columns;
	bool right = g->cells[column][0] == '>';
	bool last = column + 1 == g->n_columns;
	const char *text = g->cells[i] + (i < g->n_columns && right);
	int pad = right ? (int)width : last ? 0 : -(int)width;
	fprintf(out, "%s%*s%s", column ? "  " : "", pad, text, last ? "\n" : "");
}

void stw_grid_print(const struct stw_grid *g, FILE *out)
{
	size_t widths[STW_GRID_COLUMNS];
	measure(g, widths);
	for (size_t i = 0; i < g->n_cells; i++)
		print_cell(g, i, widths[i % g->n_columns], out);
}

void stw_grid_fini(struct stw_grid *g)
{
	for (size_t i = 0; i < g->n_cells; i++)
		free(g->cells[i]);
	free(g->cells);
	*g = (struct stw_grid){0};
}
