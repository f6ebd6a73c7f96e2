/* SPDX-License-Identifier: BSD-3-Clause */

/* Who of a pool gets a call. Weights are shares of slots, so whatever chooses a slot obeys them. */

#include "dataplane/route/pool.h"

#include <strowger/sip_headers.h>
#include <strowger/stats.h>

#include "dataplane/recent/recent.h"

#define CANDIDATES 8u	 /* distinct members of one order */
#define LOOK_AHEAD 1024u /* slots looked at for them */

const struct stw_image_pool *stw_pool_serving(const struct stw_tables *t,
					      const struct stw_image_pool *pool)
{
	while (pool != NULL && pool->n_slots == 0) /* an image's chains end */
		pool = stw_tables_pool(t, pool->fallback);
	return pool;
}

/* ---- keys ---- */

static struct stw_span user_of_uri(const char *buf, struct stw_span value)
{
	struct stw_sip_uri uri;

	return stw_sip_uri_parse(buf, value, &uri) == STW_OK ? uri.user : (struct stw_span){0, 0};
}

static struct stw_span user_of_addr(const char *buf, struct stw_span value)
{
	struct stw_sip_name_addr addr;

	if (stw_sip_name_addr_parse(buf, value, &addr) != STW_OK)
		return (struct stw_span){0, 0};
	return user_of_uri(buf, addr.uri);
}

static struct stw_span header_value(const struct stw_decision *d, const char *name)
{
	struct stw_sip_line line;

	for (bool more = stw_sip_line_first(d->buf, d->m, &line); more;
	     more = stw_sip_line_next(d->buf, d->m, &line))
		if (stw_sip_name_is(d->buf, line.name, name))
			return line.value;
	return (struct stw_span){0, 0};
}

static uint64_t hash(const struct stw_decision *d, const void *bytes, size_t len)
{
	return stw_siphash13(d->t->secrets[0].key, bytes, len);
}

uint64_t stw_pool_key(const struct stw_decision *d, const struct stw_image_pool *pool)
{
	const struct stw_sip_msg *m = d->m;
	struct stw_span text;

	switch (pool->key) {
	case STW_IMAGE_KEY_FROM_USER: text = user_of_addr(d->buf, m->value[STW_HDR_FROM]); break;
	case STW_IMAGE_KEY_TO_USER: text = user_of_addr(d->buf, m->value[STW_HDR_TO]); break;
	case STW_IMAGE_KEY_URI_USER: text = user_of_uri(d->buf, m->uri); break;
	case STW_IMAGE_KEY_HEADER: text = header_value(d, pool->key_header); break;
	case STW_IMAGE_KEY_SOURCE: return hash(d, &d->src->peer.ip, sizeof(d->src->peer.ip));
	default: return d->v->call_hash;
	}
	return text.len > 0 ? hash(d, d->buf + text.off, text.len) : d->v->call_hash;
}

/* ---- work ---- */

static uint64_t count(const struct stw_memory *m, uint32_t worker, uint16_t number,
		      enum stw_member_counter c)
{
	return atomic_load_explicit(&m->members[worker].c[number][c], memory_order_relaxed);
}

/* Open work of a member: what all workers opened there and none has seen the end of. Their rows
 * are read at slightly different moments, so it may look negative for one. */
static uint64_t work_of(const struct stw_memory *m, const struct stw_image_pool *pool,
			uint16_t number)
{
	uint64_t invites = 0, others = 0;

	for (uint32_t i = 0; i < m->n_workers; i++) {
		invites += count(m, i, number, STW_M_INVITES) -
			   count(m, i, number, STW_M_INVITES_DONE);
		others +=
			count(m, i, number, STW_M_OTHERS) - count(m, i, number, STW_M_OTHERS_DONE);
	}
	invites = (int64_t)invites > 0 ? invites : 0;
	others = (int64_t)others > 0 ? others : 0;
	return invites * pool->work_invite + others * pool->work_other;
}

static uint32_t weight_of(const struct stw_tables *t, const struct stw_image_pool *pool,
			  uint16_t member)
{
	const struct stw_image_pool_member *pm = &t->pool_members[pool->first_member];
	uint32_t low = 0, high = pool->n_members;

	while (low < high) {
		uint32_t mid = (low + high) / 2;

		if (pm[mid].member < member)
			low = mid + 1;
		else
			high = mid;
	}
	return low < pool->n_members && pm[low].member == member ? pm[low].weight : 0;
}

static uint64_t pool_work(const struct stw_tables *t, const struct stw_image_pool *pool,
			  const struct stw_memory *m)
{
	const struct stw_image_pool_member *pm = &t->pool_members[pool->first_member];
	uint64_t sum = 0;

	for (uint32_t i = 0; i < pool->n_members; i++)
		if (pm[i].serves)
			sum += work_of(m, pool, t->members[pm[i].member].number);
	return sum;
}

void stw_pools_weigh(const struct stw_tables *t, const struct stw_memory *m)
{
	for (uint32_t i = 0; i < t->n_pools; i++)
		if (t->pools[i].bound_percent != 0)
			atomic_store_explicit(&t->loads[i].work, pool_work(t, &t->pools[i], m),
					      memory_order_relaxed);
}

/* ---- policies ---- */

static uint16_t at_hash(const struct stw_tables *t, const struct stw_image_pool *pool, uint64_t key)
{
	return t->slots[stw_pool_slot(pool, key)];
}

/* The better of two (Mitzenmacher): nearly as even as the best of all, and no herd runs after one
 * member while its counters lag. */
static uint16_t least(const struct stw_decision *d, const struct stw_image_pool *pool, uint64_t key)
{
	const struct stw_memory *memory = d->src->memory;
	uint16_t a = at_hash(d->t, pool, key), b = at_hash(d->t, pool, key * 0x9e3779b97f4a7c15u);

	if (a == b || memory == NULL || memory->members == NULL)
		return a;
	uint64_t work_a = work_of(memory, pool, d->t->members[a].number);
	uint64_t work_b = work_of(memory, pool, d->t->members[b].number);
	return work_a * weight_of(d->t, pool, b) <= work_b * weight_of(d->t, pool, a) ? a : b;
}

/* Consistent hashing with bounded loads (Mirrokni, Thorup, Zadimoghaddam): the first member from
 * the slot on whose work stays below the bound with this call. */
static bool within_bound(const struct stw_decision *d, const struct stw_image_pool *pool,
			 uint16_t member)
{
	size_t row = (size_t)(pool - d->t->pools);
	uint64_t total = atomic_load_explicit(&d->t->loads[row].work, memory_order_relaxed);
	uint64_t share = (total + pool->work_invite) * weight_of(d->t, pool, member);
	uint64_t work = work_of(d->src->memory, pool, d->t->members[member].number);

	/* nothing is open, or these tables are so new that nobody has looked */
	return total == 0 || work * 100 * d->t->loads[row].weight <= share * pool->bound_percent;
}

struct order {
	uint16_t member[CANDIDATES];
	uint32_t n;
};

static bool listed(const struct order *o, uint16_t member)
{
	for (uint32_t i = 0; i < o->n; i++)
		if (o->member[i] == member)
			return true;
	return false;
}

/* Distinct members from the key's slot on, up to @max. */
static void list_order(const struct stw_tables *t, const struct stw_image_pool *pool, uint64_t key,
		       uint32_t max, struct order *o)
{
	uint32_t look = pool->n_slots < LOOK_AHEAD ? pool->n_slots : LOOK_AHEAD;
	size_t at = stw_pool_slot(pool, key) - pool->first_slot;

	o->n = 0;
	for (uint32_t i = 0; i < look && o->n < max; i++) {
		uint16_t member = t->slots[pool->first_slot + at];

		if (!listed(o, member))
			o->member[o->n++] = member;
		at = at + 1 < pool->n_slots ? at + 1 : 0;
	}
}

static uint16_t bounded(const struct stw_decision *d, const struct stw_image_pool *pool,
			uint64_t key)
{
	uint16_t first = at_hash(d->t, pool, key);
	struct order o;

	if (d->src->memory == NULL || d->src->memory->members == NULL ||
	    within_bound(d, pool, first))
		return first;
	list_order(d->t, pool, key, CANDIDATES, &o);
	for (uint32_t i = 1; i < o.n; i++)
		if (within_bound(d, pool, o.member[i]))
			return o.member[i];
	return first;
}

uint16_t stw_pool_pick(struct stw_decision *d, const struct stw_image_pool *pool, uint64_t key)
{
	switch (pool->policy) {
	case STW_IMAGE_ROUND_ROBIN:
		if (d->src->memory == NULL)
			break;
		d->v->took_turn = true;
		return d->t->slots[pool->first_slot + d->src->memory->turn % pool->n_slots];
	case STW_IMAGE_LEAST: return least(d, pool, key);
	default:
		if (pool->bound_percent != 0)
			return bounded(d, pool, key);
	}
	return at_hash(d->t, pool, key);
}

/* Whom the slots do not name, though he might do: of a lower tier, or of very little weight. */
static uint16_t any_other(const struct stw_tables *t, const struct stw_image_pool *pool,
			  uint64_t key, uint16_t current)
{
	const struct stw_image_pool_member *pm = &t->pool_members[pool->first_member];
	uint32_t first = (uint32_t)((uint32_t)key * (uint64_t)pool->n_members >> 32);

	for (uint32_t i = 0; i < pool->n_members; i++) {
		uint32_t at = first + i < pool->n_members ? first + i : first + i - pool->n_members;

		if (pm[at].member != current && pm[at].weight > 0 && pm[at].asked == STW_IMAGE_UP &&
		    !stw_pool_avoids(t, pool, pm[at].member))
			return pm[at].member;
	}
	return STW_NO_MEMBER;
}

uint16_t stw_pool_next(const struct stw_tables *t, const struct stw_image_pool *pool, uint64_t key,
		       uint16_t current)
{
	struct order o;
	uint32_t from = 0;

	list_order(t, pool, key, CANDIDATES, &o);
	for (uint32_t i = 0; i < o.n; i++)
		if (o.member[i] == current)
			from = i + 1;
	for (uint32_t i = 0; i < o.n; i++) {
		uint16_t member = o.member[(from + i) % o.n];

		if (member != current && !stw_pool_avoids(t, pool, member))
			return member;
	}
	return any_other(t, pool, key, current);
}
