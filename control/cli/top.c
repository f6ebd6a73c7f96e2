/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/cli/cli.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include <strowger/counters.h>

#include "control/cli/client.h"
#include "control/cli/columns.h"
#include "control/cli/loop.h"
#include "control/cli/show.h"

/* Three answers of about one moment. */
struct view {
	struct stw_answer workers;
	struct stw_answer members;
	struct stw_answer counters;
};

static void view_fini(struct view *v)
{
	stw_answer_fini(&v->workers);
	stw_answer_fini(&v->members);
	stw_answer_fini(&v->counters);
}

static int fetch(struct stw_cli *cli, struct view *v)
{
	int rc = stw_client_call(cli->client, STW_ENDPOINT_WORKERS, NULL, NULL, &v->workers);
	if (!rc)
		rc = stw_client_call(cli->client, STW_ENDPOINT_MEMBERS, NULL, NULL, &v->members);
	if (!rc)
		rc = stw_client_call(cli->client, STW_ENDPOINT_COUNTERS, NULL, NULL, &v->counters);
	return rc;
}

/* Sum of one rate over all workers; "-" when none is known. */
static const char *sum_of(const struct view *v, const char *key)
{
	static json_t *sums[4];
	static size_t at;
	size_t i;
	json_t *w;
	double sum = 0;
	bool known = false;
	json_array_foreach(json_object_get(v->workers.json, "workers"), i, w)
	{
		const json_t *rate = json_object_get(json_object_get(w, "rate_1s"), key);
		known |= json_is_number(rate);
		sum += json_number_value(rate);
	}
	json_t **o = &sums[at++ % 4];
	json_decref(*o);
	*o = known ? json_pack("{s:f}", "sum", sum) : NULL;
	return stw_rate_text(*o, "sum");
}

static void print_head(const struct view *v)
{
	char clock[16];
	time_t now = time(NULL);
	struct tm tm;
	const json_t *a = v->workers.json;
	strftime(clock, sizeof(clock), "%H:%M:%S", localtime_r(&now, &tm));
	printf("strowger %s  data plane %s for %s, generation %s\n", clock,
	       stw_text(a, "dataplane"),
	       stw_age_text(json_integer_value(json_object_get(a, "since_unix_s"))),
	       stw_text(a, "generation"));
	if (json_is_string(json_object_get(a, "reason")))
		printf("%.78s\n", stw_text(a, "reason"));
	printf("calls/s %s  requests/s %s  responses/s %s  drops/s %s\n\n", sum_of(v, "new_calls"),
	       sum_of(v, "requests"), sum_of(v, "responses"), sum_of(v, "dropped"));
}

static void print_workers(const struct view *v)
{
	static const struct stw_column columns[] = {
		STW_WORKER_COLUMNS,
		{">ANSWER/S", "rate_1s.answered", STW_COLUMN_RATE},
		{">KERNEL/S", "rate_1s.kernel", STW_COLUMN_RATE},
		{">DROP/S", "rate_1s.dropped", STW_COLUMN_RATE},
	};
	stw_print_columns(json_object_get(v->workers.json, "workers"), 0, columns,
			  STW_N_COLUMNS(columns), stdout);
	printf("\n");
}

/* Busiest first, then by name. */
static int by_load(const void *x, const void *y)
{
	const json_t *a = *(json_t *const *)x, *b = *(json_t *const *)y;
	double of_a = json_number_value(json_object_get(json_object_get(a, "rate_1s"), "requests"));
	double of_b = json_number_value(json_object_get(json_object_get(b, "rate_1s"), "requests"));
	if (of_a != of_b)
		return of_a < of_b ? 1 : -1;
	return strcmp(stw_text(a, "name"), stw_text(b, "name"));
}

/* What people asked for, in its only pool; in several, how many. Fits 80 columns. */
static void describe(json_t *m)
{
	const json_t *places = json_object_get(m, "pools");
	const json_t *place = json_array_get(places, 0);
	char name[15], pool[9];
	snprintf(name, sizeof(name), "%s", stw_text(m, "name"));
	snprintf(pool, sizeof(pool), "%s", stw_text(place, "pool"));
	if (json_array_size(places) != 1)
		snprintf(pool, sizeof(pool), "%zu pools", json_array_size(places));
	json_object_set_new(m, "short_name", json_string(name));
	json_object_set_new(m, "pool", json_string(pool));
	json_object_set_new(m, "asked",
			    json_string(json_array_size(places) == 1 ? stw_text(place, "asked")
								     : "-"));
}

static json_t *sorted(const json_t *members)
{
	size_t n = json_array_size(members), i;
	json_t **rows = calloc(n + 1, sizeof(json_t *));
	json_t *out = json_array();
	json_t *m;
	json_array_foreach(members, i, m)
	{
		if (rows)
			rows[i] = m;
	}
	if (rows)
		qsort(rows, n, sizeof(json_t *), by_load);
	for (i = 0; rows && i < n; i++) {
		describe(rows[i]);
		json_array_append(out, rows[i]);
	}
	free(rows);
	return out;
}

/* @param max  rows that fit; 0: all */
static void print_members(const struct view *v, size_t max)
{
	static const struct stw_column columns[] = {
		{"MEMBER", "short_name", STW_COLUMN_TEXT},
		{"POOL", "pool", STW_COLUMN_TEXT},
		{"ASKED", "asked", STW_COLUMN_TEXT},
		{"SEEN", "state", STW_COLUMN_TEXT},
		{">CALLS/S", "rate_1s.new_calls", STW_COLUMN_RATE},
		{">REQ/S", "rate_1s.requests", STW_COLUMN_RATE},
		{">5XX/S", "rate_1s.failed", STW_COLUMN_RATE},
		{">P50MS", "first_answer_ms.p50", STW_COLUMN_MS},
		{">P95MS", "first_answer_ms.p95", STW_COLUMN_MS},
	};
	json_t *rows = sorted(json_object_get(v->members.json, "members"));
	stw_print_columns(rows, max, columns, STW_N_COLUMNS(columns), stdout);
	if (max && json_array_size(rows) > max)
		printf("... and %zu more: strowgerctl show members\n", json_array_size(rows) - max);
	json_decref(rows);
}

/* Reasons of all drops since the data plane started, as many as fit two lines. */
static void print_drops(const struct view *v)
{
	const json_t *total = json_object_get(v->counters.json, "total");
	const json_t *c = json_object_get(total, "counters");
	size_t column = 0;
	for (int i = STW_C_FIRST_DROP; i <= STW_C_LAST_DROP; i++) {
		const char *name = stw_counter_rows[i].name;
		json_int_t n = json_integer_value(json_object_get(c, name));
		if (n == 0)
			continue;
		if (column == 0)
			column = (size_t)printf("\ndropped:");
		if (column + strlen(name) + 22 > 80)
			column = (size_t)printf("\n        ") - 1;
		column += (size_t)printf(" %s %" JSON_INTEGER_FORMAT, name, n);
	}
	if (column)
		printf("\n");
}

/* Rows for members on a terminal, when heads, workers and drops have theirs. */
static size_t rows_for_members(const struct view *v)
{
	struct winsize size;
	size_t taken = 11 + json_array_size(json_object_get(v->workers.json, "workers"));
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_row == 0)
		return 0;
	return size.ws_row > taken + 1 ? size.ws_row - taken : 1;
}

static void print_view(const struct view *v, bool live)
{
	print_head(v);
	print_workers(v);
	print_members(v, live ? rows_for_members(v) : 0);
	print_drops(v);
}

/* One turn. On a terminal the screen is drawn again, and a lost control is waited for. */
static int turn(struct stw_cli *cli, bool live)
{
	struct view v = {0};
	int rc = fetch(cli, &v);
	if (live)
		fputs("\033[H\033[J", stdout);
	if (rc == STW_EXIT_OK)
		print_view(&v, live);
	else
		fprintf(live ? stdout : stderr, "strowgerctl: %s\n",
			rc == STW_EXIT_UNREACHABLE ? stw_client_trouble(cli->client)
						   : "control refused");
	fflush(stdout);
	view_fini(&v);
	return rc;
}

int stw_run_top(struct stw_cli *cli)
{
	bool live = isatty(STDOUT_FILENO) && cli->count == 0;
	stw_loop_catch();
	for (long i = 0; cli->count == 0 || i < cli->count; i++) {
		if (i > 0) {
			stw_wait_s(cli->interval_s);
			if (stw_loop_stopped())
				break;
			if (!live)
				printf("\n");
		}
		int rc = turn(cli, live);
		if (rc != STW_EXIT_OK && !live)
			return rc;
		if (ferror(stdout))
			break; /* nobody reads; main() tells */
	}
	return STW_EXIT_OK;
}
