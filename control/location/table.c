/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/location/table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>

#include <strowger/errors.h>

#include "control/location/arena.h"
#include "control/location/buckets.h"

#define GONE_MAX     8u	 /* of one user */
#define MOVED_A_PUT  16u /* buckets taken over into larger ones */
#define RETIRED_S    10u /* longer than any search takes */
#define FULL_EIGHTHS 6u	 /* of the entries taken: time for more buckets */

/* A user with gone bindings, in the order of time. */
struct parting {
	STAILQ_ENTRY(parting) order;
	uint64_t due_s;
	uint16_t len;
	char aor[];
};

STAILQ_HEAD(partings, parting);

struct stw_location_table {
	struct stw_arena arena;
	struct stw_location_header *h;
	struct stw_location_map map;
	struct stw_buckets now;	 /* what readers search */
	struct stw_buckets next; /* larger ones being filled; n 0: none */
	uint64_t taken_over;	 /* of @now's, in @next */
	struct stw_buckets past; /* outgrown, given back at @past_s */
	uint64_t past_s, now_s;
	uint64_t left_out;
	bool wanted_complete;
	struct partings partings;
	struct stw_where_slot was; /* what a put found */
};

/* A record being made. */
struct making {
	uint64_t words[STW_LOCATION_RECORD_MAX / 8];
	size_t len;
	size_t live_len; /* without the gone ones */
	uint8_t n, n_live, flags;
};

_Static_assert(STW_CONTACT_TIME_AT == 0 && STW_CONTACT_ALIGN == 4, "a time is half of a word");

static char *body_of(struct making *m)
{
	return (char *)(m->words + 1);
}

/* Where bindings begin. */
static size_t key_end(size_t user_len)
{
	const size_t end = 8 + 2 + user_len;

	return (end + STW_CONTACT_ALIGN - 1) / STW_CONTACT_ALIGN * STW_CONTACT_ALIGN;
}

static size_t user_len_of(const struct making *m)
{
	return (uint8_t)((const char *)(m->words + 1))[1];
}

static uint32_t units_of(size_t len)
{
	return (uint32_t)((len + STW_LOCATION_UNIT - 1) / STW_LOCATION_UNIT);
}

/* --- rows of the header --- */

static int domain_row(struct stw_location_table *t, const char *name, size_t len)
{
	const uint32_t n = atomic_load_explicit(&t->h->n_domains, memory_order_relaxed);

	for (uint32_t i = 0; i < n; i++)
		if (t->h->domains[i].len == len && memcmp(t->h->domains[i].name, name, len) == 0)
			return (int)i;
	if (n == STW_LOCATION_DOMAINS || len > UINT8_MAX)
		return -1;
	t->h->domains[n].len = (uint8_t)len;
	memcpy(t->h->domains[n].name, name, len);
	atomic_store_explicit(&t->h->n_domains, n + 1, memory_order_release);
	return (int)n;
}

static int listener_row(struct stw_location_table *t, const struct stw_endpoint *listener)
{
	const uint32_t n = atomic_load_explicit(&t->h->n_listeners, memory_order_relaxed);

	for (uint32_t i = 0; i < n; i++)
		if (stw_endpoint_equal(&t->h->listeners[i], listener))
			return (int)i;
	if (n == STW_LOCATION_LISTENERS)
		return -1;
	t->h->listeners[n] = *listener;
	atomic_store_explicit(&t->h->n_listeners, n + 1, memory_order_release);
	return (int)n;
}

/* --- a record --- */

/* Domain, length of user, user. @return false: it cannot be written so */
static bool make_key(struct stw_location_table *t, struct making *m, const char *aor, size_t len)
{
	const char *colon = memchr(aor, ':', len), *at = memrchr(aor, '@', len);
	const char *end = aor + len;

	if (!colon || !at || at < colon)
		return false;
	const int domain = domain_row(t, at + 1, (size_t)(end - at - 1));
	const size_t user_len = (size_t)(at - colon - 1);
	char *body = body_of(m);

	if (domain < 0)
		return false;
	body[0] = (char)domain;
	body[1] = (char)user_len;
	memcpy(body + 2, colon + 1, user_len);
	m->len = key_end(user_len);
	m->flags = colon - aor == 4 ? STW_LOCATION_SIPS : 0;
	return true;
}

static bool add_contact(struct stw_location_table *t, struct making *m, const char *aor,
			size_t aor_len, const struct stw_contact *c)
{
	const int row = listener_row(t, &c->listener);
	const size_t room = STW_LOCATION_RECORD_MAX - m->len;
	const size_t n = row < 0 || m->n == UINT8_MAX
				 ? 0
				 : stw_contact_pack(c, aor, aor_len, (uint8_t)row,
						    (char *)m->words + m->len, room);

	m->len += n;
	m->n = (uint8_t)(m->n + (n > 0));
	return n > 0;
}

/* @return false: too much for a record */
static bool add_live(struct stw_location_table *t, struct making *m, const char *aor,
		     size_t aor_len, const struct stw_contact *c, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct stw_contact live = c[i];

		live.gone = false;
		live.id = stw_contact_id(live.rest.p, live.rest.len, live.path.p, live.path.len,
					 &live.source, &live.listener);
		if (!add_contact(t, m, aor, aor_len, &live))
			return false;
	}
	m->n_live = (uint8_t)n;
	return true;
}

static bool has_id(const struct stw_location_table *t, struct making *m, size_t key_len,
		   const char *aor, size_t aor_len, uint32_t id)
{
	const struct stw_whereabouts w = {
		.aor = aor,
		.aor_len = (uint16_t)aor_len,
		.packed = (char *)m->words + key_len,
		.packed_len = (uint16_t)(m->len - key_len),
		.listeners = t->h->listeners,
		.n_listeners = atomic_load_explicit(&t->h->n_listeners, memory_order_relaxed),
	};
	struct stw_contact c;

	for (size_t at = 0; stw_contact_next(&w, &at, &c);)
		if (c.id == id)
			return true;
	return false;
}

/* What @t->was had and this one has not. @return how many are gone and not forgotten */
static size_t add_gone(struct stw_location_table *t, struct making *m, const char *aor,
		       size_t aor_len)
{
	const size_t from = key_end(user_len_of(m));
	struct stw_contact c;
	size_t n = 0;

	for (size_t at = 0; n < GONE_MAX && stw_contact_next(&t->was.w, &at, &c);) {
		char uri[STW_LOCATION_AOR_MAX + STW_LOCATION_RECORD_MAX];
		const uint32_t gone_s = c.gone ? c.time_s : (uint32_t)t->now_s;

		if (c.gone && (uint32_t)t->now_s - gone_s >= STW_LOCATION_GONE_S)
			continue;
		if (has_id(t, m, from, aor, aor_len, c.id))
			continue;
		memcpy(uri, aor, c.same);
		memcpy(uri + c.same, c.rest.p, c.rest.len);
		c.rest = (struct stw_piece){uri, (uint16_t)(c.same + c.rest.len)};
		c.gone = true;
		c.time_s = gone_s;
		n += add_contact(t, m, aor, aor_len, &c);
	}
	return n;
}

/* Whoever reads it from the reference on, finds all of it. */
static uint32_t write_record(struct stw_location_table *t, struct making *m)
{
	const uint32_t ref = stw_arena_take(&t->arena, units_of(m->len));

	if (ref == 0)
		return 0;
	_Atomic uint64_t *record = stw_arena_record(&t->arena, ref);
	const uint32_t sequence = (uint32_t)atomic_load_explicit(record, memory_order_relaxed) + 1;

	for (size_t i = 1; i < (m->len + 7) / 8; i++)
		atomic_store_explicit(record + i, m->words[i], memory_order_release);
	m->words[0] =
		sequence | (uint64_t)m->len << 32 | (uint64_t)m->n << 48 | (uint64_t)m->flags << 56;
	atomic_store_explicit(record, m->words[0], memory_order_release);
	return ref;
}

static void free_record(struct stw_location_table *t, uint32_t ref)
{
	const uint64_t head =
		atomic_load_explicit(stw_arena_record(&t->arena, ref), memory_order_relaxed);

	stw_arena_give(&t->arena, ref, units_of(head >> 32 & 0xffff));
}

/* --- buckets, and larger ones --- */

static void add_u64(_Atomic uint64_t *x, uint64_t n)
{
	atomic_store_explicit(x, atomic_load_explicit(x, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

static bool new_buckets(struct stw_location_table *t, uint32_t log2, struct stw_buckets *out)
{
	const uint64_t bytes = (uint64_t)sizeof(struct stw_location_bucket) << log2;
	const uint64_t at = stw_arena_take_lines(&t->arena, bytes);

	if (at == 0)
		return false;
	*out = (struct stw_buckets){.rows = (void *)(t->arena.base + at),
				    .where = at | log2,
				    .n = (uint64_t)1 << log2};
	return true;
}

/* The hash of a record's own key: where it belongs in other buckets. */
static uint64_t hash_of(const struct stw_location_table *t, uint32_t ref)
{
	const char *record = (const char *)stw_arena_record(&t->arena, ref);
	const uint64_t head =
		atomic_load_explicit(stw_arena_record(&t->arena, ref), memory_order_relaxed);
	const struct stw_location_domain *d = &t->h->domains[(uint8_t)record[8]];
	const size_t user_len = (uint8_t)record[9];
	char aor[5 + 2 * UINT8_MAX + 2];
	size_t n = head >> 56 & STW_LOCATION_SIPS ? 5 : 4;

	memcpy(aor, n == 5 ? "sips:" : "sip:", n);
	memcpy(aor + n, record + 10, user_len);
	n += user_len;
	aor[n++] = '@';
	memcpy(aor + n, d->name, d->len);
	return stw_location_hash(t->h, aor, n + d->len);
}

static void publish(struct stw_location_table *t, const struct stw_buckets *b)
{
	atomic_store_explicit(&t->h->buckets, b->where, memory_order_release);
	add_u64(&t->h->generation, 1);
}

static void give_back_past(struct stw_location_table *t)
{
	if (t->past.n > 0)
		stw_arena_give_lines(&t->arena, t->past.where >> 6 << 6,
				     t->past.n * sizeof(struct stw_location_bucket));
	t->past = (struct stw_buckets){0};
}

/* Larger ones failed: on with those there are; the next put tries again. */
static void give_up_next(struct stw_location_table *t)
{
	stw_arena_give_lines(&t->arena, t->next.where >> 6 << 6,
			     t->next.n * sizeof(struct stw_location_bucket));
	t->next = (struct stw_buckets){0};
}

static bool take_over(struct stw_location_table *t, const struct stw_location_bucket *b)
{
	for (uint32_t i = 0; i < STW_LOCATION_WAYS; i++) {
		if (stw_bucket_tag(b, i) == 0)
			continue;
		const uint32_t ref = atomic_load_explicit(&b->ref[i], memory_order_relaxed);
		const uint64_t hash = hash_of(t, ref);
		struct stw_bucket_entry at;

		if (!stw_buckets_find_ref(&t->next, hash, ref, &at) &&
		    !stw_buckets_add(&t->next, hash, ref))
			return false;
	}
	return true;
}

static void grow(struct stw_location_table *t, uint64_t n)
{
	for (; n > 0 && t->taken_over < t->now.n; n--)
		if (!take_over(t, &t->now.rows[t->taken_over++])) {
			give_up_next(t);
			return;
		}
	if (t->taken_over < t->now.n)
		return;
	give_back_past(t); /* of the time before: long over */
	publish(t, &t->next);
	t->past = t->now;
	t->past_s = t->now_s + RETIRED_S;
	t->now = t->next;
	t->next = (struct stw_buckets){0};
}

static void start_growing(struct stw_location_table *t)
{
	const uint32_t log2 = (t->now.where & 63) + 1;

	if (t->next.n == 0 && log2 <= 30 && new_buckets(t, log2, &t->next)) {
		t->taken_over = 0;
		t->next.used = 0;
	}
}

static void grow_in_time(struct stw_location_table *t)
{
	if (t->next.n == 0 && t->now.used > t->now.n * STW_LOCATION_WAYS * FULL_EIGHTHS / 8)
		start_growing(t);
	if (t->next.n > 0)
		grow(t, MOVED_A_PUT);
}

/* A new entry. When its own buckets are crowded, larger ones are finished first. */
static bool insert(struct stw_location_table *t, uint64_t hash, uint32_t ref)
{
	for (int tries = 0; tries < 2; tries++) {
		if (stw_buckets_add(&t->now, hash, ref)) {
			if (t->next.n > 0 && !stw_buckets_add(&t->next, hash, ref))
				give_up_next(t);
			return true;
		}
		start_growing(t);
		if (t->next.n > 0)
			grow(t, UINT64_MAX);
	}
	return false;
}

static void replace(struct stw_location_table *t, uint64_t hash, uint32_t from, uint32_t to)
{
	struct stw_bucket_entry at;

	if (stw_buckets_find_ref(&t->now, hash, from, &at))
		stw_buckets_set(&t->now, &at, to);
	if (t->next.n > 0 && stw_buckets_find_ref(&t->next, hash, from, &at))
		stw_buckets_set(&t->next, &at, to);
	free_record(t, from);
}

static void remove_entry(struct stw_location_table *t, uint64_t hash, uint32_t ref)
{
	struct stw_bucket_entry at;

	if (stw_buckets_find_ref(&t->now, hash, ref, &at))
		stw_buckets_remove(&t->now, hash, &at);
	if (t->next.n > 0 && stw_buckets_find_ref(&t->next, hash, ref, &at))
		stw_buckets_remove(&t->next, hash, &at);
	free_record(t, ref);
}

/* --- put --- */

/* Whose record find_own() is to find; its bucket is on the way from here on. */
static void name_own(struct stw_location_table *t, const char *aor, size_t len)
{
	struct stw_where_slot *slot = &t->was;

	slot->w = (struct stw_whereabouts){0};
	memcpy(slot->aor, aor, len);
	stw_where_key(t->h, slot, len);
	stw_buckets_fetch(&t->now, slot->hash);
}

/* The user's record as it is, in @t->was. @return its reference, 0: none */
static uint32_t find_own(struct stw_location_table *t)
{
	uint32_t ref;

	return stw_where_find_ref(&t->map, &t->was, &ref) ? ref : 0;
}

static size_t n_live(const struct stw_location_table *t, uint32_t ref)
{
	struct stw_contact c;
	size_t n = 0;

	for (size_t at = 0; ref != 0 && stw_contact_next(&t->was.w, &at, &c);)
		n += !c.gone;
	return n;
}

/* Offset in the record of the time of the binding at @at of what was; on to the next one. */
static bool next_time(const struct stw_location_table *t, size_t *at, size_t *time_at)
{
	const size_t from = (size_t)(t->was.w.packed - (const char *)t->was.record) + *at;
	struct stw_contact c;

	if (!stw_contact_next(&t->was.w, at, &c))
		return false;
	*time_at = from + STW_CONTACT_TIME_AT;
	return true;
}

/*
 * Is it what was, but for times? The user is: the record was found by it. Times are made equal in
 * the copy of what was, to see.
 */
static bool is_same_but_times(struct stw_location_table *t, const struct making *m)
{
	const uint64_t head = t->was.record[0];
	const size_t from = key_end(user_len_of(m));
	size_t at = 0, time_at;

	if ((head >> 32 & 0xffff) != m->len || (uint8_t)(head >> 56) != m->flags)
		return false;
	while (next_time(t, &at, &time_at))
		memcpy((char *)t->was.record + time_at, (const char *)m->words + time_at, 4);
	return memcmp((const char *)t->was.record + from, (const char *)m->words + from,
		      m->len - from) == 0;
}

/* The record's times become those of @m: each in one store, so a reader has the old or the new. */
static void set_times(struct stw_location_table *t, const struct making *m, uint32_t ref)
{
	_Atomic uint64_t *record = stw_arena_record(&t->arena, ref);
	size_t at = 0, time_at;

	while (next_time(t, &at, &time_at)) {
		const uint64_t is =
			atomic_load_explicit(&record[time_at / 8], memory_order_relaxed);

		if (is != m->words[time_at / 8])
			atomic_store_explicit(&record[time_at / 8], m->words[time_at / 8],
					      memory_order_release);
	}
}

static void part(struct stw_location_table *t, const char *aor, size_t len)
{
	struct parting *p = malloc(sizeof(*p) + len);

	if (!p)
		return; /* they stay until the user's next change */
	p->due_s = t->now_s + STW_LOCATION_GONE_S;
	p->len = (uint16_t)len;
	memcpy(p->aor, aor, len);
	STAILQ_INSERT_TAIL(&t->partings, p, order);
}

static void update_complete(struct stw_location_table *t)
{
	atomic_store_explicit(&t->h->complete, t->wanted_complete && t->left_out == 0,
			      memory_order_release);
}

static int leave_out(struct stw_location_table *t, uint64_t hash, uint32_t old)
{
	if (old != 0) {
		add_u64(&t->h->users, (uint64_t)-1);
		add_u64(&t->h->bindings, (uint64_t)0 - n_live(t, old));
		remove_entry(t, hash, old);
	}
	t->left_out++;
	update_complete(t);
	return STW_ENOSPACE;
}

static void count(struct stw_location_table *t, uint64_t live, uint64_t was_live, uint64_t users)
{
	add_u64(&t->h->bindings, live - was_live);
	add_u64(&t->h->users, users);
	atomic_store_explicit(&t->h->used_bytes, t->arena.bytes, memory_order_relaxed);
	atomic_store_explicit(&t->h->huge_bytes, t->arena.huge, memory_order_relaxed);
}

/* What is bound, or that control is to be asked. */
static void make(struct stw_location_table *t, struct making *m, const char *aor, size_t len,
		 const struct stw_contact *c, size_t n)
{
	const size_t key_len = m->len;

	if (!add_live(t, m, aor, len, c, n)) {
		m->len = key_len;
		m->n = m->n_live = 0;
		m->flags |= STW_LOCATION_ASK;
	}
	m->live_len = m->len;
}

/* Make @m what is said of the user. @old, @was_live: what was so far */
static int store(struct stw_location_table *t, struct making *m, const char *aor, size_t aor_len,
		 uint32_t old, size_t n_gone)
{
	const uint64_t hash = t->was.hash;
	const size_t was_live = n_live(t, old);

	if (old != 0 && is_same_but_times(t, m)) {
		set_times(t, m, old);
		return STW_OK;
	}
	if (m->n == 0 && !(m->flags & (STW_LOCATION_KNOWN | STW_LOCATION_ASK))) {
		if (old == 0)
			return STW_OK;
		remove_entry(t, hash, old);
		count(t, 0, was_live, (uint64_t)-1);
		return STW_OK;
	}
	const uint32_t ref = write_record(t, m);

	if (ref == 0 && m->n > m->n_live) { /* what is bound comes before what was */
		m->len = m->live_len;
		m->n = m->n_live;
		return store(t, m, aor, aor_len, old, 0);
	}
	if (ref == 0)
		return leave_out(t, hash, old);
	if (old != 0) {
		replace(t, hash, old, ref);
	} else if (!insert(t, hash, ref)) {
		free_record(t, ref);
		return leave_out(t, hash, 0);
	}
	count(t, m->n_live, was_live, old == 0);
	if (n_gone > 0)
		part(t, aor, aor_len);
	grow_in_time(t);
	return STW_OK;
}

int stw_location_table_put(struct stw_location_table *t, const char *aor, size_t aor_len,
			   const struct stw_contact *c, size_t n, bool known, uint64_t now_s)
{
	struct making m = {0};

	t->now_s = now_s;
	if (aor_len > STW_LOCATION_AOR_MAX)
		return STW_OK; /* no reader looks for it here */
	if (!make_key(t, &m, aor, aor_len))
		return leave_out(t, 0, 0);
	name_own(t, aor, aor_len);
	make(t, &m, aor, aor_len, c, n);
	const uint32_t old = find_own(t);
	const size_t n_gone = m.flags & STW_LOCATION_ASK ? 0 : add_gone(t, &m, aor, aor_len);

	m.flags |= known || n > 0 ? STW_LOCATION_KNOWN : 0;
	return store(t, &m, aor, aor_len, old, n_gone);
}

/* --- time --- */

/* The live ones as they are. */
static void copy_live(struct stw_location_table *t, struct making *m)
{
	struct stw_contact c;
	size_t from = 0;

	for (size_t at = 0; stw_contact_next(&t->was.w, &at, &c) && !c.gone; from = at) {
		memcpy((char *)m->words + m->len, t->was.w.packed + from, at - from);
		m->len += at - from;
		m->n++;
		m->n_live++;
	}
}

static void forget_gone(struct stw_location_table *t, const char *aor, size_t len)
{
	struct making m = {0};

	name_own(t, aor, len);
	const uint32_t old = find_own(t);

	if (old == 0 || !make_key(t, &m, aor, len))
		return;
	m.flags = (uint8_t)(t->was.record[0] >> 56);
	copy_live(t, &m);
	m.live_len = m.len;
	add_gone(t, &m, aor, len);
	store(t, &m, aor, len, old, 0);
}

void stw_location_table_tick(struct stw_location_table *t, uint64_t now_s)
{
	struct parting *p;

	t->now_s = now_s;
	while ((p = STAILQ_FIRST(&t->partings)) != NULL && p->due_s <= now_s) {
		STAILQ_REMOVE_HEAD(&t->partings, order);
		forget_gone(t, p->aor, p->len);
		free(p);
	}
	if (t->past.n > 0 && now_s >= t->past_s)
		give_back_past(t);
}

/* --- life --- */

static uint32_t log2_for(uint64_t users)
{
	const uint64_t wanted = users * 8 / FULL_EIGHTHS / STW_LOCATION_WAYS + 1;
	uint32_t log2 = 6; /* a page */

	while (log2 < 30 && (uint64_t)1 << log2 < wanted)
		log2++;
	return log2;
}

int stw_location_table_new(uint64_t max_bytes, uint64_t users, struct stw_location_table **out)
{
	struct stw_location_table *t = calloc(1, sizeof(*t));

	if (!t)
		return STW_ENOMEM;
	STAILQ_INIT(&t->partings);
	int err = stw_arena_init(&t->arena, max_bytes);

	if (err) {
		free(t);
		return err;
	}
	t->h = (struct stw_location_header *)t->arena.base;
	t->h->version = STW_LOCATION_VERSION;
	t->h->size_bytes = t->arena.size;
	t->map = (struct stw_location_map){t->h, t->arena.size};
	if (getrandom(t->h->key, sizeof(t->h->key), 0) != sizeof(t->h->key) ||
	    !new_buckets(t, log2_for(users), &t->now)) {
		stw_location_table_free(t);
		return STW_ENOMEM;
	}
	publish(t, &t->now);
	count(t, 0, 0, 0);
	t->h->magic = STW_LOCATION_MAGIC;
	*out = t;
	return STW_OK;
}

void stw_location_table_clock(struct stw_location_table *t, uint64_t steady_less_boottime_ms)
{
	atomic_store_explicit(&t->h->steady_less_boottime_ms, steady_less_boottime_ms,
			      memory_order_relaxed);
}

int stw_location_table_fd(const struct stw_location_table *t)
{
	return t->arena.fd;
}

const struct stw_location_map *stw_location_table_map(const struct stw_location_table *t)
{
	return &t->map;
}

void stw_location_table_complete(struct stw_location_table *t)
{
	t->wanted_complete = true;
	update_complete(t);
}

void stw_location_table_again(struct stw_location_table *t)
{
	t->wanted_complete = false;
	t->left_out = 0;
	update_complete(t);
}

void stw_location_table_figures(const struct stw_location_table *t,
				struct stw_location_figures *out)
{
	*out = (struct stw_location_figures){
		.users = atomic_load_explicit(&t->h->users, memory_order_relaxed),
		.bindings = atomic_load_explicit(&t->h->bindings, memory_order_relaxed),
		.bytes = t->arena.bytes,
		.huge_bytes = t->arena.huge,
		.generation = atomic_load_explicit(&t->h->generation, memory_order_relaxed),
		.left_out = t->left_out,
	};
}

void stw_location_table_free(struct stw_location_table *t)
{
	struct parting *p;

	if (!t)
		return;
	while ((p = STAILQ_FIRST(&t->partings)) != NULL) {
		STAILQ_REMOVE_HEAD(&t->partings, order);
		free(p);
	}
	stw_arena_fini(&t->arena);
	free(t);
}
