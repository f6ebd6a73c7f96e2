/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/location/find.h"

#include <string.h>

#define TRIES	 8
#define TOGETHER 64u /* records under way from memory */
#define LANES	 0x0001000100010001u

/* What reading a record said. */
enum reading {
	READ_OURS,
	READ_OTHER, /* somebody else's */
	READ_TORN,  /* it is being replaced */
	READ_BAD,   /* no record could be like this */
};

/*
 * A one in the top bit of each lane that holds @tag, and perhaps in lanes above one that does: the
 * exact key decides, and where nothing holds it there is none.
 */
static inline uint64_t lanes_with(uint64_t word, uint64_t tag)
{
	const uint64_t x = word ^ tag;

	return (x - LANES) & ~x & LANES << 15;
}

/* The entries of a bucket with a tag: a bit each, at 16 * lane + word. No loop and no branch. */
static inline uint64_t entries_with(const struct stw_location_bucket *b, uint16_t tag,
				    uint32_t *pushed)
{
	const uint64_t lanes = tag * LANES,
		       last = atomic_load_explicit(&b->tags[2], memory_order_acquire);
	const uint64_t first = atomic_load_explicit(&b->tags[0], memory_order_acquire);
	const uint64_t second = atomic_load_explicit(&b->tags[1], memory_order_acquire);

	*pushed = (uint32_t)(last >> 32);
	return lanes_with(first, lanes) >> 15 | lanes_with(second, lanes) >> 14 |
	       (lanes_with(last, lanes) & UINT32_MAX) >> 13;
}

/* Where the first of @entries is in its bucket. */
static inline uint32_t first_entry(uint64_t entries)
{
	const uint32_t bit = (uint32_t)__builtin_ctzll(entries);

	return bit % 16 * 4 + bit / 16;
}

static inline const _Atomic uint64_t *record_at(const struct stw_location_map *map, uint32_t ref)
{
	const uint64_t at = (uint64_t)ref * STW_LOCATION_UNIT;

	if (at < sizeof(struct stw_location_header) || at > map->size ||
	    map->size - at < STW_LOCATION_UNIT)
		return NULL;
	return (const _Atomic uint64_t *)((const char *)map->header + at);
}

/* Bytes of a record's key that lie in the record, behind its first word. */
#define KEY_AT 2u
#define STEP   STW_LOCATION_OVER_WORDS

static inline uint64_t load_word(const char *p)
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

/*
 * Is @user the record's? Compared where it lies, a word at a time: domain's row, length, user. Who
 * copies the record then finds out whether it was the same all the time.
 *
 * @param user  [n], with 4 bytes at least before it
 */
static inline bool is_user(const _Atomic uint64_t *words, uint64_t first, const char *user,
			   size_t n)
{
	const uint64_t mine = n < 6 ? load_few(user, n) << 16 : load_word(user - 2) >> 16 << 16;
	const uint64_t differs = (first ^ mine) >> 16;
	size_t at = 6;

	if (n < 6)
		return (differs & (((uint64_t)1 << 8 * n) - 1)) == 0;
	if (differs != 0)
		return false;
	for (words++; at + 8 <= n; at += 8, words++)
		if (atomic_load_explicit(words, memory_order_acquire) != load_word(user + at))
			return false;
	if (at == n)
		return true;
	/* one load that ends with the user, as the two bytes before the first six allow */
	const uint32_t rest = (uint32_t)(n - at), shift = 8 * (8 - rest);
	const uint64_t last = atomic_load_explicit(words, memory_order_acquire);

	return last << shift == load_word(user + n - 8) >> shift << shift;
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

/* Does the record's key equal the one that is looked for? @p first: the word its key begins in */
static inline bool is_key(const struct stw_location_map *map, const struct stw_where_slot *slot,
			  const _Atomic uint64_t *words, uint64_t first, size_t len, uint8_t flags)
{
	const struct stw_location_header *h = map->header;
	const uint8_t domain = (uint8_t)first, user_len = (uint8_t)(first >> 8);
	const size_t scheme = flags & STW_LOCATION_SIPS ? 5 : 4;
	const char *aor = slot->w.aor;

	if (user_len > len - KEY_AT ||
	    domain >= atomic_load_explicit(&h->n_domains, memory_order_acquire))
		return false;
	const struct stw_location_domain *d = &h->domains[domain];
	const size_t d_len = d->len;

	return slot->w.aor_len == scheme + user_len + 1 + d_len && aor[scheme - 1] == ':' &&
	       aor[scheme + user_len] == '@' && is_user(words, first, aor + scheme, user_len) &&
	       is_text(aor + scheme + user_len + 1, d->name, d_len);
}

/* Words @i and on, at least up to @n: in steps, whose number is the same for most. */
static inline void copy(const _Atomic uint64_t *from, uint64_t *to, size_t i, size_t n)
{
	for (; i < n; i += STEP)
		for (size_t k = 0; k < STEP; k++)
			to[i + k] = atomic_load_explicit(from + i + k, memory_order_acquire);
}

/* Copy it if it is ours, and then see whether it was the same all the time. */
static inline enum reading read_record(const struct stw_location_map *map, uint32_t ref,
				       struct stw_where_slot *slot)
{
	const _Atomic uint64_t *from = record_at(map, ref);

	if (from == NULL)
		return READ_BAD;
	const uint64_t head = atomic_load_explicit(from, memory_order_acquire);
	const size_t len = head >> 32 & 0xffff;

	if (head & 1)
		return READ_TORN;
	if (len < 8 + KEY_AT || len > STW_LOCATION_RECORD_MAX ||
	    len + STEP * 8 > map->size - (uint64_t)ref * STW_LOCATION_UNIT)
		return READ_BAD;
	const uint64_t first = atomic_load_explicit(from + 1, memory_order_acquire);
	const bool ours = is_key(map, slot, from + 1, first, len - 8, (uint8_t)(head >> 56));

	if (ours) {
		slot->record[0] = head;
		slot->record[1] = first;
		copy(from, slot->record, 1 + (KEY_AT + (uint8_t)(first >> 8)) / 8, (len + 7) / 8);
	}
	if (atomic_load_explicit(from, memory_order_relaxed) != head)
		return READ_TORN;
	return ours ? READ_OURS : READ_OTHER;
}

/* What the copied record says; of its key there is only the first word. */
static void conclude(const struct stw_location_map *map, struct stw_where_slot *slot)
{
	struct stw_whereabouts *w = &slot->w;
	const uint64_t head = slot->record[0];
	const size_t len = head >> 32 & 0xffff;
	const size_t key_end = 8 + KEY_AT + (uint8_t)(slot->record[1] >> 8);
	const size_t from =
		(key_end + STW_CONTACT_ALIGN - 1) / STW_CONTACT_ALIGN * STW_CONTACT_ALIGN;
	const uint8_t flags = (uint8_t)(head >> 56);
	bool damaged = false;

	w->packed = (const char *)slot->record + from;
	w->packed_len = (uint16_t)(len > from ? len - from : 0);
	w->listeners = map->header->listeners;
	w->n_listeners = atomic_load_explicit(&map->header->n_listeners, memory_order_acquire);
	if (w->n_listeners > STW_LOCATION_LISTENERS)
		w->n_listeners = 0;
	const bool bound = stw_contact_any(w, &damaged);

	if ((flags & STW_LOCATION_ASK) || damaged ||
	    (w->packed_len > 0) != ((uint8_t)(head >> 48) > 0))
		w->found = STW_FOUND_ASK;
	else if (bound)
		w->found = STW_FOUND_BOUND;
	else
		w->found = flags & STW_LOCATION_KNOWN ? STW_FOUND_ABSENT : STW_FOUND_UNKNOWN;
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
	uint64_t entries = entries_with(b, stw_location_tag(slot->hash), pushed);

	for (; entries != 0; entries &= entries - 1) {
		const _Atomic uint32_t *entry = &b->ref[first_entry(entries)];

		*ref = atomic_load_explicit(entry, memory_order_acquire);
		switch (read_record(map, *ref, slot)) {
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
	memmove(slot->aor + 4, w->aor + 5, w->aor_len - 5u);
	memcpy(slot->aor, "sip:", 4);
	const struct stw_whereabouts was = *w;
	uint32_t ref;

	w->aor = slot->aor;
	w->aor_len--;
	slot->hash = stw_location_hash(map->header, w->aor, w->aor_len);
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

static inline bool is_absent(const struct stw_location_map *map, const struct stw_where_slot *slot)
{
	return slot->absent_in != 0 &&
	       slot->absent_in == atomic_load_explicit(&map->header->buckets, memory_order_acquire);
}

/* Nothing was peeked at, or it was somebody else's. */
__attribute__((noinline)) static void look_around(const struct stw_location_map *map,
						  struct stw_where_slot *slot)
{
	uint32_t ref;
	const enum search s = is_absent(map, slot) ? SEARCH_NOTHING : search(map, slot, &ref);

	slot->w.found = STW_FOUND_ASK;
	slot->w.packed_len = 0;
	if (s == SEARCH_FOUND)
		conclude(map, slot);
	else if (s == SEARCH_NOTHING && (slot->absent_in != 0 || is_complete(map)))
		slot->w.found = is_known_as_sip(map, slot) ? STW_FOUND_ABSENT : STW_FOUND_UNKNOWN;
}

/* A record that was peeked at and is ours is it, whoever refers to it by now. */
static inline void find(const struct stw_location_map *map, struct stw_where_slot *slot)
{
	if (slot->peeked_ref != 0 && read_record(map, slot->peeked_ref, slot) == READ_OURS)
		conclude(map, slot);
	else
		look_around(map, slot);
}

/* Which record may be it, and who is in none. @return where that is, or what is here already */
static inline const char *peek(const struct stw_location_map *map, uint64_t where, bool complete,
			       const struct stw_location_bucket *b, struct stw_where_slot *slot)
{
	uint32_t pushed;
	const uint64_t entries = entries_with(b, stw_location_tag(slot->hash), &pushed);

	if (entries == 0) {
		slot->absent_in = pushed == 0 && complete ? where : 0;
		return (const char *)b;
	}
	const uint32_t ref =
		atomic_load_explicit(&b->ref[first_entry(entries)], memory_order_acquire);
	const char *record = (const char *)record_at(map, ref);

	if (record == NULL)
		return (const char *)b;
	slot->peeked_ref = ref;
	return record;
}

static void find_some(const struct stw_location_map *map, struct stw_where_slot *const slot[],
		      unsigned int n)
{
	/* First: who is not in what was complete before did not exist when we looked. */
	const bool complete = is_complete(map);
	const uint64_t where = atomic_load_explicit(&map->header->buckets, memory_order_acquire);
	uint64_t mask;
	const struct stw_location_bucket *b = stw_location_buckets(map, where, &mask);
	const char *record[TOGETHER];

	for (unsigned int k = 0; k < n; k++) {
		slot[k]->peeked_ref = 0;
		slot[k]->absent_in = 0;
		if (b != NULL)
			__builtin_prefetch(&b[stw_location_home(where, slot[k]->hash)]);
	}
	if (b != NULL) {
		for (unsigned int k = 0; k < n; k++)
			record[k] = peek(map, where, complete,
					 &b[stw_location_home(where, slot[k]->hash)], slot[k]);
		/* Side by side: a fetch waits for its page's place, and what is behind it for
		 * the fetch, as far as a core looks ahead. */
		for (unsigned int k = 0; k < n; k++) {
			__builtin_prefetch(record[k]);
			__builtin_prefetch(record[k] + 63);
		}
	}
	for (unsigned int k = 0; k < n; k++)
		find(map, slot[k]);
}

void stw_where_find(const struct stw_location_map *map, struct stw_where_slot *const slot[],
		    unsigned int n)
{
	for (unsigned int at = 0; at < n; at += TOGETHER)
		find_some(map, slot + at, n - at < TOGETHER ? n - at : TOGETHER);
}
