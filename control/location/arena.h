/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Memory of the location table: a memfd with holes, filled from the front. Records of one size are
 * used again for records of that size, or cut for shorter ones when there is nothing else; outgrown
 * buckets are given back to the kernel. In huge pages where the kernel has them: it is asked for
 * each piece as it is taken, since shared memory has none by default.
 *
 * A free record's sequence number is odd; the next free one's reference is in its second word.
 *
 * Threads: the writer's only.
 */

#include <stdint.h>

#include <strowger/location_table.h>

#define STW_ARENA_CLASSES (STW_LOCATION_RECORD_MAX / STW_LOCATION_UNIT + 1)

struct stw_arena {
	int fd;
	char *base;
	uint64_t size;			  /* of the map */
	uint64_t next;			  /* first byte never used */
	uint64_t backed;		  /* bytes from the start that the kernel has promised */
	uint64_t bytes;			  /* taken, without what was given back */
	uint64_t huge;			  /* bytes in huge pages, as they were given */
	uint32_t refused;		  /* times in a row that the kernel gave none */
	uint32_t free[STW_ARENA_CLASSES]; /* first free record of so many units, 0: none */
};

/** @return STW_OK, STW_ENOMEM, STW_ERANGE */
int stw_arena_init(struct stw_arena *a, uint64_t max_bytes);

void stw_arena_fini(struct stw_arena *a);

static inline _Atomic uint64_t *stw_arena_record(const struct stw_arena *a, uint32_t ref)
{
	return (_Atomic uint64_t *)(a->base + (uint64_t)ref * STW_LOCATION_UNIT);
}

/** A record of @units, its sequence odd. @return its reference, 0: no memory */
uint32_t stw_arena_take(struct stw_arena *a, uint32_t units);

/** Readers that are at it find its sequence changed. */
void stw_arena_give(struct stw_arena *a, uint32_t ref, uint32_t units);

/** Whole cache lines, all zero. @return offset in bytes, 0: no memory */
uint64_t stw_arena_take_lines(struct stw_arena *a, uint64_t bytes);

/** Give back to the kernel; what is read there from now on is zero. */
void stw_arena_give_lines(struct stw_arena *a, uint64_t at, uint64_t bytes);
