/* SPDX-License-Identifier: BSD-3-Clause */
/* apply, confirm, rollback, history: configurations, one after the other. */
#include <stdlib.h>
#include <time.h>

#include <jansson.h>

#include "control/cli/ask.h"
#include "control/cli/cli.h"
#include "control/cli/grid.h"
#include "control/cli/show.h"

#define CONFIG_MAX (4u << 20)

static void print_applied(const struct stw_cli *cli, const json_t *answer)
{
	const json_t *by = json_object_get(answer, "confirm_by_unix_s");

	(void)cli;
	stw_print_change(answer);
	if (json_is_integer(by))
		printf("taken back in %lld s, or when errors rise, unless you say: strowgerctl "
		       "confirm\n",
		       (long long)(json_integer_value(by) - time(NULL)));
	else if (json_is_true(json_object_get(answer, "saved")))
		printf("written to the configuration file\n");
}

int stw_run_apply(struct stw_cli *cli)
{
	size_t len;
	char *text = stw_file_read(cli->args[0], CONFIG_MAX, &len);

	if (!text)
		return STW_EXIT_FAILED;
	cli->text_file = cli->args[0];
	json_t *yaml = json_stringn(text, len);
	free(text);
	if (!yaml) {
		fprintf(stderr, "strowgerctl: %s: not UTF-8 text\n", cli->args[0]);
		return STW_EXIT_FAILED;
	}
	json_t *body = json_pack("{s:o}", "yaml", yaml);
	if (cli->confirm_s)
		json_object_set_new(body, "confirm_s", json_integer(cli->confirm_s));
	return stw_cli_ask(cli, NULL, body, print_applied);
}

static void print_confirmed(const struct stw_cli *cli, const json_t *answer)
{
	(void)cli;
	stw_print_lines("warning: ", json_object_get(answer, "warnings"));
	if (json_is_true(json_object_get(answer, "saved")))
		printf("confirmed, and written to the configuration file\n");
}

int stw_run_confirm(struct stw_cli *cli)
{
	return stw_cli_ask(cli, NULL, NULL, print_confirmed);
}

int stw_run_rollback(struct stw_cli *cli)
{
	char *end;
	long id = cli->n_args ? strtol(cli->args[0], &end, 10) : 0;

	if (cli->n_args && (*end || id < 1)) {
		fprintf(stderr, "strowgerctl: \"%s\" is no number of strowgerctl history\n",
			cli->args[0]);
		return STW_EXIT_USAGE;
	}
	return stw_cli_ask(cli, NULL, id ? json_pack("{s:I}", "to", (json_int_t)id) : NULL,
			   print_applied);
}

static void print_history(const struct stw_cli *cli, const json_t *answer)
{
	const json_t *undone = json_object_get(answer, "undone");
	const json_t *by = json_object_get(answer, "confirm_by_unix_s");
	struct stw_grid g;
	size_t i;
	json_t *row;

	(void)cli;
	stw_grid_init(&g, (const char *const[]){">NUMBER", "WHEN", ">AGO", "BY", ">BYTES", NULL});
	json_array_foreach(json_object_get(answer, "configurations"), i, row)
	{
		json_int_t at = json_integer_value(json_object_get(row, "at_unix_s"));
		time_t t = (time_t)at;
		char when[32];
		struct tm tm;

		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", localtime_r(&t, &tm));
		stw_grid_add(&g, "%s", stw_text(row, "id"));
		stw_grid_add(&g, "%s", when);
		stw_grid_add(&g, "%s", stw_age_text(at));
		stw_grid_add(&g, "%s", stw_text(row, "how"));
		stw_grid_add(&g, "%s", stw_text(row, "bytes"));
	}
	stw_grid_print(&g, stdout);
	stw_grid_fini(&g);
	if (json_is_integer(by))
		printf("another one serves and waits %lld s more to be confirmed\n",
		       (long long)(json_integer_value(by) - time(NULL)));
	if (json_is_object(undone))
		printf("the last one taken back, %s ago: %s\n",
		       stw_age_text(json_integer_value(json_object_get(undone, "at_unix_s"))),
		       stw_text(undone, "why"));
}

int stw_run_history(struct stw_cli *cli)
{
	return stw_cli_ask(cli, NULL, NULL, print_history);
}
