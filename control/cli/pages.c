/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/cli/pages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/cli/client.h"
#include "control/cli/show.h"

/* The name of a page's last row: the next page begins behind it. NULL: it has none. */
static const char *last_name(const json_t *rows)
{
	const json_t *last = json_array_get(rows, json_array_size(rows) - 1);

	if (json_is_object(last))
		last = json_object_get(last, "aor");
	return json_string_value(last);
}

/* Pages that do not get on would never end. */
int stw_each_page(struct stw_cli *cli, enum stw_endpoint_id endpoint, const char *rows_key,
		  const char *only, stw_page_fn *page, void *ctx)
{
	char *after = NULL;
	bool more = true;
	int rc = STW_EXIT_OK;

	while (more && rc == STW_EXIT_OK) {
		json_t *body = json_object();
		struct stw_answer a;

		if (only)
			json_object_set_new(body, "name", json_string(only));
		else if (after)
			json_object_set_new(body, "after", json_string(after));
		rc = stw_cli_call(cli, endpoint, NULL, body, &a);
		json_decref(body);
		more = rc == STW_EXIT_OK && json_is_true(json_object_get(a.json, "more"));
		if (rc == STW_EXIT_OK)
			page(ctx, json_object_get(a.json, rows_key));
		const char *last = more ? last_name(json_object_get(a.json, rows_key)) : NULL;

		if (more && (!last || (after && strcmp(last, after) <= 0))) {
			fprintf(stderr, "strowgerctl: the list does not go on behind \"%s\"\n",
				stw_safe(last ? last : ""));
			rc = STW_EXIT_FAILED;
		}
		free(after);
		after = last ? strdup(last) : NULL;
		stw_answer_fini(&a);
	}
	free(after);
	return rc;
}

/* A line stands alone: each tells the version of what it shows. */
void stw_json_page(void *ctx, const json_t *rows)
{
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		json_t *line = json_pack("{s:i}", "version", STW_API_VERSION);

		if (json_is_object(row))
			json_object_update(line, row);
		else
			json_object_set(line, "name", row);
		json_dumpf(line, ctx, JSON_COMPACT);
		fputc('\n', ctx);
		json_decref(line);
	}
}

int stw_call_changed(struct stw_cli *cli, enum stw_endpoint_id endpoint, json_t *body,
		     json_int_t *changed)
{
	struct stw_answer a;
	int rc = stw_cli_call(cli, endpoint, NULL, body, &a);

	json_decref(body);
	if (rc == STW_EXIT_OK)
		*changed += json_integer_value(json_object_get(a.json, "changed"));
	stw_answer_fini(&a);
	return rc;
}
