/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/registrar/registrar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <strowger/errors.h>
#include <strowger/log.h>

#include "control/registrar/internal.h"

#define NONCE_USES    65536u
#define SOURCES	      65536u
#define EXPIRE_A_TURN 1000u
#define RESERVE_KEY   "reserve"
#define RESERVE_BYTES 65536u
#define TROUBLE_S     10u /* after the last error */
#define STUCK_S	      3u  /* of errors */
#define MARK_KEY      "clock"

/* As it was written, which is what the store has, unless that was undone. */
static void tell_one(struct stw_registrar *r, const struct stw_change *change)
{
	struct stw_record *record = &r->location.record;

	if (change->row.p == NULL || r->store->undone ||
	    (change->row.len > 0 &&
	     stw_record_read(change->row.p, change->row.len, record) != STW_OK))
		stw_location_get(r->store, change->name, &r->location);
	else if (change->row.len == 0)
		record->n = 0;
	r->changed(r->changed_ctx, change->name, record);
}

/* What lasts is told. */
static void tell_changes(struct stw_registrar *r, bool lasts)
{
	struct stw_change change;
	size_t at = 0;

	if (r->changed && lasts && r->changes.lost)
		r->changed(r->changed_ctx, stw_str("", 0), NULL);
	else
		while (r->changed && lasts && stw_changes_next(&r->changes, &at, &change))
			tell_one(r, &change);
	stw_changes_clear(&r->changes);
	r->store->undone = false;
}

void stw_registrar_watch(struct stw_registrar *r, stw_registrar_changed_fn *tell, void *ctx)
{
	r->changed = tell;
	r->changed_ctx = ctx;
	r->store->changes = tell ? &r->changes : NULL;
}

/* Told when it begins and when it ends: of a store that is full some changes go well. */
static void note_trouble(struct stw_registrar *r, int err)
{
	if (!err && !r->trouble)
		return;
	const uint64_t now_s = stw_clock_s(&r->clock);

	if (err && !r->trouble)
		stw_error("registrar: the store cannot be written (%s): REGISTERs are answered 503 "
			  "until it can; bindings made before stay",
			  stw_err_text(err));
	if (err) {
		r->trouble_since_s = r->trouble ? r->trouble_since_s : now_s;
		r->trouble = err;
		r->trouble_s = now_s;
	} else if (r->trouble && now_s >= r->trouble_s + TROUBLE_S) {
		stw_info("registrar: the store can be written again");
		r->trouble = STW_OK;
	}
}

int stw_registrar_commit(struct stw_registrar *r)
{
	const bool writes = r->store->dirty;

	r->now_ms = 0;
	int err = stw_store_commit(r->store);

	/* The store's word: of a spoiled change what came before it was undone, what came after
	 * lasts. */
	tell_changes(r, err == STW_OK);
	if (!err)
		err = r->spoiled;
	r->spoiled = STW_OK;
	/* Where nothing was written nothing is known. */
	if (writes || err)
		note_trouble(r, err);
	return err;
}

int stw_registrar_trouble(const struct stw_registrar *r)
{
	return r->trouble;
}

bool stw_registrar_is_stuck(const struct stw_registrar *r)
{
	return r->trouble && r->trouble != STW_ENOSPACE &&
	       r->trouble_s >= r->trouble_since_s + STUCK_S;
}

void stw_registrar_failed(struct stw_registrar *r, struct stw_registrar_answer *out)
{
	r->c.store_failed++;
	out->status = 503;
	out->phrase = "Service Unavailable";
	out->retry_after_s = STW_REGISTRAR_RETRY_S;
	out->changed = false;
	out->len = 0;
}

static int keep_clock(struct stw_registrar *r)
{
	const struct stw_clock_mark mark = stw_clock_mark_now(&r->clock);

	return stw_store_put(r->store, STW_TABLE_META,
			     (struct stw_store_value){MARK_KEY, sizeof(MARK_KEY) - 1},
			     (struct stw_store_value){&mark, sizeof(mark)});
}

/*
 * A store that is full has no room to forget what ended either: LMDB writes pages anew. So it holds
 * some that are there to be given up.
 */
static void set_reserve(struct stw_registrar *r, bool has)
{
	static const char room[RESERVE_BYTES];
	const struct stw_store_value key = {RESERVE_KEY, sizeof(RESERVE_KEY) - 1};
	int err = has ? stw_store_put(r->store, STW_TABLE_META, key,
				      (struct stw_store_value){room, sizeof(room)})
		      : stw_store_remove(r->store, STW_TABLE_META, key);

	if (err && err != STW_ENOENT)
		stw_store_abort(r->store);
	if (stw_store_commit(r->store) == STW_OK && (!err || err == STW_ENOENT))
		r->has_reserve = has;
}

/* A store that is full has room for small changes, and what ends makes more. */
static size_t next_most(size_t most, bool well)
{
	if (!well)
		return most > 1 ? most / 2 : 1;
	return 2 * most < EXPIRE_A_TURN ? 2 * most : EXPIRE_A_TURN;
}

/* In trouble the clock is written in any case, to see whether anything can be. */
bool stw_registrar_tick(struct stw_registrar *r)
{
	const size_t most = r->expire_most ? r->expire_most : EXPIRE_A_TURN;
	uint64_t n = 0;
	int err = stw_location_expire(r->store, stw_clock_s(&r->clock), most, &n);
	bool more = err == STW_EAGAIN;

	if (more)
		err = STW_OK;
	if (!err && (n > 0 || r->trouble))
		err = keep_clock(r);
	if (err) {
		stw_store_abort(r->store);
		r->spoiled = err;
	}
	const bool well = stw_registrar_commit(r) == STW_OK;

	r->expire_most = next_most(most, well);
	if (well)
		r->c.expired += n;
	if (r->has_reserve ? !well && most == 1 : !r->trouble)
		set_reserve(r, !r->has_reserve);
	return well ? more : most > 1;
}

/* --- start and stop --- */

static int copy_domains(const struct stw_model *m, struct stw_model_registrar *out)
{
	*out = m->registrar;
	out->domains = calloc(m->registrar.n_domains + 1, sizeof(*out->domains));
	if (!out->domains)
		return STW_ENOMEM;
	memcpy(out->domains, m->registrar.domains, m->registrar.n_domains * sizeof(*out->domains));
	return STW_OK;
}

int stw_registrar_configure(struct stw_registrar *r, const struct stw_model *m)
{
	struct stw_model_registrar fresh;
	struct stw_exempt exempt;
	int err = copy_domains(m, &fresh);

	if (err)
		return err;
	err = stw_exempt_read(m, &exempt);
	if (err) {
		free(fresh.domains);
		return err;
	}
	free(r->config.domains);
	stw_exempt_fini(&r->exempt);
	r->exempt = exempt;
	r->config = fresh;
	r->n_keys = m->n_secrets;
	for (size_t i = 0; i < m->n_secrets; i++) {
		r->keys[i] = stw_nonce_key(m->secrets[i].key);
		r->gruu_keys[i] = stw_gruu_key(m->secrets[i].key);
	}
	return STW_OK;
}

static void start_clock(struct stw_registrar *r)
{
	struct stw_clock_mark mark;
	struct stw_store_value v;
	bool has = stw_store_get(r->store, STW_TABLE_META,
				 (struct stw_store_value){MARK_KEY, sizeof(MARK_KEY) - 1},
				 &v) == STW_OK &&
		   v.len == sizeof(mark);

	if (has)
		memcpy(&mark, v.p, sizeof(mark));
	stw_clock_start(&r->clock, has ? &mark : NULL);
	keep_clock(r);
}

static int make(struct stw_registrar *r, const struct stw_model *m)
{
	r->options = (struct stw_store_options){.max_bytes = (uint64_t)m->registrar.store_mb << 20,
						.relaxed = m->registrar.durability ==
							   STW_DURABILITY_RELAXED};
	snprintf(r->dir, sizeof(r->dir), "%s%s",
		 *m->registrar.store ? m->registrar.store : m->state_dir,
		 *m->registrar.store ? "" : "/location");
	if (getrandom(&r->request_key, sizeof(r->request_key), 0) != sizeof(r->request_key) ||
	    getrandom(&r->gruu_salt, sizeof(r->gruu_salt), 0) != sizeof(r->gruu_salt))
		return STW_EIO;
	r->uses = stw_nonce_uses_new(NONCE_USES);
	r->sources = stw_sources_new(SOURCES);
	return r->uses && r->sources ? stw_registrar_configure(r, m) : STW_ENOMEM;
}

int stw_registrar_make(const struct stw_model *m, struct stw_registrar **out)
{
	struct stw_registrar *r = calloc(1, sizeof(*r));
	int err = r ? make(r, m) : STW_ENOMEM;

	if (err) {
		stw_registrar_free(r);
		return err;
	}
	*out = r;
	return STW_OK;
}

int stw_registrar_open(struct stw_registrar *r, char *reason, size_t reason_len)
{
	int err = stw_store_open_lmdb(r->dir, &r->options, reason, reason_len, &r->store);

	if (err)
		return err;
	start_clock(r);
	err = stw_registrar_commit(r);
	if (err) {
		stw_registrar_close(r);
		return err;
	}
	set_reserve(r, true);
	return STW_OK;
}

void stw_registrar_close(struct stw_registrar *r)
{
	if (!r->store)
		return;
	keep_clock(r);
	stw_store_commit(r->store);
	stw_store_close(r->store);
	r->store = NULL;
	r->trouble = r->spoiled = STW_OK;
	r->has_reserve = false;
	stw_changes_clear(&r->changes);
}

int stw_registrar_new(const struct stw_model *m, char *reason, size_t reason_len,
		      struct stw_registrar **out)
{
	struct stw_registrar *r;
	int err = stw_registrar_make(m, &r);

	if (err)
		return err;
	err = stw_registrar_open(r, reason, reason_len);
	if (err) {
		stw_registrar_free(r);
		return err;
	}
	*out = r;
	return STW_OK;
}

struct stw_store *stw_registrar_store(struct stw_registrar *r)
{
	return r->store;
}

const struct stw_registrar_counters *stw_registrar_counters(const struct stw_registrar *r)
{
	return &r->c;
}

const struct stw_gruu_key *stw_registrar_gruu_keys(const struct stw_registrar *r, size_t *n)
{
	*n = r->n_keys;
	return r->gruu_keys;
}

struct stw_clock *stw_registrar_clock(struct stw_registrar *r)
{
	return &r->clock;
}

void stw_registrar_free(struct stw_registrar *r)
{
	if (!r)
		return;
	stw_registrar_close(r);
	stw_changes_fini(&r->changes);
	stw_nonce_uses_free(r->uses);
	stw_sources_free(r->sources);
	stw_exempt_fini(&r->exempt);
	free(r->config.domains);
	free(r);
}
