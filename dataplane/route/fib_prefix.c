/* SPDX-License-Identifier: BSD-3-Clause */

#include <stdlib.h>

#include <strowger/errors.h>

#include "dataplane/route/fib_table.h"

#define ROWS_FIRST 16u

static struct stw_fib_key mask_of(unsigned bits)
{
	uint8_t b[16] = {0};
	struct stw_fib_key k;
	memset(b, 0xff, bits / 8);
	if (bits % 8)
		b[bits / 8] = (uint8_t)(0xff << (8 - bits % 8));
	memcpy(&k, b, sizeof(k));
	return k;
}

/* @n zeroed rows on a cache line boundary. */
void *stw_fib_rows_new(size_t n, size_t size)
{
	size_t bytes;
	void *p;
	if (n == 0 || __builtin_mul_overflow(n, size, &bytes) || bytes > SIZE_MAX - 64)
		return NULL;
	bytes = (bytes + 63) & ~(size_t)63;
	p = aligned_alloc(64, bytes);
	if (p)
		memset(p, 0, bytes);
	return p;
}

static int family_grow(struct stw_fib_family *f)
{
	struct stw_fib_prefix *old = f->rows;
	const uint32_t n_old = old ? f->mask + 1 : 0;
	const uint32_t n_new = n_old ? n_old * 2 : ROWS_FIRST;
	if (n_new < n_old)
		return STW_ENOMEM;
	f->rows = stw_fib_rows_new(n_new, sizeof(*f->rows));
	if (!f->rows) {
		f->rows = old;
		return STW_ENOMEM;
	}
	f->mask = n_new - 1;
	for (uint32_t i = 0; i < n_old; i++)
		if (old[i].used)
			*stw_fib_prefix_at(f, old[i].key, old[i].bits) = old[i];
	free(old);
	return STW_OK;
}

/* The row of (key, bits), made when missing. NULL without memory. */
static struct stw_fib_prefix *prefix_need(struct stw_fib_family *f, struct stw_fib_key key,
					  uint8_t bits)
{
	struct stw_fib_prefix *p;
	if ((!f->rows || f->n_rows * 2 > f->mask) && family_grow(f) != STW_OK)
		return NULL;
	p = stw_fib_prefix_at(f, key, bits);
	if (!p->used) {
		*p = (struct stw_fib_prefix){.key = key, .bits = bits, .used = true};
		f->n_rows++;
	}
	return p;
}

/* @fresh says whether the prefix had no route before. */
int stw_fib_family_add(struct stw_fib_family *f, const struct stw_fib_route *r,
		       bool is_default_route, uint32_t hop, bool *fresh)
{
	struct stw_fib_prefix *p;
	if (is_default_route) {
		*fresh = f->default_hop == STW_FIB_NO_HOP;
		if (!*fresh && f->default_metric <= r->metric)
			return STW_OK;
		f->default_hop = hop;
		f->default_metric = r->metric;
		return STW_OK;
	}
	p = prefix_need(f, stw_fib_key_and(stw_fib_key_of(&r->prefix), mask_of(r->bits)), r->bits);
	if (!p)
		return STW_ENOMEM;
	*fresh = !p->real;
	if (*fresh || r->metric < p->metric) {
		p->real = true;
		p->hop = hop;
		p->metric = r->metric;
	}
	return STW_OK;
}

/* List the lengths in use. */
static void family_levels(struct stw_fib_family *f)
{
	bool present[STW_FIB_BITS + 1] = {false};
	for (uint32_t i = 0; f->rows && i <= f->mask; i++)
		if (f->rows[i].used)
			present[f->rows[i].bits] = true;
	for (unsigned bits = 0; bits <= STW_FIB_BITS; bits++)
		if (present[bits])
			f->levels[f->n_levels++] = (struct stw_fib_level){.mask = mask_of(bits),
									  .bits = (uint8_t)bits};
}

/* The hop of the longest real prefix of @key shorter than level @below. */
static uint32_t best_shorter(const struct stw_fib_family *f, struct stw_fib_key key, uint32_t below)
{
	while (below-- > 0) {
		const struct stw_fib_level *l = &f->levels[below];
		const struct stw_fib_prefix *p =
			stw_fib_prefix_at(f, stw_fib_key_and(key, l->mask), l->bits);
		if (p->used && p->real)
			return p->hop;
	}
	return f->default_hop;
}

/* Leave markers for a prefix of level @target along the way a search takes to it. */
static int leave_markers(struct stw_fib_family *f, struct stw_fib_key key, uint32_t target)
{
	uint32_t lo = 0;
	uint32_t hi = f->n_levels;
	while (lo < hi) {
		const uint32_t mid = lo + (hi - lo) / 2;
		if (mid == target)
			return STW_OK;
		if (mid > target) {
			hi = mid;
			continue;
		}
		const struct stw_fib_level *l = &f->levels[mid];
		const uint32_t n_before = f->n_rows;
		struct stw_fib_prefix *p = prefix_need(f, stw_fib_key_and(key, l->mask), l->bits);
		if (!p)
			return STW_ENOMEM;
		if (f->n_rows != n_before)
			p->hop = best_shorter(f, key, mid);
		lo = mid + 1;
	}
	return STW_OK;
}

static uint32_t level_of(const struct stw_fib_family *f, uint8_t bits)
{
	uint32_t i = 0;
	while (f->levels[i].bits != bits)
		i++;
	return i;
}

/* After all real prefixes are in. Markers are rows too, so walk a list made before the first. */
int stw_fib_family_finish(struct stw_fib_family *f)
{
	const uint32_t n_real = f->n_rows;
	struct stw_fib_prefix *real;
	uint32_t n = 0;
	int err = STW_OK;
	family_levels(f);
	if (f->n_levels < 2)
		return STW_OK;
	real = stw_fib_rows_new(n_real, sizeof(*real));
	if (!real)
		return STW_ENOMEM;
	for (uint32_t i = 0; i <= f->mask; i++)
		if (f->rows[i].used)
			real[n++] = f->rows[i];
	for (uint32_t i = 0; i < n && err == STW_OK; i++)
		err = leave_markers(f, real[i].key, level_of(f, real[i].bits));
	free(real);
	return err;
}
