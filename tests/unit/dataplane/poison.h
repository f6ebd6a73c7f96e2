/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * An allocator for tables that overwrites what it frees. Under a sanitizer the memory is freed for
 * real, which it sees better; without one the last few blocks are kept, so that a reader that comes
 * late finds the poison for sure.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/table/lookup.h"

#define POISON_BYTE 0x5a

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define POISON_FREES 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define POISON_FREES 1
#endif
#endif
#ifndef POISON_FREES
#define POISON_FREES 0
#endif

struct poison_head {
	size_t size;
	uint8_t rest[56];
};

_Static_assert(sizeof(struct poison_head) == 64, "what follows stays aligned");

/* The last freed blocks; only without a sanitizer. */
#define POISON_KEPT 8u
static struct poison_head *poison_kept[POISON_KEPT];
static unsigned poison_next;

static inline void *poison_alloc(size_t size, size_t align)
{
	struct poison_head *h = aligned_alloc(64, (sizeof(*h) + size + 63) & ~(size_t)63);
	if (!h || align > 64)
		return NULL;
	h->size = size;
	return h + 1;
}

static inline void poison_free(void *p)
{
	struct poison_head *h = (struct poison_head *)p - 1;
	if (POISON_FREES) {
		free(h);
		return;
	}
	memset(p, POISON_BYTE, h->size);
	free(poison_kept[poison_next % POISON_KEPT]);
	poison_kept[poison_next++ % POISON_KEPT] = h;
}

static inline bool is_poisoned(const void *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (((const uint8_t *)bytes)[i] != POISON_BYTE)
			return false;
	return true;
}
