/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/cli/cli.h"

#include <string.h>

#include <jansson.h>

#include "control/cli/client.h"

/* The script only asks us: words come from the table and from the running control. */
static const char bash_script[] =
	"# bash completion for strowgerctl; printed by: strowgerctl completion bash\n"
	"_strowgerctl()\n"
	"{\n"
	"	local IFS=$'\\n' current=\"${COMP_WORDS[COMP_CWORD]}\"\n"
	"	COMPREPLY=($(compgen -W \"$(\"${COMP_WORDS[0]}\" completion words -- \\\n"
	"		\"${COMP_WORDS[@]:1:COMP_CWORD-1}\" 2>/dev/null)\" -- \"$current\"))\n"
	"}\n"
	"complete -o default -F _strowgerctl strowgerctl\n";

/* The body of a function that zsh loads by the file's first line. */
static const char zsh_script[] =
	"#compdef strowgerctl\n"
	"# zsh completion for strowgerctl; printed by: strowgerctl completion zsh\n"
	"local -a found\n"
	"found=(\"${(@f)$(\"${words[1]}\" completion words -- \"${(@)words[2,CURRENT-1]}\" "
	"2>/dev/null)}\")\n"
	"found=(${found:#})\n"
	"if (( ${#found} )); then\n"
	"	compadd -a found\n"
	"else\n"
	"	_files\n"
	"fi\n";

/* Commands that go on from @words: prints their next word, each once. */
static void print_next_words(char **words, int n)
{
	const char *last = "";
	for (size_t i = 0; i < stw_n_commands; i++) {
		const char *name = stw_commands[i].name;
		size_t len = strcspn(name, " ");
		if (n == 0) {
			if (strncmp(last, name, len) != 0 || last[len] != name[len])
				printf("%.*s\n", (int)len, name);
			last = name;
		} else if (name[len] == ' ' && strlen(words[0]) == len &&
			   strncmp(words[0], name, len) == 0) {
			printf("%s\n", name + len + 1);
		}
	}
}

static void print_options(const struct stw_command *c)
{
	for (size_t i = 0; i < stw_n_option_rows; i++)
		if ((c->options | STW_OPTION_SOCKET) & stw_option_rows[i].bit)
			printf("%s\n", stw_option_rows[i].name);
}

/* A shell expands the words it is given: only names as a configuration may have them are. */
static bool is_name(const char *name)
{
	return name && *name &&
	       name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				 "._-")] == '\0';
}

/* Names of the rows of a listing; nothing when control cannot be reached. */
static void print_names(struct stw_cli *cli, enum stw_endpoint_id endpoint, const char *list)
{
	struct stw_answer a;
	size_t i;
	json_t *row;
	if (stw_client_call(cli->client, endpoint, NULL, NULL, &a) == STW_EXIT_OK)
		json_array_foreach(json_object_get(a.json, list), i, row)
		{
			const char *name = json_string_value(json_object_get(row, "name"));
			if (is_name(name))
				printf("%s\n", name);
		}
	stw_answer_fini(&a);
}

/* What may come after @words, the whole words typed so far. */
static void print_words(struct stw_cli *cli, char **words, int n)
{
	int used = 0;
	const struct stw_command *c = stw_command_find(words, n, &used);
	if (n > 0 && strcmp(words[n - 1], "--pool") == 0) {
		print_names(cli, STW_ENDPOINT_POOLS, "pools");
		return;
	}
	if (!c) {
		if (n < 2)
			print_next_words(words, n);
		return;
	}
	if (c->words == STW_WORDS_MEMBER && n == used)
		print_names(cli, STW_ENDPOINT_MEMBERS, "members");
	if (c->words == STW_WORDS_SHELL && n == used)
		printf("bash\nzsh\n");
	if (c->run == stw_run_help)
		print_next_words(words + used, n - used);
	print_options(c);
}

int stw_run_completion(struct stw_cli *cli)
{
	if (strcmp(cli->args[0], "bash") == 0 && cli->n_args == 1) {
		fputs(bash_script, stdout);
		return STW_EXIT_OK;
	}
	if (strcmp(cli->args[0], "zsh") == 0 && cli->n_args == 1) {
		fputs(zsh_script, stdout);
		return STW_EXIT_OK;
	}
	if (strcmp(cli->args[0], "words") == 0) {
		print_words(cli, cli->args + 1, cli->n_args - 1);
		return STW_EXIT_OK;
	}
	fprintf(stderr, "strowgerctl: completion for \"%s\" is not there; bash and zsh are\n",
		cli->args[0]);
	return STW_EXIT_USAGE;
}
