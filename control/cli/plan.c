/* SPDX-License-Identifier: BSD-3-Clause */
/* plan: what a configuration would move, before anybody lets it. */
#include <stdlib.h>

#include "control/cli/ask.h"
#include "control/cli/cli.h"
#include "control/cli/client.h"
#include "control/cli/grid.h"
#include "control/cli/show.h"

#define CONFIG_MAX (4u << 20)

static void add_share(struct stw_grid *g, const json_t *m, const char *key)
{
	stw_grid_add(g, "%.2f %%", 100 * json_number_value(json_object_get(m, key)));
}

static const char *fate(const json_t *o)
{
	if (!json_is_true(json_object_get(o, "was")))
		return "new";
	return json_is_true(json_object_get(o, "stays")) ? "" : "goes";
}

static void print_pool(const json_t *pool)
{
	struct stw_grid g;
	size_t i;
	json_t *m;

	printf("pool %s%s%s: %.2f %% of new calls move; dialogs stay where they are\n",
	       stw_text(pool, "name"), fate(pool)[0] ? ", " : "", fate(pool),
	       100 * json_number_value(json_object_get(pool, "moved_share")));
	stw_grid_init(&g, (const char *const[]){"MEMBER", "", ">SHARE NOW", ">THEN", ">CALLS/S NOW",
						">THEN", ">OPEN NOW", NULL});
	json_array_foreach(json_object_get(pool, "members"), i, m)
	{
		stw_grid_add(&g, "%s", stw_text(m, "name"));
		stw_grid_add(&g, "%s", fate(m));
		add_share(&g, m, "share_before");
		add_share(&g, m, "share_after");
		stw_grid_add(&g, "%s", stw_rate_text(m, "calls_per_s_before"));
		stw_grid_add(&g, "%s", stw_rate_text(m, "calls_per_s_after"));
		stw_grid_add(&g, "%s", stw_text(m, "open"));
	}
	stw_grid_print(&g, stdout);
	stw_grid_fini(&g);
	printf("\n");
}

static void print_plan(const json_t *answer)
{
	size_t i;
	json_t *pool;

	json_array_foreach(json_object_get(answer, "pools"), i, pool) print_pool(pool);
	if (json_array_size(json_object_get(answer, "changes")) +
		    json_array_size(json_object_get(answer, "needs_restart")) ==
	    0)
		printf("nothing changes\n");
	stw_print_lines("", json_object_get(answer, "changes"));
	stw_print_lines("after a restart only: ", json_object_get(answer, "needs_restart"));
	stw_print_lines("note: ", json_object_get(answer, "messages"));
}

int stw_run_plan(struct stw_cli *cli)
{
	struct stw_answer a;
	size_t len;
	char *text = stw_file_read(cli->args[0], CONFIG_MAX, &len);

	if (!text)
		return STW_EXIT_FAILED;
	cli->text_file = cli->args[0];
	int rc = stw_cli_call_text(cli, STW_ENDPOINT_PLAN, text, &a);
	if (rc == STW_EXIT_OK && cli->json)
		fputs(a.text, stdout);
	else if (rc == STW_EXIT_OK)
		print_plan(a.json);
	stw_answer_fini(&a);
	free(text);
	return rc;
}
