/* SPDX-License-Identifier: BSD-3-Clause */

/* Members come and go at run time, and people wait until they may. */

#include "control/cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "control/cli/client.h"
#include "control/cli/show.h"
#include "control/now.h"

#define POLL_NS	   200000000L
#define PROGRESS_S 5
#define TIMEOUT_S  600 /* when none is given */

int stw_run_add(struct stw_cli *cli)
{
	json_t *body = json_pack("{s:s, s:s}", "pool", cli->args[0], "address", cli->args[1]);

	if (cli->name)
		json_object_set_new(body, "name", json_string(cli->name));
	if (cli->weight >= 0)
		json_object_set_new(body, "weight", json_integer(cli->weight));
	return stw_cli_change(cli, NULL, body);
}

int stw_run_remove(struct stw_cli *cli)
{
	json_t *body = json_object();

	if (cli->pool)
		json_object_set_new(body, "pool", json_string(cli->pool));
	if (cli->force)
		json_object_set_new(body, "force", json_true());
	return stw_cli_change(cli, cli->args[0], body);
}

static void print_diff(const struct stw_cli *cli, const json_t *answer)
{
	const json_t *changes = json_object_get(answer, "changes");

	(void)cli;
	if (json_array_size(changes) == 0)
		printf("%s is what runs\n", stw_text(answer, "path"));
	stw_print_lines("", changes);
}

int stw_run_diff(struct stw_cli *cli)
{
	return stw_cli_ask(cli, NULL, NULL, print_diff);
}

/* A new file: nobody's configuration is written over. */
static int write_new(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	FILE *out = fd < 0 ? NULL : fdopen(fd, "w");

	if (!out) {
		fprintf(stderr, "strowgerctl: %s: %s%s\n", path, strerror(errno),
			errno == EEXIST ? ": name a file that is not there yet" : "");
		return STW_EXIT_FAILED;
	}
	fputs(text, out);
	const int rc = stw_out_close(out, path);

	if (rc != STW_EXIT_OK)
		unlink(path); /* half a configuration is none */
	return rc;
}

int stw_run_save(struct stw_cli *cli)
{
	struct stw_answer a;
	int rc = stw_cli_call(cli, STW_ENDPOINT_CONFIG, NULL, NULL, &a);
	const char *yaml = json_string_value(json_object_get(a.json, "yaml"));

	if (rc == STW_EXIT_OK)
		rc = write_new(cli->args[0], yaml ? yaml : "");
	if (rc == STW_EXIT_OK)
		printf("%s: what runs, with what was asked for at run time; keys of secrets are "
		       "not "
		       "in it\nTo have it for good: put it in the place of %s, then: strowgerctl "
		       "reload\n",
		       cli->args[0], stw_text(a.json, "path"));
	stw_answer_fini(&a);
	return rc;
}

/* What is waited for. */
enum goal { GOAL_EMPTY, GOAL_HEALTHY };

struct waiting {
	const char *member;
	const char *pool;
	enum goal goal;
	char why[256]; /* why not yet */
};

/* @return 1 reached, 0 not yet, -1 never */
static int judge_place(struct waiting *w, const json_t *place)
{
	const json_t *o = json_object_get(place, "observed");
	const json_t *drain = json_object_get(o, "drain");
	const char *pool = stw_text(place, "pool");

	if (w->goal == GOAL_HEALTHY) {
		const char *state = stw_text(o, "state");
		snprintf(w->why, sizeof(w->why), "%s in %s: %s: %s", w->member, pool, state,
			 stw_text(o, "reason"));
		if (strcmp(state, "healthy") == 0)
			return 1;
		return strcmp(state, "unchecked") == 0 ? -1 : 0;
	}
	if (strcmp(stw_text(place, "asked"), "up") == 0) {
		snprintf(w->why, sizeof(w->why), "%s takes new calls in %s: drain it first",
			 w->member, pool);
		return -1;
	}
	snprintf(w->why, sizeof(w->why), "%s in %s: %s requests open, none seen for %s of %s s",
		 w->member, pool, stw_text(drain, "open"), stw_text(drain, "quiet_s"),
		 stw_text(drain, "needed_s"));
	return json_is_true(json_object_get(drain, "empty"));
}

/* The least of all its pools, or of the one asked about. */
static int judge(struct waiting *w, const json_t *answer)
{
	size_t i, k;
	json_t *m, *place;
	int least = -2;

	json_array_foreach(json_object_get(answer, "members"), i, m)
	{
		if (strcmp(stw_text(m, "name"), w->member) != 0)
			continue;
		json_array_foreach(json_object_get(m, "pools"), k, place)
		{
			if (w->pool && strcmp(stw_text(place, "pool"), w->pool) != 0)
				continue;
			int got = judge_place(w, place);
			if (got < 1)
				return got;
			least = got;
		}
	}
	if (least == -2)
		snprintf(w->why, sizeof(w->why),
			 "no member \"%s\"%s%s; see: strowgerctl show members", w->member,
			 w->pool ? " in pool " : "", w->pool ? w->pool : "");
	return least == -2 ? -1 : least;
}

/* How it ended, for programs; people are told on standard error what went wrong. */
static void tell_end(const struct stw_cli *cli, const struct waiting *w, int rc, double waited_s)
{
	json_t *o;

	if (!cli->json && rc == STW_EXIT_OK)
		printf("%s is %s after %.1f s\n", w->member, cli->args[1], waited_s);
	if (!cli->json || (rc != STW_EXIT_OK && !w->why[0]))
		return; /* not even asked: that was told already */
	o = json_pack("{s:i, s:s, s:s, s:b, s:f, s:s?}", "version", STW_API_VERSION, "member",
		      w->member, "awaited", cli->args[1], "reached", rc == STW_EXIT_OK, "waited_s",
		      waited_s, "why_not", rc == STW_EXIT_OK ? NULL : w->why);
	json_dumpf(o, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(o);
}

/* @return enum stw_exit, or -1: not yet */
static int look(struct stw_cli *cli, struct waiting *w)
{
	struct stw_answer a;
	int rc = stw_cli_call(cli, STW_ENDPOINT_MEMBERS, NULL, NULL, &a);
	int got = rc == STW_EXIT_OK ? judge(w, a.json) : 0;

	stw_answer_fini(&a);
	if (rc != STW_EXIT_OK)
		return rc;
	if (got < 0)
		fprintf(stderr, "strowgerctl: %s\n", w->why);
	return got == 0 ? -1 : got > 0 ? STW_EXIT_OK : STW_EXIT_FAILED;
}

static int wait_for(struct stw_cli *cli, struct waiting *w)
{
	const struct timespec pause = {.tv_nsec = POLL_NS};
	double limit = cli->timeout_s > 0 ? cli->timeout_s : TIMEOUT_S;
	double start = stw_now_s(), told = start;

	for (;;) {
		int rc = look(cli, w);
		if (rc < 0 && stw_now_s() - start >= limit) {
			fprintf(stderr, "strowgerctl: not %s after %g s: %s\n", cli->args[1], limit,
				w->why);
			rc = STW_EXIT_FAILED;
		}
		if (rc >= 0) {
			tell_end(cli, w, rc, stw_now_s() - start);
			return rc;
		}
		if (!cli->json && stw_now_s() - told >= PROGRESS_S) {
			told = stw_now_s();
			printf("%s\n", w->why);
			fflush(stdout);
		}
		nanosleep(&pause, NULL);
	}
}

int stw_run_wait(struct stw_cli *cli)
{
	struct waiting w = {.member = cli->args[0], .pool = cli->pool};

	if (strcmp(cli->args[1], "healthy") == 0) {
		w.goal = GOAL_HEALTHY;
	} else if (strcmp(cli->args[1], "empty") != 0) {
		fprintf(stderr, "strowgerctl: wait for empty or healthy, not for \"%s\"\n",
			cli->args[1]);
		return STW_EXIT_USAGE;
	}
	return wait_for(cli, &w);
}
