/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Members that names stand for (pools[].dns): asked for at the start and again by TTL.
 *
 * Whoever vanishes from an answer is kept, marked gone, until it is empty; a question without an
 * answer, or with nobody in it, leaves the last good answer in force. That answer is kept in
 * state_dir, so that a start without DNS finds its farm.
 *
 * Threads: the loop's only. Ownership: one object, made and freed by control.
 */

#include <stdbool.h>
#include <stddef.h>

#include "control/model/members.h"
#include "control/model/model.h"

struct ev_loop;
struct stw_farm_names; /* opaque; farm_names.c */

#define STW_FARM_NAMES_FILE "dns.json"

struct stw_farm_names_owner {
	void *ctx;
	void (*changed)(void *ctx); /* other members: stw_farm_names_found() */
	bool (*is_empty)(void *ctx, const char *pool, const struct stw_endpoint *member);
};

/** @return NULL without memory. Free with stw_farm_names_free(). */
struct stw_farm_names *stw_farm_names_new(struct ev_loop *loop,
					  const struct stw_farm_names_owner *owner);

/** Have the names of @m's pools and no others; answers of those that stay are kept. @return STW_OK,
 * STW_ENOMEM (nothing changed) */
int stw_farm_names_take(struct stw_farm_names *n, const struct stw_model *m);

/** Begin to ask, or ask otherwise. @param v4, v6  families of which there is a listener. @return as
 * stw_dns_use() */
int stw_farm_names_ask(struct stw_farm_names *n, const struct stw_model_resolver *config, bool v4,
		       bool v6);

/** Who is found, those gone included; borrowed until the next turn of the loop. */
struct stw_found_list stw_farm_names_found(struct stw_farm_names *n);

/** The last good answers, in state_dir. No file is no answers. @reason says why not */
int stw_farm_names_save(const struct stw_farm_names *n, const char *state_dir, char *reason,
			size_t reason_len);
int stw_farm_names_load(struct stw_farm_names *n, const char *state_dir, char *reason,
			size_t reason_len);

/** Accepts NULL. */
void stw_farm_names_free(struct stw_farm_names *n);
