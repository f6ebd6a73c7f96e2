/* SPDX-License-Identifier: BSD-3-Clause */
/* The two processes, their link, the tables served and the configuration. */
#include "control/metrics/metrics.h"

#include <string.h>

#include "control/metrics/family.h"
#include "control/version.h"

static void one(FILE *out, const char *name, const char *type, const char *help, double value)
{
	stw_family(out, name, type, help);
	stw_sample(out, name, "", NULL, value);
}

static void build(const struct stw_stats *st, FILE *out)
{
	const char *dataplane = st ? st->version_text : "";
	const struct stw_label labels[] = {{"version", STW_VERSION},
					   {"dataplane_version", dataplane},
					   {NULL, NULL}};

	stw_family(out, "strowger_build_info", "gauge",
		   "Versions of control and of the connected data plane.");
	stw_sample(out, "strowger_build_info", "", labels, 1);
}

static void tables(const struct stw_publish_status *st, FILE *out)
{
	static const char hex[] = "0123456789abcdef";
	char digest[65] = "";

	for (size_t i = 0; st->generation && i < sizeof(st->digest); i++) {
		digest[2 * i] = hex[st->digest[i] >> 4];
		digest[2 * i + 1] = hex[st->digest[i] & 15];
	}
	const struct stw_label labels[] = {{"digest", digest}, {NULL, NULL}};

	one(out, "strowger_tables_generation", "gauge",
	    "Generation of the tables being served, 0 when none is known.", (double)st->generation);
	stw_family(out, "strowger_tables_info", "gauge",
		   "Digest of the tables being served: equal on nodes that route alike.");
	stw_sample(out, "strowger_tables_info", "", labels, 1);
	one(out, "strowger_tables_swap_seconds", "gauge",
	    "The last swap of tables, from publishing to the end of the grace period.",
	    (double)st->swap_ns / 1e9);
	one(out, "strowger_tables_check_seconds", "gauge",
	    "Checking and copying the last tables took that long.", (double)st->check_ns / 1e9);
	one(out, "strowger_tables_changes_waiting", "gauge",
	    "Changes that the data plane does not serve yet.", (double)(st->changes - st->settled));
	one(out, "strowger_tables_refused", "gauge",
	    "1 while the newest tables were refused and older ones go on serving.",
	    st->refused_reason[0] != '\0');
}

static void configuration(const struct stw_control *c, FILE *out)
{
	one(out, "strowger_config_loaded_timestamp_seconds", "gauge",
	    "When the running configuration was read.", c->loaded_unix_s);
	one(out, "strowger_config_last_reload_successful", "gauge",
	    "0 when the last reload was refused.", c->reload_refused_unix_s <= 0);
	one(out, "strowger_config_overrides", "gauge",
	    "Members asked at run time to be other than the file says.",
	    (double)stw_overrides_n(c->overrides));
	one(out, "strowger_control_start_time_seconds", "gauge", "When control started.",
	    c->started_unix_s);
}

static void slow_path(const struct stw_slow_counters *c, FILE *out)
{
	stw_family(out, "strowger_slow_path_messages_total", "counter",
		   "What became of messages whose next hop's name was not known to the workers.");
#define X(counter, help)                                                                      \
	if (strcmp(#counter, "waiting") != 0)                                                 \
		stw_sample_u64(out, "strowger_slow_path_messages_total", "",                  \
			       (const struct stw_label[]){{"event", #counter}, {NULL, NULL}}, \
			       c->counter);
	STW_SLOW_COUNTERS(X)
#undef X
	one(out, "strowger_slow_path_waiting", "gauge", "Messages that wait for a name.",
	    (double)c->waiting);
}

static void export(const struct stw_export_counters *c, FILE *out)
{
	one(out, "strowger_export_sent_total", "counter",
	    "Recorded messages sent to the HEP server.", (double)c->sent);
	one(out, "strowger_export_lost_total", "counter",
	    "Recorded messages that were not sent: too many, or the server refused them.",
	    (double)c->lost);
}

void stw_metrics_process(struct stw_api *api, FILE *out)
{
	const struct stw_control *c = api->control;
	const struct stw_stats *st = stw_publish_stats(c->publish);
	struct stw_publish_status status;

	stw_publish_get_status(c->publish, &status);
	build(st, out);
	one(out, "strowger_dataplane_connected", "gauge", "1 while the data plane is connected.",
	    status.link >= STW_LINK_IDLE);
	one(out, "strowger_dataplane_stalled", "gauge",
	    "1 when the data plane's installer has not moved for two seconds.",
	    status.link >= STW_LINK_IDLE && stw_sampler_stalled(api->sampler));
	if (st) {
		one(out, "strowger_dataplane_start_time_seconds", "gauge",
		    "When the data plane started; its counters count from there.",
		    (double)st->started_unix_s);
		one(out, "strowger_routes", "gauge", "Routes the data plane knows.",
		    (double)atomic_load_explicit(&st->routes, memory_order_relaxed));
		one(out, "strowger_neighbours", "gauge", "Next hops with a known MAC address.",
		    (double)atomic_load_explicit(&st->neighbours, memory_order_relaxed));
	}
	tables(&status, out);
	configuration(c, out);
	export(stw_export_counters(c->export), out);
	slow_path(stw_slow_counters(c->slow), out);
}
