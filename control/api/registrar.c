/* SPDX-License-Identifier: BSD-3-Clause */

/* The registrar's endpoints: its state, its bindings, its subscribers. */

#include "control/api/handlers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>

#include "control/api/body.h"
#include "control/registrar/location.h"
#include "control/registrar/subscribers.h"
#include "control/slow/registering.h"

#define ROWS_MAX     1000
#define PASSWORD_MAX 1024

static struct stw_registrar *registrar_of(const struct stw_api *api, const char **why)
{
	return stw_registering_registrar(stw_slow_registering(api->control->slow), why);
}

static json_t *texts(const struct stw_model_registrar *r)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < r->n_domains; i++)
		json_array_append_new(rows, json_string(r->domains[i]));
	return rows;
}

static json_t *counters(const struct stw_registrar_counters *c)
{
	json_t *o = json_object();
#define X(name, text) json_object_set_new(o, #name, json_integer((json_int_t)c->name));
	STW_REGISTRAR_COUNTERS(X)
#undef X
	return o;
}

static json_t *count_of(struct stw_store *s, enum stw_store_table t)
{
	uint64_t n;

	return stw_store_count(s, t, &n) == STW_OK ? json_integer((json_int_t)n) : json_null();
}

static const char *state_of(const struct stw_registrar *r, const struct stw_model_registrar *config)
{
	if (r)
		return stw_registrar_trouble(r) ? "store failing" : "serving";
	return config->n_domains == 0 ? "off" : "failed";
}

static json_t *reason_of(const struct stw_registrar *r, const char *why)
{
	const int trouble = r ? stw_registrar_trouble(r) : STW_OK;

	if (!trouble)
		return r || !*why ? json_null() : json_string(why);
	return json_sprintf("the store cannot be written (%s): REGISTERs are answered 503; %s",
			    stw_err_text(trouble),
			    trouble == STW_ENOSPACE ? "make room on its disk, or raise "
						      "registrar.store_mb"
						    : "look at its disk");
}

/* The workers' table, by which they locate users. */
static json_t *table_of(const struct stw_feed *feed)
{
	struct stw_location_figures f;
	bool complete;

	if (!stw_feed_figures(feed, &f, &complete))
		return json_null();
	return json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:I}", "complete", complete, "users",
			 (json_int_t)f.users, "bindings", (json_int_t)f.bindings, "bytes",
			 (json_int_t)f.bytes, "huge_bytes", (json_int_t)f.huge_bytes, "generation",
			 (json_int_t)f.generation, "left_out", (json_int_t)f.left_out);
}

void stw_api_registrar(struct stw_api *api, struct stw_request *r)
{
	const struct stw_model_registrar *config = &api->control->model->registrar;
	const char *why;
	struct stw_registrar *registrar = registrar_of(api, &why);
	json_t *reply = stw_api_envelope(api);

	json_object_set_new(reply, "domains", texts(config));
	json_object_set_new(reply, "state", json_string(state_of(registrar, config)));
	json_object_set_new(reply, "state_reason", reason_of(registrar, why));
	if (registrar) {
		struct stw_store *s = stw_registrar_store(registrar);

		json_object_set_new(reply, "users_registered", count_of(s, STW_TABLE_LOCATION));
		json_object_set_new(reply, "subscribers", count_of(s, STW_TABLE_SUBSCRIBER));
		json_object_set_new(reply, "table", table_of(api->control->feed));
		json_object_set_new(reply, "counters", counters(stw_registrar_counters(registrar)));
	}
	stw_reply(r, 200, reply);
}

/* --- bodies --- */

struct stw_registrar *stw_api_registrar_of(struct stw_api *api, struct stw_request *r)
{
	const char *why;
	struct stw_registrar *registrar = registrar_of(api, &why);

	if (registrar)
		return registrar;
	stw_problem(r, 409, "no-registrar", "No registrar", "%s",
		    *why ? why : "no domains are configured: name them in registrar.domains");
	return NULL;
}

static struct stw_store *open_store(struct stw_api *api, struct stw_request *r)
{
	struct stw_registrar *registrar = stw_api_registrar_of(api, r);

	return registrar ? stw_registrar_store(registrar) : NULL;
}

struct page {
	const char *after, *only;
	json_int_t limit;
};

static bool read_page(struct stw_request *r, struct page *out)
{
	static const struct stw_field fields[] = {
		{"after", offsetof(struct page, after), STW_FIELD_TEXT, false, 0, 0},
		{"name", offsetof(struct page, only), STW_FIELD_TEXT, false, 0, 0},
		{"limit", offsetof(struct page, limit), STW_FIELD_WHOLE, false, 1, ROWS_MAX},
	};

	*out = (struct page){.limit = ROWS_MAX};
	return stw_body_read(r, fields, STW_N_FIELDS(fields), out);
}

/* --- bindings --- */

struct listing {
	json_t *rows;
	const struct page *page;
	uint64_t now_s;
	bool more;
};

static json_t *text_json(struct stw_str t)
{
	json_t *j = json_stringn(t.p ? t.p : "", t.len);

	return j ? j : json_string("(not UTF-8)");
}

static json_t *binding_json(const struct stw_binding *b, uint64_t now_s)
{
	char source[STW_ENDPOINT_TEXT], listener[STW_ENDPOINT_TEXT];

	stw_endpoint_format(&b->source, source);
	stw_endpoint_format(&b->listener, listener);
	return json_pack("{s:o, s:o, s:f, s:i, s:I, s:I, s:I, s:s, s:s, s:o, s:o, s:I, s:o, s:I}",
			 "contact", text_json(b->uri), "params", text_json(b->params), "q",
			 b->q / (double)STW_Q_ONE, "q_thousandths", b->q, "expires_in_s",
			 (json_int_t)(b->expires_s > now_s ? b->expires_s - now_s : 0), "expires_s",
			 (json_int_t)b->expires_s, "created_s", (json_int_t)b->created_s, "source",
			 source, "listener", listener, "path", text_json(b->path), "instance",
			 text_json(b->instance), "reg_id", (json_int_t)b->reg_id, "call_id",
			 text_json(b->call_id), "cseq", (json_int_t)b->cseq);
}

static json_t *record_json(struct stw_store_value key, struct stw_store_value row, uint64_t now_s)
{
	struct stw_record *record = malloc(sizeof(*record));
	json_t *bindings = json_array();
	int err = record ? stw_record_decode(row.p, row.len, record) : STW_ENOMEM;

	for (size_t i = 0; !err && i < record->n; i++)
		if (!record->b[i].gone && record->b[i].expires_s > now_s)
			json_array_append_new(bindings, binding_json(&record->b[i], now_s));
	free(record);
	return json_pack("{s:o, s:b, s:o}", "aor", text_json(stw_str(key.p, key.len)), "damaged",
			 err != STW_OK, "bindings", bindings);
}

/* True for a row that begins the page's next one. */
static bool is_page_full(struct listing *l, struct stw_store_value key)
{
	const char *after = l->page->after;

	if (after && strlen(after) == key.len && memcmp(after, key.p, key.len) == 0)
		return false;
	l->more = json_array_size(l->rows) == (size_t)l->page->limit;
	return l->more;
}

static bool is_after(const struct listing *l, struct stw_store_value key)
{
	const char *after = l->page->after;

	return !after || strlen(after) != key.len || memcmp(after, key.p, key.len) != 0;
}

static bool add_record(void *ctx, struct stw_store_value key, struct stw_store_value row)
{
	struct listing *l = ctx;

	if (is_page_full(l, key))
		return false;
	if (is_after(l, key))
		json_array_append_new(l->rows, record_json(key, row, l->now_s));
	return true;
}

static bool add_name(void *ctx, struct stw_store_value key, struct stw_store_value row)
{
	struct listing *l = ctx;

	(void)row;
	if (is_page_full(l, key))
		return false;
	if (is_after(l, key))
		json_array_append_new(l->rows, text_json(stw_str(key.p, key.len)));
	return true;
}

static int list(struct stw_store *s, enum stw_store_table t, struct listing *l)
{
	const char *from = l->page->only ? l->page->only : l->page->after;
	const struct stw_store_value key = {from, from ? strlen(from) : 0};
	stw_store_row_fn *add = t == STW_TABLE_LOCATION ? add_record : add_name;
	struct stw_store_value row;

	if (!l->page->only)
		return stw_store_walk(s, t, key, add, l);
	int err = stw_store_get(s, t, key, &row);

	if (!err)
		add(l, key, row);
	return err == STW_ENOENT ? STW_OK : err;
}

static void reply_list(struct stw_api *api, struct stw_request *r, enum stw_store_table t,
		       const char *what)
{
	struct stw_store *s = open_store(api, r);
	struct page page;

	if (!s || !read_page(r, &page))
		return;
	struct listing l = {.rows = json_array(),
			    .page = &page,
			    .now_s = stw_clock_s(stw_registrar_clock(registrar_of(api, NULL)))};
	int err = list(s, t, &l);

	if (err) {
		json_decref(l.rows);
		stw_problem(r, 500, "store", "The store cannot be read", "%s", stw_err_text(err));
	} else {
		stw_reply(r, 200, json_pack("{s:o, s:b}", what, l.rows, "more", l.more));
	}
}

void stw_api_location(struct stw_api *api, struct stw_request *r)
{
	reply_list(api, r, STW_TABLE_LOCATION, "users");
}

void stw_api_subscribers(struct stw_api *api, struct stw_request *r)
{
	reply_list(api, r, STW_TABLE_SUBSCRIBER, "subscribers");
}

/* --- changes --- */

void stw_api_registrar_commit(struct stw_api *api, struct stw_request *r, int err, size_t n)
{
	struct stw_registrar *registrar = registrar_of(api, NULL);

	if (!err)
		err = stw_registrar_commit(registrar);
	if (err) {
		stw_store_abort(stw_registrar_store(registrar));
		stw_problem(r, 507, "store", "The store did not take it",
			    "%s: nothing was changed; see the log", stw_err_text(err));
	} else {
		stw_reply(r, 200, json_pack("{s:I}", "changed", (json_int_t)n));
	}
}

struct subscriber_body {
	const char *name, *password;
};

/* Subscriber @i of the body. @return false: the problem is replied */
static bool put_one(struct stw_request *r, struct stw_store *s, size_t i, const json_t *row,
		    int *err)
{
	static const struct stw_field fields[] = {
		{"name", offsetof(struct subscriber_body, name), STW_FIELD_TEXT, true, 1,
		 STW_SUBSCRIBER_NAME},
		{"password", offsetof(struct subscriber_body, password), STW_FIELD_TEXT, true, 1,
		 PASSWORD_MAX},
	};
	struct subscriber_body b = {0};
	char at[48], field[64];

	snprintf(at, sizeof(at), "/subscribers/%zu", i);
	if (!stw_body_read_row(r, row, at, fields, STW_N_FIELDS(fields), &b))
		return false;
	*err = stw_subscriber_put(s, stw_str(b.name, strlen(b.name)),
				  stw_str(b.password, strlen(b.password)));
	snprintf(field, sizeof(field), "%s/name", at);
	return (*err != STW_EMALFORMED && *err != STW_ERANGE) ||
	       stw_body_bad(r, field,
			    "subscriber %zu: name is not user@domain with the domain in lower "
			    "case; none was stored",
			    i + 1);
}

/* The body's only field: a list. @return false: the problem is replied */
static bool read_list(struct stw_request *r, const char *key, const json_t **out)
{
	const struct stw_field field = {key, 0, STW_FIELD_LIST, true, 0, 0};

	return stw_body_read(r, &field, 1, out);
}

void stw_api_subscribers_put(struct stw_api *api, struct stw_request *r)
{
	struct stw_store *s = open_store(api, r);
	const json_t *rows;
	size_t i;
	json_t *row;
	int err = STW_OK;

	if (!s || !read_list(r, "subscribers", &rows))
		return;
	json_array_foreach(rows, i, row)
	{
		if (!put_one(r, s, i, row, &err)) {
			stw_store_abort(s);
			return;
		}
		if (err)
			break;
	}
	stw_api_registrar_commit(api, r, err, json_array_size(rows));
}

static bool are_names(struct stw_request *r, const json_t *rows)
{
	size_t i;
	json_t *row;
	char at[48];

	json_array_foreach(rows, i, row)
	{
		snprintf(at, sizeof(at), "/names/%zu", i);
		if (!json_is_string(row))
			return stw_body_bad(r, at, "name %zu is not a string", i + 1);
	}
	return true;
}

/* Remove each of the names by @remove. */
static void remove_all(struct stw_api *api, struct stw_request *r,
		       int (*remove)(struct stw_store *s, struct stw_str name))
{
	struct stw_store *s = open_store(api, r);
	const json_t *rows;
	json_t *row;
	size_t i, n = 0;
	int err = STW_OK;

	if (!s || !read_list(r, "names", &rows) || !are_names(r, rows))
		return;
	json_array_foreach(rows, i, row)
	{
		if (json_string_length(row) > STW_STORE_KEY_MAX)
			continue; /* nobody can have it */
		err = remove(s, stw_str(json_string_value(row), json_string_length(row)));
		if (err && err != STW_ENOENT)
			break;
		n += err == STW_OK;
		err = STW_OK;
	}
	stw_api_registrar_commit(api, r, err, n);
}

void stw_api_subscribers_remove(struct stw_api *api, struct stw_request *r)
{
	remove_all(api, r, stw_subscriber_remove);
}

static int forget_user(struct stw_store *s, struct stw_str aor)
{
	struct stw_location *l = malloc(sizeof(*l));
	int err = l ? stw_location_get(s, aor, l) : STW_ENOMEM;
	bool was_there = !err && l->record.n > 0;

	if (was_there) {
		l->record.n = 0;
		err = stw_location_put(s, aor, l);
	}
	free(l);
	return err ? err : was_there ? STW_OK : STW_ENOENT;
}

void stw_api_location_remove(struct stw_api *api, struct stw_request *r)
{
	remove_all(api, r, forget_user);
}
