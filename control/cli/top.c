/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/cli/cli.h"

#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include <strowger/counters.h>

#include "control/cli/client.h"
#include "control/cli/grid.h"
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
	struct stw_grid g;
	size_t i;
	json_t *w;
	stw_grid_init(&g, (const char *const[]){">WORKER", ">CORE", ">BUSY", ">RX/S", ">TX/S",
						">ANSWER/S", ">KERNEL/S", ">DROP/S", NULL});
	json_array_foreach(json_object_get(v->workers.json, "workers"), i, w)
	{
		const json_t *rate = json_object_get(w, "rate_1s");
		const json_t *busy = json_object_get(w, "busy_1s");
		stw_grid_add(&g, "%s", stw_text(w, "worker"));
		stw_grid_add(&g, "%s", stw_text(w, "core"));
		if (json_is_number(busy))
			stw_grid_add(&g, "%.1f %%", 100 * json_number_value(busy));
		else
			stw_grid_add(&g, "-");
		stw_grid_add(&g, "%s", stw_rate_text(rate, "received"));
		stw_grid_add(&g, "%s", stw_rate_text(rate, "sent"));
		stw_grid_add(&g, "%s", stw_rate_text(rate, "answered"));
		stw_grid_add(&g, "%s", stw_rate_text(rate, "kernel"));
		stw_grid_add(&g, "%s", stw_rate_text(rate, "dropped"));
	}
	stw_grid_print(&g, stdout);
	stw_grid_fini(&g);
	printf("\n");
}

/* Weight and state asked for in the member's only pool; in several, how many. */
static void add_place(struct stw_grid *g, const json_t *m)
{
	const json_t *places = json_object_get(m, "pools");
	const json_t *place = json_array_get(places, 0);
	if (json_array_size(places) == 1) {
		stw_grid_add(g, "%.10s", stw_text(place, "pool"));
		stw_grid_add(g, "%s", stw_text(place, "weight"));
		stw_grid_add(g, "%s", stw_text(place, "asked"));
	} else {
		stw_grid_add(g, "%zu pools", json_array_size(places));
		stw_grid_add(g, "-");
		stw_grid_add(g, "-");
	}
}

/* @param max  rows that fit; 0: all */
static void print_members(const struct view *v, size_t max)
{
	struct stw_grid g;
	size_t i;
	json_t *m;
	const json_t *members = json_object_get(v->members.json, "members");
	stw_grid_init(&g, (const char *const[]){"MEMBER", "POOL", ">WEIGHT", "ASKED", ">CALLS/S",
						">REQ/S", ">2XX/S", ">5XX/S", ">CALLS", NULL});
	json_array_foreach(json_object_get(v->members.json, "members"), i, m)
	{
		const json_t *rate = json_object_get(m, "rate_1s");
		stw_grid_add(&g, "%.16s", stw_text(m, "name"));
		add_place(&g, m);
		stw_grid_add(&g, "%s", stw_rate_text(rate, "new_calls"));
		stw_grid_add(&g, "%s", stw_rate_text(rate, "requests"));
		stw_grid_add(&g, "%s", stw_rate_text(rate, "success"));
		stw_grid_add(&g, "%s", stw_rate_text(rate, "failed"));
		stw_grid_add(&g, "%s", stw_text(json_object_get(m, "counters"), "new_calls"));
	}
	stw_grid_print(&g, stdout);
	if (max && json_array_size(members) > max)
		printf("... and %zu more: strowgerctl show members\n",
		       json_array_size(members) - max);
	stw_grid_fini(&g);
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
	for (long i = 0; cli->count == 0 || i < cli->count; i++) {
		if (i > 0) {
			stw_wait_s(cli->interval_s);
			if (!live)
				printf("\n");
		}
		int rc = turn(cli, live);
		if (rc != STW_EXIT_OK && !live)
			return rc;
	}
	return STW_EXIT_OK;
}
