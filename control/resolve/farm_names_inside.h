/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/** @file Inside of farm_names.h: what its files share. Not for others. */

#include <ev.h>

#include "control/resolve/farm_names.h"
#include "control/resolve/lookup.h"

#define GONE_MAX    64 /* of one name: then the oldest are let go, empty or not */
#define ROW_MEMBERS (STW_LOOKUP_TARGETS + GONE_MAX)

/* One name of one pool, and whom it stands for. */
struct stw_farm_name {
	struct stw_farm_names *names;
	char pool[STW_NAME_MAX];
	struct stw_model_pool_name name;
	struct stw_lookup *lookup; /* under way, or NULL */
	bool under_way;
	struct ev_timer timer;
	unsigned failures;
	bool wanted;
	size_t n_found;
	struct stw_found found[ROW_MEMBERS];
};

struct stw_farm_names {
	struct ev_loop *loop;
	struct stw_farm_names_owner owner;
	struct stw_dns *dns;
	struct stw_model_resolver config;
	bool v4, v6, asks;
	struct stw_farm_name **rows;
	size_t n;
	struct stw_found *all; /* as last given out */
	struct ev_timer look;
};

/** @return NULL: the name does not stand for it, and did not of late */
struct stw_found *stw_farm_name_member(struct stw_farm_name *r, const struct stw_endpoint *address);

/** @return NULL: no such name */
struct stw_farm_name *stw_farm_names_row(const struct stw_farm_names *n, const char *pool,
					 const struct stw_model_pool_name *name);
