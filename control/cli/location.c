/* SPDX-License-Identifier: BSD-3-Clause */

/* strowgerctl location: bindings to a file, a user a line, and back. */

#include "control/cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "control/cli/pages.h"

#define CHUNK	    500 /* users a call, at most */
#define CHUNK_BYTES (1u << 20)

/* How far it is, on a terminal. */
struct progress {
	FILE *file;
	unsigned long long users;
};

static void tell(const struct progress *p)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%llu users ", p->users);
}

/* Without what only people need, and what changes from one second to the next. */
static void export_page(void *ctx, const json_t *rows)
{
	struct progress *p = ctx;
	json_t *user, *b;
	size_t i, k;

	json_array_foreach(rows, i, user)
	{
		json_object_del(user, "damaged");
		json_array_foreach(json_object_get(user, "bindings"), k, b)
		{
			json_object_del(b, "q");
			json_object_del(b, "expires_in_s");
		}
		json_dumpf(user, p->file, JSON_COMPACT);
		fputc('\n', p->file);
		p->users++;
	}
	tell(p);
}

static int export_to(struct stw_cli *cli, const char *name)
{
	const bool is_stdout = strcmp(name, "-") == 0;
	struct progress p = {.file = is_stdout ? stdout : fopen(name, "w")};

	if (!p.file) {
		fprintf(stderr, "strowgerctl: %s: %s\n", name, strerror(errno));
		return STW_EXIT_FAILED;
	}
	int rc = stw_each_page(cli, STW_ENDPOINT_LOCATION, "users", NULL, export_page, &p);

	if (!is_stdout) { /* main() looks at that */
		const int closed = stw_out_close(p.file, name);

		rc = rc == STW_EXIT_OK ? closed : rc;
	}
	fprintf(stderr, "%s%llu users exported\n", isatty(STDERR_FILENO) ? "\r" : "", p.users);
	return rc;
}

static int send_chunk(struct stw_cli *cli, json_t **chunk, json_int_t *n)
{
	int rc = STW_EXIT_OK;

	if (json_array_size(*chunk) > 0)
		rc = stw_call_changed(cli, STW_ENDPOINT_LOCATION_PUT,
				      json_pack("{s:o}", "users", *chunk), n);
	else
		json_decref(*chunk);
	*chunk = json_array();
	return rc;
}

/* Each call stores all of its users or none. Again from the start is no harm. */
static int import(struct stw_cli *cli, const char *name, struct progress *p, json_int_t *n)
{
	json_t *chunk = json_array();
	unsigned long number = 0;
	char *line = NULL;
	size_t room = 0, bytes = 0;
	ssize_t len;
	int rc = STW_EXIT_OK;

	while (rc == STW_EXIT_OK && (len = getline(&line, &room, p->file)) > 0) {
		json_error_t e;
		json_t *user = NULL;

		number++;
		if (line[strspn(line, " \t\r\n")] == '\0')
			continue;
		user = json_loads(line, JSON_REJECT_DUPLICATES, &e);
		if (!json_is_object(user)) {
			fprintf(stderr,
				"%s:%lu: no JSON object: write one user a line, as export "
				"does\n",
				name, number);
			json_decref(user);
			rc = STW_EXIT_FAILED;
			break;
		}
		json_array_append_new(chunk, user);
		p->users++;
		bytes += (size_t)len;
		if (json_array_size(chunk) == CHUNK || bytes >= CHUNK_BYTES) {
			rc = send_chunk(cli, &chunk, n);
			bytes = 0;
			tell(p);
		}
	}
	if (rc == STW_EXIT_OK)
		rc = stw_in_check(p->file, name);
	if (rc == STW_EXIT_OK)
		rc = send_chunk(cli, &chunk, n);
	if (rc != STW_EXIT_OK)
		fprintf(stderr,
			"%s:%lu: stopped at this line or up to %d before it; mend it and "
			"import the file again\n",
			name, number, CHUNK);
	free(line);
	json_decref(chunk);
	return rc;
}

static int import_from(struct stw_cli *cli, const char *name)
{
	struct progress p = {.file = strcmp(name, "-") == 0 ? stdin : fopen(name, "r")};
	json_int_t n = 0;

	if (!p.file) {
		fprintf(stderr, "strowgerctl: %s: %s\n", name, strerror(errno));
		return STW_EXIT_FAILED;
	}
	int rc = import(cli, name, &p, &n);

	if (p.file != stdin)
		fclose(p.file);
	printf("%llu users read, %lld bindings added\n", p.users, (long long)n);
	return rc;
}

int stw_run_location(struct stw_cli *cli)
{
	const char *verb = cli->args[0];

	if (strcmp(verb, "export") == 0)
		return export_to(cli, cli->n_args > 1 ? cli->args[1] : "-");
	if (strcmp(verb, "import") == 0 && cli->n_args == 2)
		return import_from(cli, cli->args[1]);
	fprintf(stderr, "strowgerctl: location takes export [FILE] or import FILE\n");
	return STW_EXIT_USAGE;
}
