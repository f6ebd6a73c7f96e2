/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/resolve/farm_names.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <strowger/errors.h>
#include <strowger/log.h>

#include "control/model/state_file.h"
#include "control/resolve/lookup.h"

#define EARLY	       0.9 /* share of the TTL after which a name is asked for again */
#define RETRY_S	       5.  /* after a question without an answer, at least */
#define LOOK_S	       2.  /* between two looks whether those gone are empty */
#define GONE_MAX       64  /* of one name: then the oldest are let go, empty or not */
#define FILE_VERSION   1
#define FILE_MAX_BYTES (8u << 20)
#define ROW_MEMBERS    (STW_LOOKUP_TARGETS + GONE_MAX)

struct row {
	struct stw_farm_names *names;
	char pool[STW_NAME_MAX];
	struct stw_model_pool_name name;
	struct stw_lookup *lookup; /* under way, or NULL */
	bool under_way;
	struct ev_timer timer;
	unsigned failures;
	bool wanted;
	size_t n_found;
	struct stw_found found[ROW_MEMBERS];
};

struct stw_farm_names {
	struct ev_loop *loop;
	struct stw_farm_names_owner owner;
	struct stw_dns *dns;
	struct stw_model_resolver config;
	bool v4, v6, asks;
	struct row **rows;
	size_t n;
	struct stw_found *all; /* as last given out */
	struct ev_timer look;
};

static void set_timer(struct row *r, double after_s)
{
	struct ev_loop *loop = r->names->loop;

	ev_timer_stop(loop, &r->timer);
	ev_timer_set(&r->timer, after_s, 0.);
	ev_timer_start(loop, &r->timer);
}

static struct stw_found *find(struct row *r, const struct stw_endpoint *address)
{
	for (size_t i = 0; i < r->n_found; i++)
		if (stw_endpoint_equal(&r->found[i].address, address))
			return &r->found[i];
	return NULL;
}

static void forget(struct row *r, size_t i)
{
	memmove(&r->found[i], &r->found[i + 1], (r->n_found - i - 1) * sizeof(r->found[0]));
	r->n_found--;
}

static void make_room(struct row *r)
{
	for (size_t i = 0; r->n_found >= ROW_MEMBERS && i < r->n_found; i++)
		if (r->found[i].gone)
			forget(r, i--);
}

/* RFC 2782: those of the lowest priority. */
static size_t n_first(const struct stw_lookup_result *result)
{
	size_t n = 0;

	while (n < result->n_targets && result->targets[n].priority == result->targets[0].priority)
		n++;
	return n;
}

static uint32_t weight_of(const struct row *r, const struct stw_lookup_result *result, size_t n,
			  size_t i)
{
	bool any = false;

	for (size_t k = 0; k < n; k++)
		any |= result->targets[k].weight > 0;
	if (!any)
		return r->name.weight;
	return result->targets[i].weight > 0 ? result->targets[i].weight : 1;
}

/* @return whether anything differs */
static bool take(struct row *r, const struct stw_lookup_result *result)
{
	size_t n = n_first(result);
	bool changed = false;

	for (size_t i = 0; i < r->n_found; i++) {
		bool there = false;
		for (size_t k = 0; k < n; k++)
			there |= stw_endpoint_equal(&result->targets[k].address,
						    &r->found[i].address);
		changed |= r->found[i].gone == there;
		r->found[i].gone = !there;
	}
	for (size_t k = 0; k < n; k++) {
		struct stw_found *f = find(r, &result->targets[k].address);
		uint32_t weight = weight_of(r, result, n, k);

		if (!f) {
			make_room(r);
			f = &r->found[r->n_found++];
			*f = (struct stw_found){.address = result->targets[k].address};
			memcpy(f->pool, r->pool, sizeof(f->pool));
			changed = true;
		}
		changed |= f->weight != weight;
		f->weight = weight;
	}
	return changed;
}

static double bounded(double ttl_s, const struct stw_model_resolver *c)
{
	if (ttl_s > c->max_ttl_s)
		ttl_s = c->max_ttl_s;
	return ttl_s < c->min_ttl_s ? c->min_ttl_s : ttl_s;
}

static void answered(void *arg, const struct stw_lookup_result *result)
{
	struct row *r = arg;
	struct stw_farm_names *n = r->names;

	r->lookup = NULL;
	r->under_way = false;
	if (result->err != STW_OK || result->n_targets == 0) {
		r->failures++;
		stw_warn("pool %s: %s: %s; its last answer stays", r->pool, r->name.name,
			 result->err == STW_EIO ? "no answer" : "stands for nobody");
		set_timer(r, n->config.min_ttl_s > RETRY_S ? n->config.min_ttl_s : RETRY_S);
		return;
	}
	r->failures = 0;
	set_timer(r, bounded(result->ttl_s, &n->config) * EARLY);
	if (take(r, result)) {
		stw_info("pool %s: %s stands for %zu members", r->pool, r->name.name,
			 n_first(result));
		n->owner.changed(n->owner.ctx);
	}
}

static void ask(struct row *r)
{
	const struct stw_lookup_question question = {.name = r->name.name,
						     .port = r->name.port,
						     .v4 = r->names->v4,
						     .v6 = r->names->v6};

	if (r->lookup)
		return;
	/* The answer may come from inside the call: then there is nothing to keep. */
	r->under_way = true;
	struct stw_lookup *l = stw_lookup_start(r->names->dns, &question, answered, r);
	if (r->under_way)
		r->lookup = l;
	if (!l)
		set_timer(r, RETRY_S);
}

static void on_timer(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	ask(timer->data);
}

static void on_look(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	struct stw_farm_names *n = timer->data;
	bool changed = false;

	(void)loop;
	(void)revents;
	for (size_t i = 0; i < n->n; i++) {
		struct row *r = n->rows[i];

		for (size_t k = 0; k < r->n_found; k++) {
			if (!r->found[k].gone ||
			    !n->owner.is_empty(n->owner.ctx, r->pool, &r->found[k].address))
				continue;
			forget(r, k--);
			changed = true;
		}
	}
	if (changed)
		n->owner.changed(n->owner.ctx);
}

struct stw_farm_names *stw_farm_names_new(struct ev_loop *loop,
					  const struct stw_farm_names_owner *owner)
{
	struct stw_farm_names *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->loop = loop;
	n->owner = *owner;
	n->dns = stw_dns_new(loop);
	if (!n->dns) {
		free(n);
		return NULL;
	}
	ev_timer_init(&n->look, on_look, LOOK_S, LOOK_S);
	n->look.data = n;
	ev_timer_start(loop, &n->look);
	return n;
}

static void drop_row(struct row *r)
{
	if (!r)
		return;
	ev_timer_stop(r->names->loop, &r->timer);
	stw_lookup_abandon(r->lookup);
	free(r);
}

static struct row *find_row(const struct stw_farm_names *n, const char *pool,
			    const struct stw_model_pool_name *name)
{
	for (size_t i = 0; i < n->n; i++)
		if (n->rows[i]->name.port == name->port &&
		    strcmp(n->rows[i]->name.name, name->name) == 0 &&
		    strcmp(n->rows[i]->pool, pool) == 0)
			return n->rows[i];
	return NULL;
}

static struct row *new_row(struct stw_farm_names *n, const char *pool)
{
	struct row *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->names = n;
	snprintf(r->pool, sizeof(r->pool), "%s", pool);
	ev_init(&r->timer, on_timer);
	r->timer.data = r;
	return r;
}

/* Rows for all names of @m, those known reused and marked. */
static bool rows_for(struct stw_farm_names *n, const struct stw_model *m, struct row **rows)
{
	size_t at = 0;

	for (size_t i = 0; i < m->n_pools; i++) {
		for (size_t k = 0; k < m->pools[i].n_names; k++, at++) {
			const struct stw_model_pool_name *name = &m->pools[i].names[k];

			rows[at] = find_row(n, m->pools[i].name, name);
			if (!rows[at])
				rows[at] = new_row(n, m->pools[i].name);
			if (!rows[at])
				return false;
			rows[at]->name = *name;
			rows[at]->wanted = true;
		}
	}
	return true;
}

int stw_farm_names_take(struct stw_farm_names *n, const struct stw_model *m)
{
	size_t n_rows = 0;

	for (size_t i = 0; i < m->n_pools; i++)
		n_rows += m->pools[i].n_names;
	struct row **rows = calloc(n_rows + 1, sizeof(*rows));
	if (!rows)
		return STW_ENOMEM;
	for (size_t i = 0; i < n->n; i++)
		n->rows[i]->wanted = false;
	bool ok = rows_for(n, m, rows);
	for (size_t i = 0; !ok && rows[i]; i++)
		if (!find_row(n, rows[i]->pool, &rows[i]->name))
			drop_row(rows[i]);
	if (!ok) {
		free(rows);
		return STW_ENOMEM;
	}
	for (size_t i = 0; i < n->n; i++)
		if (!n->rows[i]->wanted)
			drop_row(n->rows[i]);
	free(n->rows);
	n->rows = rows;
	n->n = n_rows;
	for (size_t i = 0; n->asks && i < n_rows; i++)
		if (!ev_is_active(&rows[i]->timer))
			ask(rows[i]); /* it is new */
	return STW_OK;
}

int stw_farm_names_ask(struct stw_farm_names *n, const struct stw_model_resolver *config, bool v4,
		       bool v6)
{
	n->config = *config;
	n->config.servers = NULL;
	n->config.n_servers = 0;
	n->v4 = v4;
	n->v6 = v6;
	int err = stw_dns_use(n->dns, config->servers, config->n_servers);
	n->asks = true;
	for (size_t i = 0; i < n->n; i++)
		if (!n->rows[i]->lookup)
			ask(n->rows[i]);
	return err;
}

struct stw_found_list stw_farm_names_found(struct stw_farm_names *n)
{
	size_t n_all = 0, at = 0;

	for (size_t i = 0; i < n->n; i++)
		n_all += n->rows[i]->n_found;
	struct stw_found *all = calloc(n_all + 1, sizeof(*all));
	if (!all)
		return (struct stw_found_list){n->all, 0};
	/* Whom one name lost another may have: those that are there come first. */
	for (int gone = 0; gone < 2; gone++)
		for (size_t i = 0; i < n->n; i++)
			for (size_t k = 0; k < n->rows[i]->n_found; k++)
				if (n->rows[i]->found[k].gone == (bool)gone)
					all[at++] = n->rows[i]->found[k];
	free(n->all);
	n->all = all;
	return (struct stw_found_list){all, n_all};
}

static json_t *row_to_json(const struct row *r)
{
	json_t *members = json_array();
	char text[STW_ENDPOINT_TEXT];

	for (size_t i = 0; i < r->n_found; i++) {
		stw_endpoint_format(&r->found[i].address, text);
		json_array_append_new(members, json_pack("{s:s, s:i, s:b}", "address", text,
							 "weight", (int)r->found[i].weight, "gone",
							 (int)r->found[i].gone));
	}
	return json_pack("{s:s, s:s, s:i, s:o}", "pool", r->pool, "name", r->name.name, "port",
			 (int)r->name.port, "members", members);
}

int stw_farm_names_save(const struct stw_farm_names *n, const char *state_dir, char *reason,
			size_t reason_len)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < n->n; i++)
		json_array_append_new(rows, row_to_json(n->rows[i]));
	json_t *all = json_pack("{s:i, s:o}", "version", FILE_VERSION, "names", rows);
	char *text = all ? json_dumps(all, JSON_INDENT(1)) : NULL;
	int err = STW_ENOMEM;
	if (text)
		err = stw_state_write(state_dir, STW_FARM_NAMES_FILE, STW_STATE_REPLACE, text,
				      strlen(text), reason, reason_len);
	else
		snprintf(reason, reason_len, "out of memory");
	free(text);
	json_decref(all);
	return err;
}

static bool member_from_json(struct row *r, json_t *j)
{
	const char *text;
	int weight, gone;
	struct stw_endpoint address;

	if (r->n_found >= ROW_MEMBERS ||
	    json_unpack(j, "{s:s, s:i, s:b}", "address", &text, "weight", &weight, "gone", &gone) !=
		    0 ||
	    weight < 1 || weight > UINT16_MAX ||
	    stw_endpoint_parse(text, strlen(text), 5060, &address) != STW_OK || find(r, &address))
		return false;
	struct stw_found *f = &r->found[r->n_found++];
	*f = (struct stw_found){.address = address, .weight = (uint32_t)weight, .gone = gone};
	memcpy(f->pool, r->pool, sizeof(f->pool));
	return true;
}

static bool row_from_json(struct stw_farm_names *n, json_t *j)
{
	const char *pool, *text;
	struct stw_model_pool_name name = {0};
	json_t *members, *m;
	int port;
	size_t i;

	if (json_unpack(j, "{s:s, s:s, s:i, s:o}", "pool", &pool, "name", &text, "port", &port,
			"members", &members) != 0 ||
	    strlen(text) >= sizeof(name.name) || port < 0 || port > UINT16_MAX)
		return false;
	memcpy(name.name, text, strlen(text) + 1);
	name.port = (uint16_t)port;
	struct row *r = find_row(n, pool, &name);
	if (!r || r->n_found > 0)
		return true; /* no longer in the file */
	json_array_foreach(members, i, m) if (!member_from_json(r, m)) return false;
	return true;
}

int stw_farm_names_load(struct stw_farm_names *n, const char *state_dir, char *reason,
			size_t reason_len)
{
	char *text = malloc(FILE_MAX_BYTES);
	json_error_t e;
	size_t len = 0, i;
	json_t *j;

	if (!text) {
		snprintf(reason, reason_len, "out of memory");
		return STW_ENOMEM;
	}
	int err = stw_state_read(state_dir, STW_FARM_NAMES_FILE, false, text, FILE_MAX_BYTES, &len,
				 reason, reason_len);
	json_t *all = err ? NULL : json_loadb(text, len, JSON_REJECT_DUPLICATES, &e);
	free(text);
	if (err)
		return err == STW_ENOENT ? STW_OK : err;
	bool ok = json_integer_value(json_object_get(all, "version")) == FILE_VERSION;
	json_array_foreach(json_object_get(all, "names"), i, j) ok = ok && row_from_json(n, j);
	json_decref(all);
	if (ok)
		return STW_OK;
	snprintf(reason, reason_len, "%s: cannot be read", STW_FARM_NAMES_FILE);
	return STW_EMALFORMED;
}

void stw_farm_names_free(struct stw_farm_names *n)
{
	if (!n)
		return;
	ev_timer_stop(n->loop, &n->look);
	for (size_t i = 0; i < n->n; i++)
		drop_row(n->rows[i]);
	stw_dns_free(n->dns);
	free(n->rows);
	free(n->all);
	free(n);
}
