/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/path/reassembly.h"

#include <stdlib.h>
#include <string.h>

#define UNITS 8192u /* of eight bytes in the longest datagram */

struct row {
	struct stw_ip src;
	struct stw_ip dst;
	uint32_t id;
	uint32_t total; /* payload bytes, 0 while the last fragment is missing */
	uint32_t have;	/* bytes */
	uint32_t end;	/* one past the highest byte seen */
	uint32_t n_fragments;
	uint64_t deadline;
	struct stw_reassembly_buffer buffer;
	uint64_t bits[UNITS / 64];
};

struct stw_reassembly {
	uint32_t n_rows;
	uint32_t n_used;
	uint32_t max_len;
	uint64_t timeout;
	uint64_t secret;
	uint64_t look_at; /* no row expires before */
	uint32_t *tag;	  /* [n_rows] hash of the row's key, 0: free */
	struct row *row;  /* [n_rows] */
};

struct stw_reassembly *stw_reassembly_new(uint32_t n_rows, uint32_t max_len, uint64_t timeout,
					  uint64_t secret)
{
	struct stw_reassembly *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->tag = calloc(n_rows, sizeof(*r->tag));
	r->row = calloc(n_rows, sizeof(*r->row));
	if (r->tag == NULL || r->row == NULL) {
		stw_reassembly_free(r);
		return NULL;
	}
	r->n_rows = n_rows;
	r->max_len = max_len;
	r->timeout = timeout;
	r->secret = secret;
	r->look_at = UINT64_MAX;
	return r;
}

void stw_reassembly_free(struct stw_reassembly *r)
{
	if (r == NULL)
		return;
	free(r->tag);
	free(r->row);
	free(r);
}

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 29;
}

uint32_t stw_reassembly_hash(uint64_t secret, const struct stw_ip *src, const struct stw_ip *dst,
			     uint32_t id)
{
	uint64_t w[4], h = secret;

	memcpy(w, src->b, 16);
	memcpy(w + 2, dst->b, 16);
	for (unsigned i = 0; i < 4; i++)
		h = mix(h, w[i]);
	return (uint32_t)(mix(h, id) >> 32);
}

static bool same(const struct row *row, const struct stw_fragment *f)
{
	return row->id == f->id && stw_ip_equal(&row->src, &f->src) &&
	       stw_ip_equal(&row->dst, &f->dst);
}

static uint32_t find(const struct stw_reassembly *r, const struct stw_fragment *f, uint32_t tag)
{
	for (uint32_t i = 0; i < r->n_rows; i++)
		if (r->tag[i] == tag && same(&r->row[i], f))
			return i;
	return UINT32_MAX;
}

/* A free row, unless the source has had its share. */
static uint32_t find_free(const struct stw_reassembly *r, const struct stw_ip *src)
{
	uint32_t at = UINT32_MAX, n = 0;

	for (uint32_t i = 0; i < r->n_rows; i++) {
		if (r->tag[i] == 0)
			at = i;
		else if (stw_ip_equal(&r->row[i].src, src))
			n++;
	}
	return n < STW_REASSEMBLY_PER_SOURCE ? at : UINT32_MAX;
}

static void take_out(struct stw_reassembly *r, uint32_t i, struct stw_reassembled *out)
{
	struct row *row = &r->row[i];

	out->buffer = row->buffer;
	out->len = row->total;
	out->n_fragments = row->n_fragments;
	row->buffer.handle = NULL;
	r->tag[i] = 0;
	r->n_used--;
}

static void open_row(struct stw_reassembly *r, uint32_t i, uint32_t tag,
		     const struct stw_fragment *f, uint64_t now,
		     struct stw_reassembly_buffer *spare)
{
	struct row *row = &r->row[i];

	*row = (struct row){.src = f->src,
			    .dst = f->dst,
			    .id = f->id,
			    .deadline = now + r->timeout,
			    .buffer = *spare};
	spare->handle = NULL;
	r->tag[i] = tag;
	r->n_used++;
	if (row->deadline < r->look_at)
		r->look_at = row->deadline;
}

/* Bits [from, to) of one word. */
static uint64_t mask(uint32_t from, uint32_t to)
{
	uint64_t high = to == 64 ? UINT64_MAX : ((uint64_t)1 << to) - 1;

	return high & ~(((uint64_t)1 << from) - 1);
}

/* Count the units of [first, last) that are there, and set them all. */
static uint32_t mark(uint64_t *bits, uint32_t first, uint32_t last, bool set)
{
	uint32_t n = 0;

	for (uint32_t w = first / 64; w * 64 < last; w++) {
		uint32_t from = w * 64 < first ? first - w * 64 : 0;
		uint32_t to = last - w * 64 < 64 ? last - w * 64 : 64;
		uint64_t m = mask(from, to);

		n += (uint32_t)__builtin_popcountll(bits[w] & m);
		if (set)
			bits[w] |= m;
	}
	return n;
}

/* Lengths a sender may choose: whole units but for the last, and an end that stays the same. */
static bool fits(const struct stw_reassembly *r, const struct stw_fragment *f)
{
	return f->len > 0 && f->off <= r->max_len && f->len <= r->max_len - f->off &&
	       f->off % 8 == 0 && (!f->more || f->len % 8 == 0);
}

static bool contradicts(const struct row *row, const struct stw_fragment *f)
{
	uint32_t end = f->off + f->len;

	if (f->more)
		return row->total != 0 && end > row->total;
	return row->end > end || (row->total != 0 && row->total != end);
}

static enum stw_reassembly_result put(struct stw_reassembly *r, uint32_t i,
				      const struct stw_fragment *f, struct stw_reassembled *out)
{
	struct row *row = &r->row[i];
	uint32_t first = f->off / 8, last = (f->off + f->len + 7) / 8;
	uint32_t n_there = mark(row->bits, first, last, false);

	if (n_there == last - first && f->off + f->len <= row->end &&
	    memcmp(row->buffer.data + f->off, f->data, f->len) == 0)
		return STW_FRAGMENT_BAD;
	if (n_there != 0 || contradicts(row, f)) {
		take_out(r, i, out);
		return STW_FRAGMENT_OVERLAP;
	}
	mark(row->bits, first, last, true);
	memcpy(row->buffer.data + f->off, f->data, f->len);
	row->have += f->len;
	if (f->off + f->len > row->end)
		row->end = f->off + f->len;
	if (!f->more)
		row->total = f->off + f->len;
	if (row->have == row->total) {
		take_out(r, i, out);
		return STW_FRAGMENT_COMPLETE;
	}
	row->n_fragments++;
	return STW_FRAGMENT_HELD;
}

enum stw_reassembly_result stw_reassembly_add(struct stw_reassembly *r,
					      const struct stw_fragment *f, uint64_t now,
					      struct stw_reassembly_buffer *spare,
					      struct stw_reassembled *out)
{
	uint32_t tag = stw_reassembly_hash(r->secret, &f->src, &f->dst, f->id) | 1;
	uint32_t i;

	if (!fits(r, f))
		return STW_FRAGMENT_BAD;
	i = find(r, f, tag);
	if (i == UINT32_MAX) {
		i = find_free(r, &f->src);
		if (i == UINT32_MAX)
			return STW_FRAGMENT_BUDGET;
		if (spare->handle == NULL)
			return STW_FRAGMENT_NO_BUFFER;
		open_row(r, i, tag, f, now, spare);
	}
	return put(r, i, f, out);
}

bool stw_reassembly_expire(struct stw_reassembly *r, uint64_t now, struct stw_reassembled *out)
{
	uint64_t next = UINT64_MAX;

	if (now < r->look_at || r->n_used == 0)
		return false;
	for (uint32_t i = 0; i < r->n_rows; i++) {
		if (r->tag[i] == 0)
			continue;
		if (r->row[i].deadline <= now) {
			take_out(r, i, out);
			return true;
		}
		if (r->row[i].deadline < next)
			next = r->row[i].deadline;
	}
	r->look_at = next;
	return false;
}
