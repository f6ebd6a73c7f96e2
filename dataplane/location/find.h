/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The reading side of the location table (strowger/location_table.h), in bursts: memory comes for
 * all of one at once.
 *
 * Threads: any, beside one writer; lock-free. Fast path: yes. RCU: the map is a part of the
 * snapshot.
 */

#include <strowger/sip.h>

#include "dataplane/location/whereabouts.h"
#include "dataplane/route/nh.h"

/* A mapped table. */
struct stw_location_map {
	const struct stw_location_header *header;
	uint64_t size; /* bytes mapped */
};

/*
 * A key, and what was found for it. The key is always in its own @aor, which is compared in steps
 * that go beyond its end.
 */
struct stw_where_slot {
	struct stw_whereabouts w;
	struct stw_sip_uri uri; /* @w.uri taken apart */
	uint64_t hash;
	char aor[STW_LOCATION_AOR_MAX + 1];
	uint64_t record[STW_LOCATION_RECORD_MAX / 8 + STW_LOCATION_OVER_WORDS];
};

#define STW_LOCATION_HUGE ((uint64_t)2 << 20)
#define STW_LOCATION_PAGE ((uint64_t)4096)

/**
 * Map @size bytes of a table so that huge pages, where it lies in some, are mapped whole.
 *
 * @return NULL: not mapped; to be unmapped as any map
 */
void *stw_location_map_aligned(int fd, uint64_t size, int prot);

/**
 * Check what is to be mapped before anything else of it is read.
 *
 * @param fd   sealed against shrinking and growing
 * @param out  on STW_OK; stw_location_unmap() it after a grace period
 * @return STW_OK, STW_EMALFORMED, STW_EVERSION, STW_EIO
 */
int stw_location_map(int fd, struct stw_location_map *out);

void stw_location_unmap(struct stw_location_map *map);

_Static_assert(STW_LOCATION_KEY_WORDS == STW_NH_WHOLE_KEY(STW_LOCATION_AOR_MAX),
	       "as the hash wants");

/** Universal: who does not know the key cannot choose names that meet. It is seen by nobody. */
static inline uint64_t stw_location_hash(const struct stw_location_header *h, const char *aor,
					 size_t len)
{
	return stw_nh_spread(stw_nh_whole(h->key, aor, len));
}

/** @p slot's key is what is in its @aor, [len], from now on. */
static inline void stw_where_key(const struct stw_location_header *h, struct stw_where_slot *slot,
				 size_t len)
{
	slot->w.aor = slot->aor;
	slot->w.aor_len = (uint16_t)len;
	slot->hash = stw_location_hash(h, slot->aor, len);
}

/** Never 0, a free entry. */
static inline uint16_t stw_location_tag(uint64_t hash)
{
	return (uint16_t)(hash | 2);
}

/** Steady seconds, for slot->w.now_s. @return 0: the table does not tell */
static inline uint32_t stw_location_now_s(const struct stw_location_header *h, uint64_t boottime_ms)
{
	const uint64_t less =
		atomic_load_explicit(&h->steady_less_boottime_ms, memory_order_relaxed);

	return less == 0 || boottime_ms == 0 ? 0 : (uint32_t)((boottime_ms + less) / 1000u);
}

/** Where the buckets of @where begin; NULL: nowhere inside of the map */
static inline const struct stw_location_bucket *
stw_location_buckets(const struct stw_location_map *map, uint64_t where, uint64_t *mask)
{
	const uint64_t at = where >> 6 << 6;
	const uint32_t log2 = where & 63;

	if (log2 == 0 || log2 > 30 || at < sizeof(struct stw_location_header) || at > map->size ||
	    map->size - at < (uint64_t)sizeof(struct stw_location_bucket) << log2)
		return NULL;
	*mask = ((uint64_t)1 << log2) - 1;
	return (const struct stw_location_bucket *)((const char *)map->header + at);
}

static inline uint64_t stw_location_home(uint64_t where, uint64_t hash)
{
	return hash >> (64 - (where & 63));
}

/** For the writer: the reference of slot->w.aor's record, which is copied into the slot. */
bool stw_where_find_ref(const struct stw_location_map *map, struct stw_where_slot *slot,
			uint32_t *ref);

/**
 * Find each slot's w.aor by its hash; the contacts are copied into the slot. Those that ended by
 * its w.now_s are gone.
 *
 * @param slot  [n], a whole burst: their buckets are asked for, then their records, then these are
 * read
 *
 * Whatever the memory holds, this ends, and reads only inside of the map. A key that control is
 * changing at this very moment is found as it was or as it will be.
 */
void stw_where_find(const struct stw_location_map *map, struct stw_where_slot *const slot[],
		    unsigned int n);
