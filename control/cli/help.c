/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "control/cli/cli.h"

#define LEFT 24 /* columns of names */

/* A long name has its help below it. */
static void print_row(FILE *out, const char *left, const char *help)
{
	if (strlen(left) > LEFT)
		fprintf(out, "  %s\n  %-*s %s\n", left, LEFT, "", help);
	else
		fprintf(out, "  %-*s %s\n", LEFT, left, help);
}

static void print_option(FILE *out, const struct stw_option_row *o)
{
	char left[40];
	snprintf(left, sizeof(left), "%s%s%s%s%s", o->brief ? o->brief : "", o->brief ? ", " : "",
		 o->name, o->value ? " " : "", o->value ? o->value : "");
	print_row(out, left, o->help);
}

void stw_help_print(FILE *out)
{
	fprintf(out, "Usage: strowgerctl [OPTIONS] COMMAND [ARGUMENTS]\n"
		     "\n"
		     "Talks to strowger-control over its Unix socket.\n"
		     "\n"
		     "Commands:\n");
	for (size_t i = 0; i < stw_n_commands; i++) {
		char left[80];
		snprintf(left, sizeof(left), "%s %s", stw_commands[i].name, stw_commands[i].args);
		print_row(out, left, stw_commands[i].help);
	}
	fprintf(out, "\nOptions:\n");
	for (size_t i = 0; i < stw_n_option_rows; i++)
		print_option(out, &stw_option_rows[i]);
	fprintf(out, "\n"
		     "Exit status: 0 done, 1 refused or failed, 2 usage, 3 control not reached.\n"
		     "Of one command: strowgerctl help COMMAND. See strowgerctl(1).\n");
}

void stw_help_command(FILE *out, const struct stw_command *c)
{
	fprintf(out, "Usage: strowgerctl %s%s%s [OPTIONS]\n\n%s\n", c->name, c->args[0] ? " " : "",
		c->args, c->help);
	if (c->endpoint < STW_N_ENDPOINTS)
		fprintf(out, "Effect: %s. API: %s %s\n",
			stw_effect_text(stw_endpoint_rows[c->endpoint].effect),
			stw_endpoint_rows[c->endpoint].method, stw_endpoint_rows[c->endpoint].path);
	fprintf(out, "\nOptions:\n");
	for (size_t i = 0; i < stw_n_option_rows; i++)
		if ((c->options | STW_OPTION_SOCKET) & stw_option_rows[i].bit)
			print_option(out, &stw_option_rows[i]);
}

/* "show" alone: what may stand behind it. @return false: nothing may */
static bool print_seconds(const char *first)
{
	const size_t len = strlen(first);
	bool any = false;

	for (size_t i = 0; i < stw_n_commands; i++) {
		const char *name = stw_commands[i].name;

		if (strncmp(name, first, len) != 0 || name[len] != ' ')
			continue;
		if (!any)
			fprintf(stderr, "strowgerctl: %s what? One of:", first);
		fprintf(stderr, " %s", name + len + 1);
		any = true;
	}
	if (any)
		fputc('\n', stderr);
	return any;
}

int stw_command_unknown(char **words, int n_words)
{
	char typed[80];

	if (n_words == 1 && *words[0] && print_seconds(words[0]))
		return STW_EXIT_USAGE;
	snprintf(typed, sizeof(typed), "%s%s%s", words[0], n_words > 1 ? " " : "",
		 n_words > 1 ? words[1] : "");
	fprintf(stderr, "strowgerctl: no command \"%s\"; did you mean \"%s\"?\n", typed,
		stw_command_nearest(typed)->name);
	return STW_EXIT_USAGE;
}

int stw_run_help(struct stw_cli *cli)
{
	int used;
	if (cli->n_args == 0) {
		stw_help_print(stdout);
		return STW_EXIT_OK;
	}
	const struct stw_command *c = stw_command_find(cli->args, cli->n_args, &used);
	if (c) {
		stw_help_command(stdout, c);
		return STW_EXIT_OK;
	}
	return stw_command_unknown(cli->args, cli->n_args);
}
