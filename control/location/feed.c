/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/location/feed.h"

#include <ev.h>
#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>
#include <strowger/log.h>

#include "control/registrar/location.h"
#include "control/registrar/subscribers.h"
#include "control/slow/locate.h"

#define ROWS_A_TURN 2000u
#define TICK_S	    1.
#define AGAIN_MAX_S 300u

struct stw_feed {
	struct ev_loop *loop;
	struct stw_registering *registering;
	stw_feed_ready_fn *ready;
	void *ctx;
	struct stw_registrar *registrar; /* NULL: none serves */
	struct stw_location_table *table;
	struct stw_location_table *served; /* the one passed on, while another is being built */
	struct ev_timer turn;		   /* active while the store is read */
	struct ev_timer tick;
	enum stw_store_table reading;
	char from[STW_STORE_KEY_MAX + 1];
	size_t from_len;
	bool complete, full_told;
	uint64_t max_bytes;
	uint64_t again_at_s, again_after_s; /* a table that left users out is filled again */
	struct stw_location location;	    /* large */
	struct stw_contact contacts[STW_RECORD_BINDINGS];
};

static uint64_t now_s(const struct stw_feed *f)
{
	return stw_clock_s(stw_registrar_clock(f->registrar));
}

static bool is_subscriber(const struct stw_feed *f, struct stw_str aor)
{
	const char *colon = memchr(aor.p, ':', aor.len);
	struct stw_ha1 ha1;

	if (!colon)
		return false;
	const size_t from = (size_t)(colon + 1 - aor.p);

	return stw_subscriber_get(stw_registrar_store(f->registrar),
				  stw_str(aor.p + from, aor.len - from), &ha1) == STW_OK;
}

static void put(struct stw_feed *f, struct stw_str aor, const struct stw_record *record)
{
	const uint64_t now = now_s(f);
	const size_t n = stw_locate_contacts(record, NULL, now, f->contacts);
	const bool known = record->n > 0 || is_subscriber(f, aor);

	if (stw_location_table_put(f->table, aor.p, aor.len, f->contacts, n, known, now) ==
		    STW_OK ||
	    f->full_told)
		return;
	f->full_told = true;
	stw_error("location table: no memory for all users: control locates those that are not "
		  "in it, which is slow");
}

/* --- the first reading --- */

struct reading {
	struct stw_feed *f;
	size_t n;
};

/* Another row than the last of the turn before is looked at twice at most: it says the same. */
static bool read_row(void *ctx, struct stw_store_value key, struct stw_store_value row)
{
	struct reading *r = ctx;
	struct stw_feed *f = r->f;

	if (key.len > STW_STORE_KEY_MAX)
		return true;
	memcpy(f->from, key.p, key.len);
	f->from_len = key.len;
	if (r->n++ == ROWS_A_TURN)
		return false;
	if (f->reading == STW_TABLE_LOCATION) {
		if (stw_record_decode(row.p, row.len, &f->location.record) == STW_OK)
			put(f, stw_str(key.p, key.len), &f->location.record);
		return true;
	}
	char aor[STW_STORE_KEY_MAX + 5];
	const struct stw_str name = stw_str(aor, key.len + 4);

	/* With bindings it is in there by what they say. */
	memcpy(aor, "sip:", 4);
	memcpy(aor + 4, key.p, key.len);
	if (stw_location_get(stw_registrar_store(f->registrar), name, &f->location) == STW_OK)
		put(f, name, &f->location.record);
	return true;
}

/* Better none than one that nobody keeps. */
static void give_up(struct stw_feed *f, const char *why)
{
	stw_error("location table: %s: control locates users, which is slow", why);
	f->ready(f->ctx, -1);
}

static void begin_walk(struct stw_feed *f)
{
	f->reading = STW_TABLE_LOCATION;
	f->from_len = 0;
	ev_timer_set(&f->turn, 0., 0.);
	ev_timer_start(f->loop, &f->turn);
}

/* Each time later than the time before: what a reading finds is mostly what the last one found. */
static void put_off(struct stw_feed *f)
{
	f->again_at_s = now_s(f) + f->again_after_s;
	f->again_after_s = 2 * f->again_after_s < AGAIN_MAX_S ? 2 * f->again_after_s : AGAIN_MAX_S;
}

/* All that was left out is put once more, and with it all the others: nobody noted who it was. */
static void finish_again(struct stw_feed *f, const struct stw_location_figures *figures)
{
	if (figures->left_out > 0) {
		put_off(f);
		return;
	}
	f->again_after_s = 1;
	f->full_told = false;
	stw_info("location table: it holds all users again");
}

static void finish_reading(struct stw_feed *f)
{
	struct stw_location_figures figures;

	stw_location_table_complete(f->table);
	stw_location_table_figures(f->table, &figures);
	if (f->complete) {
		finish_again(f, &figures);
		return;
	}
	f->complete = true;
	put_off(f);
	stw_info("location table: %llu users, %llu bindings in %llu KiB, %s pages",
		 (unsigned long long)figures.users, (unsigned long long)figures.bindings,
		 (unsigned long long)figures.bytes >> 10,
		 figures.huge_bytes == 0	      ? "ordinary"
		 : figures.huge_bytes < figures.bytes ? "some in huge"
						      : "in huge");
	f->ready(f->ctx, stw_location_table_fd(f->table));
	stw_location_table_free(f->served);
	f->served = NULL;
}

static void on_turn(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	struct stw_feed *f = timer->data;
	struct reading r = {.f = f};

	(void)revents;
	int err = stw_store_walk(stw_registrar_store(f->registrar), f->reading,
				 (struct stw_store_value){f->from, f->from_len}, read_row, &r);

	if (err) {
		give_up(f, stw_err_text(err));
		return;
	}
	if (r.n <= ROWS_A_TURN) {
		f->from_len = 0;
		if (f->reading == STW_TABLE_SUBSCRIBER) {
			finish_reading(f);
			return;
		}
		f->reading = STW_TABLE_SUBSCRIBER;
	}
	ev_timer_set(timer, 0., 0.);
	ev_timer_start(loop, timer);
}

static void on_tick(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	struct stw_feed *f = timer->data;
	struct stw_location_figures figures;

	(void)loop;
	(void)revents;
	stw_location_table_tick(f->table, now_s(f));
	stw_location_table_figures(f->table, &figures);
	if (figures.left_out == 0 || !f->complete || ev_is_active(&f->turn) ||
	    now_s(f) < f->again_at_s)
		return;
	stw_location_table_again(f->table);
	begin_walk(f);
}

/* --- the registrar's word --- */

static void start_reading(struct stw_feed *f)
{
	uint64_t users = 0, subscribers = 0;
	struct stw_store *s = stw_registrar_store(f->registrar);

	ev_timer_stop(f->loop, &f->turn);
	ev_timer_stop(f->loop, &f->tick);
	if (f->complete && !f->served)
		f->served = f->table;
	else
		stw_location_table_free(f->table);
	f->table = NULL;
	f->complete = f->full_told = false;
	stw_store_count(s, STW_TABLE_LOCATION, &users);
	stw_store_count(s, STW_TABLE_SUBSCRIBER, &subscribers);
	if (stw_location_table_new(f->max_bytes, users > subscribers ? users : subscribers,
				   &f->table) != STW_OK) {
		give_up(f, "no memory");
		return;
	}
	stw_location_table_clock(f->table,
				 stw_clock_less_boottime_ms(stw_registrar_clock(f->registrar)));
	f->again_after_s = 1;
	begin_walk(f);
	ev_timer_set(&f->tick, TICK_S, TICK_S);
	ev_timer_start(f->loop, &f->tick);
}

static void opened(void *ctx, struct stw_registrar *r)
{
	struct stw_feed *f = ctx;

	f->registrar = r;
	start_reading(f);
}

static void changed(void *ctx, struct stw_str aor, const struct stw_record *record)
{
	struct stw_feed *f = ctx;

	if (!record)
		start_reading(f);
	else if (f->table)
		put(f, aor, record);
}

/* What was complete stays for the workers: they see by themselves whose time is over. */
static void paused(void *ctx)
{
	struct stw_feed *f = ctx;

	ev_timer_stop(f->loop, &f->turn);
	ev_timer_stop(f->loop, &f->tick);
	f->registrar = NULL;
}

static void closed(void *ctx)
{
	struct stw_feed *f = ctx;

	paused(f);
	f->ready(f->ctx, -1);
	stw_location_table_free(f->table);
	stw_location_table_free(f->served);
	f->table = f->served = NULL;
	f->complete = false;
}

/* --- life --- */

struct stw_feed *stw_feed_new(struct ev_loop *loop, struct stw_registering *g, uint64_t max_bytes,
			      stw_feed_ready_fn *ready, void *ctx)
{
	struct stw_feed *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	*f = (struct stw_feed){
		.loop = loop, .registering = g, .max_bytes = max_bytes, .ready = ready, .ctx = ctx};
	ev_init(&f->turn, on_turn);
	ev_init(&f->tick, on_tick);
	f->turn.data = f->tick.data = f;
	const struct stw_registering_watch watch = {
		.ctx = f, .opened = opened, .changed = changed, .paused = paused, .closed = closed};

	stw_registering_watch(g, &watch);
	return f;
}

bool stw_feed_figures(const struct stw_feed *f, struct stw_location_figures *out, bool *complete)
{
	if (!f || !f->table)
		return false;
	stw_location_table_figures(f->table, out);
	*complete = f->complete;
	return true;
}

void stw_feed_free(struct stw_feed *f)
{
	const struct stw_registering_watch nobody = {0};

	if (!f)
		return;
	stw_registering_watch(f->registering, &nobody);
	if (f->registrar)
		stw_registrar_watch(f->registrar, NULL, NULL);
	ev_timer_stop(f->loop, &f->turn);
	ev_timer_stop(f->loop, &f->tick);
	stw_location_table_free(f->table);
	stw_location_table_free(f->served);
	free(f);
}
