/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/api/handlers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <strowger/errors.h>
#include <strowger/log.h>

#include "control/api/dress.h"
#include "control/api/words.h"
#include "control/model/secret.h"

void stw_api_reload(struct stw_api *api, struct stw_request *r)
{
	struct stw_words w;
	stw_words_init(&w);
	uint64_t change = 0;
	int err = stw_control_reload(api->control, &w.to, &change);
	if (err) {
		stw_problem(
			r, 422, "config-refused", "Configuration refused",
			"%s: %s; the running configuration stays. Correct the file, then reload",
			api->control->config_path, stw_err_text(err));
		json_object_set(r->reply, "messages", w.messages);
	} else {
		stw_api_reply_when_served(api, r, change, stw_words_json(&w));
	}
	stw_words_fini(&w);
}

static json_t *sizes(const struct stw_model *m)
{
	return json_pack("{s:I, s:I, s:I, s:I}", "ports", (json_int_t)m->n_ports, "listeners",
			 (json_int_t)m->n_listeners, "pools", (json_int_t)m->n_pools, "members",
			 (json_int_t)m->n_members);
}

void stw_api_fill_secret(const struct stw_control *c, struct stw_model *m)
{
	char path[sizeof(m->state_dir) + sizeof(STW_SECRET_FILE) + 1];
	char reason[256];
	snprintf(path, sizeof(path), "%s/%s", m->state_dir, STW_SECRET_FILE);
	if (m->n_secrets == 0 && access(path, R_OK) == 0)
		stw_secret_fill(m, reason, sizeof(reason));
	if (m->n_secrets == 0) {
		memcpy(m->secrets, c->model->secrets, sizeof(m->secrets));
		m->n_secrets = c->model->n_secrets;
	}
}

void stw_api_dress(const struct stw_control *c, struct stw_model *m)
{
	stw_api_fill_secret(c, m);
	if (stw_control_dress(c, m))
		stw_error("api: a configuration is compared without what was asked for");
}

void stw_api_check(struct stw_api *api, struct stw_request *r)
{
	struct stw_words w;
	stw_words_init(&w);
	struct stw_model *m = NULL;
	int err = stw_config_read_text(STW_API_CONFIG_NAME, r->body ? r->body : "", r->body_len,
				       stw_words_message, &w, &m);
	json_t *reply;
	if (err) {
		reply = json_pack("{s:b, s:O}", "ok", 0, "messages", w.messages);
	} else {
		stw_api_dress(api->control, m);
		stw_model_diff(api->control->model, m, stw_words_line, &w);
		reply = json_pack("{s:b, s:O, s:o, s:O, s:O}", "ok", 1, "messages", w.messages,
				  "sizes", sizes(m), "changes", w.changes, "needs_restart",
				  w.needs_restart);
	}
	stw_model_free(m);
	stw_words_fini(&w);
	stw_reply(r, 200, reply);
}

/* As YAML without the secrets' keys; NULL when it cannot be written. */
static json_t *dump(struct stw_control *c)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	if (!out)
		return NULL;
	int err = stw_control_dump(c, out);
	json_t *yaml = fclose(out) == 0 && !err ? json_stringn(text, len) : NULL;
	free(text);
	return yaml;
}

void stw_api_config(struct stw_api *api, struct stw_request *r)
{
	struct stw_control *c = api->control;
	json_t *yaml = dump(c);
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
