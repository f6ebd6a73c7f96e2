/* SPDX-License-Identifier: BSD-3-Clause */
/* Listeners, pools and members, as configured; members with their counters. */
#include "control/metrics/metrics.h"

#include <stdlib.h>
#include <string.h>

#include "control/api/handlers.h"
#include "control/metrics/family.h"
#include "control/model/numbers.h"

static void listeners(const struct stw_model *m, FILE *out)
{
	stw_family(out, "strowger_listener_info", "gauge", "Listeners and the pools they feed.");
	for (size_t i = 0; i < m->n_listeners; i++) {
		const struct stw_model_listener *l = &m->listeners[i];
		char address[STW_ENDPOINT_TEXT];

		stw_endpoint_format(&l->address, address);
		stw_sample(out, "strowger_listener_info", "",
			   (const struct stw_label[]){
				   {"listener", l->name},
				   {"address", address},
				   {"transport", stw_api_transport(l->address.transport)},
				   {"pool", l->pool < m->n_pools ? m->pools[l->pool].name : ""},
				   {NULL, NULL}},
			   1);
	}
}

/* Always there, like members: zero before the data plane serves it. */
static void listener_counters(struct stw_api *api, FILE *out)
{
	const struct stw_model *m = api->control->model;

	for (int c = 0; c < STW_N_LISTENER_COUNTERS; c++) {
		const struct stw_counter_row *row = &stw_listener_counter_rows[c];
		char name[96], help[160];

		snprintf(name, sizeof(name), "strowger_listener_%s_total", row->name);
		snprintf(help, sizeof(help), "Of a listener: %s.", row->help);
		stw_family(out, name, "counter", help);
		for (size_t i = 0; i < m->n_listeners; i++) {
			struct stw_listener_counts n = {0};

			stw_sampler_listener(api->sampler, &m->listeners[i].address, &n);
			stw_sample_u64(out, name, "",
				       (const struct stw_label[]){{"listener",
								   m->listeners[i].name},
								  {NULL, NULL}},
				       n.c[c]);
		}
	}
}

/* @weights: those of the pool that count for new calls, together */
typedef double (*place_fn)(const struct stw_model_pool_member *pm, uint64_t weights);

/* One sample for each place of a member in a pool. */
static void places(const struct stw_model *m, const char *name, const char *help, place_fn value,
		   FILE *out)
{
	stw_family(out, name, "gauge", help);
	for (size_t i = 0; i < m->n_pools; i++) {
		const struct stw_model_pool *pool = &m->pools[i];
		uint64_t weights = stw_api_counting_weights(pool);

		for (size_t k = 0; k < pool->n_members; k++) {
			const struct stw_model_pool_member *pm = &pool->members[k];

			stw_sample(out, name, "",
				   (const struct stw_label[]){{"pool", pool->name},
							      {"member",
							       m->members[pm->member].name},
							      {NULL, NULL}},
				   value(pm, weights));
		}
	}
}

static double weight_of(const struct stw_model_pool_member *pm, uint64_t weights)
{
	(void)weights;
	return pm->weight;
}

static double asked_up(const struct stw_model_pool_member *pm, uint64_t weights)
{
	(void)weights;
	return pm->asked == STW_ASKED_UP;
}

static double share_of(const struct stw_model_pool_member *pm, uint64_t weights)
{
	return weights ? (double)stw_api_counting_weight(pm) / (double)weights : 0;
}

static void pools(const struct stw_model *m, FILE *out)
{
	stw_family(out, "strowger_pool_members", "gauge", "Members configured for a pool.");
	for (size_t i = 0; i < m->n_pools; i++)
		stw_sample(out, "strowger_pool_members", "",
			   (const struct stw_label[]){{"pool", m->pools[i].name}, {NULL, NULL}},
			   (double)m->pools[i].n_members);
	places(m, "strowger_pool_member_weight", "Weight of a member in a pool.", weight_of, out);
	places(m, "strowger_pool_member_asked_up",
	       "1 when the member may get new calls, 0 when a drain or a stop was asked for.",
	       asked_up, out);
	places(m, "strowger_pool_member_share_ratio",
	       "Share of the pool's new calls that goes to the member.", share_of, out);
}

/* One sample a state, of which one is 1: as Prometheus likes state sets. */
static void observed(const struct stw_control *c, FILE *out)
{
	static const char family[] = "strowger_pool_member_observed";
	static const char *const states[] = {"unchecked", "healthy", "probing", "failed"};
	const struct stw_model *m = c->model;

	stw_family(out, family, "gauge",
		   "1 for the state that probes and traffic found a member in, 0 for the others.");
	for (size_t i = 0; i < m->n_pools; i++)
		for (size_t k = 0; k < m->pools[i].n_members; k++) {
			const struct stw_model_member *member =
				&m->members[m->pools[i].members[k].member];
			struct stw_monitor_view v;
			const char *state = "unchecked";

			if (stw_monitor_view(c->monitor, m->pools[i].name, &member->address, &v))
				state = v.state;
			for (size_t s = 0; s < sizeof(states) / sizeof(states[0]); s++)
				stw_sample(out, family, "",
					   (const struct stw_label[]){{"pool", m->pools[i].name},
								      {"member", member->name},
								      {"state", states[s]},
								      {NULL, NULL}},
					   strcmp(state, states[s]) == 0);
		}
}

/* Each member's counters since it got its number; zero before. */
static struct stw_member_counts *all_totals(struct stw_api *api)
{
	const struct stw_model *m = api->control->model;
	struct stw_member_counts *all = calloc(m->n_members + 1, sizeof(*all));

	for (size_t i = 0; all && i < m->n_members; i++) {
		int number = stw_numbers_find(api->control->numbers, &m->members[i].address);

		if (number >= 0)
			stw_sampler_member_total(api->sampler, (uint16_t)number, &all[i]);
	}
	return all;
}

static void member_counter(const struct stw_model *m, int c, const struct stw_member_counts *all,
			   FILE *out)
{
	char name[96];
	char help[160];

	snprintf(name, sizeof(name), "strowger_member_%s_total", stw_member_counter_rows[c].name);
	snprintf(help, sizeof(help), "Of a member: %s.", stw_member_counter_rows[c].help);
	stw_family(out, name, "counter", help);
	for (size_t i = 0; i < m->n_members; i++) {
		char address[STW_ENDPOINT_TEXT];

		stw_endpoint_format(&m->members[i].address, address);
		stw_sample_u64(out, name, "",
			       (const struct stw_label[]){{"member", m->members[i].name},
							  {"address", address},
							  {NULL, NULL}},
			       all[i].c[c]);
	}
}

static void first_answer(const char *member, const struct stw_member_counts *counts, FILE *out)
{
	static const char family[] = "strowger_member_first_answer_seconds";
	uint64_t sum = 0;
	char le[24];

	for (unsigned b = 0; b < STW_LATENCY_BUCKETS; b++) {
		sum += counts->first_answer[b];
		if (b + 1 < STW_LATENCY_BUCKETS)
			snprintf(le, sizeof(le), "%.9g", (double)(UINT64_C(2) << b) / 1e6);
		else
			snprintf(le, sizeof(le), "+Inf");
		stw_sample_u64(out, family, "_bucket",
			       (const struct stw_label[]){{"member", member},
							  {"le", le},
							  {NULL, NULL}},
			       sum);
	}
	const struct stw_label labels[] = {{"member", member}, {NULL, NULL}};
	stw_sample(out, family, "_sum", labels, (double)counts->first_answer_us / 1e6);
	stw_sample_u64(out, family, "_count", labels, sum);
}

static void first_answers(const struct stw_model *m, const struct stw_member_counts *all, FILE *out)
{
	stw_family(out, "strowger_member_first_answer_seconds", "histogram",
		   "From a request sent to the member to its first answer.");
	for (size_t i = 0; i < m->n_members; i++)
		first_answer(m->members[i].name, &all[i], out);
}

void stw_metrics_farm(struct stw_api *api, FILE *out)
{
	const struct stw_model *m = api->control->model;
	struct stw_member_counts *all = all_totals(api);

	listeners(m, out);
	listener_counters(api, out);
	pools(m, out);
	observed(api->control, out);
	for (int c = 0; all && c < STW_N_MEMBER_COUNTERS; c++)
		member_counter(m, c, all, out);
	if (all)
		first_answers(m, all, out);
	free(all);
}
