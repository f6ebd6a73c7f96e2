/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The buckets of the location table (strowger/location_table.h), as their writer changes them.
 *
 * Each change is one store that readers may meet at any moment: an entry is there once its tag is,
 * and no longer once it is not; its reference is replaced in place.
 *
 * Threads: the writer's only.
 */

#include <stdbool.h>
#include <stdint.h>

#include <strowger/location_table.h>

struct stw_buckets {
	struct stw_location_bucket *rows; /* [n] */
	uint64_t where;			  /* as in the header */
	uint64_t n;			  /* a power of two */
	uint64_t used;			  /* entries */
};

struct stw_bucket_entry {
	uint64_t bucket;
	uint32_t way;
};

/** The tag of entry @way, 0: it is free. */
uint16_t stw_bucket_tag(const struct stw_location_bucket *b, uint32_t way);

/** Have memory begin to bring what is searched for @hash. */
void stw_buckets_fetch(const struct stw_buckets *b, uint64_t hash);

/** The entry of @hash that refers to @ref. */
bool stw_buckets_find_ref(const struct stw_buckets *b, uint64_t hash, uint32_t ref,
			  struct stw_bucket_entry *out);

/** @return false: all buckets that @hash may use are full */
bool stw_buckets_add(struct stw_buckets *b, uint64_t hash, uint32_t ref);

void stw_buckets_set(struct stw_buckets *b, const struct stw_bucket_entry *at, uint32_t ref);

void stw_buckets_remove(struct stw_buckets *b, uint64_t hash, const struct stw_bucket_entry *at);
