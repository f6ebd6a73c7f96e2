/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/api/handlers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <strowger/errors.h>

#include "control/api/dress.h"
#include "control/model/secret.h"

/* Collects the words of a change, for the reply. */
struct words {
	json_t *messages;
	json_t *changes;
	json_t *needs_restart;
	struct stw_control_words to;
};

static void append(json_t *array, const char *text)
{
	json_t *t = json_string(text);
	json_array_append_new(array, t ? t : json_string("(not UTF-8)"));
}

static void on_message(void *ctx, const char *message)
{
	append(((struct words *)ctx)->messages, message);
}

static void on_line(void *ctx, bool needs_restart, const char *line)
{
	struct words *w = ctx;
	append(needs_restart ? w->needs_restart : w->changes, line);
}

static void words_init(struct words *w)
{
	w->messages = json_array();
	w->changes = json_array();
	w->needs_restart = json_array();
	w->to = (struct stw_control_words){.ctx = w, .message = on_message, .line = on_line};
}

static void words_fini(struct words *w)
{
	json_decref(w->messages);
	json_decref(w->changes);
	json_decref(w->needs_restart);
}

void stw_api_reload(struct stw_api *api, struct stw_request *r)
{
	struct words w;
	words_init(&w);
	uint64_t change = 0;
	int err = stw_control_reload(api->control, &w.to, &change);
	if (err) {
		stw_problem(
			r, 422, "config-refused", "Configuration refused",
			"%s: %s; the running configuration stays. Correct the file, then reload",
			api->control->config_path, stw_err_text(err));
		json_object_set(r->reply, "messages", w.messages);
	} else {
		stw_api_reply_when_served(api, r, change,
					  json_pack("{s:O, s:O, s:O}", "changes", w.changes,
						    "needs_restart", w.needs_restart, "warnings",
						    w.messages));
	}
	words_fini(&w);
}

static json_t *sizes(const struct stw_model *m)
{
	return json_pack("{s:I, s:I, s:I, s:I}", "ports", (json_int_t)m->n_ports, "listeners",
			 (json_int_t)m->n_listeners, "pools", (json_int_t)m->n_pools, "members",
			 (json_int_t)m->n_members);
}

void stw_api_dress(const struct stw_control *c, struct stw_model *m)
{
	char path[sizeof(m->state_dir) + sizeof(STW_SECRET_FILE) + 1];
	char reason[256];
	snprintf(path, sizeof(path), "%s/%s", m->state_dir, STW_SECRET_FILE);
	if (m->n_secrets == 0 && access(path, R_OK) == 0)
		stw_secret_fill(m, reason, sizeof(reason));
	stw_overrides_apply(c->overrides, m);
}

void stw_api_check(struct stw_api *api, struct stw_request *r)
{
	struct words w;
	words_init(&w);
	struct stw_model *m = NULL;
	int err = stw_config_read_text("body", r->body ? r->body : "", r->body_len, on_message, &w,
				       &m);
	json_t *reply;
	if (err) {
		reply = json_pack("{s:b, s:O}", "ok", 0, "messages", w.messages);
	} else {
		stw_api_dress(api->control, m);
		stw_model_diff(api->control->model, m, on_line, &w);
		reply = json_pack("{s:b, s:O, s:o, s:O, s:O}", "ok", 1, "messages", w.messages,
				  "sizes", sizes(m), "changes", w.changes, "needs_restart",
				  w.needs_restart);
	}
	stw_model_free(m);
	words_fini(&w);
	stw_reply(r, 200, reply);
}

/* As YAML without the secrets' keys; NULL when it cannot be written. */
static json_t *dump(const struct stw_model *m)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	if (!out)
		return NULL;
	int err = stw_config_dump(m, out);
	json_t *yaml = fclose(out) == 0 && !err ? json_stringn(text, len) : NULL;
	free(text);
	return yaml;
}

void stw_api_config(struct stw_api *api, struct stw_request *r)
{
	const struct stw_control *c = api->control;
	json_t *yaml = dump(c->model);
	if (!yaml) {
		stw_problem(r, 500, "failed", "No configuration to show",
			    "the running configuration cannot be written out: out of memory?");
		return;
	}
	json_t *reply = stw_api_envelope(api);
	json_object_set_new(reply, "path", json_string(c->config_path));
	json_object_set_new(reply, "loaded_unix_s", json_integer((json_int_t)c->loaded_unix_s));
	json_object_set_new(reply, "sizes", sizes(c->model));
	json_object_set_new(reply, "yaml", yaml);
	stw_reply(r, 200, reply);
}

/* What a change of a member may say in its body. */
struct member_body {
	json_t *root;
	const char *pool; /* NULL: all; borrowed from root */
	bool has_weight;
	json_int_t weight;
};

static bool bad_body(struct stw_request *r, const char *detail)
{
	stw_problem(r, 400, "body", "Bad request body", "%s: %s; it takes %s",
		    stw_endpoint_rows[r->endpoint].path, detail,
		    stw_endpoint_rows[r->endpoint].body);
	return false;
}

static bool take_key(struct stw_request *r, const char *key, json_t *value, struct member_body *out)
{
	if (strcmp(key, "pool") == 0 && json_is_string(value)) {
		out->pool = json_string_value(value);
		return true;
	}
	if (strcmp(key, "pool") == 0)
		return bad_body(r, "pool is not a string");
	if (strcmp(key, "weight") != 0 || r->endpoint != STW_ENDPOINT_WEIGHT) {
		char detail[160];
		snprintf(detail, sizeof(detail), "unknown key \"%.80s\"", key);
		return bad_body(r, detail);
	}
	if (!json_is_integer(value))
		return bad_body(r, "weight is not a whole number");
	out->has_weight = true;
	out->weight = json_integer_value(value);
	if (out->weight < 0 || out->weight > UINT16_MAX)
		return bad_body(r, "weight is not in 0..65535");
	return true;
}

/* Strict: one object, known keys, each once. No body is an empty object. */
static bool read_body(struct stw_request *r, struct member_body *out)
{
	*out = (struct member_body){0};
	if (r->body_len > 0) {
		json_error_t e;
		out->root = json_loadb(r->body, r->body_len, JSON_REJECT_DUPLICATES, &e);
		if (!out->root) {
			char detail[JSON_ERROR_TEXT_LENGTH + 64];
			snprintf(detail, sizeof(detail), "not JSON at byte %d: %s", e.position,
				 e.text);
			return bad_body(r, detail);
		}
		if (!json_is_object(out->root))
			return bad_body(r, "not a JSON object");
		const char *key;
		json_t *value;
		json_object_foreach(out->root, key,
				    value) if (!take_key(r, key, value, out)) return false;
	}
	if (r->endpoint == STW_ENDPOINT_WEIGHT && !out->has_weight)
		return bad_body(r, "weight is missing");
	return true;
}

static void explain_failure(struct stw_api *api, struct stw_request *r, const char *pool, int err)
{
	if (err == STW_ENOENT)
		stw_problem(r, 404, "unknown-pool", "Unknown pool",
			    "no pool \"%s\" uses member \"%s\"; GET /v1/members lists its pools",
			    pool ? pool : "", r->member);
	else
		stw_problem(r, 500, "failed", "The change failed", "%s: %s", r->member,
			    stw_err_text(err));
	(void)api;
}

static int carry_out(struct stw_api *api, struct stw_request *r, size_t member,
		     const struct member_body *b, const struct stw_control_words *words,
		     uint64_t *change)
{
	struct stw_control *c = api->control;
	if (r->endpoint == STW_ENDPOINT_WEIGHT)
		return stw_control_set_weight(c, member, b->pool, (uint32_t)b->weight, words,
					      change);
	enum stw_asked asked = r->endpoint == STW_ENDPOINT_DRAIN ? STW_ASKED_DRAIN : STW_ASKED_UP;
	return stw_control_ask(c, member, b->pool, asked, words, change);
}

static void change_known_member(struct stw_api *api, struct stw_request *r, size_t member,
				const struct member_body *b)
{
	struct words w;
	words_init(&w);
	uint64_t change = 0;
	int err = carry_out(api, r, member, b, &w.to, &change);
	if (err && err != STW_EIO)
		explain_failure(api, r, b->pool, err);
	else
		stw_api_reply_when_served(api, r, change,
					  json_pack("{s:O, s:b, s:O}", "changes", w.changes,
						    "saved", err == STW_OK, "warnings",
						    w.messages));
	words_fini(&w);
}

static void change_member(struct stw_api *api, struct stw_request *r)
{
	struct member_body b;
	if (read_body(r, &b)) {
		int member = stw_control_find_member(api->control, r->member);
		if (member < 0)
			stw_problem(r, 404, "unknown-member", "Unknown member",
				    "no member \"%s\"; GET /v1/members lists them", r->member);
		else
			change_known_member(api, r, (size_t)member, &b);
	}
	json_decref(b.root);
}

void stw_api_drain(struct stw_api *api, struct stw_request *r)
{
	change_member(api, r);
}

void stw_api_undrain(struct stw_api *api, struct stw_request *r)
{
	change_member(api, r);
}

void stw_api_weight(struct stw_api *api, struct stw_request *r)
{
	change_member(api, r);
}
