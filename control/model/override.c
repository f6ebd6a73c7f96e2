/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/model/override.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>

#include "control/model/state_file.h"

#define FILE_VERSION   1
#define FILE_MAX_BYTES (32u << 20)
#define WEIGHT_MAX     65535u

struct stw_overrides {
	struct stw_override *rows;
	size_t n;
	size_t room;
};

static const char *const asked_names[] = {
	[STW_ASKED_UP] = "up",
	[STW_ASKED_DRAIN] = "drain",
	[STW_ASKED_DOWN] = "down",
};

struct stw_overrides *stw_overrides_new(void)
{
	return calloc(1, sizeof(struct stw_overrides));
}

void stw_overrides_free(struct stw_overrides *o)
{
	if (!o)
		return;
	free(o->rows);
	free(o);
}

static struct stw_override *find(const struct stw_overrides *o, const char *pool,
				 const struct stw_endpoint *member)
{
	for (size_t i = 0; i < o->n; i++) {
		if (stw_endpoint_equal(&o->rows[i].member, member) &&
		    strcmp(o->rows[i].pool, pool) == 0)
			return &o->rows[i];
	}
	return NULL;
}

static struct stw_override *add(struct stw_overrides *o, const char *pool,
				const struct stw_endpoint *member)
{
	if (o->n == o->room) {
		size_t room = o->room ? o->room * 2 : 16;
		struct stw_override *rows = reallocarray(o->rows, room, sizeof(rows[0]));

		if (!rows)
			return NULL;
		o->rows = rows;
		o->room = room;
	}
	struct stw_override *r = &o->rows[o->n++];

	*r = (struct stw_override){.member = *member};
	snprintf(r->pool, sizeof(r->pool), "%s", pool);
	return r;
}

static struct stw_override *find_or_add(struct stw_overrides *o, const char *pool,
					const struct stw_endpoint *member)
{
	struct stw_override *r = find(o, pool, member);

	return r ? r : add(o, pool, member);
}

int stw_overrides_set_asked(struct stw_overrides *o, const char *pool,
			    const struct stw_endpoint *member, enum stw_asked asked,
			    uint64_t now_unix_s)
{
	struct stw_override *r = find_or_add(o, pool, member);

	if (!r)
		return STW_ENOMEM;
	r->has_asked = true;
	r->asked = asked;
	r->since_unix_s = now_unix_s;
	return STW_OK;
}

int stw_overrides_set_weight(struct stw_overrides *o, const char *pool,
			     const struct stw_endpoint *member, uint32_t weight,
			     uint64_t now_unix_s)
{
	if (weight > WEIGHT_MAX)
		return STW_ERANGE;
	struct stw_override *r = find_or_add(o, pool, member);

	if (!r)
		return STW_ENOMEM;
	r->has_weight = true;
	r->weight = weight;
	r->since_unix_s = now_unix_s;
	return STW_OK;
}

int stw_overrides_add(struct stw_overrides *o, const char *pool, const struct stw_endpoint *member,
		      const char *name, uint64_t now_unix_s)
{
	struct stw_override *r = find_or_add(o, pool, member);

	if (!r)
		return STW_ENOMEM;
	r->added = true;
	r->removed = false;
	snprintf(r->name, sizeof(r->name), "%s", name);
	r->since_unix_s = now_unix_s;
	return STW_OK;
}

int stw_overrides_remove(struct stw_overrides *o, const char *pool,
			 const struct stw_endpoint *member, uint64_t now_unix_s)
{
	struct stw_override *r = find_or_add(o, pool, member);

	if (!r)
		return STW_ENOMEM;
	/* When it comes back it comes as the file has it. */
	r->added = r->has_asked = r->has_weight = false;
	r->removed = true;
	r->since_unix_s = now_unix_s;
	return STW_OK;
}

static void drop(struct stw_overrides *o, size_t i)
{
	memmove(&o->rows[i], &o->rows[i + 1], (o->n - i - 1) * sizeof(o->rows[0]));
	o->n--;
}

int stw_overrides_clear(struct stw_overrides *o, const char *pool,
			const struct stw_endpoint *member)
{
	struct stw_override *r = find(o, pool, member);

	if (!r)
		return STW_ENOENT;
	drop(o, (size_t)(r - o->rows));
	return STW_OK;
}

void stw_overrides_clear_all(struct stw_overrides *o)
{
	o->n = 0;
}

const struct stw_override *stw_overrides_get(const struct stw_overrides *o, size_t i)
{
	return &o->rows[i];
}

size_t stw_overrides_n(const struct stw_overrides *o)
{
	return o->n;
}

const struct stw_override *stw_overrides_find(const struct stw_overrides *o, const char *pool,
					      const struct stw_endpoint *member)
{
	return find(o, pool, member);
}

static struct stw_model_pool_member *member_of(const struct stw_model *m,
					       const struct stw_override *r)
{
	for (size_t i = 0; i < m->n_pools; i++) {
		const struct stw_model_pool *p = &m->pools[i];

		for (size_t k = 0; strcmp(p->name, r->pool) == 0 && k < p->n_members; k++) {
			if (stw_endpoint_equal(&m->members[p->members[k].member].address,
					       &r->member))
				return &p->members[k];
		}
	}
	return NULL;
}

size_t stw_overrides_apply(const struct stw_overrides *o, struct stw_model *model)
{
	size_t applied = 0;

	for (size_t i = 0; i < o->n; i++) {
		const struct stw_override *r = &o->rows[i];
		struct stw_model_pool_member *use = member_of(model, r);

		if (!use)
			continue;
		if (r->has_asked)
			use->asked = r->asked;
		if (r->has_weight)
			use->weight = r->weight;
		applied++;
	}
	return applied;
}

static const struct stw_model_pool *pool_of(const struct stw_model *m, const struct stw_override *r)
{
	for (size_t i = 0; i < m->n_pools; i++)
		if (strcmp(m->pools[i].name, r->pool) == 0)
			return &m->pools[i];
	return NULL;
}

/* Its member may come by a name, or is only here. */
static bool stays(const struct stw_override *r, const struct stw_model *model, bool in_file)
{
	const struct stw_model_pool *pool = pool_of(model, r);

	if (!pool)
		return false;
	return in_file ? r->has_asked || r->has_weight || r->removed
		       : r->added || pool->n_names > 0;
}

size_t stw_overrides_prune(struct stw_overrides *o, const struct stw_model *model)
{
	size_t kept = 0, before = o->n, changed = 0;

	for (size_t i = 0; i < before; i++) {
		struct stw_override r = o->rows[i];
		bool in_file = member_of(model, &r) != NULL;

		if (in_file && r.added) {
			r.added = false;
			changed++;
		}
		if (stays(&r, model, in_file))
			o->rows[kept++] = r;
		else
			changed += !o->rows[i].added || !in_file;
	}
	o->n = kept;
	return changed;
}

static json_t *row_to_json(const struct stw_override *r)
{
	char member[STW_ENDPOINT_TEXT];
	json_t *j;

	stw_endpoint_format(&r->member, member);
	j = json_pack("{s:s, s:s, s:I}", "pool", r->pool, "member", member, "since",
		      (json_int_t)r->since_unix_s);
	if (j && r->has_asked)
		json_object_set_new(j, "state", json_string(asked_names[r->asked]));
	if (j && r->has_weight)
		json_object_set_new(j, "weight", json_integer(r->weight));
	if (j && r->added)
		json_object_set_new(j, "added", json_string(r->name));
	if (j && r->removed)
		json_object_set_new(j, "removed", json_true());
	return j;
}

static char *to_text(const struct stw_overrides *o)
{
	json_t *rows = json_array();
	bool ok = rows != NULL;
	char *text = NULL;

	for (size_t i = 0; i < o->n && ok; i++)
		ok = json_array_append_new(rows, row_to_json(&o->rows[i])) == 0;
	json_t *all = json_pack("{s:i, s:o}", "version", FILE_VERSION, "overrides", rows);

	if (ok && all)
		text = json_dumps(all, JSON_INDENT(1));
	json_decref(all);
	return text;
}

int stw_overrides_save(const struct stw_overrides *o, const char *state_dir, char *reason,
		       size_t reason_len)
{
	char *text = to_text(o);

	if (!text) {
		snprintf(reason, reason_len, "out of memory");
		return STW_ENOMEM;
	}
	int err = stw_state_write(state_dir, STW_OVERRIDES_FILE, STW_STATE_REPLACE, text,
				  strlen(text), reason, reason_len);

	free(text);
	return err;
}

/* The place of @name among the states, or -1. */
static int asked_parse(const char *name)
{
	for (size_t i = 0; i < sizeof(asked_names) / sizeof(asked_names[0]); i++) {
		if (strcmp(name, asked_names[i]) == 0)
			return (int)i;
	}
	return -1;
}

static bool row_from_json(json_t *j, struct stw_overrides *o)
{
	const char *pool = NULL, *member = NULL, *state = NULL, *added = NULL;
	json_int_t weight = -1, since = 0;
	int removed = 0;
	struct stw_endpoint ep;

	if (json_unpack(j, "{s:s, s:s, s?s, s?I, s?I, s?s, s?b}", "pool", &pool, "member", &member,
			"state", &state, "weight", &weight, "since", &since, "added", &added,
			"removed", &removed) != 0 ||
	    (added && (strlen(added) >= STW_NAME_MAX || removed)) || strlen(pool) >= STW_NAME_MAX ||
	    weight < -1 || weight > (json_int_t)WEIGHT_MAX || (state && asked_parse(state) < 0) ||
	    stw_endpoint_parse(member, strlen(member), 5060, &ep) != STW_OK || find(o, pool, &ep))
		return false;
	struct stw_override *r = add(o, pool, &ep);

	if (!r)
		return false;
	r->has_asked = state != NULL;
	r->asked = state ? (enum stw_asked)asked_parse(state) : STW_ASKED_UP;
	r->has_weight = weight >= 0;
	r->weight = weight >= 0 ? (uint32_t)weight : 0;
	r->since_unix_s = since > 0 ? (uint64_t)since : 0;
	r->added = added != NULL;
	r->removed = removed != 0;
	snprintf(r->name, sizeof(r->name), "%s", added ? added : "");
	return true;
}

static int from_text(const char *text, size_t len, struct stw_overrides *o, char *reason,
		     size_t reason_len)
{
	json_error_t e;
	json_t *all = json_loadb(text, len, JSON_REJECT_DUPLICATES, &e);
	json_t *rows = json_object_get(all, "overrides");
	int err = STW_OK;

	if (!all) {
		snprintf(reason, reason_len, "%s:%d: %s", STW_OVERRIDES_FILE, e.line, e.text);
		return STW_EMALFORMED;
	}
	if (json_integer_value(json_object_get(all, "version")) != FILE_VERSION) {
		snprintf(reason, reason_len, "%s: not of version %d", STW_OVERRIDES_FILE,
			 FILE_VERSION);
		err = STW_EVERSION;
	} else if (!json_is_array(rows)) {
		snprintf(reason, reason_len, "%s: holds no list of overrides", STW_OVERRIDES_FILE);
		err = STW_EMALFORMED;
	}
	for (size_t i = 0; err == STW_OK && i < json_array_size(rows); i++) {
		if (!row_from_json(json_array_get(rows, i), o)) {
			snprintf(reason, reason_len, "%s: row %zu cannot be read",
				 STW_OVERRIDES_FILE, i + 1);
			err = STW_EMALFORMED;
		}
	}
	json_decref(all);
	return err;
}

static void replace(struct stw_overrides *o, struct stw_overrides *by)
{
	free(o->rows);
	*o = *by;
	*by = (struct stw_overrides){0};
}

int stw_overrides_load(struct stw_overrides *o, const char *state_dir, char *reason,
		       size_t reason_len)
{
	struct stw_overrides fresh = {0};
	char *text = malloc(FILE_MAX_BYTES);
	size_t len = 0;

	if (!text) {
		snprintf(reason, reason_len, "out of memory");
		return STW_ENOMEM;
	}
	int err = stw_state_read(state_dir, STW_OVERRIDES_FILE, false, text, FILE_MAX_BYTES, &len,
				 reason, reason_len);

	if (err == STW_ERANGE)
		err = STW_EMALFORMED;
	if (err == STW_OK)
		err = from_text(text, len, &fresh, reason, reason_len);
	if (err == STW_ENOENT)
		err = STW_OK;
	if (err == STW_OK)
		replace(o, &fresh);
	free(fresh.rows);
	free(text);
	return err;
}
