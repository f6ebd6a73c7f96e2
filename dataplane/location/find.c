/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/location/find.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <strowger/errors.h>

#define TRIES 8
#define LANES 0x0001000100010001u

/* What reading a record said. */
enum reading {
	READ_OURS,
	READ_OTHER, /* somebody else's */
	READ_TORN,  /* it is being replaced */
	READ_BAD,   /* no record could be like this */
};

/* A one in the top bit of each lane that holds @tag. */
static inline uint64_t lanes_with(uint64_t word, uint16_t tag)
{
	const uint64_t low = LANES * 0x7fff, x = word ^ tag * LANES;

	return ~(((x & low) + low) | x | low);
}

/* The same for all entries of a bucket, a bit each. */
static inline uint32_t entries_with(const struct stw_location_bucket *b, uint16_t tag,
				    uint32_t *pushed)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < 3; i++) {
		const uint64_t word = atomic_load_explicit(&b->tags[i], memory_order_acquire);
		uint64_t lanes = lanes_with(i < 2 ? word : word & UINT32_MAX, tag);

		*pushed = (uint32_t)(word >> 32); /* of the last */
		for (; lanes != 0; lanes &= lanes - 1)
			found |= 1u << (i * 4 + ((uint32_t)__builtin_ctzll(lanes) >> 4));
	}
	return found & ((1u << STW_LOCATION_WAYS) - 1);
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

/* Does the record's key equal the one that is looked for? */
static bool is_key(const struct stw_location_map *map, const struct stw_where_slot *slot,
		   const char *body, size_t len, uint8_t flags)
{
	const struct stw_location_header *h = map->header;
	const uint8_t domain = (uint8_t)body[0], user_len = (uint8_t)body[1];
	const size_t scheme = flags & STW_LOCATION_SIPS ? 5 : 4;
	const char *aor = slot->w.aor;

	if (user_len > len - KEY_AT ||
	    domain >= atomic_load_explicit(&h->n_domains, memory_order_acquire))
		return false;
	const struct stw_location_domain *d = &h->domains[domain];
	const size_t d_len = d->len;

	return slot->w.aor_len == scheme + user_len + 1 + d_len && aor[scheme - 1] == ':' &&
	       aor[scheme + user_len] == '@' &&
	       memcmp(aor + scheme, body + KEY_AT, user_len) == 0 &&
	       memcmp(aor + scheme + user_len + 1, d->name, d_len) == 0;
}

/* Copy it, and then see whether it was the same all the time. */
static enum reading read_record(const struct stw_location_map *map, uint32_t ref,
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
	    len > map->size - (uint64_t)ref * STW_LOCATION_UNIT)
		return READ_BAD;
	for (size_t i = 1; i < (len + 7) / 8; i++)
		slot->record[i] = atomic_load_explicit(from + i, memory_order_acquire);
	if (atomic_load_explicit(from, memory_order_relaxed) != head)
		return READ_TORN;
	slot->record[0] = head;
	return is_key(map, slot, (const char *)(slot->record + 1), len - 8, (uint8_t)(head >> 56))
		       ? READ_OURS
		       : READ_OTHER;
}

/* What the copied record says. */
static void conclude(const struct stw_location_map *map, struct stw_where_slot *slot)
{
	struct stw_whereabouts *w = &slot->w;
	const char *body = (const char *)(slot->record + 1);
	const size_t key_len = KEY_AT + (uint8_t)body[1];
	const uint8_t flags = (uint8_t)(slot->record[0] >> 56);
	const uint8_t n = (uint8_t)(slot->record[0] >> 48);
	struct stw_contact first;
	size_t at = 0;

	w->packed = body + key_len;
	w->packed_len = (uint16_t)((slot->record[0] >> 32 & 0xffff) - 8 - key_len);
	w->listeners = map->header->listeners;
	w->n_listeners = atomic_load_explicit(&map->header->n_listeners, memory_order_acquire);
	if (w->n_listeners > STW_LOCATION_LISTENERS)
		w->n_listeners = 0;
	const bool has = n > 0 && stw_contact_next(w, &at, &first);

	if ((flags & STW_LOCATION_ASK) || has != (n > 0))
		w->found = STW_FOUND_ASK;
	else if (has && !first.gone)
		w->found = STW_FOUND_BOUND;
	else
		w->found = flags & STW_LOCATION_KNOWN ? STW_FOUND_ABSENT : STW_FOUND_UNKNOWN;
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

void stw_where_find(const struct stw_location_map *map, struct stw_where_slot *slot)
{
	uint32_t ref;

	slot->w.found = STW_FOUND_ASK;
	slot->w.packed_len = 0;
	const enum search s = search(map, slot, &ref);

	if (s == SEARCH_FOUND)
		conclude(map, slot);
	else if (s == SEARCH_NOTHING &&
		 atomic_load_explicit(&map->header->complete, memory_order_acquire) == 1)
		slot->w.found = is_known_as_sip(map, slot) ? STW_FOUND_ABSENT : STW_FOUND_UNKNOWN;
}

void stw_where_prefetch(const struct stw_location_map *map, const struct stw_where_slot *slot)
{
	const uint64_t where = atomic_load_explicit(&map->header->buckets, memory_order_acquire);
	uint64_t mask;
	const struct stw_location_bucket *b = stw_location_buckets(map, where, &mask);

	if (b != NULL)
		__builtin_prefetch(&b[stw_location_home(where, slot->hash)]);
}

void stw_where_peek(const struct stw_location_map *map, const struct stw_where_slot *slot)
{
	const uint64_t where = atomic_load_explicit(&map->header->buckets, memory_order_acquire);
	uint64_t mask;
	uint32_t pushed;
	const struct stw_location_bucket *b = stw_location_buckets(map, where, &mask);

	if (b == NULL)
		return;
	b += stw_location_home(where, slot->hash);
	const uint32_t entries = entries_with(b, stw_location_tag(slot->hash), &pushed);

	if (entries == 0)
		return;
	const char *record =
		(const char *)record_at(map, atomic_load_explicit(&b->ref[__builtin_ctz(entries)],
								  memory_order_relaxed));

	if (record != NULL) {
		__builtin_prefetch(record);
		__builtin_prefetch(record + 63);
	}
}

int stw_location_map(int fd, struct stw_location_map *out)
{
	const struct stw_location_header *h;
	struct stat st;

	if (fstat(fd, &st) < 0 || (uint64_t)st.st_size < sizeof(*h) ||
	    (uint64_t)st.st_size > STW_LOCATION_MAX_BYTES)
		return STW_EMALFORMED;
	void *base = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED | MAP_NORESERVE, fd, 0);

	if (base == MAP_FAILED)
		return STW_EIO;
	h = base;
	int err = h->magic != STW_LOCATION_MAGIC || h->size_bytes != (uint64_t)st.st_size
			  ? STW_EMALFORMED
		  : h->version != STW_LOCATION_VERSION ? STW_EVERSION
						       : STW_OK;
	if (err) {
		munmap(base, (size_t)st.st_size);
		return err;
	}
	madvise(base, (size_t)st.st_size, MADV_DONTDUMP);
	*out = (struct stw_location_map){h, (uint64_t)st.st_size};
	return STW_OK;
}

void stw_location_unmap(struct stw_location_map *map)
{
	if (map->header != NULL)
		munmap((void *)(uintptr_t)map->header, map->size);
	*map = (struct stw_location_map){0};
}
