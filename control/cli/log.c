/* SPDX-License-Identifier: BSD-3-Clause */
#include <jansson.h>
#include <stdio.h>

#include "control/cli/cli.h"
#include "control/cli/show.h"

static void print_log(const struct stw_cli *cli, const json_t *answer)
{
	(void)cli;
	printf("both processes log %s and what is more important, as %s; the file says %s\n",
	       stw_text(answer, "level"), stw_text(answer, "format"),
	       stw_text(answer, "file_level"));
}

/* "show log" asks, "log-level" sets; both are answered alike. */
int stw_run_log(struct stw_cli *cli)
{
	json_t *body = cli->n_args > 0 ? json_pack("{s:s}", "level", cli->args[0]) : NULL;

	return stw_cli_ask(cli, NULL, body, print_log);
}
