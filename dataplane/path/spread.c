/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/path/spread.h"

#include <string.h>

#include "dataplane/path/path.h"

#define WINDOW_MS    10u   /* over which load is seen */
#define FULL_OF_8    7u	   /* turns of a window that are full when there is too much to do */
#define FULL_WINDOWS 8u	   /* until it begins: by then others show whether they are full */
#define CALM_WINDOWS 100u  /* until it ends */
#define REST_WINDOWS 1000u /* until it may begin again when it was in vain */

/*
 * What a message costs, in parts of one that a worker takes and sends alone: to take and hand over,
 * to do what was taken, to do it for another. As measured, in 100; they only set where it begins.
 */
#define HAND_OVER 34u
#define DO_ALONE  70u
#define DO_FOR	  87u

/* So many wait for each of the others: fewer, and one may have nothing to do; with more the calls
 * only wait longer. */
#define WAITING_ENOUGH 64u
#define WAITING_MOST   256u

#define SHARE_STEP     2u /* of 256 */
#define SHARE_WINDOWS  3u /* until what it brought is to be seen */
#define BLOCKED_OFTEN  4u /* such turns, two in a hundred as long, to one in which it takes */

/* The part of calls to keep, so that all have as much to do; of 256. */
static uint32_t kept_of(uint32_t n_targets)
{
	uint32_t one = DO_FOR / n_targets; /* of theirs, if they do all */

	return one <= HAND_OVER ? 0 : (one - HAND_OVER) * STW_SPREAD_ALL / (DO_ALONE + one);
}

void stw_spread_init(struct stw_spread *s, enum stw_spreading how, uint32_t n_workers,
		     uint64_t secret)
{
	const struct stw_sipkey key = {secret, ~secret};
	uint64_t *words = (uint64_t *)&s->key;

	memset(s, 0, sizeof(*s));
	s->how = n_workers > 1 ? how : STW_SPREADING_OFF;
	for (uint64_t i = 0; i < sizeof(s->key) / sizeof(*words); i++)
		words[i] = stw_siphash13(key, &i, sizeof(i));
}

static bool is_busy(const struct stw_worker *w, uint32_t other)
{
	return atomic_load_explicit(&w->peers[other]->spread.busy, memory_order_relaxed);
}

static bool gives_to_busy(const struct stw_worker *w)
{
	for (uint32_t i = 0; i < w->spread.n_targets; i++)
		if (is_busy(w, w->spread.target[i]))
			return true;
	return false;
}

static void begin(struct stw_worker *w)
{
	struct stw_spread *s = &w->spread;

	s->n_targets = 0;
	for (uint32_t i = 0; i < w->n_workers && s->n_targets < STW_SPREAD_TARGETS; i++)
		if (i != w->index && (s->how == STW_SPREADING_ALWAYS || !is_busy(w, i)))
			s->target[s->n_targets++] = (uint16_t)i;
	if (s->n_targets == 0)
		return;
	s->kept = kept_of(s->n_targets);
	s->on = true;
	s->times++;
}

/* What others were given is sent, or waits before anything that comes now. */
static bool is_all_done(const struct stw_worker *w)
{
	return atomic_load_explicit(&w->spread.done, memory_order_acquire) == w->spread.handed &&
	       rte_ring_empty(w->inboxes[w->index]);
}

static uint32_t counted(uint32_t n, bool more, uint32_t most)
{
	if (!more)
		return 0;
	return n < most ? n + 1 : most;
}

static bool is_over(const struct stw_spread *s)
{
	return s->n_calm == CALM_WINDOWS || s->n_vain == FULL_WINDOWS;
}

/* From a moment on when nothing of others is under way. */
static void keep(struct stw_spread *s, uint32_t n)
{
	s->wanted = n;
	s->draining = true;
}

/*
 * The shares follow what the workers can do. Of a call that is given away all of before is done at
 * the edge of a burst; one that is taken back has to wait for what others have of it.
 */
static void share(struct stw_spread *s)
{
	const uint64_t took = s->n_turns - s->n_blocked;
	const bool full = took > 0 && s->n_full * 8 >= took * FULL_OF_8;

	if (s->n_settle > 0) {
		s->n_settle--;
		return;
	}
	s->n_settle = SHARE_WINDOWS;
	if (s->n_blocked > BLOCKED_OFTEN * took && s->kept + SHARE_STEP < STW_SPREAD_ALL)
		keep(s, s->kept + SHARE_STEP);
	else if (full && s->kept >= SHARE_STEP &&
		 s->n_waiting < took * s->n_targets * WAITING_ENOUGH)
		s->kept -= SHARE_STEP;
	else
		s->n_settle = 0;
}

/* Whether to begin or to end. */
static void judge(struct stw_worker *w)
{
	struct stw_spread *s = &w->spread;
	bool full = s->n_turns > 0 && s->n_full * 8 >= s->n_turns * FULL_OF_8;
	/* Half of what one can do: so it does not begin again at once. */
	bool calm = s->n_came * 2 < s->n_came_full || gives_to_busy(w);
	bool vain = s->n_blocked * 8 > s->n_turns && s->n_came < s->n_came_full;

	if (full && !s->on)
		s->n_came_full = s->n_came;
	s->n_crowded = counted(s->n_crowded, full, FULL_WINDOWS);
	s->n_calm = counted(s->n_calm, s->on && calm, CALM_WINDOWS);
	s->n_vain = counted(s->n_vain, s->on && vain, FULL_WINDOWS);
	s->n_rest -= s->n_rest > 0;
	/* What others gave fills bursts too, and is no reason not to give. */
	atomic_store_explicit(&s->busy, full && s->n_came > s->n_given, memory_order_relaxed);
	if (s->on && is_over(s)) {
		keep(s, STW_SPREAD_ALL);
		s->n_rest = s->n_vain == FULL_WINDOWS ? REST_WINDOWS : 0;
	} else if (!s->on && s->n_crowded == FULL_WINDOWS && s->n_rest == 0) {
		begin(w);
	}
}

static void end_window(struct stw_worker *w)
{
	struct stw_spread *s = &w->spread;

	if (s->how == STW_SPREADING_AUTO)
		judge(w);
	if (s->on && !s->draining)
		share(s);
	s->n_turns = s->n_full = s->n_came = s->n_given = s->n_blocked = s->n_waiting = 0;
	s->window_tsc = w->now_tsc + w->tsc_hz / 1000 * WINDOW_MS;
}

/* Nobody has too much to do. Others may give as well meanwhile: what then finds no room in an inbox
 * is a drop, as with fragments. */
static bool have_room(struct stw_worker *w)
{
	struct stw_spread *s = &w->spread;
	uint64_t waiting = 0;

	for (uint32_t i = 0; i < s->n_targets; i++) {
		const unsigned n = rte_ring_count(w->inboxes[s->target[i]]);

		if (n >= WAITING_MOST)
			return false;
		waiting += n;
	}
	s->n_waiting += waiting;
	return true;
}

/* What was waited for is so. */
static void settle(struct stw_spread *s)
{
	s->draining = false;
	s->on = s->wanted < STW_SPREAD_ALL;
	s->kept = s->wanted;
}

bool stw_spread_may_take(struct stw_worker *w)
{
	struct stw_spread *s = &w->spread;

	if (s->how == STW_SPREADING_ALWAYS && !s->on)
		begin(w);
	if (s->draining) {
		if (!is_all_done(w))
			return false;
		settle(s);
	}
	if (!s->on || have_room(w))
		return true;
	s->n_blocked++;
	return false;
}

void stw_spread_look(struct stw_worker *w, uint32_t n, uint32_t n_given, bool full)
{
	struct stw_spread *s = &w->spread;

	s->n_turns++;
	s->n_full += full;
	s->n_came += n;
	s->n_given += n_given;
	if (w->now_tsc >= s->window_tsc)
		end_window(w);
}

bool stw_spread_stage(struct stw_worker *w, struct rte_mbuf *m, const char *text, uint32_t len)
{
	struct stw_spread *s = &w->spread;
	struct stw_span id;

	if (!stw_sip_find_call_id(text, len, &id))
		return false;
	/* Buffers are longer than what they bring (STW_POOL_SLACK). */
	uint64_t h = stw_nh_spread(stw_nh_text(s->key.call, s->key.beyond, sizeof(s->key.call),
					       text + id.off, id.len, true) +
				   stw_nh_pair(s->key.len, id.len, 0));
	if ((h & 0xff) < s->kept)
		return false;
	s->staged_for[s->n_staged] = s->target[(h >> 32) * s->n_targets >> 32];
	s->staged[s->n_staged++] = m;
	m->hash.usr = stw_tag(STW_TAG_SPREAD, (uint16_t)w->index, false);
	return true;
}

static void flush_to(struct stw_worker *w, uint16_t target)
{
	struct stw_spread *s = &w->spread;
	void *frames[STW_BURST_MAX];
	unsigned n = 0, taken;

	for (unsigned i = 0; i < s->n_staged; i++)
		if (s->staged_for[i] == target)
			frames[n++] = s->staged[i];
	taken = n > 0 ? rte_ring_mp_enqueue_burst(w->inboxes[target], frames, n, NULL) : 0;
	stw_count(w, STW_C_HANDED_OVER, taken);
	s->handed += taken;
	for (unsigned i = taken; i < n; i++)
		stw_drop(w, frames[i], stw_tag_plain(STW_TAG_SENT), STW_C_DROP_HANDOVER_FULL);
}

void stw_spread_flush(struct stw_worker *w)
{
	for (unsigned i = 0; i < w->spread.n_targets; i++)
		flush_to(w, w->spread.target[i]);
	w->spread.n_staged = 0;
}

void stw_spread_done(struct stw_worker *w)
{
	for (uint32_t i = 0; i < w->n_workers; i++) {
		if (w->spread.given[i] == 0)
			continue;
		atomic_fetch_add_explicit(&w->peers[i]->spread.done, w->spread.given[i],
					  memory_order_release);
		w->spread.given[i] = 0;
	}
}
