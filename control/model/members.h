/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Who is a member of which pool: the file's words, with what people asked for at run time and what
 * names stand for laid over them. The file's words are kept apart, so that both can be told from
 * each other and laid again whenever one of them changes.
 *
 * Threads: control's loop only.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/model/model.h"
#include "control/model/override.h"

/* The members of all pools as the file gives them. */
struct stw_file_members {
	size_t n_pools;
	struct stw_file_pool {
		struct stw_model_pool_member *uses;
		size_t n_uses;
	} * pools;
	struct stw_model_member *members;
	size_t n_members;
};

/* A member that a name of its pool stands for (control/resolve/farm_names.h). */
struct stw_found {
	char pool[STW_NAME_MAX];
	struct stw_endpoint address;
	uint32_t weight;
	uint8_t priority; /* of its name's answer: 0 are those to be asked first */
	bool gone;	  /* the name no longer stands for it: it drains */
};

struct stw_found_list {
	const struct stw_found *rows;
	size_t n;
};

/** Copy what the file says out of @m, before anything is laid over it. @return NULL without memory
 */
struct stw_file_members *stw_file_members_of(const struct stw_model *m);

/** What the file says of a pool's member. @return NULL: nothing, it came at run time */
const struct stw_model_pool_member *stw_file_members_use(const struct stw_file_members *f,
							 size_t pool,
							 const struct stw_endpoint *address);

/**
 * Make the members of @m and its pools anew: the file's but those removed, those found, those
 * added; then states and weights that were asked for. Shares by health are as from the file.
 *
 * @param m  whose file's words @f are
 * @return STW_OK, STW_ENOMEM, STW_ERANGE (too many members); @m is unchanged on error
 */
int stw_members_lay(const struct stw_file_members *f, const struct stw_overrides *o,
		    const struct stw_found_list *found, struct stw_model *m);

/** The same for a model just read, whose words need not be kept. */
int stw_members_dress(struct stw_model *m, const struct stw_overrides *o,
		      const struct stw_found_list *found);

/** Accepts NULL. */
void stw_file_members_free(struct stw_file_members *f);
