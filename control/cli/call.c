/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/cli/cli.h"

#include <jansson.h>
#include <string.h>

#include "control/cli/client.h"
#include "control/cli/show.h"

/* Where the text came from a file, messages about it name that file. */
static void print_message(const char *file, const char *text)
{
	static const char name[] = STW_API_CONFIG_NAME ":";
	const bool about = file && text && strncmp(text, name, sizeof(name) - 1) == 0;

	if (about)
		fprintf(stderr, "%s:", file);
	fprintf(stderr, "%s\n", stw_safe(about ? text + sizeof(name) - 1 : text));
}

static void print_problem(const struct stw_cli *cli, const json_t *problem)
{
	size_t i;
	json_t *line;
	json_array_foreach(json_object_get(problem, "messages"), i, line)
		print_message(cli->text_file, json_string_value(line));
	fprintf(stderr, "strowgerctl: %s: %s\n", stw_text(problem, "title"),
		stw_text(problem, "detail"));
}

static int judge(struct stw_cli *cli, int rc, const struct stw_answer *out)
{
	if (rc == STW_EXIT_UNREACHABLE)
		fprintf(stderr, "strowgerctl: %s\n", stw_client_trouble(cli->client));
	if (rc == STW_EXIT_FAILED && cli->json)
		fputs(out->text, stdout);
	else if (rc == STW_EXIT_FAILED)
		print_problem(cli, out->json);
	return rc;
}

int stw_cli_call(struct stw_cli *cli, enum stw_endpoint_id endpoint, const char *member,
		 struct json_t *body, struct stw_answer *out)
{
	return judge(cli, stw_client_call(cli->client, endpoint, member, body, out), out);
}

int stw_cli_ask(struct stw_cli *cli, const char *member, json_t *body,
		void (*print)(const struct stw_cli *cli, const json_t *answer))
{
	struct stw_answer a;
	int rc = stw_cli_call(cli, cli->command->endpoint, member, body, &a);

	json_decref(body);
	if (rc == STW_EXIT_OK && cli->json)
		fputs(a.text, stdout);
	else if (rc == STW_EXIT_OK)
		print(cli, a.json);
	stw_answer_fini(&a);
	return rc;
}

int stw_cli_call_text(struct stw_cli *cli, enum stw_endpoint_id endpoint, const char *body,
		      struct stw_answer *out)
{
	return judge(cli, stw_client_call_text(cli->client, endpoint, NULL, body, out), out);
}
