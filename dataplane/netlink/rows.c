/* SPDX-License-Identifier: BSD-3-Clause */

#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>

#include "dataplane/netlink/rows.h"

#define SLOTS_FIRST 64u

void stw_rows_init(struct stw_rows *r, size_t row_size, size_t key_size)
{
	*r = (struct stw_rows){.row_size = row_size, .key_size = key_size, .epoch = 1};
}

static uint8_t *row(const struct stw_rows *r, uint32_t i)
{
	return r->rows + (size_t)i * r->row_size;
}

/* FNV-1a, spread: keys are short, and this is no fast path. */
static uint32_t hash(const struct stw_rows *r, const uint8_t *key)
{
	uint64_t h = 0xcbf29ce484222325u;
	for (size_t i = 0; i < r->key_size; i++)
		h = (h ^ key[i]) * 0x100000001b3u;
	return (uint32_t)(h ^ h >> 32);
}

/* The key's slot, or the unused one where it belongs. The table is never full. */
static uint32_t slot(const struct stw_rows *r, const void *key)
{
	uint32_t i = hash(r, key) & r->mask;
	while (r->seen[i] && memcmp(row(r, i), key, r->key_size) != 0)
		i = (i + 1) & r->mask;
	return i;
}

static int grow(struct stw_rows *r)
{
	struct stw_rows old = *r;
	const uint32_t n_old = stw_rows_slots(&old);
	const uint32_t n_new = n_old ? n_old * 2 : SLOTS_FIRST;
	r->rows = n_new > n_old ? calloc(n_new, r->row_size) : NULL;
	r->seen = calloc(n_new, sizeof(*r->seen));
	if (!r->rows || !r->seen) {
		free(r->rows);
		free(r->seen);
		*r = old;
		return STW_ENOMEM;
	}
	r->mask = n_new - 1;
	for (uint32_t i = 0; i < n_old; i++) {
		uint32_t to;
		if (!old.seen[i])
			continue;
		to = slot(r, row(&old, i));
		memcpy(row(r, to), row(&old, i), r->row_size);
		r->seen[to] = old.seen[i];
	}
	free(old.rows);
	free(old.seen);
	return STW_OK;
}

void *stw_rows_find(const struct stw_rows *r, const void *key)
{
	uint32_t i;
	if (!r->n)
		return NULL;
	i = slot(r, key);
	return r->seen[i] ? row(r, i) : NULL;
}

int stw_rows_put(struct stw_rows *r, const void *fresh, bool *changed)
{
	uint32_t i;
	if ((!r->rows || r->n > r->mask / 2) && grow(r) != STW_OK)
		return STW_ENOMEM;
	i = slot(r, fresh);
	if (changed && (!r->seen[i] || memcmp(row(r, i), fresh, r->row_size) != 0))
		*changed = true;
	r->n += !r->seen[i];
	r->seen[i] = r->epoch;
	memcpy(row(r, i), fresh, r->row_size);
	return STW_OK;
}

/* Empty slot @i and move up the rows behind it that belong before. */
static void vacate(struct stw_rows *r, uint32_t i)
{
	uint32_t next = i;
	for (;;) {
		uint32_t home;
		next = (next + 1) & r->mask;
		if (!r->seen[next])
			break;
		home = hash(r, row(r, next)) & r->mask;
		if (((next - home) & r->mask) < ((next - i) & r->mask))
			continue; /* its home lies behind the hole */
		memcpy(row(r, i), row(r, next), r->row_size);
		r->seen[i] = r->seen[next];
		i = next;
	}
	r->seen[i] = 0;
	r->n--;
}

bool stw_rows_delete(struct stw_rows *r, const void *key)
{
	uint32_t i;
	if (!r->n)
		return false;
	i = slot(r, key);
	if (!r->seen[i])
		return false;
	vacate(r, i);
	return true;
}

bool stw_rows_seen(const struct stw_rows *r, const void *key)
{
	uint32_t i;
	if (!r->n)
		return false;
	i = slot(r, key);
	return r->seen[i] == r->epoch;
}

void stw_rows_mark(struct stw_rows *r)
{
	r->epoch++;
}

size_t stw_rows_sweep(struct stw_rows *r)
{
	const uint32_t before = r->n;
	/* A hole is filled from behind, so look at a slot until it stays. What comes around the end
	 * was looked at before. */
	for (uint32_t i = 0; i < stw_rows_slots(r); i++)
		while (r->seen[i] && r->seen[i] != r->epoch)
			vacate(r, i);
	return before - r->n;
}

const void *stw_rows_at(const struct stw_rows *r, uint32_t i)
{
	return r->seen[i] ? row(r, i) : NULL;
}

uint32_t stw_rows_slots(const struct stw_rows *r)
{
	return r->rows ? r->mask + 1 : 0;
}

void stw_rows_fini(struct stw_rows *r)
{
	free(r->rows);
	free(r->seen);
	stw_rows_init(r, r->row_size, r->key_size);
}
