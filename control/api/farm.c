/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/api/handlers.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "control/model/numbers.h"

static json_t *address_text(const struct stw_endpoint *address)
{
	char text[STW_ENDPOINT_TEXT];
	stw_endpoint_format(address, text);
	return json_string(text);
}

/* Null before the data plane serves the listener. */
static void add_counts(json_t *o, const struct stw_listener_counts *n)
{
	json_t *counters = json_object();
	json_t *rates = json_object();
	for (int c = 0; n && c < STW_N_LISTENER_COUNTERS; c++) {
		const char *name = stw_listener_counter_rows[c].name;
		json_object_set_new(counters, name, json_integer((json_int_t)n->c[c]));
		json_object_set_new(rates, name, stw_api_rate(n->rated, n->per_s[c]));
	}
	json_object_set(o, "counters", n ? counters : json_null());
	json_object_set(o, "rate_10s", n ? rates : json_null());
	json_decref(counters);
	json_decref(rates);
}

static json_t *listener(const struct stw_api *api, const struct stw_model_listener *l)
{
	const struct stw_model *m = api->control->model;
	struct stw_listener_counts n;
	json_t *o = json_pack("{s:s, s:o, s:s, s:s?}", "name", l->name, "address",
			      address_text(&l->address), "transport",
			      stw_api_transport(l->address.transport), "pool",
			      l->pool < m->n_pools ? m->pools[l->pool].name : NULL);
	add_counts(o, stw_sampler_listener(api->sampler, &l->address, &n) ? &n : NULL);
	return o;
}

void stw_api_listeners(struct stw_api *api, struct stw_request *r)
{
	const struct stw_model *m = api->control->model;
	json_t *rows = json_array();
	for (size_t i = 0; i < m->n_listeners; i++)
		json_array_append_new(rows, listener(api, &m->listeners[i]));
	json_t *reply = stw_api_envelope(api);
	json_object_set_new(reply, "listeners", rows);
	stw_reply(r, 200, reply);
}

uint32_t stw_api_counting_weight(const struct stw_model_pool_member *pm)
{
	return pm->asked == STW_ASKED_UP ? pm->weight : 0;
}

uint64_t stw_api_counting_weights(const struct stw_model_pool *pool)
{
	uint64_t all = 0;
	for (size_t k = 0; k < pool->n_members; k++)
		all += stw_api_counting_weight(&pool->members[k]);
	return all;
}

static json_t *pool_members(const struct stw_model *m, const struct stw_model_pool *pool)
{
	uint64_t all = stw_api_counting_weights(pool);
	json_t *rows = json_array();
	for (size_t k = 0; k < pool->n_members; k++) {
		const struct stw_model_pool_member *pm = &pool->members[k];
		double share = all ? (double)stw_api_counting_weight(pm) / (double)all : 0;
		json_array_append_new(rows, json_pack("{s:s, s:o, s:I, s:s, s:f}", "name",
						      m->members[pm->member].name, "address",
						      address_text(&m->members[pm->member].address),
						      "weight", (json_int_t)pm->weight, "asked",
						      stw_asked_text(pm->asked), "share",
						      round(share * 10000) / 10000));
	}
	return rows;
}

static json_t *pool_listeners(const struct stw_model *m, size_t pool)
{
	json_t *names = json_array();
	for (size_t i = 0; i < m->n_listeners; i++)
		if (m->listeners[i].pool == pool)
			json_array_append_new(names, json_string(m->listeners[i].name));
	return names;
}

void stw_api_pools(struct stw_api *api, struct stw_request *r)
{
	const struct stw_model *m = api->control->model;
	json_t *rows = json_array();
	for (size_t i = 0; i < m->n_pools; i++) {
		const struct stw_model_pool *p = &m->pools[i];
		json_array_append_new(rows, json_pack("{s:s, s:b, s:I, s:o, s:o}", "name", p->name,
						      "record_route", (int)p->record_route, "slots",
						      (json_int_t)p->slots, "listeners",
						      pool_listeners(m, i), "members",
						      pool_members(m, p)));
	}
	json_t *reply = stw_api_envelope(api);
	json_object_set_new(reply, "pools", rows);
	stw_reply(r, 200, reply);
}

/* What was observed of it there. */
static json_t *observed(const struct stw_control *c, const char *pool,
			const struct stw_endpoint *address)
{
	struct stw_monitor_view v;
	if (!stw_monitor_view(c->monitor, pool, address, &v))
		return json_null();
	json_t *answered = v.status ? json_integer(v.status) : json_null();
	json_t *probes =
		json_pack("{s:I, s:I, s:I, s:o, s:o}", "sent", (json_int_t)v.sent, "answered",
			  (json_int_t)v.answered, "missed", (json_int_t)v.missed, "last_status",
			  answered, "round_trip_ms", stw_api_rate(v.answered > 0, v.round_trip_ms));
	json_t *drain = json_pack("{s:f, s:I, s:I, s:b}", "quiet_s", round(v.quiet_s), "needed_s",
				  (json_int_t)v.quiet_needed_s, "open", (json_int_t)v.open, "empty",
				  (int)v.empty);
	return json_pack("{s:s, s:s, s:s, s:I, s:i, s:b, s:i, s:o, s:o}", "state", v.state, "cause",
			 v.cause, "reason", v.reason, "since_unix_s", (json_int_t)v.since_unix_s,
			 "share_percent", (int)v.share_percent, "panic", (int)v.panic, "strikes",
			 (int)v.strikes, "probes", probes, "drain", drain);
}

/* A member's place in one pool: what is in force, and what the file says. */
static json_t *place(const struct stw_control *c, size_t pool, size_t k)
{
	const struct stw_model_pool *p = &c->model->pools[pool];
	const struct stw_model_pool_member *pm = &p->members[k];
	const struct stw_endpoint *address = &c->model->members[pm->member].address;
	const struct stw_model_pool_member *file = stw_file_members_use(c->file, pool, address);
	const struct stw_override *o = stw_overrides_find(c->overrides, p->name, address);
	return json_pack("{s:s, s:I, s:s, s:o, s:s?, s:o, s:o}", "pool", p->name, "weight",
			 (json_int_t)pm->weight, "asked", stw_asked_text(pm->asked), "file_weight",
			 file ? json_integer(file->weight) : json_null(), "file_asked",
			 file ? stw_asked_text(file->asked) : NULL, "overridden_unix_s",
			 o ? json_integer((json_int_t)o->since_unix_s) : json_null(), "observed",
			 observed(c, p->name, address));
}

static json_t *places(const struct stw_control *c, size_t member)
{
	json_t *rows = json_array();
	for (size_t i = 0; i < c->model->n_pools; i++)
		for (size_t k = 0; k < c->model->pools[i].n_members; k++)
			if (c->model->pools[i].members[k].member == member)
				json_array_append_new(rows, place(c, i, k));
	return rows;
}

static json_t *totals(struct stw_sampler *s, int number)
{
	struct stw_member_counts m;
	if (number < 0 || !stw_sampler_member_total(s, (uint16_t)number, &m))
		return json_null();
	json_t *o = json_object();
	for (int i = 0; i < STW_N_MEMBER_COUNTERS; i++)
		json_object_set_new(o, stw_member_counter_rows[i].name,
				    json_integer((json_int_t)m.c[i]));
	return o;
}

static json_t *open_requests(const struct stw_sampler *s, int number)
{
	uint64_t open;
	if (number < 0 || !stw_sampler_member_open(s, (uint16_t)number, &open))
		return json_null();
	return json_integer((json_int_t)open);
}

static json_t *member_rates(const struct stw_sampler *s, int number, enum stw_rate_span span)
{
	json_t *o = json_object();
	for (int i = 0; i < STW_N_MEMBER_COUNTERS; i++) {
		double rate = 0;
		bool known = number >= 0 &&
			     stw_sampler_member_rate(s, (uint16_t)number,
						     (enum stw_member_counter)i, span, &rate);
		json_object_set_new(o, stw_member_counter_rows[i].name, stw_api_rate(known, rate));
	}
	return o;
}

/* Of the last ten seconds, in milliseconds. */
static json_t *first_answer(const struct stw_sampler *s, int number, double share)
{
	double at_s;
	if (number < 0 || !stw_sampler_first_answer(s, (uint16_t)number, share, &at_s))
		return json_null();
	return json_real(at_s * 1000);
}

/* The worst that any of its pools saw: what people look for first. */
static const char *worst(const json_t *in_pools)
{
	static const char *const order[] = {"failed", "probing", "healthy", "unchecked"};
	size_t best = sizeof(order) / sizeof(order[0]), i;
	json_t *p;
	json_array_foreach(in_pools, i, p)
	{
		const char *state =
			json_string_value(json_object_get(json_object_get(p, "observed"), "state"));
		for (size_t k = 0; state && k < best; k++)
			if (strcmp(order[k], state) == 0)
				best = k;
	}
	return best < sizeof(order) / sizeof(order[0]) ? order[best] : "unchecked";
}

static json_t *member(struct stw_api *api, size_t i)
{
	const struct stw_control *c = api->control;
	const struct stw_model_member *m = &c->model->members[i];
	int number = stw_numbers_find(c->numbers, &m->address);
	char id[9];
	json_t *in_pools = places(c, i);
	snprintf(id, sizeof(id), "%08x", m->id);
	return json_pack("{s:s, s:o, s:s, s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:{s:o, s:o}}",
			 "name", m->name, "address", address_text(&m->address), "transport",
			 stw_api_transport(m->address.transport), "id", id, "number",
			 number < 0 ? json_null() : json_integer(number), "state", worst(in_pools),
			 "pools", in_pools, "open", open_requests(api->sampler, number), "counters",
			 totals(api->sampler, number), "rate_1s",
			 member_rates(api->sampler, number, STW_RATE_SHORT), "rate_10s",
			 member_rates(api->sampler, number, STW_RATE_LONG), "first_answer_ms",
			 "p50", first_answer(api->sampler, number, 0.5), "p95",
			 first_answer(api->sampler, number, 0.95));
}

void stw_api_members(struct stw_api *api, struct stw_request *r)
{
	json_t *rows = json_array();
	for (size_t i = 0; i < api->control->model->n_members; i++)
		json_array_append_new(rows, member(api, i));
	json_t *reply = stw_api_envelope(api);
	json_object_set_new(reply, "members", rows);
	stw_reply(r, 200, reply);
}
