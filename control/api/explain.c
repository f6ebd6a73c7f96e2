/* SPDX-License-Identifier: BSD-3-Clause */
/* Questions to the code the workers run: explain, replay, plan. Nothing changes. */
#include "control/api/handlers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include <strowger/errors.h>

#include "control/api/body.h"
#include "control/api/dress.h"
#include "control/decide/explain.h"
#include "control/decide/plan.h"
#include "control/model/numbers.h"

#define MESSAGES_MAX 10000u

/* A configuration, as a reload would have it, and tables made of it. */
struct other {
	struct stw_model *model;
	struct stw_desk desk;
	json_t *messages; /* what the reader says of it */
};

static void on_message(void *ctx, const char *message)
{
	json_t *t = json_string(message);

	json_array_append_new(ctx, t ? t : json_string("(not UTF-8)"));
}

static void other_fini(struct other *o)
{
	stw_desk_fini(&o->desk);
	stw_model_free(o->model);
	json_decref(o->messages);
	*o = (struct other){0};
}

/* @return false: a problem was replied */
static bool read_other(struct stw_api *api, struct stw_request *r, const char *text, size_t len,
		       struct other *out)
{
	char reason[256] = "";

	*out = (struct other){.messages = json_array()};
	int err = stw_config_read_text(STW_API_CONFIG_NAME, text, len, on_message, out->messages,
				       &out->model);
	if (!err) {
		stw_api_dress(api->control, out->model);
		err = stw_desk_of_model(&out->desk, out->model, NULL, reason, sizeof(reason));
	}
	/* Users are registered where they are, whatever is configured. */
	out->desk.registrar = stw_slow_desk(api->control->slow)->registrar;
	if (!err)
		return true;
	stw_problem(r, 422, "config-refused", "Configuration refused", "%s: correct it",
		    reason[0] ? reason : stw_err_text(err));
	json_object_set(r->reply, "messages", out->messages);
	other_fini(out);
	return false;
}

struct explain_body {
	const json_t *messages;
	const char *config; /* NULL: compare with nothing */
	bool whole;
};

struct message_body {
	const char *base64, *from, *to;
};

/* @return false: it is there and no endpoint */
static bool take_endpoint(const char *text, bool *has, struct stw_endpoint *out)
{
	*has = text != NULL;
	return !text || stw_endpoint_parse(text, strlen(text), 5060, out) == STW_OK;
}

static int decode(const char *base64, struct stw_case *out)
{
	size_t len = strlen(base64);
	unsigned char *bytes = NULL;
	int n = -1;

	if (len > 0 && len % 4 == 0 && len <= 4 * (STW_CASE_MAX / 3 + 2))
		bytes = malloc(len / 4 * 3 + 1);
	if (bytes)
		n = EVP_DecodeBlock(bytes, (const unsigned char *)base64, (int)len);
	if (n >= 0) /* the decoder counts the padding */
		for (size_t i = 1; i <= 2 && base64[len - i] == '='; i++)
			n--;
	int err = n < 0 ? STW_EMALFORMED : stw_case_new(bytes, (size_t)n, out);
	free(bytes);
	return err;
}

/* Message @i of the body. */
static bool take_case(struct stw_request *r, size_t i, const json_t *row, struct stw_case *out)
{
	static const struct stw_field fields[] = {
		{"base64", offsetof(struct message_body, base64), STW_FIELD_TEXT, true, 0, 0},
		{"from", offsetof(struct message_body, from), STW_FIELD_TEXT, false, 0, 0},
		{"to", offsetof(struct message_body, to), STW_FIELD_TEXT, false, 0, 0},
	};
	struct message_body m = {0};
	char at[32], field[48];

	snprintf(at, sizeof(at), "/messages/%zu", i);
	if (!stw_body_read_row(r, row, at, fields, STW_N_FIELDS(fields), &m))
		return false;
	snprintf(field, sizeof(field), "%s/base64", at);
	if (decode(m.base64, out))
		return stw_body_bad(r, field, "base64 is not a message of up to 65535 bytes");
	const bool from = take_endpoint(m.from, &out->has_peer, &out->peer);
	if (from && take_endpoint(m.to, &out->has_local, &out->local))
		return true;
	stw_case_free(out);
	snprintf(field, sizeof(field), "%s/%s", at, from ? "to" : "from");
	return stw_body_bad(r, field, "%s is not an address with its port", from ? "to" : "from");
}

/* Decides by what runs, and by @other when it is there. */
static json_t *answer(const struct stw_api *api, struct stw_case *c, const struct other *other,
		      bool whole)
{
	const struct stw_desk *desk = stw_slow_desk(api->control->slow);
	struct stw_outcome now, then;

	stw_case_decide(desk, c, &now);
	if (!other)
		return stw_outcome_json(desk, api->control->model, c, &now, whole);
	stw_case_decide(&other->desk, c, &then);
	json_t *would = stw_outcome_json(&other->desk, other->model, c, &then, false);
	bool same = stw_outcome_same(desk, &now, &other->desk, &then);
	stw_case_decide(desk, c, &now); /* where a user was found is told of the last decision */
	json_t *o = stw_outcome_json(desk, api->control->model, c, &now, whole);
	json_object_set_new(o, "would", would);
	json_object_set_new(o, "same", json_boolean(same));
	return o;
}

static void explain_all(struct stw_api *api, struct stw_request *r, const struct explain_body *b,
			const struct other *other)
{
	json_t *results = json_array();
	size_t i;
	json_t *row;

	json_array_foreach(b->messages, i, row)
	{
		struct stw_case c;

		if (!take_case(r, i, row, &c)) {
			json_decref(results);
			return;
		}
		json_array_append_new(results, answer(api, &c, other, b->whole));
		stw_case_free(&c);
	}
	json_t *reply = stw_api_envelope(api);
	json_object_set_new(reply, "results", results);
	stw_reply(r, 200, reply);
}

void stw_api_explain(struct stw_api *api, struct stw_request *r)
{
	static const struct stw_field fields[] = {
		{"messages", offsetof(struct explain_body, messages), STW_FIELD_LIST, true, 0,
		 MESSAGES_MAX},
		{"config", offsetof(struct explain_body, config), STW_FIELD_TEXT, false, 0, 0},
		{"whole", offsetof(struct explain_body, whole), STW_FIELD_BOOL, false, 0, 0},
	};
	struct explain_body b = {0};
	struct other other;

	if (!stw_body_read(r, fields, STW_N_FIELDS(fields), &b))
		return;
	if (!b.config) {
		explain_all(api, r, &b, NULL);
	} else if (read_other(api, r, b.config, strlen(b.config), &other)) {
		explain_all(api, r, &b, &other);
		other_fini(&other);
	}
}

static struct stw_plan_load load_of(const struct stw_api *api, const struct stw_endpoint *member)
{
	struct stw_plan_load load = {-1, -1};
	int number = stw_numbers_find(api->control->numbers, member);
	uint64_t open;

	if (number < 0)
		return load;
	if (!stw_sampler_member_rate(api->sampler, (uint16_t)number, STW_M_NEW_CALLS, STW_RATE_LONG,
				     &load.calls_per_s))
		load.calls_per_s = -1;
	if (stw_sampler_member_open(api->sampler, (uint16_t)number, &open))
		load.open = (int64_t)open;
	return load;
}

/* Of each member of the running model. */
static struct stw_plan_load *loads_now(const struct stw_api *api)
{
	const struct stw_model *m = api->control->model;
	struct stw_plan_load *loads = calloc(m->n_members + 1, sizeof(*loads));

	for (size_t i = 0; loads && i < m->n_members; i++)
		loads[i] = load_of(api, &m->members[i].address);
	return loads;
}

/* Lines of a comparison, for the reply. */
struct lines {
	json_t *changes, *needs_restart;
};

static void on_line(void *ctx, bool needs_restart, const char *line)
{
	const struct lines *l = ctx;

	on_message(needs_restart ? l->needs_restart : l->changes, line);
}

static json_t *plan(struct stw_api *api, const struct stw_desk *now, struct other *other)
{
	const struct stw_plan_side before = {now, api->control->model};
	const struct stw_plan_side after = {&other->desk, other->model};
	struct lines l = {json_array(), json_array()};
	struct stw_plan_load *loads = loads_now(api);
	json_t *pools = loads ? stw_plan_pools(&before, &after, loads) : json_array();

	free(loads);
	stw_model_diff(api->control->model, other->model, on_line, &l);
	json_t *reply = stw_api_envelope(api);
	json_object_set_new(reply, "pools", pools);
	json_object_set_new(reply, "changes", l.changes);
	json_object_set_new(reply, "needs_restart", l.needs_restart);
	json_object_set(reply, "messages", other->messages);
	return reply;
}

void stw_api_plan(struct stw_api *api, struct stw_request *r)
{
	const struct stw_desk *now = stw_slow_desk(api->control->slow);
	struct other other;

	if (!read_other(api, r, r->body ? r->body : "", r->body_len, &other))
		return;
	if (now->tables)
		stw_reply(r, 200, plan(api, now, &other));
	else
		stw_problem(r, 409, "no-tables", "No tables yet",
			    "there is nothing to compare with before the data plane is connected");
	other_fini(&other);
}
