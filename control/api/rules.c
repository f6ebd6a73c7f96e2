/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules in the order they are tried, with how often each was obeyed. */
#include "control/api/handlers.h"

#include <stdio.h>
#include <string.h>

#include <strowger/sip.h>
#include <strowger/table_image.h>

/* "5 numbers, 1 source": what a rule looks at. */
static void conditions(const struct stw_model_rule *r, char *out, size_t len)
{
	const struct {
		const char *word;
		size_t n;
	} rows[] = {{"method", (size_t)__builtin_popcount(r->methods)},
		    {"user", r->n_users},
		    {"domain", r->n_domains},
		    {"number", r->n_numbers},
		    {"source", r->n_sources},
		    {"listener", r->n_listeners}};
	size_t at = 0;

	snprintf(out, len, "any request");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && at < len; i++)
		if (rows[i].n > 0)
			at += (size_t)snprintf(out + at, len - at, "%s%zu %s%s", at ? ", " : "",
					       rows[i].n, rows[i].word, rows[i].n > 1 ? "s" : "");
}

static void action(const struct stw_model *m, const struct stw_model_rule *r, char *out, size_t len)
{
	const char *pool = r->pool < m->n_pools ? m->pools[r->pool].name : "";

	switch (r->action) {
	case STW_IMAGE_RULE_TO_POOL: snprintf(out, len, "pool %s", pool); break;
	case STW_IMAGE_RULE_TO_LOCATION: snprintf(out, len, "location"); break;
	case STW_IMAGE_RULE_TO_REGISTRAR: snprintf(out, len, "registrar"); break;
	case STW_IMAGE_RULE_TO_KERNEL: snprintf(out, len, "kernel"); break;
	case STW_IMAGE_RULE_REDIRECT_CONTACTS:
		snprintf(out, len, "%u to contacts", r->status);
		break;
	case STW_IMAGE_RULE_REDIRECT_MEMBER:
		snprintf(out, len, "%u to a member of %s", r->status, pool);
		break;
	case STW_IMAGE_RULE_REDIRECT_URI: snprintf(out, len, "%u to %s", r->status, r->said); break;
	default: snprintf(out, len, "reject %u %s", r->status, r->said); break;
	}
}

static json_t *rule(struct stw_api *api, const struct stw_model_rule *rule)
{
	struct stw_stats *stats = stw_publish_stats(api->control->publish);
	char when[128], what[320];
	double rate = 0;

	conditions(rule, when, sizeof(when));
	action(api->control->model, rule, what, sizeof(what));
	const bool rated = stats && stw_sampler_rule_rate(api->sampler, rule->row, &rate);

	return json_pack("{s:s, s:s, s:s, s:o, s:{s:o}}", "name", rule->name, "when", when,
			 "action", what, "hits",
			 stats ? json_integer((json_int_t)stw_stats_rule_hits(stats, rule->row))
			       : json_null(),
			 "rate_10s", "hits", stw_api_rate(rated, rate));
}

void stw_api_rules(struct stw_api *api, struct stw_request *r)
{
	const struct stw_model *m = api->control->model;
	json_t *rows = json_array();

	for (size_t i = 0; i < m->n_rules; i++)
		json_array_append_new(rows, rule(api, &m->rules[i]));
	json_t *reply = stw_api_envelope(api);
	json_object_set_new(reply, "rules", rows);
	stw_reply(r, 200, reply);
}
