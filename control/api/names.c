/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/api/handlers.h"

static const char *state_text(enum stw_name_state state)
{
	switch (state) {
	case STW_NAME_KNOWN: return "known";
	case STW_NAME_ABSENT: return "absent";
	default: return "pending";
	}
}

static json_t *targets(const struct stw_name_view *v)
{
	json_t *rows = json_array();
	char text[STW_ENDPOINT_TEXT];
	for (size_t i = 0; i < v->n_targets; i++) {
		const struct stw_image_target *t = &v->targets[i];
		stw_endpoint_format(&t->address, text);
		json_array_append_new(rows,
				      json_pack("{s:s, s:i, s:i}", "address", text, "priority",
						(int)t->priority, "weight", (int)t->weight));
	}
	return rows;
}

static void add_name(void *ctx, const struct stw_name_view *v)
{
	json_t *expires =
		v->expires_unix_s > 0 ? json_integer((json_int_t)v->expires_unix_s) : json_null();
	json_array_append_new(ctx,
			      json_pack("{s:s, s:o, s:s, s:o, s:i, s:o}", "name", v->name, "port",
					v->port ? json_integer(v->port) : json_null(), "state",
					state_text(v->state), "expires_unix_s", expires, "failures",
					(int)v->failures, "targets", targets(v)));
}

static json_t *slow_path(const struct stw_slow_counters *c)
{
	json_t *o = json_object();
#define X(name, help) json_object_set_new(o, #name, json_integer((json_int_t)c->name));
	STW_SLOW_COUNTERS(X)
#undef X
	return o;
}

void stw_api_names(struct stw_api *api, struct stw_request *r)
{
	json_t *rows = json_array();
	stw_names_each(api->control->names, add_name, rows);
	json_t *reply = stw_api_envelope(api);
	json_object_set_new(reply, "names", rows);
	json_object_set_new(reply, "slow_path", slow_path(stw_slow_counters(api->control->slow)));
	stw_reply(r, 200, reply);
}
