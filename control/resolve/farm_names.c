/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/resolve/farm_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>
#include <strowger/log.h>

#include "control/resolve/farm_names_inside.h"

#define EARLY	0.9 /* share of the TTL after which a name is asked for again */
#define RETRY_S 5.  /* after a question without an answer, at least */
#define LOOK_S	2.  /* between two looks whether those gone are empty */
#define GUESSES 3u  /* in a row, before one is believed against what was known */

static void set_timer(struct stw_farm_name *r, double after_s)
{
	struct ev_loop *loop = r->names->loop;

	ev_timer_stop(loop, &r->timer);
	ev_timer_set(&r->timer, after_s, 0.);
	ev_timer_start(loop, &r->timer);
}

struct stw_found *stw_farm_name_member(struct stw_farm_name *r, const struct stw_endpoint *address)
{
	for (size_t i = 0; i < r->n_found; i++)
		if (stw_endpoint_equal(&r->found[i].address, address))
			return &r->found[i];
	return NULL;
}

static void forget(struct stw_farm_name *r, size_t i)
{
	memmove(&r->found[i], &r->found[i + 1], (r->n_found - i - 1) * sizeof(r->found[0]));
	r->n_found--;
}

static void make_room(struct stw_farm_name *r)
{
	for (size_t i = 0; r->n_found >= ROW_MEMBERS && i < r->n_found; i++)
		if (r->found[i].gone)
			forget(r, i--);
}

static size_t rank_end(const struct stw_lookup_result *result, size_t first)
{
	size_t i = first;

	while (i < result->n_targets &&
	       result->targets[i].priority == result->targets[first].priority)
		i++;
	return i;
}

/* RFC 2782: who has none gets some when others of its priority have more. */
static uint32_t weight_of(const struct stw_farm_name *r, const struct stw_lookup_result *result,
			  size_t first, size_t end, size_t i)
{
	bool any = false;

	for (size_t k = first; k < end; k++)
		any |= result->targets[k].weight > 0;
	if (!any)
		return r->name.weight;
	return result->targets[i].weight > 0 ? result->targets[i].weight : 1;
}

/* One that the answer names, if there is room. @return whether anything differs */
static bool take_target(struct stw_farm_name *r, const struct stw_endpoint *address,
			uint32_t weight, uint8_t priority)
{
	struct stw_found *f = stw_farm_name_member(r, address);
	bool changed = !f;

	if (!f) {
		make_room(r);
		if (r->n_found >= ROW_MEMBERS)
			return false;
		f = &r->found[r->n_found++];
		*f = (struct stw_found){.address = *address};
		memcpy(f->pool, r->pool, sizeof(f->pool));
	}
	changed |= f->weight != weight || f->priority != priority;
	f->weight = weight;
	f->priority = priority;
	return changed;
}

/* An address may stand for several priorities: the lowest counts. */
static bool named_before(const struct stw_lookup_result *result, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (stw_endpoint_equal(&result->targets[k].address, &result->targets[i].address))
			return true;
	return false;
}

/* RFC 2782: the lowest priority first. What the numbers are does not matter, only their order. */
static bool take_ranks(struct stw_farm_name *r, const struct stw_lookup_result *result)
{
	bool changed = false;
	unsigned rank = 0;

	for (size_t first = 0, end; first < result->n_targets; first = end, rank++) {
		end = rank_end(result, first);
		for (size_t i = first; i < end; i++)
			if (!named_before(result, i))
				changed |= take_target(r, &result->targets[i].address,
						       weight_of(r, result, first, end, i),
						       (uint8_t)rank);
	}
	return changed;
}

/* Who is not named is gone, unless nobody told. @return whether anything differs */
static bool take(struct stw_farm_name *r, const struct stw_lookup_result *result)
{
	bool changed = false;

	for (size_t i = 0; i < r->n_found; i++) {
		bool there =
			!r->found[i].gone && stw_lookup_missed(result, &r->found[i].address.ip);
		for (size_t k = 0; k < result->n_targets; k++)
			there |= stw_endpoint_equal(&result->targets[k].address,
						    &r->found[i].address);
		changed |= r->found[i].gone == there;
		r->found[i].gone = !there;
	}
	return take_ranks(r, result) || changed;
}

static double bounded(double ttl_s, const struct stw_model_resolver *c)
{
	if (ttl_s > c->max_ttl_s)
		ttl_s = c->max_ttl_s;
	return ttl_s < c->min_ttl_s ? c->min_ttl_s : ttl_s;
}

static const char *why_unusable(const struct stw_farm_name *r,
				const struct stw_lookup_result *result)
{
	if (result->err == STW_EIO)
		return "no answer";
	if (result->err != STW_OK || result->n_targets == 0)
		return "stands for nobody";
	if (result->guessed && r->n_found > 0 && r->failures < GUESSES)
		return "no answer for NAPTR";
	return NULL;
}

/* After a question without an answer. */
static double retry_s(const struct stw_farm_name *r)
{
	const double least_s = r->names->config.min_ttl_s;

	return least_s > RETRY_S ? least_s : RETRY_S;
}

static void answered(void *arg, const struct stw_lookup_result *result)
{
	struct stw_farm_name *r = arg;
	struct stw_farm_names *n = r->names;

	r->lookup = NULL;
	r->under_way = false;
	const char *why = why_unusable(r, result);
	if (why) {
		r->failures++;
		stw_warn("pool %s: %s: %s; its last answer stays", r->pool, r->name.name, why);
		set_timer(r, retry_s(r));
		return;
	}
	r->failures = 0;
	if (result->missed_v4 || result->missed_v6)
		set_timer(r, retry_s(r));
	else
		set_timer(r, bounded(result->ttl_s, &n->config) * EARLY);
	if (take(r, result)) {
		stw_info("pool %s: %s stands for %u members", r->pool, r->name.name,
			 result->n_targets);
		n->owner.changed(n->owner.ctx);
	}
}

static void ask(struct stw_farm_name *r)
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
		struct stw_farm_name *r = n->rows[i];

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

static void drop_row(struct stw_farm_name *r)
{
	if (!r)
		return;
	ev_timer_stop(r->names->loop, &r->timer);
	stw_lookup_abandon(r->lookup);
	free(r);
}

struct stw_farm_name *stw_farm_names_row(const struct stw_farm_names *n, const char *pool,
					 const struct stw_model_pool_name *name)
{
	for (size_t i = 0; i < n->n; i++)
		if (n->rows[i]->name.port == name->port &&
		    strcmp(n->rows[i]->name.name, name->name) == 0 &&
		    strcmp(n->rows[i]->pool, pool) == 0)
			return n->rows[i];
	return NULL;
}

static struct stw_farm_name *new_row(struct stw_farm_names *n, const char *pool)
{
	struct stw_farm_name *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->names = n;
	snprintf(r->pool, sizeof(r->pool), "%s", pool);
	ev_init(&r->timer, on_timer);
	r->timer.data = r;
	return r;
}

/* Rows for all names of @m, those known reused and marked. */
static bool rows_for(struct stw_farm_names *n, const struct stw_model *m,
		     struct stw_farm_name **rows)
{
	size_t at = 0;

	for (size_t i = 0; i < m->n_pools; i++) {
		for (size_t k = 0; k < m->pools[i].n_names; k++, at++) {
			const struct stw_model_pool_name *name = &m->pools[i].names[k];

			rows[at] = stw_farm_names_row(n, m->pools[i].name, name);
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
	struct stw_farm_name **rows = calloc(n_rows + 1, sizeof(*rows));
	if (!rows)
		return STW_ENOMEM;
	for (size_t i = 0; i < n->n; i++)
		n->rows[i]->wanted = false;
	bool ok = rows_for(n, m, rows);
	for (size_t i = 0; !ok && rows[i]; i++)
		if (!stw_farm_names_row(n, rows[i]->pool, &rows[i]->name))
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
