/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/cli/cli.h"
#include "control/cli/client.h"

/* What was typed, taken apart: words, and options wherever they stood. */
struct typed {
	char **words;
	int n_words;
	unsigned options; /* which were given */
	bool help;
};

static int usage(const char *fmt, const char *what)
{
	fprintf(stderr, "strowgerctl: ");
	/* The format is one of ours, with one %s. */
	fprintf(stderr, fmt, what);
	fprintf(stderr, "\nTry: strowgerctl help\n");
	return STW_EXIT_USAGE;
}

static const struct stw_option_row *find_option(const char *arg, size_t len)
{
	for (size_t i = 0; i < stw_n_option_rows; i++) {
		const struct stw_option_row *o = &stw_option_rows[i];
		if (strlen(o->name) == len && strncmp(arg, o->name, len) == 0)
			return o;
		if (o->brief && strlen(o->brief) == len && strncmp(arg, o->brief, len) == 0)
			return o;
	}
	return NULL;
}

static int set_number(long *to, const char *fmt, const char *value)
{
	char *end;
	errno = 0;
	*to = strtol(value, &end, 10);
	return errno || *end || end == value || *to < 1 ? usage(fmt, value) : STW_EXIT_OK;
}

/* "60", "60s" or "5m"; fractions, too. @return false: none of these, or not in @min..@max */
static bool read_seconds(const char *value, double min, double max, double *to)
{
	char *end;

	*to = strtod(value, &end);
	if (*end == 'm')
		*to *= 60;
	if (*end == 's' || *end == 'm')
		end++;
	return !*end && end != value && *to >= min && *to <= max;
}

static int set_confirm(struct stw_cli *cli, const char *value)
{
	double s;

	if (!read_seconds(value, 5, 3600, &s) || s != (double)(long)s)
		return usage("--confirm must be 5..3600 seconds, got \"%s\"", value);
	cli->confirm_s = (long)s;
	return STW_EXIT_OK;
}

static int set_interval(struct stw_cli *cli, const char *value)
{
	if (!read_seconds(value, 0.1, 3600, &cli->interval_s))
		return usage("--interval must be 0.1..3600 seconds, got \"%s\"", value);
	return STW_EXIT_OK;
}

static int set_weight(struct stw_cli *cli, const char *value)
{
	char *end;
	errno = 0;
	cli->weight = strtol(value, &end, 10);
	if (errno || *end || end == value || cli->weight < 0 || cli->weight > 65535)
		return usage("--weight must be 0..65535, got \"%s\"", value);
	return STW_EXIT_OK;
}

static int set_timeout(struct stw_cli *cli, const char *value)
{
	if (!read_seconds(value, 1e-3, 1e6, &cli->timeout_s))
		return usage("--timeout must be a number of seconds, got \"%s\"", value);
	return STW_EXIT_OK;
}

static int set_option(struct stw_cli *cli, const struct stw_option_row *o, const char *value)
{
	switch (o->bit) {
	case STW_OPTION_SOCKET: cli->socket = value; break;
	case STW_OPTION_JSON: cli->json = true; break;
	case STW_OPTION_ALL: cli->all = true; break;
	case STW_OPTION_POOL: cli->pool = value; break;
	case STW_OPTION_ONCE: cli->count = 1; break;
	case STW_OPTION_CALL_ID: cli->call_id = value; break;
	case STW_OPTION_USER: cli->user = value; break;
	case STW_OPTION_ADDRESS: cli->address = value; break;
	case STW_OPTION_METHOD: cli->method = value; break;
	case STW_OPTION_WRITE: cli->write = value; break;
	case STW_OPTION_PAST: cli->past = true; break;
	case STW_OPTION_FULL: cli->full = true; break;
	case STW_OPTION_CONFIRM: return set_confirm(cli, value);
	case STW_OPTION_CODE:
		return set_number(&cli->code, "--code must be a status, got \"%s\"", value);
	case STW_OPTION_FORCE: cli->force = true; break;
	case STW_OPTION_NAME: cli->name = value; break;
	case STW_OPTION_WEIGHT: return set_weight(cli, value);
	case STW_OPTION_TIMEOUT: return set_timeout(cli, value);
	case STW_OPTION_FROM: cli->from = value; break;
	case STW_OPTION_TO: cli->to = value; break;
	case STW_OPTION_CONFIG: cli->config = value; break;
	case STW_OPTION_PACKET:
		return set_number(&cli->packet, "--packet must be 1 or more, got \"%s\"", value);
	case STW_OPTION_COUNT:
		return set_number(&cli->count, "--count must be 1 or more, got \"%s\"", value);
	case STW_OPTION_INTERVAL: return set_interval(cli, value);
	}
	return STW_EXIT_OK;
}

/* One option at argv[*i], as "--name value" or "--name=value". */
static int take_option(struct stw_cli *cli, struct typed *t, int argc, char **argv, int *i)
{
	const char *arg = argv[*i];
	size_t len = strcspn(arg, "=");
	const char *value = arg[len] ? arg + len + 1 : NULL;
	if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0) {
		t->help = true;
		return STW_EXIT_OK;
	}
	const struct stw_option_row *o = find_option(arg, len);
	if (!o)
		return usage("unknown option \"%s\"", arg);
	if (!o->value && value)
		return usage("option %s takes no value", o->name);
	if (o->value && !value) {
		if (*i + 1 >= argc)
			return usage("option %s needs a value", o->name);
		value = argv[++*i];
	}
	t->options |= o->bit;
	return set_option(cli, o, value);
}

static int take_apart(struct stw_cli *cli, struct typed *t, int argc, char **argv)
{
	bool plain = false;
	for (int i = 1; i < argc; i++) {
		if (!plain && strcmp(argv[i], "--") == 0) {
			plain = true;
		} else if (!plain && argv[i][0] == '-' && argv[i][1]) {
			int rc = take_option(cli, t, argc, argv, &i);
			if (rc)
				return rc;
		} else {
			t->words[t->n_words++] = argv[i];
		}
	}
	return STW_EXIT_OK;
}

/* Finds the command; says what was probably meant when there is none. */
static int choose(struct stw_cli *cli, const struct typed *t)
{
	int used = 0;
	cli->command = stw_command_find(t->words, t->n_words, &used);
	if (!cli->command)
		return stw_command_unknown(t->words, t->n_words);
	cli->args = t->words + used;
	cli->n_args = t->n_words - used;
	return STW_EXIT_OK;
}

static int check_arguments(const struct stw_cli *cli, const struct typed *t)
{
	const struct stw_command *c = cli->command;
	if (cli->n_args < c->min_args || (c->max_args >= 0 && cli->n_args > c->max_args)) {
		fprintf(stderr, "strowgerctl: usage: strowgerctl %s%s%s\n", c->name,
			c->args[0] ? " " : "", c->args);
		return STW_EXIT_USAGE;
	}
	for (size_t i = 0; i < stw_n_option_rows; i++) {
		unsigned bit = stw_option_rows[i].bit;
		if ((t->options & bit) && !((c->options | STW_OPTION_SOCKET) & bit)) {
			fprintf(stderr, "strowgerctl: %s does not take %s\n", c->name,
				stw_option_rows[i].name);
			return STW_EXIT_USAGE;
		}
	}
	return STW_EXIT_OK;
}

static int run(struct stw_cli *cli, const struct typed *t)
{
	if (t->n_words == 0) {
		stw_help_print(t->help ? stdout : stderr);
		return t->help ? STW_EXIT_OK : STW_EXIT_USAGE;
	}
	int rc = choose(cli, t);
	if (!rc && t->help) {
		stw_help_command(stdout, cli->command);
		return STW_EXIT_OK;
	}
	if (!rc)
		rc = check_arguments(cli, t);
	if (rc)
		return rc;
	cli->client = stw_client_new(cli->socket);
	if (!cli->client) {
		fprintf(stderr, "strowgerctl: out of memory\n");
		return STW_EXIT_FAILED;
	}
	rc = cli->command->run(cli);
	stw_client_free(cli->client);
	return rc;
}

/* What is closed stays so for writing, but is nobody else's: a socket or a new file in its place
 * would get our output. */
static void hold_standard_files(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != fd)
			abort(); /* the lowest free one is given out */
}

int main(int argc, char **argv)
{
	hold_standard_files();
	const char *env = getenv("STROWGER_API");
	struct stw_cli cli = {.socket = env && *env ? env : STW_CTL_SOCKET,
			      .interval_s = 1,
			      .weight = -1};
	struct typed t = {.words = calloc((size_t)argc + 1, sizeof(*t.words))};
	if (!t.words)
		return STW_EXIT_FAILED;
	int rc = take_apart(&cli, &t, argc, argv);
	if (rc == STW_EXIT_OK)
		rc = run(&cli, &t);
	if (rc == STW_EXIT_OK)
		rc = stw_out_check(stdout, "standard output");
	free(t.words);
	return rc;
}
