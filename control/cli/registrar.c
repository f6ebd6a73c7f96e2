/* SPDX-License-Identifier: BSD-3-Clause */

/* The registrar's commands: subscribers, and who is registered where. */

#include "control/cli/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <jansson.h>

#include "control/cli/client.h"
#include "control/cli/grid.h"
#include "control/cli/pages.h"
#include "control/cli/show.h"

#define CHUNK	     1000 /* subscribers a call */
#define PASSWORD_MAX 1024

static void print_table(const json_t *table, FILE *out)
{
	if (!json_is_object(table))
		return;
	fprintf(out, "workers' table: %s bindings of %s users in %.1f MB%s\n",
		stw_text(table, "bindings"), stw_text(table, "users"),
		(double)json_integer_value(json_object_get(table, "bytes")) / 1e6,
		json_is_true(json_object_get(table, "complete")) ? "" : ", still being filled");
	if (json_integer_value(json_object_get(table, "left_out")) > 0)
		fprintf(out, "users left out for want of memory: %s; control locates for all\n",
			stw_text(table, "left_out"));
}

void stw_print_registrar(const json_t *answer, FILE *out)
{
	json_t *counters = json_object_get(answer, "counters");
	const char *name;
	json_t *value, *domain;
	size_t i;

	fprintf(out, "registrar: %s", stw_text(answer, "state"));
	if (json_is_string(json_object_get(answer, "state_reason")))
		fprintf(out, ": %s", stw_text(answer, "state_reason"));
	fprintf(out, "\ndomains:");
	json_array_foreach(json_object_get(answer, "domains"), i, domain)
		fprintf(out, " %s", stw_safe(json_string_value(domain)));
	fprintf(out, "\nusers registered: %s, subscribers: %s\n",
		stw_text(answer, "users_registered"), stw_text(answer, "subscribers"));
	print_table(json_object_get(answer, "table"), out);
	json_object_foreach(counters, name, value)
		fprintf(out, "%-22s %lld\n", stw_safe(name), (long long)json_integer_value(value));
}

static void add_user(struct stw_grid *g, const json_t *user)
{
	const json_t *b;
	size_t i;

	json_array_foreach(json_object_get(user, "bindings"), i, b)
	{
		stw_grid_add(g, "%s", stw_text(user, "aor"));
		stw_grid_add(g, "%s", stw_text(b, "contact"));
		stw_grid_add(g, "%g", json_real_value(json_object_get(b, "q")));
		stw_grid_add(g, "%s s", stw_text(b, "expires_in_s"));
		stw_grid_add(g, "%s", stw_text(b, "source"));
		stw_grid_add(g, "%s", stw_text(b, "listener"));
	}
}

static void grid_page(void *ctx, const json_t *rows)
{
	const json_t *user;
	size_t i;

	json_array_foreach(rows, i, user) add_user(ctx, user);
}

/* "bob@example.com" and "sip:bob@example.com" mean the same. */
static void aor_of(const char *name, char *out, size_t len)
{
	snprintf(out, len, "%s%s",
		 strncmp(name, "sip:", 4) == 0 || strncmp(name, "tel:", 4) == 0 ? "" : "sip:",
		 name);
}

int stw_run_bindings(struct stw_cli *cli)
{
	char aor[512];
	struct stw_grid g;
	int rc;

	if (cli->n_args)
		aor_of(cli->args[0], aor, sizeof(aor));
	if (cli->json)
		return stw_each_page(cli, STW_ENDPOINT_LOCATION, "users", cli->n_args ? aor : NULL,
				     stw_json_page, stdout);
	stw_grid_init(&g, (const char *const[]){"USER", "CONTACT", ">Q", ">EXPIRES IN", "SOURCE",
						"LISTENER", NULL});
	rc = stw_each_page(cli, STW_ENDPOINT_LOCATION, "users", cli->n_args ? aor : NULL, grid_page,
			   &g);
	if (rc == STW_EXIT_OK)
		stw_grid_print(&g, stdout);
	stw_grid_fini(&g);
	return rc;
}

/* What a change did: @n rows; for people @text. */
static void tell_change(const struct stw_cli *cli, json_int_t n, const char *text)
{
	if (cli->json)
		printf("{\"version\": %d, \"changed\": %lld}\n", STW_API_VERSION, (long long)n);
	else
		printf("%s\n", text);
}

static int remove_names(struct stw_cli *cli, enum stw_endpoint_id endpoint, const char *name)
{
	json_int_t n = 0;
	int rc = stw_call_changed(cli, endpoint, json_pack("{s:[s]}", "names", name), &n);

	if (rc != STW_EXIT_OK)
		return rc;
	if (n == 0) {
		fprintf(stderr, "strowgerctl: %s: not there\n", name);
		return STW_EXIT_FAILED;
	}
	char text[600];

	snprintf(text, sizeof(text), "%s removed", name);
	tell_change(cli, n, text);
	return STW_EXIT_OK;
}

int stw_run_unbind(struct stw_cli *cli)
{
	char aor[512];

	aor_of(cli->args[0], aor, sizeof(aor));
	return remove_names(cli, STW_ENDPOINT_LOCATION_REMOVE, aor);
}

/* One line of standard input; from a terminal it is asked for, and not shown. */
static bool read_password(const char *name, char out[PASSWORD_MAX + 2])
{
	struct termios before, silent;
	bool asks = tcgetattr(STDIN_FILENO, &before) == 0;

	if (asks) {
		silent = before;
		silent.c_lflag &= ~(tcflag_t)ECHO;
		fprintf(stderr, "password of %s: ", name);
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
	}
	bool ok = fgets(out, PASSWORD_MAX + 2, stdin) != NULL;

	if (asks) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
		fputc('\n', stderr);
	}
	if (ok)
		out[strcspn(out, "\n")] = '\0';
	return ok && *out;
}

static int subscriber_add(struct stw_cli *cli)
{
	const char *name = cli->args[1];
	char password[PASSWORD_MAX + 2];
	json_int_t n = 0;

	if (!read_password(name, password)) {
		fprintf(stderr,
			"strowgerctl: no password: type it, or give it on standard input\n");
		return STW_EXIT_USAGE;
	}
	int rc = stw_call_changed(cli, STW_ENDPOINT_SUBSCRIBERS_PUT,
				  json_pack("{s:[{s:s, s:s}]}", "subscribers", "name", name,
					    "password", password),
				  &n);

	explicit_bzero(password, sizeof(password));
	char text[600];

	snprintf(text, sizeof(text), "%s may register", name);
	if (rc == STW_EXIT_OK)
		tell_change(cli, n, text);
	return rc;
}

/* "user@domain password", the rest of the line. @return NULL: an empty line or a comment */
static json_t *subscriber_of(char *line, const char *file, unsigned long number, bool *bad)
{
	line[strcspn(line, "\r\n")] = '\0';
	size_t n = strcspn(line, " \t");

	if (!*line || *line == '#')
		return NULL;
	const char *password = line + n + strspn(line + n, " \t");

	*bad = n == 0 || !*password;
	if (*bad) {
		fprintf(stderr, "%s:%lu: no password: write \"user@domain password\", one a line\n",
			file, number);
		return NULL;
	}
	line[n] = '\0';
	return json_pack("{s:s, s:s}", "name", line, "password", password);
}

static int send_chunk(struct stw_cli *cli, json_t **chunk, json_int_t *n)
{
	int rc = STW_EXIT_OK;

	if (json_array_size(*chunk) > 0)
		rc = stw_call_changed(cli, STW_ENDPOINT_SUBSCRIBERS_PUT,
				      json_pack("{s:o}", "subscribers", *chunk), n);
	else
		json_decref(*chunk);
	*chunk = json_array();
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%lld subscribers ", (long long)*n);
	return rc;
}

static int import(struct stw_cli *cli, const char *file, FILE *in, json_int_t *n)
{
	json_t *chunk = json_array();
	unsigned long number = 0;
	char *line = NULL;
	size_t room = 0;
	bool bad = false;
	int rc = STW_EXIT_OK;

	while (rc == STW_EXIT_OK && !bad && getline(&line, &room, in) > 0) {
		json_t *s = subscriber_of(line, file, ++number, &bad);

		if (s)
			json_array_append_new(chunk, s);
		if (json_array_size(chunk) == CHUNK)
			rc = send_chunk(cli, &chunk, n);
	}
	if (rc == STW_EXIT_OK && !bad)
		rc = stw_in_check(in, file);
	if (rc == STW_EXIT_OK && !bad)
		rc = send_chunk(cli, &chunk, n);
	if (room > 0)
		explicit_bzero(line, room);
	free(line);
	json_decref(chunk);
	return bad ? STW_EXIT_FAILED : rc;
}

static int subscriber_import(struct stw_cli *cli)
{
	const char *file = cli->args[1];
	FILE *in = strcmp(file, "-") == 0 ? stdin : fopen(file, "r");
	json_int_t n = 0;

	if (!in) {
		fprintf(stderr, "strowgerctl: %s: %s\n", file, strerror(errno));
		return STW_EXIT_FAILED;
	}
	int rc = import(cli, file, in, &n);

	if (in != stdin)
		fclose(in);
	char text[64];

	snprintf(text, sizeof(text), "%lld subscribers stored", (long long)n);
	tell_change(cli, n, text);
	return rc;
}

static void name_page(void *ctx, const json_t *rows)
{
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) fprintf(ctx, "%s\n", stw_safe(json_string_value(row)));
}

int stw_run_subscriber(struct stw_cli *cli)
{
	const char *verb = cli->args[0];

	if (strcmp(verb, "list") == 0 && cli->n_args == 1)
		return stw_each_page(cli, STW_ENDPOINT_SUBSCRIBERS, "subscribers", NULL,
				     cli->json ? stw_json_page : name_page, stdout);
	if ((strcmp(verb, "add") == 0 || strcmp(verb, "password") == 0) && cli->n_args == 2)
		return subscriber_add(cli);
	if (strcmp(verb, "remove") == 0 && cli->n_args == 2)
		return remove_names(cli, STW_ENDPOINT_SUBSCRIBERS_REMOVE, cli->args[1]);
	if (strcmp(verb, "import") == 0 && cli->n_args == 2)
		return subscriber_import(cli);
	fprintf(stderr,
		"strowgerctl: subscriber takes add NAME, password NAME, remove NAME, list or "
		"import FILE\n");
	return STW_EXIT_USAGE;
}
