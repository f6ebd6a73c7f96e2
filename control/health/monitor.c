/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/health/monitor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <strowger/errors.h>
#include <strowger/log.h>

#include "control/health/inside.h"
#include "control/health/pool.h"
#include "control/now.h"

#define TELL_S 1.0 /* between two changes of the tables by health, at least */

static unsigned share_of(const struct stw_watch *w, double now_s)
{
	return w->no_way ? STW_SHARE_WHOLE : stw_health_share(&w->h, &w->c, now_s);
}

/* Rows of one pool stand together. @return how many from @first on */
static size_t rows_of_pool(const struct stw_monitor *mon, size_t first)
{
	size_t n = 1;

	while (first + n < mon->n &&
	       strcmp(mon->rows[first + n]->pool, mon->rows[first]->pool) == 0)
		n++;
	return n;
}

static struct stw_pool_seat *seats_of(const struct stw_monitor *mon, size_t first, size_t n,
				      double now_s)
{
	struct stw_pool_seat *seats = calloc(n, sizeof(*seats));

	for (size_t i = 0; seats && i < n; i++) {
		const struct stw_watch *w = mon->rows[first + i];

		seats[i] = (struct stw_pool_seat){
			.weight = w->asked_up ? w->weight : 0,
			.share = share_of(w, now_s),
			.ejected = stw_health_is_ejected(&w->h, now_s),
		};
	}
	return seats;
}

/* First row of the pool that @w stands in. */
static size_t first_of(const struct stw_watch *w)
{
	size_t first = w->index;

	while (first > 0 && strcmp(w->mon->rows[first - 1]->pool, w->pool) == 0)
		first--;
	return first;
}

static bool may_eject(const struct stw_watch *w, double now_s)
{
	size_t first = first_of(w), n = rows_of_pool(w->mon, first);
	struct stw_pool_seat *seats = seats_of(w->mon, first, n, now_s);
	bool may = seats && stw_pool_may_eject(seats, n, &w->c);

	free(seats);
	return may;
}

/* At once, or as soon as it may be. */
static void tell(struct stw_monitor *mon, double now_s)
{
	const double rest_s = mon->told_s + TELL_S - now_s;

	if (!mon->due)
		return;
	ev_timer_stop(mon->loop, &mon->later);
	if (rest_s > 0) {
		ev_timer_set(&mon->later, rest_s, 0.);
		ev_timer_start(mon->loop, &mon->later);
		return;
	}
	mon->due = false;
	mon->told_s = now_s;
	mon->owner.changed(mon->owner.ctx);
}

static void on_later(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	tell(timer->data, stw_now_s());
}

void stw_watch_changed(struct stw_watch *w)
{
	w->mon->due = true;
	w->mon->owner.keep(w->mon->owner.ctx);
	tell(w->mon, stw_now_s());
}

/* New requests make it busy; errors of the network make us ask. */
static void look_at_requests(struct stw_watch *w, const struct stw_traffic *t, double now_s)
{
	if (!w->has_traffic || t->messages != w->traffic.messages || t->open > 0)
		w->active_s = now_s;
	if (w->has_traffic && t->unreachable > w->traffic.unreachable)
		stw_watch_hurry(w);
	w->traffic = *t;
	w->has_traffic = true;
}

/* What its calls show. */
static void look_at_traffic(struct stw_watch *w, double now_s)
{
	const struct stw_monitor *mon = w->mon;
	char member[STW_ENDPOINT_TEXT];
	struct stw_traffic t;
	uint32_t rest_s = 0;

	if (!mon->owner.traffic(mon->owner.ctx, &w->member, &t, &rest_s))
		return;
	look_at_requests(w, &t, now_s);
	stw_window_take(&w->window, &t);
	stw_endpoint_format(&w->member, member);
	if (rest_s > 0 && now_s >= w->h.rest_until_s && may_eject(w, now_s) &&
	    stw_health_rest(&w->h, &w->c, rest_s, now_s)) {
		stw_warn("health: %s in %s asks for %u s without new calls", member, w->pool,
			 rest_s);
		stw_watch_changed(w);
	}
	enum stw_health_cause cause =
		w->c.window_s > 0 ? stw_window_judge(&w->window, &w->c) : STW_CAUSE_ANSWERED;
	if (cause == STW_CAUSE_ANSWERED || w->h.state == STW_HEALTH_FAILED ||
	    !may_eject(w, now_s) || !stw_health_eject(&w->h, &w->c, cause, now_s))
		return;
	stw_window_reset(&w->window);
	stw_warn("health: %s in %s is thrown out by its traffic: %s", member, w->pool,
		 stw_health_cause_text(cause));
	stw_watch_changed(w);
}

static void on_tick(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	struct stw_monitor *mon = timer->data;
	double now_s = stw_now_s();

	(void)loop;
	(void)revents;
	for (size_t i = 0; i < mon->n; i++) {
		struct stw_watch *w = mon->rows[i];
		enum stw_health_state before = w->h.state;

		if (stw_health_tick(&w->h, &w->c, now_s))
			mon->due = true;
		if (w->h.state != before) {
			mon->owner.keep(mon->owner.ctx);
			stw_window_reset(&w->window);
		}
		if (mon->up)
			look_at_traffic(w, now_s);
	}
	tell(mon, now_s);
}

struct stw_monitor *stw_monitor_new(struct ev_loop *loop, struct stw_slow *slow,
				    const struct stw_monitor_owner *owner)
{
	struct stw_monitor *mon = calloc(1, sizeof(*mon));

	if (!mon)
		return NULL;
	mon->loop = loop;
	mon->slow = slow;
	mon->owner = *owner;
	ev_timer_init(&mon->tick, on_tick, 1., 1.);
	mon->tick.data = mon;
	ev_timer_start(loop, &mon->tick);
	ev_init(&mon->later, on_later);
	mon->later.data = mon;
	const struct stw_slow_watch watch = {.ctx = mon,
					     .answered = stw_watch_answered,
					     .refused = stw_watch_refused};
	stw_slow_watch(slow, &watch);
	return mon;
}

struct stw_watch *stw_monitor_find(struct stw_monitor *mon, const char *pool,
				   const struct stw_endpoint *member)
{
	for (size_t i = 0; i < mon->n; i++) {
		size_t at = (mon->found + i) % mon->n;

		if (stw_endpoint_equal(&mon->rows[at]->member, member) &&
		    strcmp(mon->rows[at]->pool, pool) == 0) {
			mon->found = at + 1;
			return mon->rows[at];
		}
	}
	return NULL;
}

static void drop_row(struct stw_watch *w)
{
	if (!w)
		return;
	stw_watch_stop(w);
	free(w);
}

static struct stw_watch *new_row(struct stw_monitor *mon, const struct stw_model_pool *pool,
				 const struct stw_endpoint *member)
{
	struct stw_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->mon = mon;
	w->c = pool->health;
	memcpy(w->pool, pool->name, sizeof(w->pool));
	w->member = *member;
	w->active_s = stw_now_s();
	stw_health_init(&w->h, !mon->taken, w->active_s);
	stw_watch_init(w);
	return w;
}

/* What the model says today. A probe that is under way goes on. */
static void update(struct stw_watch *w, const struct stw_model_pool *pool,
		   const struct stw_model_pool_member *pm)
{
	bool probes = w->c.probes;

	w->c = pool->health;
	w->asked_up = pm->asked == STW_ASKED_UP;
	w->weight = pm->weight;
	w->quiet_needed_s = pool->quiet_s;
	if (probes && !w->c.probes)
		stw_watch_stop(w);
	else if (!probes && w->c.probes && w->mon->up)
		stw_watch_start(w);
}

/* Rows for all of @m, those known reused: then @known is what is left of them. */
static struct stw_watch **rows_for(struct stw_monitor *mon, const struct stw_model *m, size_t n)
{
	struct stw_watch **rows = calloc(n + 1, sizeof(*rows));
	size_t at = 0;

	for (size_t i = 0; rows && i < m->n_pools; i++) {
		for (size_t k = 0; k < m->pools[i].n_members; k++, at++) {
			const struct stw_endpoint *address =
				&m->members[m->pools[i].members[k].member].address;
			struct stw_watch *known = stw_monitor_find(mon, m->pools[i].name, address);

			rows[at] = known ? known : new_row(mon, &m->pools[i], address);
			if (!rows[at]) {
				while (at-- > 0)
					if (!stw_monitor_find(mon, rows[at]->pool,
							      &rows[at]->member))
						drop_row(rows[at]);
				free(rows);
				return NULL;
			}
		}
	}
	return rows;
}

static void mark(struct stw_watch **rows, size_t n, uint32_t index)
{
	for (size_t i = 0; i < n; i++)
		rows[i]->index = index == UINT32_MAX ? index : (uint32_t)i;
}

int stw_monitor_take(struct stw_monitor *mon, const struct stw_model *m)
{
	size_t n = 0, at = 0;

	for (size_t i = 0; i < m->n_pools; i++)
		n += m->pools[i].n_members;
	struct stw_watch **rows = rows_for(mon, m, n);
	if (!rows)
		return STW_ENOMEM;
	mark(mon->rows, mon->n, UINT32_MAX);
	mark(rows, n, 0);
	for (size_t i = 0; i < mon->n; i++)
		if (mon->rows[i]->index == UINT32_MAX)
			drop_row(mon->rows[i]);
	free(mon->rows);
	mon->rows = rows;
	mon->n = n;
	for (size_t i = 0; i < m->n_pools; i++)
		for (size_t k = 0; k < m->pools[i].n_members; k++)
			update(rows[at++], &m->pools[i], &m->pools[i].members[k]);
	mon->taken = true;
	return STW_OK;
}

static size_t apply_pool(struct stw_monitor *mon, struct stw_model_pool *pool, size_t first,
			 double now_s)
{
	size_t n = pool->n_members, changed = 0;
	struct stw_pool_seat *seats = seats_of(mon, first, n, now_s);

	if (!seats)
		return 0;
	/* With another pool to stand in for it, none that looks dead has to be tried. */
	bool panic = pool->fallback[0] == '\0' && stw_pool_panics(seats, n, &pool->health);
	if (n > 0 && panic != mon->rows[first]->panic)
		stw_warn("health: pool %s: %s", pool->name,
			 panic ? "too few members look alive: all serve"
			       : "enough members look alive again");
	for (size_t i = 0; i < n; i++) {
		uint8_t withheld = panic ? 0 : (uint8_t)(STW_SHARE_WHOLE - seats[i].share);

		mon->rows[first + i]->panic = panic;
		changed += pool->members[i].withheld != withheld;
		pool->members[i].withheld = withheld;
	}
	free(seats);
	return changed;
}

size_t stw_monitor_apply(struct stw_monitor *mon, struct stw_model *m)
{
	double now_s = stw_now_s();
	size_t first = 0, changed = 0;

	for (size_t i = 0; i < m->n_pools; i++) {
		if (m->pools[i].n_members > 0)
			changed += apply_pool(mon, &m->pools[i], first, now_s);
		first += m->pools[i].n_members;
	}
	return changed;
}

void stw_monitor_failed(const struct stw_monitor *mon, const struct stw_model *m, uint8_t *failed)
{
	const uint8_t lives = 2;
	size_t at = 0;

	for (size_t i = 0; i < m->n_pools; i++) {
		for (size_t k = 0; k < m->pools[i].n_members && at < mon->n; k++, at++) {
			const struct stw_watch *w = mon->rows[at];
			bool out = w->h.state == STW_HEALTH_FAILED && !w->panic && !w->no_way;

			failed[m->pools[i].members[k].member] |= out ? 1 : lives;
		}
	}
	for (size_t i = 0; i < m->n_members; i++)
		failed[i] = failed[i] == 1;
}

static void follow_link(struct stw_watch *w, bool up)
{
	stw_window_reset(&w->window);
	w->has_traffic = false;
	if (up)
		stw_watch_start(w);
	else
		stw_watch_stop(w);
}

void stw_monitor_link(struct stw_monitor *mon, bool up)
{
	bool turned = mon->up != up;

	mon->up = up;
	for (size_t i = 0; i < mon->n; i++) {
		if (turned)
			follow_link(mon->rows[i], up);
		else if (up && !ev_is_active(&mon->rows[i]->timer)) /* it came since */
			stw_watch_start(mon->rows[i]);
	}
}

/* Nobody looks at it in any way. */
static bool is_unchecked(const struct stw_watch *w)
{
	return (!w->c.probes || w->no_way) && w->h.state == STW_HEALTH_PROBING &&
	       w->h.cause != STW_CAUSE_TRIAL;
}

bool stw_monitor_view(struct stw_monitor *mon, const char *pool, const struct stw_endpoint *member,
		      struct stw_monitor_view *out)
{
	const struct stw_watch *w = stw_monitor_find(mon, pool, member);
	double now_s = stw_now_s();

	if (!w)
		return false;
	*out = (struct stw_monitor_view){
		.state = is_unchecked(w) ? "unchecked" : stw_health_state_text(w->h.state),
		.cause = stw_health_cause_text(w->h.cause),
		.since_unix_s = ev_time() - (now_s - w->h.since_s),
		.share_percent = share_of(w, now_s) * 100 / STW_SHARE_WHOLE,
		.panic = w->panic,
		.status = w->h.status,
		.sent = w->sent,
		.answered = w->answered,
		.missed = w->missed,
		.round_trip_ms = w->round_trip_s * 1e3,
		.strikes = w->h.strikes,
		.quiet_s = now_s - w->active_s,
		.open = w->traffic.open,
		.quiet_needed_s = w->quiet_needed_s,
		.empty = !w->asked_up && w->has_traffic && w->traffic.open == 0 &&
			 now_s - w->active_s >= w->quiet_needed_s,
	};
	stw_health_reason(&w->h, &w->c, now_s, out->reason, sizeof(out->reason));
	if (is_unchecked(w))
		snprintf(out->reason, sizeof(out->reason), "%s",
			 w->no_way ? "no way for probes: no listener of its family, or a port "
				     "with neither kernel side nor lane"
				   : "probes are off");
	return true;
}

void stw_monitor_free(struct stw_monitor *mon)
{
	const struct stw_slow_watch nobody = {0};

	if (!mon)
		return;
	stw_slow_watch(mon->slow, &nobody);
	ev_timer_stop(mon->loop, &mon->tick);
	ev_timer_stop(mon->loop, &mon->later);
	for (size_t i = 0; i < mon->n; i++)
		drop_row(mon->rows[i]);
	free(mon->rows);
	free(mon);
}
