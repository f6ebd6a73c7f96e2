/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/location/buckets.h"

#include "dataplane/location/find.h"

#define PUSHED_SHIFT 32
#define PUSHED_MAX   0xffffu

static uint64_t home_of(const struct stw_buckets *b, uint64_t hash)
{
	return stw_location_home(b->where, hash);
}

static struct stw_location_bucket *row(const struct stw_buckets *b, uint64_t i)
{
	return &b->rows[i & (b->n - 1)];
}

static uint64_t word_of(const struct stw_location_bucket *b, uint32_t i)
{
	return atomic_load_explicit(&b->tags[i], memory_order_relaxed);
}

static uint32_t pushed(const struct stw_location_bucket *b)
{
	return word_of(b, 2) >> PUSHED_SHIFT & PUSHED_MAX;
}

uint16_t stw_bucket_tag(const struct stw_location_bucket *b, uint32_t way)
{
	return (uint16_t)(word_of(b, way / 4) >> way % 4 * 16);
}

static void set_tag(struct stw_location_bucket *b, uint32_t way, uint16_t tag)
{
	const uint32_t shift = way % 4 * 16;
	const uint64_t rest = word_of(b, way / 4) & ~((uint64_t)0xffff << shift);

	atomic_store_explicit(&b->tags[way / 4], rest | (uint64_t)tag << shift,
			      memory_order_release);
}

/* One more or one less was pushed past; a count that was once full never goes down. */
static void push(struct stw_location_bucket *b, int by)
{
	const uint32_t n = pushed(b);

	if (n == PUSHED_MAX)
		return;
	atomic_store_explicit(&b->tags[2],
			      (word_of(b, 2) & UINT32_MAX) | (uint64_t)(n + (uint32_t)by)
								     << PUSHED_SHIFT,
			      memory_order_release);
}

void stw_buckets_fetch(const struct stw_buckets *b, uint64_t hash)
{
	__builtin_prefetch(row(b, home_of(b, hash)));
}

bool stw_buckets_find_ref(const struct stw_buckets *b, uint64_t hash, uint32_t ref,
			  struct stw_bucket_entry *out)
{
	const uint16_t tag = stw_location_tag(hash);
	const uint64_t home = home_of(b, hash);

	for (uint32_t i = 0; i < STW_LOCATION_PROBES; i++) {
		const struct stw_location_bucket *r = row(b, home + i);

		for (uint32_t way = 0; way < STW_LOCATION_WAYS; way++)
			if (stw_bucket_tag(r, way) == tag &&
			    atomic_load_explicit(&r->ref[way], memory_order_relaxed) == ref) {
				*out = (struct stw_bucket_entry){(home + i) & (b->n - 1), way};
				return true;
			}
		if (pushed(r) == 0)
			return false;
	}
	return false;
}

static int free_way(const struct stw_location_bucket *r)
{
	for (uint32_t way = 0; way < STW_LOCATION_WAYS; way++)
		if (stw_bucket_tag(r, way) == 0)
			return (int)way;
	return -1;
}

bool stw_buckets_add(struct stw_buckets *b, uint64_t hash, uint32_t ref)
{
	const uint64_t home = home_of(b, hash);

	for (uint32_t i = 0; i < STW_LOCATION_PROBES && i < b->n; i++) {
		struct stw_location_bucket *r = row(b, home + i);
		const int way = free_way(r);

		if (way < 0)
			continue;
		/* A reader that is on its way there must not end before it. */
		for (uint32_t k = 0; k < i; k++)
			push(row(b, home + k), 1);
		atomic_store_explicit(&r->ref[way], ref, memory_order_relaxed);
		set_tag(r, (uint32_t)way, stw_location_tag(hash));
		b->used++;
		return true;
	}
	return false;
}

void stw_buckets_set(struct stw_buckets *b, const struct stw_bucket_entry *at, uint32_t ref)
{
	atomic_store_explicit(&b->rows[at->bucket].ref[at->way], ref, memory_order_release);
}

void stw_buckets_remove(struct stw_buckets *b, uint64_t hash, const struct stw_bucket_entry *at)
{
	set_tag(&b->rows[at->bucket], at->way, 0);
	for (uint64_t i = home_of(b, hash); (i & (b->n - 1)) != at->bucket; i++)
		push(row(b, i), -1);
	b->used--;
}
