/* SPDX-License-Identifier: BSD-3-Clause */
/* The registrar: what became of REGISTERs, and how its store is. */
#include "control/metrics/metrics.h"

#include <string.h>

#include <strowger/errors.h>

#include "control/metrics/family.h"
#include "control/slow/registering.h"

#define REGISTERS "strowger_registrar_registers_total"

static void one(FILE *out, const char *name, const char *type, const char *help, uint64_t value)
{
	stw_family(out, name, type, help);
	stw_sample_u64(out, name, "", NULL, value);
}

/* These count no REGISTERs. */
static bool is_of_store(const char *counter)
{
	return strcmp(counter, "expired") == 0 || strcmp(counter, "damaged") == 0;
}

static void registers(const struct stw_registrar_counters *c, FILE *out)
{
	stw_family(out, REGISTERS, "counter", "What became of REGISTERs for hosted domains.");
#define X(counter, help)                                                                       \
	if (!is_of_store(#counter))                                                            \
		stw_sample_u64(out, REGISTERS, "",                                             \
			       (const struct stw_label[]){{"result", #counter}, {NULL, NULL}}, \
			       c->counter);
	STW_REGISTRAR_COUNTERS(X)
#undef X
	one(out, "strowger_registrar_bindings_expired_total", "counter",
	    "Bindings that ended by their time.", c->expired);
	one(out, "strowger_registrar_records_damaged_total", "counter",
	    "Records found damaged and left out.", c->damaged);
}

static uint64_t rows_of(struct stw_registrar *r, enum stw_store_table t)
{
	uint64_t n;

	return r && stw_store_count(stw_registrar_store(r), t, &n) == STW_OK ? n : 0;
}

/* Of the workers' table; all 0 while there is none. */
static void table(const struct stw_feed *feed, FILE *out)
{
	struct stw_location_figures f = {0};
	bool complete = false;

	(void)stw_feed_figures(feed, &f, &complete);
	one(out, "strowger_location_table_complete", "gauge",
	    "1 when the workers' table holds every user, so that they locate by themselves.",
	    complete && f.left_out == 0);
	one(out, "strowger_location_table_users", "gauge", "Users in the workers' table.", f.users);
	one(out, "strowger_location_table_bindings", "gauge", "Bindings in the workers' table.",
	    f.bindings);
	one(out, "strowger_location_table_bytes", "gauge", "Memory of the workers' table.",
	    f.bytes);
	one(out, "strowger_location_table_huge_bytes", "gauge",
	    "Of what the kernel gave to it, in huge pages: without them a look-up takes longer.",
	    f.huge_bytes);
	one(out, "strowger_location_table_left_out", "gauge",
	    "Users for whom the workers' table had no room: control locates for all.", f.left_out);
}

void stw_metrics_registrar(struct stw_api *api, FILE *out)
{
	static const struct stw_registrar_counters none;
	struct stw_registrar *r =
		stw_registering_registrar(stw_slow_registering(api->control->slow), NULL);

	one(out, "strowger_registrar_domains", "gauge", "Domains the registrar is configured for.",
	    api->control->model->registrar.n_domains);
	one(out, "strowger_registrar_serving", "gauge",
	    "1 while the registrar has its store and answers.", r != NULL);
	one(out, "strowger_registrar_store_open_failed_total", "counter",
	    "Times that the store could not be opened.",
	    stw_registering_open_failed(stw_slow_registering(api->control->slow)));
	one(out, "strowger_registrar_store_failing", "gauge",
	    "1 while the store cannot be written: REGISTERs are answered 503.",
	    r && stw_registrar_trouble(r) != STW_OK);
	one(out, "strowger_registrar_users", "gauge", "Users with bindings.",
	    rows_of(r, STW_TABLE_LOCATION));
	one(out, "strowger_registrar_subscribers", "gauge", "Users who may register.",
	    rows_of(r, STW_TABLE_SUBSCRIBER));
	table(api->control->feed, out);
	registers(r ? stw_registrar_counters(r) : &none, out);
}
