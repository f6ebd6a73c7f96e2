/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/cli/show.h"

#include <stdlib.h>
#include <string.h>

#include <strowger/counters.h>

#include "control/cli/cli.h"
#include "control/cli/columns.h"
#include "control/cli/grid.h"

static json_int_t integer(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static bool is_connected(const json_t *answer)
{
	return strcmp(stw_text(answer, "dataplane"), "connected") == 0;
}

void stw_print_link(const json_t *answer, FILE *out)
{
	if (is_connected(answer) && !json_is_string(json_object_get(answer, "reason")))
		return;
	fprintf(out, "data plane: %s for %s: %s\n", stw_text(answer, "dataplane"),
		stw_age_text(integer(answer, "since_unix_s")), stw_text(answer, "reason"));
}

static void print_refusals(const json_t *answer, FILE *out)
{
	const json_t *tables = json_object_get(answer, "tables");
	const json_t *refused = json_object_get(tables, "refused");
	const json_t *config = json_object_get(answer, "config");
	if (json_is_object(refused))
		fprintf(out, "refused:       generation %s, %s ago: %s\n",
			stw_text(refused, "generation"),
			stw_age_text(integer(refused, "at_unix_s")), stw_text(refused, "reason"));
	if (json_is_integer(json_object_get(config, "reload_refused_unix_s")))
		fprintf(out, "reload:        refused %s ago, the configuration before it runs\n",
			stw_age_text(integer(config, "reload_refused_unix_s")));
}

void stw_print_status(const json_t *answer, FILE *out)
{
	const json_t *tables = json_object_get(answer, "tables");
	const json_t *config = json_object_get(answer, "config");
	const json_t *control = json_object_get(answer, "control");
	const json_t *process = json_object_get(answer, "dataplane_process");
	fprintf(out, "data plane:    %s for %s", stw_text(answer, "dataplane"),
		stw_age_text(integer(answer, "since_unix_s")));
	if (json_is_string(json_object_get(answer, "reason")))
		fprintf(out, ": %s", stw_text(answer, "reason"));
	if (json_is_object(process))
		fprintf(out, ", pid %s, up %s", stw_text(process, "pid"),
			stw_age_text(integer(process, "started_unix_s")));
	if (integer(answer, "generation") > 0)
		fprintf(out, "\ngeneration:    %s, checked in %s us, swapped in %s us\n",
			stw_text(answer, "generation"), stw_text(tables, "check_us"),
			stw_text(tables, "swap_us"));
	else
		fprintf(out, "\ngeneration:    none served\n");
	fprintf(out, "digest:        %s\n", stw_text(tables, "digest"));
	fprintf(out, "changes:       %s waiting\n", stw_text(tables, "changes_waiting"));
	fprintf(out, "control:       %s, pid %s, up %s\n", stw_text(control, "version"),
		stw_text(control, "pid"), stw_age_text(integer(control, "started_unix_s")));
	fprintf(out, "configuration: %s, read %s ago\n", stw_text(config, "path"),
		stw_age_text(integer(config, "loaded_unix_s")));
	fprintf(out, "               %s ports, %s listeners, %s pools, %s members, %s overrides\n",
		stw_text(config, "ports"), stw_text(config, "listeners"), stw_text(config, "pools"),
		stw_text(config, "members"), stw_text(config, "overrides"));
	fprintf(out, "HTTP port:     %s\n", stw_text(answer, "http"));
	print_refusals(answer, out);
}

void stw_print_version(const json_t *answer, FILE *out)
{
	const json_t *control = json_object_get(answer, "control");
	const json_t *process = json_object_get(answer, "dataplane_process");
	struct stw_grid g;
	stw_grid_init(&g, (const char *const[]){"PART", "VERSION", NULL});
	stw_grid_add(&g, "strowgerctl");
	stw_grid_add(&g, "%s", STW_VERSION);
	stw_grid_add(&g, "strowger-control");
	stw_grid_add(&g, "%s", stw_text(control, "version"));
	stw_grid_add(&g, "strowger-dataplane");
	stw_grid_add(&g, "%s", process ? stw_text(process, "version") : "-");
	stw_grid_add(&g, "allocator of control");
	stw_grid_add(&g, "%s", stw_text(control, "allocator"));
	const char *name;
	json_t *version;
	json_object_foreach(json_object_get(answer, "libraries"), name, version)
	{
		stw_grid_add(&g, "%s", stw_safe(name));
		stw_grid_add(&g, "%s", stw_safe(json_string_value(version)));
	}
	stw_grid_print(&g, out);
	stw_grid_fini(&g);
}

void stw_print_workers(const json_t *answer, FILE *out)
{
	static const struct stw_column columns[] = {
		STW_WORKER_COLUMNS,
		{">DROP/S", "rate_1s.dropped", STW_COLUMN_RATE},
		{">RECEIVED", "received", STW_COLUMN_TEXT},
		{">SENT", "sent", STW_COLUMN_TEXT},
		{">ANSWERED", "answered", STW_COLUMN_TEXT},
		{">KERNEL", "kernel", STW_COLUMN_TEXT},
		{">DROPPED", "dropped", STW_COLUMN_TEXT},
	};
	stw_print_columns(json_object_get(answer, "workers"), 0, columns, STW_N_COLUMNS(columns),
			  out);
}

void stw_print_ports(const json_t *answer, FILE *out)
{
	static const struct stw_column columns[] = {
		{"PORT", "name", STW_COLUMN_TEXT},
		{"LINK", "link", STW_COLUMN_TEXT},
		{"KERNEL", "kernel", STW_COLUMN_TEXT},
		{"MAC", "mac", STW_COLUMN_TEXT},
		{">MTU", "mtu", STW_COLUMN_TEXT},
		{">QUEUES", "rx_queues", STW_COLUMN_TEXT},
		{">RX PACKETS", "rx_packets", STW_COLUMN_TEXT},
		{">RX BYTES", "rx_bytes", STW_COLUMN_TEXT},
		{">TX PACKETS", "tx_packets", STW_COLUMN_TEXT},
		{">TX BYTES", "tx_bytes", STW_COLUMN_TEXT},
		{">MISSED", "rx_missed", STW_COLUMN_TEXT},
		{">NO BUFFER", "rx_no_buffer", STW_COLUMN_TEXT},
		{">RX ERRORS", "rx_errors", STW_COLUMN_TEXT},
		{">TX ERRORS", "tx_errors", STW_COLUMN_TEXT},
		{"DEVICE", "device", STW_COLUMN_TEXT},
	};
	stw_print_columns(json_object_get(answer, "ports"), 0, columns, STW_N_COLUMNS(columns),
			  out);
}

void stw_print_listeners(const json_t *answer, FILE *out)
{
	static const struct stw_column columns[] = {
		{"LISTENER", "name", STW_COLUMN_TEXT},
		{"ADDRESS", "address", STW_COLUMN_TEXT},
		{"TRANSPORT", "transport", STW_COLUMN_TEXT},
		{"POOL", "pool", STW_COLUMN_TEXT},
		{">REQ/S", "rate_10s.requests", STW_COLUMN_RATE},
		{">REQUESTS", "counters.requests", STW_COLUMN_TEXT},
		{">RESPONSES", "counters.responses", STW_COLUMN_TEXT},
		{">CALLS", "counters.new_calls", STW_COLUMN_TEXT},
		{">ANSWERED", "counters.answered", STW_COLUMN_TEXT},
	};
	stw_print_columns(json_object_get(answer, "listeners"), 0, columns, STW_N_COLUMNS(columns),
			  out);
}

static void print_rules(const json_t *answer, FILE *out)
{
	static const struct stw_column columns[] = {
		{"RULE", "name", STW_COLUMN_TEXT},
		{"WHEN", "when", STW_COLUMN_TEXT},
		{"ACTION", "action", STW_COLUMN_TEXT},
		{">HITS/S", "rate_10s.hits", STW_COLUMN_RATE},
		{">HITS", "hits", STW_COLUMN_TEXT},
	};
	stw_print_columns(json_object_get(answer, "rules"), 0, columns, STW_N_COLUMNS(columns),
			  out);
}

void stw_print_pools(const json_t *answer, FILE *out)
{
	struct stw_grid g;
	size_t i, k;
	json_t *pool, *m;
	stw_grid_init(&g, (const char *const[]){"POOL", "RECORD-ROUTE", ">SLOTS", "MEMBER",
						"ADDRESS", ">WEIGHT", "ASKED", ">SHARE", NULL});
	json_array_foreach(json_object_get(answer, "pools"), i, pool)
	{
		json_array_foreach(json_object_get(pool, "members"), k, m)
		{
			stw_grid_add(&g, "%s", k ? "" : stw_text(pool, "name"));
			stw_grid_add(&g, "%s", k ? "" : stw_text(pool, "record_route"));
			stw_grid_add(&g, "%s", k ? "" : stw_text(pool, "slots"));
			stw_grid_add(&g, "%s", stw_text(m, "name"));
			stw_grid_add(&g, "%s", stw_text(m, "address"));
			stw_grid_add(&g, "%s", stw_text(m, "weight"));
			stw_grid_add(&g, "%s", stw_text(m, "asked"));
			stw_grid_add(&g, "%.1f %%",
				     100 * json_number_value(json_object_get(m, "share")));
		}
	}
	stw_grid_print(&g, out);
	stw_grid_fini(&g);
}

static void add_member_row(struct stw_grid *g, const json_t *m, const json_t *place, bool first)
{
	const json_t *rate = json_object_get(m, "rate_1s");
	const json_t *c = json_object_get(m, "counters");
	const char *const counted[] = {"requests", "new_calls", "success",
				       "rejected", "failed",	"unsent"};
	stw_grid_add(g, "%s", first ? stw_text(m, "name") : "");
	stw_grid_add(g, "%s", first ? stw_text(m, "address") : "");
	stw_grid_add(g, "%s", stw_text(place, "pool"));
	stw_grid_add(g, "%s", stw_text(place, "weight"));
	stw_grid_add(g, "%s%s", stw_text(place, "asked"),
		     json_is_integer(json_object_get(place, "overridden_unix_s")) ? "*" : "");
	stw_grid_add(g, "%s", stw_text(json_object_get(place, "observed"), "state"));
	stw_grid_add(g, "%s", first ? stw_text(m, "number") : "");
	stw_grid_add(g, "%s", first ? stw_rate_text(rate, "requests") : "");
	stw_grid_add(g, "%s", first ? stw_rate_text(rate, "new_calls") : "");
	stw_grid_add(g, "%s", first ? stw_text(m, "open") : "");
	for (size_t i = 0; i < STW_N_COLUMNS(counted); i++)
		stw_grid_add(g, "%s", first ? stw_text(c, counted[i]) : "");
}

/* "k1 in farm: failed for 12 s: 3 probes without answer", and how far a drain is. */
static void print_observed(const json_t *m, const json_t *place, FILE *out)
{
	const json_t *o = json_object_get(place, "observed");
	const json_t *drain = json_object_get(o, "drain");
	const char *state = stw_text(o, "state");
	if (json_is_object(o) && strcmp(state, "healthy") != 0 && strcmp(state, "unchecked") != 0)
		fprintf(out, "%s in %s: %s for %s, %s %% of its weight: %s%s\n",
			stw_text(m, "name"), stw_text(place, "pool"), state,
			stw_age_text(integer(o, "since_unix_s")), stw_text(o, "share_percent"),
			stw_text(o, "reason"),
			json_is_true(json_object_get(o, "panic")) ? " (panic: all serve)" : "");
	if (json_is_object(drain) && strcmp(stw_text(place, "asked"), "up") != 0)
		fprintf(out, "%s in %s: %s: %s; %s requests open, none seen for %s of %s s\n",
			stw_text(m, "name"), stw_text(place, "pool"), stw_text(place, "asked"),
			json_is_true(json_object_get(drain, "empty")) ? "empty" : "not empty yet",
			stw_text(drain, "open"), stw_text(drain, "quiet_s"),
			stw_text(drain, "needed_s"));
}

static void print_all_observed(const json_t *answer, FILE *out)
{
	size_t i, k;
	json_t *m, *place;
	json_array_foreach(json_object_get(answer, "members"), i, m)
		json_array_foreach(json_object_get(m, "pools"), k, place)
			print_observed(m, place, out);
}

void stw_print_members(const json_t *answer, FILE *out)
{
	struct stw_grid g;
	size_t i, k;
	json_t *m, *place;
	bool overridden = false;
	stw_grid_init(&g, (const char *const[]){"MEMBER", "ADDRESS", "POOL", ">WEIGHT", "ASKED",
						"STATE", ">NUMBER", ">REQ/S", ">CALLS/S", ">OPEN",
						">REQUESTS", ">CALLS", ">2XX", ">3-4,6XX", ">5XX",
						">UNSENT", NULL});
	json_array_foreach(json_object_get(answer, "members"), i, m)
	{
		json_array_foreach(json_object_get(m, "pools"), k, place)
		{
			add_member_row(&g, m, place, k == 0);
			overridden |= json_is_integer(json_object_get(place, "overridden_unix_s"));
		}
	}
	stw_grid_print(&g, out);
	if (overridden)
		fprintf(out, "* asked for at run time; the file says otherwise\n");
	print_all_observed(answer, out);
	stw_grid_fini(&g);
}

static void add_counter_row(struct stw_grid *g, const json_t *answer, const char *name,
			    const json_t *workers)
{
	size_t i;
	json_t *w;
	const json_t *total = json_object_get(json_object_get(answer, "total"), "counters");
	stw_grid_add(g, "%s", name);
	stw_grid_add(g, "%s", stw_text(total, name));
	json_array_foreach(workers, i, w)
		stw_grid_add(g, "%s", stw_text(json_object_get(w, "counters"), name));
}

static void print_ledger(const char *who, const json_t *l, FILE *out)
{
	fprintf(out, "%s: received %s + injected %s = ends %s + drops %s + waiting %s", who,
		stw_text(l, "received"), stw_text(l, "injected"), stw_text(l, "ends"),
		stw_text(l, "drops"), stw_text(l, "waiting"));
	if (!json_is_true(json_object_get(l, "balanced")))
		fprintf(out, " + in hand %s", stw_text(l, "in_hand"));
	fprintf(out, "\n");
}

#define WORKER_COLUMNS 8

void stw_print_counters(const json_t *answer, bool all, FILE *out)
{
	const json_t *workers = json_object_get(answer, "workers");
	const json_t *total = json_object_get(answer, "total");
	if (!json_is_object(total))
		return;
	char names[WORKER_COLUMNS][24];
	const char *headings[WORKER_COLUMNS + 3] = {"COUNTER", ">TOTAL"};
	size_t n = json_array_size(workers);
	if (n == 1 || n > WORKER_COLUMNS)
		n = 0; /* one says nothing more, many do not fit: --json has them */
	for (size_t i = 0; i < n; i++) {
		snprintf(names[i], sizeof(names[i]), ">WORKER %s",
			 stw_text(json_array_get(workers, i), "worker"));
		headings[2 + i] = names[i];
	}
	struct stw_grid g;
	const char *name;
	json_t *value;
	stw_grid_init(&g, headings);
	json_object_foreach(json_object_get(total, "counters"), name,
			    value) if (all || json_integer_value(value) != 0)
		add_counter_row(&g, answer, name, n ? workers : NULL);
	stw_grid_print(&g, out);
	stw_grid_fini(&g);
	print_ledger("ledger", json_object_get(total, "ledger"), out);
	fprintf(out, "counting for %s, since the data plane started\n",
		stw_age_text(integer(answer, "counting_since_unix_s")));
}

static void print_answer(const struct stw_cli *cli, const json_t *answer)
{
	switch (cli->command->endpoint) {
	case STW_ENDPOINT_STATUS: stw_print_status(answer, stdout); return;
	case STW_ENDPOINT_VERSION: stw_print_version(answer, stdout); break;
	case STW_ENDPOINT_WORKERS: stw_print_workers(answer, stdout); break;
	case STW_ENDPOINT_PORTS: stw_print_ports(answer, stdout); break;
	case STW_ENDPOINT_LISTENERS: stw_print_listeners(answer, stdout); break;
	case STW_ENDPOINT_RULES: print_rules(answer, stdout); break;
	case STW_ENDPOINT_POOLS: stw_print_pools(answer, stdout); break;
	case STW_ENDPOINT_MEMBERS: stw_print_members(answer, stdout); break;
	case STW_ENDPOINT_NAMES: stw_print_names(answer, stdout); break;
	case STW_ENDPOINT_REGISTRAR: stw_print_registrar(answer, stdout); break;
	case STW_ENDPOINT_COUNTERS: stw_print_counters(answer, cli->all, stdout); break;
	default: break;
	}
	stw_print_link(answer, stdout);
}

int stw_run_show(struct stw_cli *cli)
{
	return stw_cli_ask(cli, NULL, NULL, print_answer);
}
