/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/model/members.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>
#include <strowger/stats.h>
#include <strowger/table_image.h>

/* Members and uses as they grow; an address stands once in members. */
struct draft {
	const struct stw_file_members *file;
	const struct stw_overrides *overrides;
	struct stw_model *model;
	struct stw_file_pool *pools;
	struct stw_model_member *members;
	size_t n_members;
	uint32_t *index; /* [room], by id: place in members and one more, 0: free */
	size_t room;	 /* a power of two */
};

static void *copy_of(const void *rows, size_t n, size_t size)
{
	void *copy = calloc(n + 1, size);

	if (copy && n > 0)
		memcpy(copy, rows, n * size);
	return copy;
}

struct stw_file_members *stw_file_members_of(const struct stw_model *m)
{
	struct stw_file_members *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->pools = calloc(m->n_pools + 1, sizeof(*f->pools));
	f->members = copy_of(m->members, m->n_members, sizeof(*m->members));
	f->n_members = m->n_members;
	f->n_pools = f->pools ? m->n_pools : 0;
	bool ok = f->pools && f->members;
	for (size_t i = 0; ok && i < m->n_pools; i++) {
		f->pools[i].n_uses = m->pools[i].n_members;
		f->pools[i].uses = copy_of(m->pools[i].members, m->pools[i].n_members,
					   sizeof(*m->pools[i].members));
		ok = f->pools[i].uses != NULL;
	}
	if (ok)
		return f;
	stw_file_members_free(f);
	return NULL;
}

const struct stw_model_pool_member *stw_file_members_use(const struct stw_file_members *f,
							 size_t pool,
							 const struct stw_endpoint *address)
{
	for (size_t k = 0; pool < f->n_pools && k < f->pools[pool].n_uses; k++) {
		const struct stw_model_pool_member *use = &f->pools[pool].uses[k];

		if (stw_endpoint_equal(&f->members[use->member].address, address))
			return use;
	}
	return NULL;
}

/* The slot of @address in the index: its own, or the free one where it would be. */
static uint32_t *slot_of(const struct draft *d, const struct stw_endpoint *address)
{
	size_t at = stw_member_id(address) & (d->room - 1);

	while (d->index[at] && !stw_endpoint_equal(&d->members[d->index[at] - 1].address, address))
		at = (at + 1) & (d->room - 1);
	return &d->index[at];
}

static bool name_is_taken(const struct draft *d, const char *name)
{
	for (size_t i = 0; i < d->n_members; i++)
		if (strcmp(d->members[i].name, name) == 0)
			return true;
	return false;
}

/* The name wanted, else the address, else something of its id. */
static void choose_name(const struct draft *d, struct stw_model_member *m, const char *wanted)
{
	char text[STW_ENDPOINT_TEXT];

	if (*wanted && !name_is_taken(d, wanted))
		snprintf(m->name, sizeof(m->name), "%s", wanted);
	else if (stw_endpoint_format(&m->address, text) < STW_NAME_MAX && !name_is_taken(d, text))
		memcpy(m->name, text, strlen(text) + 1);
	else
		snprintf(m->name, sizeof(m->name), "m-%08x", m->id);
}

/* @return its place in members */
static uint32_t take_member(struct draft *d, const struct stw_endpoint *address,
			    const struct stw_model_member *from_file, const char *wanted)
{
	uint32_t *slot = slot_of(d, address);

	if (*slot == 0) {
		struct stw_model_member *m = &d->members[d->n_members++];

		*slot = (uint32_t)d->n_members;
		if (from_file) {
			*m = *from_file;
			m->number = 0;
		} else {
			*m = (struct stw_model_member){.address = *address,
						       .id = stw_member_id(address)};
			choose_name(d, m, wanted);
		}
	}
	return *slot - 1;
}

static bool uses(const struct draft *d, const struct stw_file_pool *p,
		 const struct stw_endpoint *address)
{
	for (size_t i = 0; i < p->n_uses; i++)
		if (stw_endpoint_equal(&d->members[p->uses[i].member].address, address))
			return true;
	return false;
}

static bool is_removed(const struct draft *d, const char *pool, const struct stw_endpoint *address)
{
	const struct stw_override *o = stw_overrides_find(d->overrides, pool, address);

	return o && o->removed;
}

static void lay_file(struct draft *d, size_t i)
{
	const struct stw_file_pool *from = &d->file->pools[i];
	struct stw_file_pool *to = &d->pools[i];

	for (size_t k = 0; k < from->n_uses; k++) {
		const struct stw_model_member *m = &d->file->members[from->uses[k].member];

		if (is_removed(d, d->model->pools[i].name, &m->address))
			continue;
		to->uses[to->n_uses] = from->uses[k];
		to->uses[to->n_uses++].member = take_member(d, &m->address, m, "");
	}
}

static void lay_found(struct draft *d, size_t i, const struct stw_found_list *found)
{
	const char *pool = d->model->pools[i].name;
	struct stw_file_pool *to = &d->pools[i];

	for (size_t k = 0; k < found->n; k++) {
		const struct stw_found *f = &found->rows[k];

		if (strcmp(f->pool, pool) != 0 || is_removed(d, pool, &f->address) ||
		    uses(d, to, &f->address))
			continue;
		to->uses[to->n_uses++] = (struct stw_model_pool_member){
			.member = take_member(d, &f->address, NULL, ""),
			.weight = f->weight,
			.priority = f->priority,
			.asked = f->gone ? STW_ASKED_DRAIN : STW_ASKED_UP,
		};
	}
}

static void lay_added(struct draft *d, size_t i)
{
	struct stw_file_pool *to = &d->pools[i];

	for (size_t k = 0; k < stw_overrides_n(d->overrides); k++) {
		const struct stw_override *o = stw_overrides_get(d->overrides, k);

		if (!o->added || strcmp(o->pool, d->model->pools[i].name) != 0 ||
		    uses(d, to, &o->member))
			continue;
		to->uses[to->n_uses++] = (struct stw_model_pool_member){
			.member = take_member(d, &o->member, NULL, o->name),
			.weight = 1,
			.asked = STW_ASKED_UP,
		};
	}
}

/* How many uses there may be at most. */
static size_t most_uses(const struct draft *d, size_t i, const struct stw_found_list *found)
{
	return d->file->pools[i].n_uses + found->n + stw_overrides_n(d->overrides);
}

static int make_room(struct draft *d, const struct stw_found_list *found)
{
	size_t most = d->file->n_members + found->n + stw_overrides_n(d->overrides);

	for (d->room = 16; d->room < 2 * most;)
		d->room *= 2;
	d->members = calloc(most + 1, sizeof(*d->members));
	d->index = calloc(d->room, sizeof(*d->index));
	d->pools = calloc(d->file->n_pools + 1, sizeof(*d->pools));
	if (!d->members || !d->index || !d->pools)
		return STW_ENOMEM;
	for (size_t i = 0; i < d->file->n_pools; i++) {
		d->pools[i].uses = calloc(most_uses(d, i, found) + 1, sizeof(*d->pools[i].uses));
		if (!d->pools[i].uses)
			return STW_ENOMEM;
	}
	return STW_OK;
}

static void draft_fini(struct draft *d)
{
	for (size_t i = 0; d->pools && i < d->file->n_pools; i++)
		free(d->pools[i].uses);
	free(d->pools);
	free(d->members);
	free(d->index);
}

static void hand_over(struct draft *d)
{
	struct stw_model *m = d->model;

	for (size_t i = 0; i < m->n_pools; i++) {
		struct stw_model_pool_member *old = m->pools[i].members;

		m->pools[i].members = d->pools[i].uses;
		m->pools[i].n_members = d->pools[i].n_uses;
		d->pools[i].uses = old;
	}
	struct stw_model_member *old = m->members;
	m->members = d->members;
	m->n_members = d->n_members;
	d->members = old;
}

int stw_members_lay(const struct stw_file_members *f, const struct stw_overrides *o,
		    const struct stw_found_list *found, struct stw_model *m)
{
	struct draft d = {.file = f, .overrides = o, .model = m};
	int err = make_room(&d, found);

	/* Whoever the file has keeps the file's name: those come first. */
	for (size_t i = 0; !err && i < f->n_pools; i++)
		lay_file(&d, i);
	for (size_t i = 0; !err && i < f->n_pools; i++) {
		lay_found(&d, i, found);
		lay_added(&d, i);
		if (d.pools[i].n_uses > STW_IMAGE_MEMBERS)
			err = STW_ERANGE;
	}
	if (d.n_members > STW_MEMBERS_MAX)
		err = STW_ERANGE;
	if (!err) {
		hand_over(&d);
		stw_overrides_apply(o, m);
	}
	draft_fini(&d);
	return err;
}

int stw_members_dress(struct stw_model *m, const struct stw_overrides *o,
		      const struct stw_found_list *found)
{
	struct stw_file_members *f = stw_file_members_of(m);
	int err = f ? stw_members_lay(f, o, found, m) : STW_ENOMEM;

	stw_file_members_free(f);
	return err;
}

void stw_file_members_free(struct stw_file_members *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->n_pools; i++)
		free(f->pools[i].uses);
	free(f->pools);
	free(f->members);
	free(f);
}
