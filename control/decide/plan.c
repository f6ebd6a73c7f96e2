/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/decide/plan.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/table/tables.h"

/* A pool on one side; no row when it is not there. */
struct side {
	const struct stw_tables *t;
	const struct stw_model *m;
	const struct stw_model_pool *pool;
	const struct stw_image_pool *row;
	const struct stw_plan_load *loads; /* [m->n_members]; NULL: it does not run */
	double rate; /* new calls a second of the whole pool, negative: not known */
};

static struct side find(const struct stw_plan_side *from, const char *name)
{
	struct side s = {.t = from->desk->tables, .m = from->model, .rate = -1};

	for (size_t i = 0; i < s.m->n_pools; i++)
		if (strcmp(s.m->pools[i].name, name) == 0 && i < s.t->n_pools) {
			s.pool = &s.m->pools[i];
			s.row = &s.t->pools[i];
		}
	return s;
}

/* Identity of the member that has this part of the hash space; 0: nobody. */
static uint32_t owner(const struct side *s, double at)
{
	if (!s->row || s->row->n_slots == 0)
		return 0;
	size_t slot = s->row->first_slot + (size_t)(at * s->row->n_slots);

	return s->t->members[s->t->slots[slot]].id;
}

/* Sampled at the finer side's slots: exact when one count divides the other, as 1:1 does. */
static double moved(const struct side *a, const struct side *b)
{
	uint32_t n = a->row ? a->row->n_slots : 0, changed = 0;

	if (b->row && b->row->n_slots > n)
		n = b->row->n_slots;
	if (n == 0)
		return 0;
	for (uint32_t i = 0; i < n; i++) {
		double at = (i + 0.5) / n;

		changed += owner(a, at) != owner(b, at);
	}
	return (double)changed / n;
}

static double share(const struct side *s, uint32_t id)
{
	uint32_t n = 0;

	if (!s->row || s->row->n_slots == 0)
		return 0;
	for (uint32_t i = 0; i < s->row->n_slots; i++)
		n += s->t->members[s->t->slots[s->row->first_slot + i]].id == id;
	return (double)n / s->row->n_slots;
}

static const struct stw_model_pool_member *place_of(const struct side *s, uint32_t id)
{
	for (size_t k = 0; s->pool && k < s->pool->n_members; k++)
		if (s->m->members[s->pool->members[k].member].id == id)
			return &s->pool->members[k];
	return NULL;
}

static json_t *rounded(double v, double by)
{
	return v < 0 ? json_null() : json_real(round(v * by) / by);
}

/* Of the member in all its pools: a request is counted at where it went. */
static json_t *open_at(const struct side *s, uint32_t id)
{
	for (size_t i = 0; i < s->m->n_members; i++)
		if (s->m->members[i].id == id && s->loads[i].open >= 0)
			return json_integer(s->loads[i].open);
	return json_null();
}

static json_t *member(const struct side *a, const struct side *b, const struct stw_model_member *m)
{
	double before = share(a, m->id), after = share(b, m->id);
	double rate = a->rate;

	return json_pack("{s:s, s:b, s:b, s:o, s:o, s:o, s:o, s:o}", "name", m->name, "was",
			 place_of(a, m->id) != NULL, "stays", place_of(b, m->id) != NULL,
			 "share_before", rounded(before, 1e6), "share_after", rounded(after, 1e6),
			 "calls_per_s_before", rounded(rate < 0 ? -1 : rate * before, 10),
			 "calls_per_s_after", rounded(rate < 0 ? -1 : rate * after, 10), "open",
			 open_at(a, m->id));
}

static json_t *members(const struct side *a, const struct side *b)
{
	json_t *rows = json_array();

	for (size_t k = 0; b->pool && k < b->pool->n_members; k++)
		json_array_append_new(rows,
				      member(a, b, &b->m->members[b->pool->members[k].member]));
	for (size_t k = 0; a->pool && k < a->pool->n_members; k++) {
		const struct stw_model_member *m = &a->m->members[a->pool->members[k].member];

		if (!place_of(b, m->id))
			json_array_append_new(rows, member(a, b, m));
	}
	return rows;
}

/* New calls of all members of a pool. One that is in several pools counts in each: a bound. */
static double rate_of(const struct side *s)
{
	double sum = 0;

	for (size_t k = 0; s->pool && k < s->pool->n_members; k++) {
		double rate = s->loads[s->pool->members[k].member].calls_per_s;

		if (rate < 0)
			return -1;
		sum += rate;
	}
	return sum;
}

static json_t *pool(const struct stw_plan_side *before, const struct stw_plan_side *after,
		    const char *name, const struct stw_plan_load *loads)
{
	struct side a = find(before, name), b = find(after, name);

	a.loads = loads;
	a.rate = rate_of(&a);
	return json_pack("{s:s, s:b, s:b, s:o, s:o, s:o}", "name", name, "was", a.pool != NULL,
			 "stays", b.pool != NULL, "moved_share", rounded(moved(&a, &b), 1e6),
			 "calls_per_s", rounded(a.rate, 10), "members", members(&a, &b));
}

json_t *stw_plan_pools(const struct stw_plan_side *before, const struct stw_plan_side *after,
		       const struct stw_plan_load *loads)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < after->model->n_pools; i++)
		json_array_append_new(rows,
				      pool(before, after, after->model->pools[i].name, loads));
	for (size_t i = 0; i < before->model->n_pools; i++) {
		const char *name = before->model->pools[i].name;

		if (!find(after, name).pool)
			json_array_append_new(rows, pool(before, after, name, loads));
	}
	return rows;
}
