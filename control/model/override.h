/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * What people asked for at run time (drain, weight, members added and removed), kept apart from the
 * file: one row for each pool and member address. Laid over each model after it was read, so that a
 * reload does not undo a drain; saved in state_dir, so that a crash of control does not either.
 *
 * Threads: control's loop only.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/model/model.h"

#define STW_OVERRIDES_FILE "overrides.json"

struct stw_override {
	char pool[STW_NAME_MAX];
	struct stw_endpoint member;
	bool has_asked;
	bool has_weight;
	enum stw_asked asked;
	uint32_t weight;	 /* 0..65535 */
	bool added;		 /* a member that the file does not have */
	bool removed;		 /* one that it has, or a name stands for */
	char name[STW_NAME_MAX]; /* of one added, "": none was given */
	uint64_t since_unix_s;	 /* of the last change, for people */
};

struct stw_overrides; /* opaque; override.c */

/** @return none, NULL without memory. Free with stw_overrides_free(). */
struct stw_overrides *stw_overrides_new(void);

/** Accepts NULL. */
void stw_overrides_free(struct stw_overrides *o);

/** Ask for a state. @return STW_OK, STW_ENOMEM */
int stw_overrides_set_asked(struct stw_overrides *o, const char *pool,
			    const struct stw_endpoint *member, enum stw_asked asked,
			    uint64_t now_unix_s);

/** Ask for a weight. @return STW_OK, STW_ERANGE (above 65535), STW_ENOMEM */
int stw_overrides_set_weight(struct stw_overrides *o, const char *pool,
			     const struct stw_endpoint *member, uint32_t weight,
			     uint64_t now_unix_s);

/** Have a member that the file does not have. @return STW_OK, STW_ENOMEM */
int stw_overrides_add(struct stw_overrides *o, const char *pool, const struct stw_endpoint *member,
		      const char *name, uint64_t now_unix_s);

/** Do without a member that the file has. @return STW_OK, STW_ENOMEM */
int stw_overrides_remove(struct stw_overrides *o, const char *pool,
			 const struct stw_endpoint *member, uint64_t now_unix_s);

/** Go back to the file's words for one member. @return STW_OK, STW_ENOENT */
int stw_overrides_clear(struct stw_overrides *o, const char *pool,
			const struct stw_endpoint *member);

/** Go back to the file's words for all. */
void stw_overrides_clear_all(struct stw_overrides *o);

/** Row @i, i < stw_overrides_n(); borrowed until the next change. */
const struct stw_override *stw_overrides_get(const struct stw_overrides *o, size_t i);
size_t stw_overrides_n(const struct stw_overrides *o);

/** Row of a pool and member; borrowed until the next change. @return NULL when there is none */
const struct stw_override *stw_overrides_find(const struct stw_overrides *o, const char *pool,
					      const struct stw_endpoint *member);

/** Lay the rows over @model's pools. @return how many rows found their member */
size_t stw_overrides_apply(const struct stw_overrides *o, struct stw_model *model);

/**
 * Forget rows whose pool or member @model no longer has, and that a member was added which the file
 * has by now.
 *
 * @param model  as read from the file
 * @return       how many rows are gone or different
 */
size_t stw_overrides_prune(struct stw_overrides *o, const struct stw_model *model);

/**
 * Write to state_dir/overrides.json: a new file, fsync, rename.
 *
 * @param reason  [reason_len] filled on failure, for people
 * @return STW_OK, STW_EIO, STW_ENOMEM
 */
int stw_overrides_save(const struct stw_overrides *o, const char *state_dir, char *reason,
		       size_t reason_len);

/**
 * Replace all rows by those of state_dir/overrides.json; no file is no rows.
 *
 * @param reason  [reason_len] filled on failure, for people
 * @return STW_OK, STW_EIO, STW_EMALFORMED, STW_EVERSION, STW_ENOMEM; rows unchanged unless STW_OK
 */
int stw_overrides_load(struct stw_overrides *o, const char *state_dir, char *reason,
		       size_t reason_len);
