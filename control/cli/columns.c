/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/cli/columns.h"

#include <stdio.h>
#include <string.h>

#include "control/cli/grid.h"
#include "control/cli/show.h"

/* The object that holds the key's last part. */
static const json_t *holder(const json_t *row, const char **key)
{
	const char *dot = strchr(*key, '.');
	char name[32];

	if (!dot)
		return row;
	snprintf(name, sizeof(name), "%.*s", (int)(dot - *key), *key);
	*key = dot + 1;
	return json_object_get(row, name);
}

static void add_cell(struct stw_grid *g, const json_t *row, const struct stw_column *c)
{
	const char *key = c->key;
	const json_t *in = holder(row, &key);
	const json_t *v = json_object_get(in, key);

	if (c->kind != STW_COLUMN_TEXT && !json_is_number(v))
		stw_grid_add(g, "-");
	else if (c->kind == STW_COLUMN_PERCENT)
		stw_grid_add(g, "%.1f %%", 100 * json_number_value(v));
	else if (c->kind == STW_COLUMN_RATE)
		stw_grid_add(g, "%s", stw_rate_text(in, key));
	else if (c->kind == STW_COLUMN_MS)
		stw_grid_add(g, json_number_value(v) < 10 ? "%.1f" : "%.0f", json_number_value(v));
	else
		stw_grid_add(g, "%s", stw_text(in, key));
}

void stw_print_columns(const json_t *rows, size_t max, const struct stw_column *columns, size_t n,
		       FILE *out)
{
	const char *headings[STW_GRID_COLUMNS + 1] = {0};
	struct stw_grid g;
	size_t i;
	json_t *row;

	for (size_t k = 0; k < n; k++)
		headings[k] = columns[k].heading;
	stw_grid_init(&g, headings);
	json_array_foreach(rows, i, row)
	{
		if (max && i >= max)
			break;
		for (size_t k = 0; k < n; k++)
			add_cell(&g, row, &columns[k]);
	}
	stw_grid_print(&g, out);
	stw_grid_fini(&g);
}
