/* SPDX-License-Identifier: BSD-3-Clause */
/* Configurations from people: apply, confirm, rollback, history. */
#include "control/api/handlers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>

#include "control/api/body.h"
#include "control/api/words.h"
#include "control/history/history.h"

#define CONFIRM_MIN_S 5
#define CONFIRM_MAX_S 3600

static json_t *pending(const struct stw_apply_status *st)
{
	return st->pending ? json_integer((json_int_t)ceil(st->confirm_by_unix_s)) : json_null();
}

/* The reply of a configuration that was taken, or why it was not. */
static void reply(struct stw_api *api, struct stw_request *r, int err, uint64_t change,
		  const struct stw_words *w)
{
	struct stw_apply_status st;

	if (err == STW_EBUSY) {
		stw_problem(
			r, 409, "unconfirmed", "Another configuration waits to be confirmed",
			"confirm it (POST /v1/confirm) or take it back (POST /v1/rollback) first");
		return;
	}
	if (err && err != STW_EIO) {
		stw_problem(r, 422, "config-refused", "Configuration refused",
			    "%s; the running configuration stays. Correct it", stw_err_text(err));
		json_object_set(r->reply, "messages", w->messages);
		return;
	}
	stw_apply_status(api->apply, &st);
	json_t *json = stw_words_json(w);
	json_object_set_new(json, "saved", json_boolean(err == STW_OK && !st.pending));
	json_object_set_new(json, "confirm_by_unix_s", pending(&st));
	stw_api_reply_when_served(api, r, change, json);
}

struct apply_body {
	const char *yaml;
	json_int_t confirm_s; /* 0: not given */
};

void stw_api_apply(struct stw_api *api, struct stw_request *r)
{
	static const struct stw_field fields[] = {
		{"yaml", offsetof(struct apply_body, yaml), STW_FIELD_TEXT, true, 0, 0},
		{"confirm_s", offsetof(struct apply_body, confirm_s), STW_FIELD_WHOLE, false,
		 CONFIRM_MIN_S, CONFIRM_MAX_S},
	};
	struct apply_body b = {0};
	struct stw_words w;
	uint64_t change = 0;

	if (!stw_body_read(r, fields, STW_N_FIELDS(fields), &b))
		return;
	stw_words_init(&w);
	int err = stw_apply_text(api->apply, b.yaml, strlen(b.yaml), (unsigned)b.confirm_s, "apply",
				 &w.to, &change);
	reply(api, r, err, change, &w);
	stw_words_fini(&w);
}

static void nothing_waits(struct stw_request *r)
{
	stw_problem(r, 409, "nothing-waits", "No configuration waits to be confirmed",
		    "it was confirmed already, or taken back; GET /v1/history tells");
}

void stw_api_confirm(struct stw_api *api, struct stw_request *r)
{
	struct stw_words w;

	stw_words_init(&w);
	int err = stw_apply_confirm(api->apply, &w.to);
	if (err == STW_ENOENT)
		nothing_waits(r);
	else
		stw_reply(r, 200,
			  json_pack("{s:b, s:O}", "saved", err == STW_OK, "warnings", w.messages));
	stw_words_fini(&w);
}

/* The newest that is not what runs. @return 0: there is none */
static uint32_t one_before(const struct stw_control *c)
{
	struct stw_history h;

	if (stw_history_list(c->model->state_dir, &h))
		return 0;
	for (size_t i = h.n; i-- > 0;) {
		char reason[160];
		char *text = NULL;
		size_t len = 0;
		bool other = stw_history_read(c->model->state_dir, h.entries[i].id, &text, &len,
					      reason, sizeof(reason)) == STW_OK &&
			     (len != c->text_len || memcmp(text, c->text, len) != 0);

		free(text);
		if (other)
			return h.entries[i].id;
	}
	return 0;
}

static void take_entry(struct stw_api *api, struct stw_request *r, uint32_t id)
{
	char reason[256] = "no configuration before this one is kept";
	struct stw_words w;
	uint64_t change = 0;
	char *text = NULL;
	size_t len;

	if (!id || stw_history_read(api->control->model->state_dir, id, &text, &len, reason,
				    sizeof(reason))) {
		stw_problem(r, 404, "unknown-configuration", "No such configuration",
			    "%s; GET /v1/history lists them", reason);
		return;
	}
	stw_words_init(&w);
	int err = stw_apply_text(api->apply, text, len, 0, "rollback", &w.to, &change);
	reply(api, r, err, change, &w);
	stw_words_fini(&w);
	free(text);
}

static void take_back(struct stw_api *api, struct stw_request *r)
{
	struct stw_words w;
	uint64_t change = 0;

	stw_words_init(&w);
	int err = stw_apply_undo(api->apply, "it was asked for", &w.to, &change);
	reply(api, r, err, change, &w);
	stw_words_fini(&w);
}

void stw_api_rollback(struct stw_api *api, struct stw_request *r)
{
	static const struct stw_field fields[] = {
		{"to", 0, STW_FIELD_WHOLE, false, 1, UINT32_MAX},
	};
	json_int_t id = 0; /* not given */
	struct stw_apply_status st;

	if (!stw_body_read(r, fields, STW_N_FIELDS(fields), &id))
		return;
	stw_apply_status(api->apply, &st);
	if (st.pending && !id)
		take_back(api, r);
	else
		take_entry(api, r, id ? (uint32_t)id : one_before(api->control));
}

void stw_api_history(struct stw_api *api, struct stw_request *r)
{
	const struct stw_control *c = api->control;
	struct stw_apply_status st;
	struct stw_history h;
	json_t *rows = json_array();

	stw_apply_status(api->apply, &st);
	if (stw_history_list(c->model->state_dir, &h))
		h.n = 0;
	for (size_t i = 0; i < h.n; i++)
		json_array_append_new(rows, json_pack("{s:I, s:I, s:s, s:I}", "id",
						      (json_int_t)h.entries[i].id, "at_unix_s",
						      (json_int_t)h.entries[i].at_unix_s, "how",
						      h.entries[i].how, "bytes",
						      (json_int_t)h.entries[i].bytes));
	json_t *undone = json_null();
	if (st.undone[0])
		undone = json_pack("{s:s, s:I}", "why", st.undone, "at_unix_s",
				   (json_int_t)st.undone_unix_s);
	json_t *out = stw_api_envelope(api);
	json_object_set_new(out, "configurations", rows);
	json_object_set_new(out, "confirm_by_unix_s", pending(&st));
	json_object_set_new(out, "undone", undone);
	stw_reply(r, 200, out);
}
