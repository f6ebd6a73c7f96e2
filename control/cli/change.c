/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/cli/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "control/cli/client.h"
#include "control/cli/show.h"
#include "control/config/config.h"

static void print_list(const char *before, const json_t *list, const char *after)
{
	size_t i;
	json_t *line;
	json_array_foreach(list, i, line)
		printf("%s%s%s\n", before, stw_safe(json_string_value(line)), after);
}

void stw_print_lines(const char *before, const json_t *list)
{
	print_list(before, list, "");
}

/* What changed and since which generation, one line each. */
void stw_print_change(const json_t *answer)
{
	char after[400];
	const json_t *changes = json_object_get(answer, "changes");
	if (json_is_true(json_object_get(answer, "pending")))
		snprintf(after, sizeof(after), ", pending: %s", stw_text(answer, "reason"));
	else
		snprintf(after, sizeof(after), ", generation %s", stw_text(answer, "generation"));
	if (json_array_size(changes) == 0)
		printf("nothing changes%s\n", after);
	print_list("", changes, after);
	stw_print_lines("after a restart only: ", json_object_get(answer, "needs_restart"));
	stw_print_lines("warning: ", json_object_get(answer, "warnings"));
}

static void print_changed(const struct stw_cli *cli, const json_t *answer)
{
	(void)cli;
	stw_print_change(answer);
}

int stw_cli_change(struct stw_cli *cli, const char *member, json_t *body)
{
	return stw_cli_ask(cli, member, body, print_changed);
}

static json_t *member_body(const struct stw_cli *cli)
{
	json_t *body = json_object();
	if (cli->pool)
		json_object_set_new(body, "pool", json_string(cli->pool));
	return body;
}

int stw_run_drain(struct stw_cli *cli)
{
	return stw_cli_change(cli, cli->args[0], member_body(cli));
}

int stw_run_undrain(struct stw_cli *cli)
{
	return stw_cli_change(cli, cli->args[0], member_body(cli));
}

int stw_run_weight(struct stw_cli *cli)
{
	char *end;
	errno = 0;
	long weight = strtol(cli->args[1], &end, 10);
	if (errno || *end || end == cli->args[1] || weight < 0 || weight > 65535) {
		fprintf(stderr, "strowgerctl: weight must be 0..65535, got \"%s\"\n", cli->args[1]);
		return STW_EXIT_USAGE;
	}
	json_t *body = member_body(cli);
	json_object_set_new(body, "weight", json_integer(weight));
	return stw_cli_change(cli, cli->args[0], body);
}

int stw_run_reload(struct stw_cli *cli)
{
	return stw_cli_change(cli, NULL, NULL);
}

static void on_message(void *ctx, const char *message)
{
	json_array_append_new(ctx, json_string(message));
}

/* The file that the running control reads; the usual one when there is no control. */
static void default_file(struct stw_cli *cli, char *out, size_t size)
{
	struct stw_answer a;
	snprintf(out, size, "%s", STW_CTL_CONFIG);
	if (stw_client_call(cli->client, STW_ENDPOINT_STATUS, NULL, NULL, &a) == STW_EXIT_OK) {
		const char *path = json_string_value(
			json_object_get(json_object_get(a.json, "config"), "path"));
		if (path)
			snprintf(out, size, "%s", path);
	}
	stw_answer_fini(&a);
}

static void print_check(const char *file, const struct stw_model *m, const json_t *messages)
{
	size_t i;
	json_t *line;
	json_array_foreach(messages, i, line)
		fprintf(stderr, "%s\n", stw_safe(json_string_value(line)));
	if (m)
		printf("%s: ok, %zu ports, %zu listeners, %zu pools, %zu members\n", file,
		       m->n_ports, m->n_listeners, m->n_pools, m->n_members);
}

int stw_run_check(struct stw_cli *cli)
{
	char file[4096];
	if (cli->n_args)
		snprintf(file, sizeof(file), "%s", cli->args[0]);
	else
		default_file(cli, file, sizeof(file));
	json_t *messages = json_array();
	struct stw_model *m = NULL;
	int err = stw_config_read(file, on_message, messages, &m);
	if (cli->json) {
		json_t *o = json_pack("{s:i, s:s, s:b, s:O}", "version", STW_API_VERSION, "file",
				      file, "ok", err == 0, "messages", messages);
		json_dumpf(o, stdout, JSON_INDENT(2));
		printf("\n");
		json_decref(o);
	} else {
		print_check(file, err ? NULL : m, messages);
	}
	if (!err)
		stw_model_free(m);
	json_decref(messages);
	return err ? STW_EXIT_FAILED : STW_EXIT_OK;
}
