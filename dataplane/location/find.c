/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/location/find.h"

#include <string.h>

#include <strowger/likely.h>

#include "dataplane/location/packed.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define TRIES	 8
#define TOGETHER 64u /* records under way from memory */

/* What reading a record said. */
enum reading {
	READ_OURS,
	READ_OTHER, /* somebody else's */
	READ_TORN,  /* it is being replaced */
	READ_BAD,   /* no record could be like this */
};

/* Which of the tags in @first, @second and the lower half of @last are @tag: a bit each. */
#if defined(__SSE2__)

static inline uint32_t lanes_with(uint64_t first, uint64_t second, uint64_t last, uint16_t tag)
{
	const __m128i wanted = _mm_set1_epi16((short)tag);
	const __m128i most = _mm_set_epi64x((long long)second, (long long)first);
	const __m128i rest = _mm_cvtsi64_si128((long long)last);

	return (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(_mm_cmpeq_epi16(most, wanted),
							   _mm_cmpeq_epi16(rest, wanted))) &
	       ((1u << STW_LOCATION_WAYS) - 1);
}

#else

static inline uint32_t lanes_with(uint64_t first, uint64_t second, uint64_t last, uint16_t tag)
{
	const uint64_t words[] = {first, second, last};
	uint32_t with = 0;

	for (uint32_t i = 0; i < STW_LOCATION_WAYS; i++)
		with |= (uint32_t)((uint16_t)(words[i / 4] >> 16 * (i % 4)) == tag) << i;
	return with;
}

#endif

/* The entries of a bucket with a tag, a bit each. */
static inline uint32_t entries_with(const struct stw_location_bucket *b, uint16_t tag,
				    uint32_t *pushed)
{
	const uint64_t last = atomic_load_explicit(&b->tags[2], memory_order_acquire);
	const uint64_t first = atomic_load_explicit(&b->tags[0], memory_order_acquire);
	const uint64_t second = atomic_load_explicit(&b->tags[1], memory_order_acquire);

	*pushed = (uint32_t)(last >> 32);
	return lanes_with(first, second, last, tag);
}

/* @return NULL: not all of the longest one there is would be inside of the map */
static inline const _Atomic uint64_t *record_at(const struct stw_location_map *map, uint32_t ref)
{
	const uint64_t at = (uint64_t)ref * STW_LOCATION_UNIT;

	if (at < sizeof(struct stw_location_header) || at + STW_LOCATION_READ_MAX > map->size)
		return NULL;
	return (const _Atomic uint64_t *)((const char *)map->header + at);
}

/* Bytes of a record's key that lie in the record, behind its first word. */
#define KEY_AT 2u
#define STEP   STW_LOCATION_OVER_WORDS
#define WORDS  3u /* of the key, compared at once */

/* Ones, then zeros: from 8 * WORDS - n on, a mask for the first n bytes. */
static const uint8_t ones[2 * 8 * WORDS] = {
#define ONES_8 255, 255, 255, 255, 255, 255, 255, 255
	ONES_8,
	ONES_8,
	ONES_8,
#undef ONES_8
};

static inline uint64_t load_word(const void *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

/* Up to 7 bytes, the first one lowest. */
static inline uint64_t load_few(const char *p, size_t n)
{
	uint64_t word = 0;

	for (size_t i = 0; i < n; i++)
		word |= (uint64_t)(uint8_t)p[i] << 8 * i;
	return word;
}

/* As memcmp() of short texts, in place. */
static inline bool is_text(const char *a, const char *b, size_t n)
{
	size_t at = 0;

	if (n < 8)
		return load_few(a, n) == load_few(b, n);
	for (; at + 8 <= n; at += 8)
		if (load_word(a + at) != load_word(b + at))
			return false;
	return load_word(a + n - 8) == load_word(b + n - 8);
}

/*
 * Is @user the record's? Both a word at a time: domain's row, length, user. Most end within the
 * first few words, which are compared without a branch.
 *
 * @param copy  [WORDS at least], the record from where its key begins
 * @param user  within a slot's aor, so with bytes before and behind it
 */
static inline bool is_user(const uint64_t *copy, const char *user, size_t n)
{
	const size_t end = KEY_AT + n;
	const uint8_t *mask = ones + 8 * WORDS - (end < 8 * WORDS ? end : 8 * WORDS);
	uint64_t differs = ((copy[0] ^ load_word(user - KEY_AT)) & load_word(mask)) >> 8 * KEY_AT;

	for (size_t i = 1; i < WORDS; i++)
		differs |= (copy[i] ^ load_word(user - KEY_AT + 8 * i)) & load_word(mask + 8 * i);
	if (stw_likely(end <= 8 * WORDS))
		return differs == 0;
	return differs == 0 &&
	       memcmp(copy + WORDS, user - KEY_AT + 8 * WORDS, end - 8 * WORDS) == 0;
}

/* Does the record's key equal the one that is looked for? @p copy: from where its key begins */
static inline bool is_key(const struct stw_location_map *map, const struct stw_where_slot *slot,
			  const uint64_t *copy, size_t len, uint8_t flags)
{
	const struct stw_location_header *h = map->header;
	const uint8_t domain = (uint8_t)copy[0], user_len = (uint8_t)(copy[0] >> 8);
	const size_t scheme = flags & STW_LOCATION_SIPS ? 5 : 4;
	const char *user = slot->aor + scheme;

	if (user_len > len - KEY_AT ||
	    domain >= atomic_load_explicit(&h->n_domains, memory_order_acquire))
		return false;
	const struct stw_location_domain *d = &h->domains[domain];
	const size_t d_len = d->len;

	return slot->w.aor_len == scheme + user_len + 1 + d_len && user[-1] == ':' &&
	       user[user_len] == '@' && is_user(copy, user, user_len) &&
	       is_text(user + user_len + 1, d->name, d_len);
}

/* Words @i and on, at least up to @n: in steps, whose number is the same for most. */
static inline void copy(const _Atomic uint64_t *from, uint64_t *to, size_t i, size_t n)
{
	for (; i < n; i += STEP)
#pragma GCC unroll 8
		for (size_t k = 0; k < STEP; k++)
			to[i + k] = atomic_load_explicit(from + i + k, memory_order_acquire);
}

/* Copy it, see whether it was the same all the time, and whether it is ours. */
static inline enum reading read_record(const struct stw_location_map *map,
				       const _Atomic uint64_t *from, struct stw_where_slot *slot)
{
	uint64_t *to = slot->record;

	copy(from, to, 0, 1);
	const uint64_t head = to[0];
	const size_t len = head >> 32 & 0xffff;

	if (head & 1)
		return READ_TORN;
	if (len < 8 + KEY_AT || len > STW_LOCATION_RECORD_MAX)
		return READ_BAD;
	copy(from, to, STEP, (len + 7) / 8);
	if (atomic_load_explicit(from, memory_order_relaxed) != head)
		return READ_TORN;
	return is_key(map, slot, to + 1, len - 8, (uint8_t)(head >> 56)) ? READ_OURS : READ_OTHER;
}

/* What the copied record says. */
static inline void conclude(const struct stw_location_map *map, struct stw_where_slot *slot)
{
	const uint64_t head = slot->record[0];
	const size_t len = head >> 32 & 0xffff;
	const size_t from = stw_packed_aligned(8 + KEY_AT + (uint8_t)(slot->record[1] >> 8));
	const uint8_t flags = (uint8_t)(head >> 56);
	const struct stw_packed_all all = {
		.p = (const char *)slot->record + from,
		.len = (uint16_t)(len > from ? len - from : 0),
		.aor_len = slot->w.aor_len,
		.n_listeners =
			atomic_load_explicit(&map->header->n_listeners, memory_order_acquire),
		.now_s = slot->w.now_s,
	};
	const enum stw_packed_any any = stw_packed_any(&all);

	slot->w.packed = all.p;
	slot->w.packed_len = all.len;
	slot->w.listeners = map->header->listeners;
	slot->w.n_listeners = all.n_listeners;
	if ((flags & STW_LOCATION_ASK) || any == STW_PACKED_DAMAGED ||
	    (all.len > 0) != ((uint8_t)(head >> 48) > 0))
		slot->w.found = STW_FOUND_ASK;
	else if (any == STW_PACKED_LIVE)
		slot->w.found = STW_FOUND_BOUND;
	else
		slot->w.found = flags & STW_LOCATION_KNOWN ? STW_FOUND_ABSENT : STW_FOUND_UNKNOWN;
}

static bool is_complete(const struct stw_location_map *map)
{
	return atomic_load_explicit(&map->header->complete, memory_order_acquire) == 1;
}

enum search { SEARCH_FOUND, SEARCH_NOTHING, SEARCH_AGAIN, SEARCH_LOST };

static enum search search_bucket(const struct stw_location_map *map,
				 const struct stw_location_bucket *b, struct stw_where_slot *slot,
				 uint32_t *ref, uint32_t *pushed)
{
	uint32_t entries = entries_with(b, stw_location_tag(slot->hash), pushed);

	for (; entries != 0; entries &= entries - 1) {
		const _Atomic uint32_t *entry = &b->ref[__builtin_ctz(entries)];

		*ref = atomic_load_explicit(entry, memory_order_acquire);
		const _Atomic uint64_t *record = record_at(map, *ref);

		if (record == NULL)
			return SEARCH_LOST;
		switch (read_record(map, record, slot)) {
		case READ_OURS: return SEARCH_FOUND;
		case READ_TORN: return SEARCH_AGAIN;
		case READ_BAD: return SEARCH_LOST;
		case READ_OTHER:
			if (atomic_load_explicit(entry, memory_order_relaxed) != *ref)
				return SEARCH_AGAIN; /* ours may have come in its place */
			break;
		}
	}
	return SEARCH_NOTHING;
}

static enum search search_once(const struct stw_location_map *map, struct stw_where_slot *slot,
			       uint32_t *ref)
{
	const struct stw_location_header *h = map->header;
	const uint64_t where = atomic_load_explicit(&h->buckets, memory_order_acquire);
	uint64_t mask;
	const struct stw_location_bucket *b = stw_location_buckets(map, where, &mask);
	enum search s = SEARCH_NOTHING;
	uint32_t pushed = 1;

	if (b == NULL)
		return SEARCH_LOST;
	const uint64_t home = stw_location_home(where, slot->hash);

	for (uint32_t i = 0; s == SEARCH_NOTHING && pushed != 0 && i < STW_LOCATION_PROBES; i++)
		s = search_bucket(map, &b[(home + i) & mask], slot, ref, &pushed);
	if (s == SEARCH_NOTHING && atomic_load_explicit(&h->buckets, memory_order_acquire) != where)
		return SEARCH_AGAIN; /* the table has grown meanwhile */
	return s;
}

static enum search search(const struct stw_location_map *map, struct stw_where_slot *slot,
			  uint32_t *ref)
{
	enum search s = SEARCH_AGAIN;

	for (int i = 0; s == SEARCH_AGAIN && i < TRIES; i++)
		s = search_once(map, slot, ref);
	return s;
}

/* "sips:" of a user who is known by "sip:" only: nobody calls that user so today. */
static bool is_known_as_sip(const struct stw_location_map *map, struct stw_where_slot *slot)
{
	struct stw_whereabouts *w = &slot->w;

	if (w->aor_len < 5 || memcmp(w->aor, "sips:", 5) != 0)
		return false;
	const struct stw_whereabouts was = *w;
	uint32_t ref;

	memmove(slot->aor + 3, slot->aor + 4, w->aor_len - 4u);
	stw_where_key(map->header, slot, w->aor_len - 1u);
	const bool known = search(map, slot, &ref) == SEARCH_FOUND;

	*w = was;
	return known;
}

bool stw_where_find_ref(const struct stw_location_map *map, struct stw_where_slot *slot,
			uint32_t *ref)
{
	if (search(map, slot, ref) != SEARCH_FOUND)
		return false;
	conclude(map, slot);
	return true;
}

/*
 * Nothing was peeked at, or it was somebody else's.
 *
 * @param absent_in  buckets of a complete table that have none; 0: not so
 */
__attribute__((noinline)) static void look_around(const struct stw_location_map *map,
						  uint64_t absent_in, struct stw_where_slot *slot)
{
	uint32_t ref;
	const bool absent =
		absent_in != 0 &&
		absent_in == atomic_load_explicit(&map->header->buckets, memory_order_acquire);
	const enum search s = absent ? SEARCH_NOTHING : search(map, slot, &ref);

	slot->w.found = STW_FOUND_ASK;
	slot->w.packed_len = 0;
	if (s == SEARCH_FOUND)
		conclude(map, slot);
	else if (s == SEARCH_NOTHING && (absent_in != 0 || is_complete(map)))
		slot->w.found = is_known_as_sip(map, slot) ? STW_FOUND_ABSENT : STW_FOUND_UNKNOWN;
}

/* What the bucket of one says: where a record is that may be it, or that there is none. */
struct peeked {
	const void *at[TOGETHER]; /* none: what is here already */
	enum { PEEKED_RECORD, PEEKED_NOTHING, PEEKED_ABSENT } what[TOGETHER];
};

static inline void peek(const struct stw_location_map *map, const struct stw_location_bucket *b,
			uint64_t hash, struct peeked *p, unsigned int k)
{
	uint32_t pushed;
	const uint32_t entries = entries_with(b, stw_location_tag(hash), &pushed);

	p->at[k] = b;
	p->what[k] = pushed == 0 ? PEEKED_ABSENT : PEEKED_NOTHING;
	if (entries == 0)
		return;
	const _Atomic uint64_t *record =
		record_at(map, atomic_load_explicit(&b->ref[__builtin_ctz(entries)],
						    memory_order_acquire));

	p->what[k] = PEEKED_NOTHING;
	if (record == NULL)
		return;
	p->at[k] = record;
	p->what[k] = PEEKED_RECORD;
}

static void find_some(const struct stw_location_map *in, struct stw_where_slot *const slot[],
		      unsigned int n)
{
	const struct stw_location_map map = *in; /* no store to a slot could change this one */
	/* First: who is not in what was complete before did not exist when we looked. */
	const bool complete = is_complete(&map);
	const uint64_t where = atomic_load_explicit(&map.header->buckets, memory_order_acquire);
	uint64_t mask;
	const struct stw_location_bucket *b = stw_location_buckets(&map, where, &mask);
	struct peeked p;

	if (b == NULL) {
		for (unsigned int k = 0; k < n; k++)
			look_around(in, 0, slot[k]);
		return;
	}
	for (unsigned int k = 0; k < n; k++)
		__builtin_prefetch(&b[stw_location_home(where, slot[k]->hash)]);
	for (unsigned int k = 0; k < n; k++)
		peek(&map, &b[stw_location_home(where, slot[k]->hash)], slot[k]->hash, &p, k);
	/* Side by side: a fetch waits for its page's place, and what is behind it for the fetch,
	 * as far as a core looks ahead. */
	for (unsigned int k = 0; k < n; k++) {
		__builtin_prefetch(p.at[k]);
		__builtin_prefetch((const char *)p.at[k] + 63);
	}
	/* A record that was peeked at and is ours is it, whoever refers to it by now. */
	for (unsigned int k = 0; k < n; k++)
		if (p.what[k] == PEEKED_RECORD && read_record(&map, p.at[k], slot[k]) == READ_OURS)
			conclude(&map, slot[k]);
		else
			look_around(in, p.what[k] == PEEKED_ABSENT && complete ? where : 0,
				    slot[k]);
}

void stw_where_find(const struct stw_location_map *map, struct stw_where_slot *const slot[],
		    unsigned int n)
{
	for (unsigned int at = 0; at < n; at += TOGETHER)
		find_some(map, slot + at, n - at < TOGETHER ? n - at : TOGETHER);
}
