/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/tables/pool.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>

/* Eighths of its weight that a member has by its health. */
static uint32_t eighths(const struct stw_model_pool_member *pm, const uint8_t *failed, bool panic)
{
	if (panic)
		return 8;
	return failed != NULL && failed[pm->member] ? 0 : 8u - pm->withheld;
}

bool stw_pool_failed(const struct stw_model_pool_member *pm, const uint8_t *failed)
{
	return eighths(pm, failed, false) == 0;
}

/* Weights times eighths, where they fit: a power of two for all moves no slot. */
static uint32_t scale_of(const struct stw_model_pool *pool)
{
	bool parts = false;

	for (size_t i = 0; i < pool->n_members; i++) {
		const struct stw_model_pool_member *pm = &pool->members[i];

		parts |= pm->withheld > 0 && pm->withheld < 8;
		if (pm->weight > STW_IMAGE_WEIGHT_MAX / 8)
			return 1;
	}
	return parts ? 8 : 1;
}

static bool could_serve(const struct stw_model_pool_member *pm, const uint8_t *failed, bool panic)
{
	return pm->asked == STW_ASKED_UP && pm->weight > 0 && eighths(pm, failed, panic) > 0;
}

static size_t who_of(const struct stw_model *m, const uint8_t *failed,
		     const struct stw_model_pool *pool, bool panic, struct stw_maglev_member *out)
{
	uint32_t scale = scale_of(pool);
	unsigned lowest = UINT8_MAX;
	size_t n = 0;

	for (size_t i = 0; i < pool->n_members; i++)
		if (could_serve(&pool->members[i], failed, panic) &&
		    pool->members[i].priority < lowest)
			lowest = pool->members[i].priority;
	for (size_t i = 0; i < pool->n_members; i++) {
		const struct stw_model_pool_member *pm = &pool->members[i];
		bool serves = could_serve(pm, failed, panic) && pm->priority == lowest;
		uint32_t weight = pm->weight * scale * eighths(pm, failed, panic) / 8;

		out[i].id = m->members[pm->member].id;
		out[i].weight = serves ? (weight > 0 ? weight : 1) : 0;
		n += serves;
	}
	return n;
}

size_t stw_pool_who(const struct stw_model *m, const uint8_t *failed,
		    const struct stw_model_pool *pool, struct stw_maglev_member *out, bool *panic)
{
	size_t n = who_of(m, failed, pool, false, out);

	*panic = n == 0 && pool->fallback[0] == '\0';
	if (*panic)
		n = who_of(m, failed, pool, true, out);
	*panic = *panic && n > 0;
	return n;
}

/* A turn: when it comes in the round, and whose it is. */
struct turn {
	uint64_t at;
	uint32_t id;
	uint16_t row;
};

static int by_turn(const void *a, const void *b)
{
	const struct turn *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

/* The same shares in an order that spreads each member's turns evenly: one in each n-th of the
 * round for a share of n, at a place there that is the member's own. */
static int take_turns(const struct stw_model_pool *pool, const struct stw_maglev_member *who,
		      uint16_t *slots, uint32_t n_slots)
{
	struct turn *turns = calloc(n_slots, sizeof(*turns));
	uint32_t *share = calloc(2 * pool->n_members, sizeof(*share));
	uint32_t *given = share + pool->n_members;

	if (turns == NULL || share == NULL) {
		free(turns);
		free(share);
		return STW_ENOMEM;
	}
	for (uint32_t s = 0; s < n_slots; s++)
		share[slots[s]]++;
	for (uint32_t s = 0; s < n_slots; s++) {
		uint16_t row = slots[s];

		turns[s].at = (((uint64_t)given[row]++ << 32) + who[row].id) / share[row];
		turns[s].id = who[row].id;
		turns[s].row = row;
	}
	qsort(turns, n_slots, sizeof(*turns), by_turn);
	for (uint32_t s = 0; s < n_slots; s++)
		slots[s] = turns[s].row;
	free(turns);
	free(share);
	return STW_OK;
}

int stw_pool_slots(const struct stw_model_pool *pool, const struct stw_maglev_member *who,
		   uint16_t *slots, uint32_t n_slots)
{
	int err = stw_maglev_build(who, pool->n_members, slots, n_slots);

	if (err == STW_OK && pool->policy == STW_POLICY_ROUND_ROBIN)
		err = take_turns(pool, who, slots, n_slots);
	for (uint32_t s = 0; err == STW_OK && s < n_slots; s++)
		slots[s] = (uint16_t)pool->members[slots[s]].member;
	return err;
}

static uint16_t pool_named(const struct stw_model *m, const char *name)
{
	for (size_t i = 0; *name != '\0' && i < m->n_pools; i++)
		if (strcmp(m->pools[i].name, name) == 0)
			return (uint16_t)i;
	return STW_IMAGE_NO_POOL;
}

static void set_key(const struct stw_model_pool *pool, struct stw_image_pool *row)
{
	size_t len = strlen(pool->hash_header);

	row->key = (uint8_t)pool->hash_key;
	if (pool->hash_key != STW_IMAGE_KEY_HEADER || len > STW_IMAGE_KEY_HEADER_MAX)
		return;
	row->key_header_len = (uint8_t)len;
	for (size_t i = 0; i < len; i++)
		row->key_header[i] = (char)tolower((unsigned char)pool->hash_header[i]);
}

void stw_pool_policy(const struct stw_model *m, const struct stw_model_pool *pool,
		     struct stw_image_pool *row)
{
	static const uint8_t policies[] = {
		[STW_POLICY_HASH] = STW_IMAGE_BY_HASH,
		[STW_POLICY_ROUND_ROBIN] = STW_IMAGE_ROUND_ROBIN,
		[STW_POLICY_LEAST_OPEN] = STW_IMAGE_LEAST,
		[STW_POLICY_LEAST_WORK] = STW_IMAGE_LEAST,
	};
	bool weighed = pool->policy == STW_POLICY_LEAST_WORK;

	row->policy = policies[pool->policy];
	row->fallback = pool_named(m, pool->fallback);
	row->bound_percent = pool->policy == STW_POLICY_HASH ? pool->bound_percent : 0;
	row->work_invite = weighed && pool->work_invite > 0 ? pool->work_invite : 1;
	row->work_other = weighed && pool->work_other > 0 ? pool->work_other : 1;
	row->failover = pool->failover;
	if (pool->policy == STW_POLICY_HASH)
		set_key(pool, row);
}

static int by_member(const void *a, const void *b)
{
	const struct stw_image_pool_member *x = a, *y = b;

	return x->member < y->member ? -1 : x->member > y->member;
}

void stw_pool_members(const struct stw_model_pool *pool, const uint8_t *failed,
		      const struct stw_maglev_member *who, struct stw_image_pool_member *rows)
{
	for (size_t i = 0; i < pool->n_members; i++) {
		const struct stw_model_pool_member *m = &pool->members[i];

		rows[i].member = (uint16_t)m->member;
		/* of those that serve, what their slots were made of */
		rows[i].weight = (uint16_t)(who[i].weight > 0 ? who[i].weight : m->weight);
		rows[i].asked = (uint8_t)m->asked;
		rows[i].failed = stw_pool_failed(m, failed);
		rows[i].serves = who[i].weight > 0;
	}
	qsort(rows, pool->n_members, sizeof(*rows), by_member);
}
