/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * What stands before a packed contact's address and texts, for those who read it where it lies.
 *
 * Threads: any; no state. Fast path: yes.
 */

#include <string.h>

#include "dataplane/location/whereabouts.h"

/* Wherever it lies. Before the address and the texts; a long one's lengths follow. */
struct __attribute__((packed)) stw_packed {
	uint32_t time_s;
	uint32_t id;
	uint16_t q;
	uint16_t port;
	uint8_t same;
	uint8_t listener;
	uint8_t flags;
	uint8_t rest_len; /* of a short one */
};

struct stw_packed_lengths {
	uint16_t rest, path;
};

_Static_assert(sizeof(struct stw_packed) == 16, "as shared memory has it");
_Static_assert(offsetof(struct stw_packed, time_s) == STW_CONTACT_TIME_AT,
	       "as the writer knows it");

/* Contacts, one behind the other. */
struct stw_packed_all {
	const char *p;
	uint16_t len;
	uint16_t aor_len;     /* that their URIs may share */
	uint32_t n_listeners; /* rows that they may name */
	uint32_t now_s;	      /* steady; 0: whoever made them looked */
};

static inline struct stw_packed_all stw_packed_of(const struct stw_whereabouts *w)
{
	return (struct stw_packed_all){w->packed, w->packed_len, w->aor_len, w->n_listeners,
				       w->now_s};
}

static inline const struct stw_packed *stw_packed_at(const struct stw_packed_all *all, size_t at)
{
	return (const struct stw_packed *)(const void *)(all->p + at);
}

static inline size_t stw_packed_aligned(size_t n)
{
	return (n + STW_CONTACT_ALIGN - 1) / STW_CONTACT_ALIGN * STW_CONTACT_ALIGN;
}

static inline size_t stw_packed_ip_len(const struct stw_packed *f)
{
	return f->flags & STW_LOCATION_IPV6 ? 16 : 4;
}

/**
 * The one at @p at. It is read field by field: whoever copied it just now did so by words, and a
 * load across two of them waits until they are in the cache.
 *
 * @param l  the lengths of its texts, if there is one
 * @return bytes it takes, 0: there is none, or it is damaged
 */
static inline size_t stw_packed_read(const struct stw_packed_all *all, size_t at,
				     struct stw_packed_lengths *l)
{
	const struct stw_packed *f = stw_packed_at(all, at);
	const size_t left = all->len - at;

	if (left < sizeof(*f) + sizeof(*l)) /* an address or lengths at least */
		return 0;
	size_t len = sizeof(*f) + stw_packed_ip_len(f);

	*l = (struct stw_packed_lengths){f->rest_len, 0};
	if (f->flags & STW_LOCATION_LONG) {
		memcpy(l, f + 1, sizeof(*l));
		len += sizeof(*l);
	}
	len = stw_packed_aligned(len + (size_t)l->rest + (size_t)l->path);
	return len > left || f->same > all->aor_len || f->listener >= all->n_listeners ? 0 : len;
}

static inline bool stw_packed_is_gone(const struct stw_packed_all *all, const struct stw_packed *f)
{
	return (f->flags & STW_LOCATION_GONE) ||
	       (all->now_s != 0 && (int32_t)(f->time_s - all->now_s) <= 0);
}

enum stw_packed_any {
	STW_PACKED_NONE,
	STW_PACKED_LIVE,    /* one that is not gone */
	STW_PACKED_DAMAGED, /* before any that is not gone, one that cannot be read */
};

/** What there is among contacts. */
static inline enum stw_packed_any stw_packed_any(const struct stw_packed_all *all)
{
	struct stw_packed_lengths l;
	size_t len;

	for (size_t at = 0; at < all->len; at += len) {
		len = stw_packed_read(all, at, &l);
		if (len == 0)
			return STW_PACKED_DAMAGED;
		if (!stw_packed_is_gone(all, stw_packed_at(all, at)))
			return STW_PACKED_LIVE;
	}
	return STW_PACKED_NONE;
}
