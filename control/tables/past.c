/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/tables/past.h"

#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>

struct generation {
	uint32_t *ids;	 /* of the members that @slots index */
	uint16_t *slots; /* [n] */
	uint32_t n;
};

struct pool {
	char name[STW_NAME_MAX];
	struct generation now, before;
	double changed_s; /* when @before gave way */
};

struct stw_past {
	struct stw_numbers *numbers;
	struct pool *pools; /* of the image kept last */
	size_t n_pools;
	struct stw_model_member *members; /* likewise */
	size_t n_members;
	struct stw_model_member *gone;
	double *gone_s; /* [n_gone] when */
	size_t n_gone;
	struct stw_past_slots *view; /* of the newest turn */
};

static void drop(struct generation *g)
{
	free(g->ids);
	free(g->slots);
	memset(g, 0, sizeof(*g));
}

static void drop_pools(struct stw_past *p)
{
	for (size_t i = 0; i < p->n_pools; i++) {
		drop(&p->pools[i].now);
		drop(&p->pools[i].before);
	}
	free(p->pools);
	p->pools = NULL;
	p->n_pools = 0;
}

struct stw_past *stw_past_new(struct stw_numbers *numbers)
{
	struct stw_past *p = calloc(1, sizeof(*p));

	if (p)
		p->numbers = numbers;
	return p;
}

void stw_past_free(struct stw_past *p)
{
	if (!p)
		return;
	stw_past_forget(p);
	drop_pools(p);
	free(p->members);
	free(p->gone);
	free(p->gone_s);
	free(p->view);
	free(p);
}

static int by_id(const void *a, const void *b)
{
	const struct stw_model_member *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static bool has(const struct stw_model_member *sorted, size_t n, uint32_t id)
{
	const struct stw_model_member key = {.id = id};

	return n > 0 && bsearch(&key, sorted, n, sizeof(key), by_id) != NULL;
}

static void forget_at(struct stw_past *p, size_t i)
{
	stw_numbers_unref(p->numbers, p->gone[i].number);
	p->n_gone--;
	p->gone[i] = p->gone[p->n_gone];
	p->gone_s[i] = p->gone_s[p->n_gone];
}

bool stw_past_forget(struct stw_past *p)
{
	bool any = p->n_gone > 0;

	while (p->n_gone > 0)
		forget_at(p, p->n_gone - 1);
	return any;
}

static struct pool *pool_named(struct stw_past *p, const char *name)
{
	for (size_t i = 0; i < p->n_pools; i++)
		if (strcmp(p->pools[i].name, name) == 0)
			return &p->pools[i];
	return NULL;
}

static struct stw_past_slots view_of(const struct pool *pool)
{
	return (struct stw_past_slots){
		.now = {pool->now.ids, pool->now.slots, pool->now.n},
		.before = {pool->before.ids, pool->before.slots, pool->before.n},
	};
}

static bool is_gone(const struct stw_past *p, uint32_t id)
{
	for (size_t i = 0; i < p->n_gone; i++)
		if (p->gone[i].id == id)
			return true;
	return false;
}

/* Members that went since the last image join those gone. Room was made for all. */
static void note_gone(struct stw_past *p, const struct stw_model_member *sorted, size_t n,
		      double now_s)
{
	for (size_t i = p->n_gone; i-- > 0;)
		if (has(sorted, n, p->gone[i].id) || now_s - p->gone_s[i] >= STW_PAST_S)
			forget_at(p, i);
	for (size_t i = 0; i < p->n_members; i++) {
		if (has(sorted, n, p->members[i].id) || is_gone(p, p->members[i].id))
			continue;
		stw_numbers_ref(p->numbers, p->members[i].number);
		p->gone[p->n_gone] = p->members[i];
		p->gone_s[p->n_gone++] = now_s;
	}
}

static int make_room(struct stw_past *p, size_t n_pools)
{
	size_t most = p->n_gone + p->n_members + 1;
	struct stw_model_member *gone = realloc(p->gone, most * sizeof(*gone));
	if (gone)
		p->gone = gone;
	double *gone_s = realloc(p->gone_s, most * sizeof(*gone_s));
	if (gone_s)
		p->gone_s = gone_s;
	struct stw_past_slots *view = realloc(p->view, (n_pools + 1) * sizeof(*view));
	if (view)
		p->view = view;
	return gone && gone_s && view ? STW_OK : STW_ENOMEM;
}

int stw_past_turn(struct stw_past *p, const struct stw_model *model, double now_s,
		  struct stw_image_past *out)
{
	struct stw_model_member *sorted = calloc(model->n_members + 1, sizeof(*sorted));

	if (!sorted || make_room(p, model->n_pools) != STW_OK) {
		free(sorted);
		return STW_ENOMEM;
	}
	memcpy(sorted, model->members, model->n_members * sizeof(*sorted));
	qsort(sorted, model->n_members, sizeof(*sorted), by_id);
	note_gone(p, sorted, model->n_members, now_s);
	free(sorted);
	for (size_t i = 0; i < p->n_pools; i++)
		if (now_s - p->pools[i].changed_s >= STW_PAST_S)
			drop(&p->pools[i].before);
	for (size_t i = 0; i < model->n_pools; i++) {
		const struct pool *pool = pool_named(p, model->pools[i].name);

		p->view[i] = pool ? view_of(pool) : (struct stw_past_slots){0};
	}
	*out = (struct stw_image_past){p->gone, p->n_gone, p->view};
	return STW_OK;
}

static int copy(const struct stw_image *image, const struct stw_image_pool *row,
		struct generation *out)
{
	const struct stw_image_header *h = image->bytes;
	const struct stw_image_section *s = &h->sections[STW_IMAGE_MEMBERS_SECTION];
	const struct stw_image_member *members = (const void *)((const char *)h + s->offset);
	const uint16_t *slots =
		(const void *)((const char *)h + h->sections[STW_IMAGE_SLOTS_SECTION].offset);

	out->n = row->n_slots;
	out->ids = calloc(s->rows + 1, sizeof(*out->ids));
	out->slots = calloc(row->n_slots + 1, sizeof(*out->slots));
	if (!out->ids || !out->slots)
		return STW_ENOMEM;
	for (uint32_t i = 0; i < s->rows; i++)
		out->ids[i] = members[i].id;
	memcpy(out->slots, slots + row->first_slot, row->n_slots * sizeof(*slots));
	return STW_OK;
}

static bool same(const struct generation *a, const struct generation *b)
{
	if (a->n != b->n)
		return false;
	for (uint32_t i = 0; i < a->n; i++)
		if (a->ids[a->slots[i]] != b->ids[b->slots[i]])
			return false;
	return true;
}

/* The pool of the image before, as it continues in this one. */
static void succeed(struct pool *pool, struct pool *last, double now_s)
{
	bool unchanged = same(&pool->now, &last->now);
	struct generation *from = unchanged ? &last->before : &last->now;

	pool->before = *from;
	pool->changed_s = unchanged ? last->changed_s : now_s;
	memset(from, 0, sizeof(*from));
}

int stw_past_keep(struct stw_past *p, const struct stw_model *model, const struct stw_image *image,
		  double now_s)
{
	const struct stw_image_header *h = image->bytes;
	const struct stw_image_pool *rows =
		(const void *)((const char *)h + h->sections[STW_IMAGE_POOLS_SECTION].offset);
	struct stw_past next = {.pools = calloc(model->n_pools + 1, sizeof(*next.pools))};
	struct stw_model_member *members = calloc(model->n_members + 1, sizeof(*members));
	int err = next.pools && members ? STW_OK : STW_ENOMEM;

	for (size_t i = 0; err == STW_OK && i < model->n_pools; i++) {
		struct pool *pool = &next.pools[next.n_pools++];

		memcpy(pool->name, model->pools[i].name, sizeof(pool->name));
		err = copy(image, &rows[i], &pool->now);
	}
	if (err != STW_OK) {
		drop_pools(&next);
		free(members);
		return err;
	}
	for (size_t i = 0; i < next.n_pools; i++) {
		struct pool *last = pool_named(p, next.pools[i].name);

		if (last)
			succeed(&next.pools[i], last, now_s);
	}
	drop_pools(p);
	p->pools = next.pools;
	p->n_pools = next.n_pools;
	free(p->members);
	memcpy(members, model->members, model->n_members * sizeof(*members));
	p->members = members;
	p->n_members = model->n_members;
	return STW_OK;
}

double stw_past_due_s(const struct stw_past *p)
{
	double due = 0;

	for (size_t i = 0; i < p->n_gone; i++)
		if (due == 0 || p->gone_s[i] + STW_PAST_S < due)
			due = p->gone_s[i] + STW_PAST_S;
	for (size_t i = 0; i < p->n_pools; i++)
		if (p->pools[i].before.n > 0 &&
		    (due == 0 || p->pools[i].changed_s + STW_PAST_S < due))
			due = p->pools[i].changed_s + STW_PAST_S;
	return due;
}
