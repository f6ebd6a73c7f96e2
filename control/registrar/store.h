/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Where bindings and subscribers live: a few ordered tables of rows, changed together or not at
 * all. An interface; store_lmdb.c is the first implementation.
 *
 * Changes wait in one transaction until stw_store_commit(): on STW_OK they are on disk (durable) or
 * with the kernel (relaxed), and survive a kill at any moment; else none of them happened.
 *
 * Threads: one.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum stw_store_table {
	STW_TABLE_LOCATION,   /* address-of-record -> record.h */
	STW_TABLE_EXPIRY,     /* big-endian steady seconds, address-of-record -> nothing */
	STW_TABLE_SUBSCRIBER, /* user@domain -> subscribers.c */
	STW_TABLE_META,	      /* name -> value */
	STW_N_STORE_TABLES,
};

#define STW_STORE_KEY_MAX 500u /* bytes */

struct stw_store_value {
	const void *p;
	size_t len;
};

struct stw_store;

/* False ends the walk. What it is given lives until it returns. */
typedef bool stw_store_row_fn(void *ctx, struct stw_store_value key, struct stw_store_value row);

struct stw_store_ops {
	int (*get)(struct stw_store *s, enum stw_store_table t, struct stw_store_value key,
		   struct stw_store_value *out);
	int (*put)(struct stw_store *s, enum stw_store_table t, struct stw_store_value key,
		   struct stw_store_value row);
	int (*remove)(struct stw_store *s, enum stw_store_table t, struct stw_store_value key);
	int (*walk)(struct stw_store *s, enum stw_store_table t, struct stw_store_value from,
		    stw_store_row_fn *row, void *ctx);
	int (*count)(struct stw_store *s, enum stw_store_table t, uint64_t *out);
	int (*commit)(struct stw_store *s);
	void (*abort)(struct stw_store *s);
	void (*close)(struct stw_store *s);
};

struct stw_changes;

/* First field of every implementation. */
struct stw_store {
	const struct stw_store_ops *ops;
	bool dirty;  /* something waits for the commit */
	bool undone; /* something was, since whoever reads it put it down */
	/* Where location.h notes which records changed; NULL: nowhere. */
	struct stw_changes *changes;
};

/**
 * A row.
 *
 * @param out  on STW_OK; lives until the next change or commit
 * @return STW_OK, STW_ENOENT, STW_EIO
 */
static inline int stw_store_get(struct stw_store *s, enum stw_store_table t,
				struct stw_store_value key, struct stw_store_value *out)
{
	return s->ops->get(s, t, key, out);
}

/** Write a row over the one of that key. @return STW_OK, STW_ENOSPACE (full), STW_ERANGE (key),
 * STW_EIO: the caller then aborts */
static inline int stw_store_put(struct stw_store *s, enum stw_store_table t,
				struct stw_store_value key, struct stw_store_value row)
{
	return s->ops->put(s, t, key, row);
}

/** @return STW_OK, STW_ENOENT, STW_ENOSPACE, STW_EIO */
static inline int stw_store_remove(struct stw_store *s, enum stw_store_table t,
				   struct stw_store_value key)
{
	return s->ops->remove(s, t, key);
}

/** Each row from key @from on, in order. @row must not change the store. @return STW_OK, STW_EIO */
static inline int stw_store_walk(struct stw_store *s, enum stw_store_table t,
				 struct stw_store_value from, stw_store_row_fn *row, void *ctx)
{
	return s->ops->walk(s, t, from, row, ctx);
}

static inline int stw_store_count(struct stw_store *s, enum stw_store_table t, uint64_t *out)
{
	return s->ops->count(s, t, out);
}

/** Make what changed last. @return STW_OK, STW_ENOSPACE, STW_EIO: none of it happened */
static inline int stw_store_commit(struct stw_store *s)
{
	return s->ops->commit(s);
}

/** Undo what changed since the last commit. */
static inline void stw_store_abort(struct stw_store *s)
{
	s->ops->abort(s);
	s->undone = true;
}

/** Closes; what was not committed did not happen. Accepts NULL. */
static inline void stw_store_close(struct stw_store *s)
{
	if (s)
		s->ops->close(s);
}

struct stw_store_options {
	uint64_t max_bytes; /* address space and file size at most; the file grows as needed */
	bool relaxed;	    /* a power loss may take the last seconds; a kill takes nothing */
};

/**
 * Open the LMDB store in directory @dir, made when it is not there (mode 0700).
 *
 * @param reason  [reason_len] when it cannot be: what is wrong and what to do
 * @return STW_OK, STW_EBUSY (another process has it), STW_EMALFORMED (damaged), STW_EVERSION,
 *         STW_EIO, STW_ENOMEM
 */
int stw_store_open_lmdb(const char *dir, const struct stw_store_options *options, char *reason,
			size_t reason_len, struct stw_store **out);
