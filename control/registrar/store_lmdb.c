/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <strowger/errors.h>

#include "control/registrar/store.h"

#define FORMAT	    "1"
#define WRITE_BYTES (1u << 20) /* the most that LMDB writes at once (its MDB_WBUF) */

struct lmdb_store {
	struct stw_store base;
	MDB_env *env;
	MDB_dbi table[STW_N_STORE_TABLES];
	MDB_txn *txn; /* of changes; NULL: nothing changed since the last commit */
	/* Of @txn, which ends them: a row that was read is written without another search. */
	MDB_cursor *at[STW_N_STORE_TABLES];
	MDB_txn *reads; /* reset between uses */
	bool reading;
	int lock_fd;
};

static const char *const names[STW_N_STORE_TABLES] = {
	[STW_TABLE_LOCATION] = "location",
	[STW_TABLE_EXPIRY] = "expiry",
	[STW_TABLE_SUBSCRIBER] = "subscriber",
	[STW_TABLE_META] = "meta",
};

static struct lmdb_store *of(struct stw_store *s)
{
	return (struct lmdb_store *)s;
}

static int err_of(int rc)
{
	switch (rc) {
	case 0: return STW_OK;
	case MDB_NOTFOUND: return STW_ENOENT;
	case MDB_MAP_FULL:
	case MDB_TXN_FULL:
	case ENOSPC:
	case EDQUOT:
	case EFBIG: return STW_ENOSPACE;
	case MDB_BAD_VALSIZE: return STW_ERANGE;
	case ENOMEM: return STW_ENOMEM;
	default: return STW_EIO;
	}
}

static MDB_val val(struct stw_store_value v)
{
	return (MDB_val){.mv_size = v.len, .mv_data = (void *)(uintptr_t)v.p};
}

static struct stw_store_value value(MDB_val v)
{
	return (struct stw_store_value){v.mv_data, v.mv_size};
}

static void end_reading(struct lmdb_store *s)
{
	if (s->reading)
		mdb_txn_reset(s->reads);
	s->reading = false;
}

static int begin_write(struct lmdb_store *s)
{
	end_reading(s);
	s->base.dirty = true;
	return s->txn ? 0 : mdb_txn_begin(s->env, NULL, 0, &s->txn);
}

static int open_cursor(struct lmdb_store *s, enum stw_store_table t)
{
	return s->at[t] ? 0 : mdb_cursor_open(s->txn, s->table[t], &s->at[t]);
}

/* The transaction is no more ours: it is being committed, or was given up. */
static MDB_txn *let_go(struct lmdb_store *s)
{
	MDB_txn *txn = s->txn;

	memset(s->at, 0, sizeof(s->at));
	s->txn = NULL;
	s->base.dirty = false;
	return txn;
}

/* Changes not yet committed are seen. */
static int begin_read(struct lmdb_store *s, MDB_txn **out)
{
	int rc = 0;

	*out = s->txn ? s->txn : s->reads;
	if (!s->txn && !s->reading)
		rc = mdb_txn_renew(s->reads);
	s->reading = !s->txn && rc == 0;
	return rc;
}

static int lmdb_get(struct stw_store *base, enum stw_store_table t, struct stw_store_value key,
		    struct stw_store_value *out)
{
	struct lmdb_store *s = of(base);
	MDB_val k = val(key), v;
	MDB_txn *txn;
	int rc = begin_read(s, &txn);

	if (rc == 0 && txn == s->txn)
		rc = open_cursor(s, t);
	if (rc == 0)
		rc = s->at[t] ? mdb_cursor_get(s->at[t], &k, &v, MDB_SET)
			      : mdb_get(txn, s->table[t], &k, &v);
	if (rc == 0)
		*out = value(v);
	return err_of(rc);
}

static int lmdb_put(struct stw_store *base, enum stw_store_table t, struct stw_store_value key,
		    struct stw_store_value row)
{
	struct lmdb_store *s = of(base);
	MDB_val k = val(key), v = val(row);
	int rc = begin_write(s);

	if (rc == 0)
		rc = open_cursor(s, t);
	return err_of(rc ? rc : mdb_cursor_put(s->at[t], &k, &v, 0));
}

static int lmdb_remove(struct stw_store *base, enum stw_store_table t, struct stw_store_value key)
{
	struct lmdb_store *s = of(base);
	MDB_val k = val(key);
	int rc = begin_write(s);

	return err_of(rc ? rc : mdb_del(s->txn, s->table[t], &k, NULL));
}

static int lmdb_walk(struct stw_store *base, enum stw_store_table t, struct stw_store_value from,
		     stw_store_row_fn *row, void *ctx)
{
	struct lmdb_store *s = of(base);
	MDB_val k = val(from), v;
	MDB_cursor *cursor;
	MDB_txn *txn;
	int rc = begin_read(s, &txn);

	if (rc == 0)
		rc = mdb_cursor_open(txn, s->table[t], &cursor);
	if (rc)
		return err_of(rc);
	rc = mdb_cursor_get(cursor, &k, &v, from.len > 0 ? MDB_SET_RANGE : MDB_FIRST);
	while (rc == 0 && row(ctx, value(k), value(v)))
		rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
	mdb_cursor_close(cursor);
	return rc == MDB_NOTFOUND ? STW_OK : err_of(rc);
}

static int lmdb_count(struct stw_store *base, enum stw_store_table t, uint64_t *out)
{
	struct lmdb_store *s = of(base);
	MDB_stat st;
	MDB_txn *txn;
	int rc = begin_read(s, &txn);

	if (rc == 0)
		rc = mdb_stat(txn, s->table[t], &st);
	if (rc == 0)
		*out = st.ms_entries;
	return err_of(rc);
}

/* A disk without room takes the first part of a write, which LMDB calls EIO. */
static bool disk_is_full(struct lmdb_store *s)
{
	struct statvfs disk;
	mdb_filehandle_t fd;

	return mdb_env_get_fd(s->env, &fd) == 0 && fstatvfs(fd, &disk) == 0 &&
	       (uint64_t)disk.f_bavail * disk.f_frsize < WRITE_BYTES;
}

static int lmdb_commit(struct stw_store *base)
{
	struct lmdb_store *s = of(base);
	MDB_txn *txn = let_go(s);
	int rc = 0;

	end_reading(s);
	if (txn)
		rc = mdb_txn_commit(txn);
	return rc == EIO && disk_is_full(s) ? STW_ENOSPACE : err_of(rc);
}

static void lmdb_abort(struct stw_store *base)
{
	MDB_txn *txn = let_go(of(base));

	if (txn)
		mdb_txn_abort(txn);
}

static void lmdb_close(struct stw_store *base)
{
	struct lmdb_store *s = of(base);

	lmdb_abort(base);
	if (s->reads)
		mdb_txn_abort(s->reads);
	if (s->env) {
		mdb_env_sync(s->env, 1);
		mdb_env_close(s->env);
	}
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	free(s);
}

static const struct stw_store_ops ops = {
	.get = lmdb_get,
	.put = lmdb_put,
	.remove = lmdb_remove,
	.walk = lmdb_walk,
	.count = lmdb_count,
	.commit = lmdb_commit,
	.abort = lmdb_abort,
	.close = lmdb_close,
};

/* --- opening --- */

static int open_tables(struct lmdb_store *s)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(s->env, NULL, 0, &txn);

	if (rc)
		return rc;
	for (int t = 0; rc == 0 && t < STW_N_STORE_TABLES; t++)
		rc = mdb_dbi_open(txn, names[t], MDB_CREATE, &s->table[t]);
	if (rc) {
		mdb_txn_abort(txn);
		return rc;
	}
	rc = mdb_txn_commit(txn);
	if (rc == 0)
		rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &s->reads);
	if (rc == 0)
		mdb_txn_reset(s->reads);
	return rc;
}

static int open_env(struct lmdb_store *s, const char *dir, const struct stw_store_options *options)
{
	/* Only the last seconds may go, and only with the power: pages still go in order. */
	const unsigned flags = MDB_NOTLS | (options->relaxed ? MDB_NOMETASYNC | MDB_NOSYNC : 0);
	int rc = mdb_env_create(&s->env);

	if (rc == 0)
		rc = mdb_env_set_mapsize(s->env, options->max_bytes);
	if (rc == 0)
		rc = mdb_env_set_maxdbs(s->env, STW_N_STORE_TABLES);
	if (rc == 0)
		rc = mdb_env_open(s->env, dir, flags, 0600);
	return rc ? rc : open_tables(s);
}

static int refuse(const char *dir, int rc, char *reason, size_t len)
{
	switch (rc) {
	case MDB_INVALID:
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_PANIC:
	case MDB_INCOMPATIBLE:
		snprintf(reason, len,
			 "%s: the store is damaged (%s): move it away and start with the last "
			 "export (strowgerctl location import), or with none: phones register "
			 "again within their expiry",
			 dir, mdb_strerror(rc));
		return STW_EMALFORMED;
	case MDB_VERSION_MISMATCH:
		snprintf(reason, len,
			 "%s: made by another version of LMDB: export it with that one", dir);
		return STW_EVERSION;
	default:
		snprintf(reason, len, "%s: the store cannot be opened: %s", dir, mdb_strerror(rc));
		return err_of(rc) == STW_ENOMEM ? STW_ENOMEM : STW_EIO;
	}
}

/* One process only: two that write would each think that they know what expires. */
static int lock(struct lmdb_store *s, const char *dir, char *reason, size_t len)
{
	char path[512];

	if (mkdir(dir, 0700) < 0 && errno != EEXIST) {
		snprintf(reason, len, "%s: cannot be made: %s", dir, strerror(errno));
		return STW_EIO;
	}
	snprintf(path, sizeof(path), "%s/owner", dir);
	s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->lock_fd >= 0 && flock(s->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return STW_OK;
	if (errno == EWOULDBLOCK) {
		snprintf(reason, len, "%s: another strowger-control has this store", dir);
		return STW_EBUSY;
	}
	snprintf(reason, len, "%s: %s", path, strerror(errno));
	return STW_EIO;
}

static int check_format(struct lmdb_store *s, const char *dir, char *reason, size_t len)
{
	const struct stw_store_value key = {"format", 6}, ours = {FORMAT, strlen(FORMAT)};
	struct stw_store_value is;
	int err = lmdb_get(&s->base, STW_TABLE_META, key, &is);

	if (err == STW_ENOENT) {
		err = lmdb_put(&s->base, STW_TABLE_META, key, ours);
		return err == STW_OK ? lmdb_commit(&s->base) : err;
	}
	if (err == STW_OK && (is.len != ours.len || memcmp(is.p, ours.p, is.len) != 0)) {
		snprintf(reason, len, "%s: format %.*s, this version reads %s", dir, (int)is.len,
			 (const char *)is.p, FORMAT);
		return STW_EVERSION;
	}
	return err;
}

int stw_store_open_lmdb(const char *dir, const struct stw_store_options *options, char *reason,
			size_t reason_len, struct stw_store **out)
{
	struct lmdb_store *s = calloc(1, sizeof(*s));

	if (!s)
		return STW_ENOMEM;
	s->base.ops = &ops;
	s->lock_fd = -1;
	int err = lock(s, dir, reason, reason_len);
	int rc = err ? 0 : open_env(s, dir, options);

	if (rc)
		err = refuse(dir, rc, reason, reason_len);
	if (!err)
		err = check_format(s, dir, reason, reason_len);
	if (err) {
		lmdb_close(&s->base);
		return err;
	}
	*out = &s->base;
	return STW_OK;
}
