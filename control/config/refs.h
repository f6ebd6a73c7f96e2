/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Finding equals among elements of the file: an array of references that is sorted by key, equal
 * ones in the order of the file.
 *
 * Threads: any; no shared state.
 */

#include <stdlib.h>
#include <string.h>

#include <strowger/endpoint.h>

#include "control/config/conf.h"

struct stw_node;

struct stw_ref {
	const void *key;
	const struct stw_node *node;
	size_t order; /* in the file */
	size_t group; /* for the caller: what may not or must be equal */
};

typedef int (*stw_ref_cmp_fn)(const void *a, const void *b); /* of two struct stw_ref */

static inline int stw_ref_order(const struct stw_ref *a, const struct stw_ref *b)
{
	return (a->order > b->order) - (a->order < b->order);
}

/** Keys are names (char[]). */
static inline int stw_ref_by_name(const void *x, const void *y)
{
	const struct stw_ref *a = x, *b = y;
	int d = strcmp(a->key, b->key);

	return d ? d : stw_ref_order(a, b);
}

/** Keys are struct stw_endpoint. */
static inline int stw_ref_by_endpoint(const void *x, const void *y)
{
	const struct stw_ref *a = x, *b = y;
	int d = memcmp(a->key, b->key, sizeof(struct stw_endpoint));

	return d ? d : stw_ref_order(a, b);
}

/** Keys are struct stw_ip; equal only within a group. */
static inline int stw_ref_by_ip(const void *x, const void *y)
{
	const struct stw_ref *a = x, *b = y;
	int d = memcmp(a->key, b->key, sizeof(struct stw_ip));

	if (d == 0)
		d = (a->group > b->group) - (a->group < b->group);
	return d ? d : stw_ref_order(a, b);
}

/** Keys are struct stw_conf_member. */
static inline const struct stw_conf_member *stw_ref_member(const struct stw_ref *r)
{
	return r->key;
}

/** The same, by their addresses. */
static inline int stw_ref_by_member_address(const void *x, const void *y)
{
	const struct stw_ref *a = x, *b = y;
	int d = memcmp(&stw_ref_member(a)->address, &stw_ref_member(b)->address,
		       sizeof(struct stw_endpoint));

	return d ? d : stw_ref_order(a, b);
}
