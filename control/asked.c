/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/inside.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>
#include <strowger/log.h>

#include "dataplane/route/decide.h"

/*
 * What people ask for while it runs: each wish becomes an override for each pool that it is about,
 * and the members are laid anew.
 */

const char *stw_asked_text(enum stw_asked asked)
{
	static const char *const text[] = {
		[STW_ASKED_UP] = "up", [STW_ASKED_DRAIN] = "drain", [STW_ASKED_DOWN] = "down"};
	return text[asked];
}

int stw_control_save(struct stw_control *c, const struct stw_control_words *words)
{
	char reason[256] = "";
	int err = stw_overrides_save(c->overrides, c->model->state_dir, reason, sizeof(reason));
	if (!err)
		return STW_OK;
	stw_error("what was asked for is not saved: %s", reason);
	if (words->message)
		words->message(words->ctx, reason);
	return STW_EIO;
}

/* One wish for one member, to be laid over each pool that uses it. */
struct wish {
	size_t member;
	const char *pool; /* NULL: all */
	bool is_weight;
	enum stw_asked asked;
	uint32_t weight;
};

/* Writes one override. What equals the file's word needs none: a later reload then decides. Of a
 * member that is not in the file only what was asked for is kept: the rest is its name's affair. */
static int write_override(struct stw_control *c, const struct wish *w, size_t pool, size_t k)
{
	const char *name = c->model->pools[pool].name;
	const struct stw_endpoint *address = &c->model->members[w->member].address;
	const struct stw_model_pool_member *file = stw_file_members_use(c->file, pool, address);
	const struct stw_model_pool_member now = c->model->pools[pool].members[k];
	const struct stw_override *before = stw_overrides_find(c->overrides, name, address);
	struct stw_override o = before ? *before : (struct stw_override){0};
	enum stw_asked asked = w->is_weight ? now.asked : w->asked;
	uint32_t weight = w->is_weight ? w->weight : now.weight;
	bool keeps_asked = file		  ? asked != file->asked
			   : w->is_weight ? o.has_asked
					  : asked != STW_ASKED_UP;
	bool keeps_weight = file ? weight != file->weight : w->is_weight || o.has_weight;
	uint64_t when = (uint64_t)ev_time();
	int err = STW_OK;

	stw_overrides_clear(c->overrides, name, address);
	if (o.added)
		err = stw_overrides_add(c->overrides, name, address, o.name, when);
	if (!err && keeps_asked)
		err = stw_overrides_set_asked(c->overrides, name, address, asked, when);
	if (!err && keeps_weight)
		err = stw_overrides_set_weight(c->overrides, name, address, weight, when);
	return err;
}

static void tell(const struct stw_control *c, const struct wish *w, size_t pool,
		 const struct stw_model_pool_member *before, const struct stw_control_words *words)
{
	char line[160];
	const char *member = c->model->members[w->member].name;
	const char *name = c->model->pools[pool].name;
	if (w->is_weight)
		snprintf(line, sizeof(line), "%s in %s: weight %u -> %u", member, name,
			 before->weight, w->weight);
	else
		snprintf(line, sizeof(line), "%s in %s: %s -> %s", member, name,
			 stw_asked_text(before->asked), stw_asked_text(w->asked));
	stw_info("asked: %s", line);
	if (words->line)
		words->line(words->ctx, false, line);
}

/* @n_changed grows by each pool that changed, also when an error ends it half way. */
static int fulfil_all(struct stw_control *c, const struct wish *w,
		      const struct stw_control_words *words, size_t *n_changed)
{
	bool found = false;
	for (size_t i = 0; i < c->model->n_pools; i++) {
		const struct stw_model_pool *pool = &c->model->pools[i];
		if (w->pool && strcmp(w->pool, pool->name) != 0)
			continue;
		for (size_t k = 0; k < pool->n_members; k++) {
			const struct stw_model_pool_member *pm = &pool->members[k];
			if (pm->member != w->member)
				continue;
			found = true;
			if (w->is_weight ? pm->weight == w->weight : pm->asked == w->asked)
				continue;
			int err = write_override(c, w, i, k);
			if (err)
				return err;
			tell(c, w, i, pm, words);
			(*n_changed)++;
		}
	}
	return found ? STW_OK : STW_ENOENT;
}

/* Members and what was asked of them differ: serve it, watch it, keep it. */
static int take_effect(struct stw_control *c, const struct stw_control_words *words,
		       uint64_t *change)
{
	stw_control_lay(c);
	stw_control_watch_members(c);
	*change = stw_publish_change(c->publish);
	return stw_control_save(c, words);
}

static int fulfil(struct stw_control *c, const struct wish *w,
		  const struct stw_control_words *words, uint64_t *change)
{
	size_t n_changed = 0;
	int err = fulfil_all(c, w, words, &n_changed);
	if (n_changed) {
		int saved = take_effect(c, words, change);
		return err ? err : saved;
	}
	if (!err)
		*change = 0;
	return err;
}

int stw_control_ask(struct stw_control *c, size_t member, const char *pool, enum stw_asked asked,
		    const struct stw_control_words *words, uint64_t *change)
{
	struct wish w = {.member = member, .pool = pool, .asked = asked};
	return fulfil(c, &w, words, change);
}

int stw_control_set_weight(struct stw_control *c, size_t member, const char *pool, uint32_t weight,
			   const struct stw_control_words *words, uint64_t *change)
{
	struct wish w = {.member = member, .pool = pool, .is_weight = true, .weight = weight};
	if (weight > UINT16_MAX)
		return STW_ERANGE;
	return fulfil(c, &w, words, change);
}

static int find_pool(const struct stw_control *c, const char *name)
{
	for (size_t i = 0; i < c->model->n_pools; i++)
		if (strcmp(c->model->pools[i].name, name) == 0)
			return (int)i;
	return -1;
}

static bool is_listener(const struct stw_control *c, const struct stw_endpoint *address)
{
	for (size_t i = 0; i < c->model->n_listeners; i++)
		if (stw_endpoint_equal(&c->model->listeners[i].address, address))
			return true;
	return false;
}

/* @return STW_OK, STW_EDUP: the name or the identity is another's, or it is in the pool already */
static int may_add(const struct stw_control *c, size_t pool, const struct stw_endpoint *address,
		   const char *name)
{
	const struct stw_model *m = c->model;

	for (size_t i = 0; i < m->n_members; i++) {
		bool same = stw_endpoint_equal(&m->members[i].address, address);

		if (!same && (m->members[i].id == stw_member_id(address) ||
			      strcmp(m->members[i].name, name) == 0))
			return STW_EDUP;
		for (size_t k = 0; same && k < m->pools[pool].n_members; k++)
			if (m->pools[pool].members[k].member == i)
				return STW_EDUP;
	}
	return STW_OK;
}

/* Back as the file has it, or new. */
static int write_addition(struct stw_control *c, size_t pool, const struct stw_endpoint *address,
			  const char *name, uint32_t weight)
{
	const struct stw_model_pool_member *file = stw_file_members_use(c->file, pool, address);
	const char *pool_name = c->model->pools[pool].name;
	uint64_t when = (uint64_t)ev_time();
	int err = STW_OK;

	stw_overrides_clear(c->overrides, pool_name, address);
	if (!file)
		err = stw_overrides_add(c->overrides, pool_name, address, name, when);
	if (!err && weight != (file ? file->weight : 1))
		err = stw_overrides_set_weight(c->overrides, pool_name, address, weight, when);
	return err;
}

int stw_control_add_member(struct stw_control *c, const char *pool,
			   const struct stw_endpoint *address, const char *name, uint32_t weight,
			   const struct stw_control_words *words, uint64_t *change)
{
	char text[STW_ENDPOINT_TEXT], line[160];
	int at = find_pool(c, pool);

	if (at < 0)
		return STW_ENOENT;
	if (weight > UINT16_MAX || is_listener(c, address) || stw_ip_forbidden(&address->ip))
		return STW_ERANGE;
	if (c->model->n_members >= STW_MEMBERS_MAX ||
	    c->model->pools[at].n_members >= STW_IMAGE_MEMBERS)
		return STW_ENOSPACE;
	int err = may_add(c, (size_t)at, address, name);
	if (!err)
		err = write_addition(c, (size_t)at, address, name, weight);
	if (err)
		return err;
	stw_endpoint_format(address, text);
	snprintf(line, sizeof(line), "%s added to %s, weight %u", *name ? name : text, pool,
		 weight);
	stw_info("asked: %s", line);
	if (words->line)
		words->line(words->ctx, false, line);
	return take_effect(c, words, change);
}

/* Taken out of one pool: what was added is forgotten, what the file has is left out. */
static int write_removal(struct stw_control *c, size_t pool, const struct stw_endpoint *address)
{
	const char *name = c->model->pools[pool].name;
	const struct stw_override *o = stw_overrides_find(c->overrides, name, address);

	if (o && o->added && !stw_file_members_use(c->file, pool, address))
		return stw_overrides_clear(c->overrides, name, address);
	return stw_overrides_remove(c->overrides, name, address, (uint64_t)ev_time());
}

/* Pools that a removal is about, with the member's place there. @return how many */
static size_t places_of(const struct stw_control *c, size_t member, const char *pool,
			const struct stw_model_pool_member **uses, size_t *pools)
{
	size_t n = 0;

	for (size_t i = 0; i < c->model->n_pools; i++) {
		const struct stw_model_pool *p = &c->model->pools[i];

		for (size_t k = 0; (!pool || strcmp(pool, p->name) == 0) && k < p->n_members; k++)
			if (p->members[k].member == member) {
				uses[n] = &p->members[k];
				pools[n++] = i;
			}
	}
	return n;
}

static int remove_from(struct stw_control *c, const struct stw_model_member *m, const size_t *pools,
		       size_t n, const struct stw_control_words *words)
{
	char line[160];

	for (size_t i = 0; i < n; i++) {
		int err = write_removal(c, pools[i], &m->address);

		if (err)
			return err;
		snprintf(line, sizeof(line), "%s removed from %s", m->name,
			 c->model->pools[pools[i]].name);
		stw_info("asked: %s", line);
		if (words->line)
			words->line(words->ctx, false, line);
	}
	return STW_OK;
}

int stw_control_remove_member(struct stw_control *c, size_t member, const char *pool, bool force,
			      const struct stw_control_words *words, uint64_t *change)
{
	const struct stw_model_pool_member **uses = calloc(c->model->n_pools + 1, sizeof(*uses));
	size_t *pools = calloc(c->model->n_pools + 1, sizeof(*pools));
	const struct stw_model_member m = c->model->members[member];
	int err = uses && pools ? STW_OK : STW_ENOMEM;
	size_t n = err ? 0 : places_of(c, member, pool, uses, pools);

	if (!err && n == 0)
		err = STW_ENOENT;
	for (size_t i = 0; !err && !force && i < n; i++)
		if (uses[i]->asked == STW_ASKED_UP)
			err = STW_EBUSY;
	if (!err)
		err = remove_from(c, &m, pools, n, words);
	free(uses);
	free(pools);
	return err ? err : take_effect(c, words, change);
}
