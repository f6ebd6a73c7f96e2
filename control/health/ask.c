/* SPDX-License-Identifier: BSD-3-Clause */

/* Probes on their way: when they leave, when they leave once more, when they are missed. */

#include <string.h>
#include <sys/random.h>

#include <strowger/errors.h>
#include <strowger/log.h>

#include "control/health/inside.h"
#include "control/model/codes.h"
#include "control/now.h"

#define NO_WAY_S 5. /* until it is looked again whether there is one */

static void set_timer(struct stw_watch *w, double after_s)
{
	ev_timer_stop(w->mon->loop, &w->timer);
	ev_now_update(w->mon->loop);
	ev_timer_set(&w->timer, after_s > 0 ? after_s : 0, 0.);
	ev_timer_start(w->mon->loop, &w->timer);
}

static uint32_t random32(void)
{
	uint32_t r = 0;

	if (getrandom(&r, sizeof(r), 0) != sizeof(r))
		return UINT32_MAX / 2;
	return r;
}

/* The next probe is due an interval after the start of the last one. */
static void wait_for_next(struct stw_watch *w)
{
	double passed = stw_now_s() - w->asked_s;

	w->probe.len = 0;
	set_timer(w, stw_health_interval_s(&w->h, &w->c, random32()) - passed);
}

static void missed(struct stw_watch *w, enum stw_health_cause cause, uint16_t status)
{
	char member[STW_ENDPOINT_TEXT];
	double passed = stw_now_s() - w->asked_s;

	w->missed++;
	if (stw_health_missed(&w->h, &w->c, cause, status, stw_now_s())) {
		stw_endpoint_format(&w->member, member);
		stw_warn("health: %s in %s has failed: %s", member, w->pool,
			 stw_health_cause_text(cause));
		stw_watch_changed(w);
	}
	w->probe.len = 0;
	/* In doubt the next comes soon, but never in a busy loop with "port unreachable". */
	double after = stw_health_interval_s(&w->h, &w->c, random32());
	set_timer(w, w->h.state == STW_HEALTH_FAILED ? after - passed : after);
}

static void no_way(struct stw_watch *w, bool is)
{
	w->no_way = is;
	if (is)
		set_timer(w, NO_WAY_S);
}

static void send(struct stw_watch *w)
{
	struct stw_probe_spec spec = {.health = &w->c,
				      .member = w->member,
				      .watcher = w->index,
				      .cseq = ++w->cseq};
	int err = stw_slow_way(w->mon->slow, &w->member, &spec.local, &spec.secret);

	if (!err && getrandom(spec.nonce, sizeof(spec.nonce), 0) == sizeof(spec.nonce))
		err = stw_probe_make(&spec, &w->probe);
	no_way(w, err == STW_ENOENT);
	if (err == STW_ENOENT)
		return;
	w->asked_s = stw_now_s();
	w->again = false;
	w->sent++;
	/* What the kernel does not take (no ARP answer, no route) is a probe without answer. */
	if (!err)
		stw_slow_send(w->mon->slow, &spec.local, &w->member, w->probe.text, w->probe.len);
	set_timer(w, w->c.timeout_ms / 2e3);
}

/* s17.1.2.2: over UDP the request is repeated. */
static void repeat(struct stw_watch *w)
{
	struct stw_endpoint local;
	const struct stw_secret *secret;

	w->again = true;
	if (stw_slow_way(w->mon->slow, &w->member, &local, &secret) == STW_OK)
		stw_slow_send(w->mon->slow, &local, &w->member, w->probe.text, w->probe.len);
	set_timer(w, w->c.timeout_ms / 2e3);
}

static void on_timer(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	struct stw_watch *w = timer->data;

	(void)loop;
	(void)revents;
	if (w->probe.len == 0)
		send(w);
	else if (!w->again)
		repeat(w);
	else
		missed(w, STW_CAUSE_SILENT, w->h.status);
}

void stw_watch_init(struct stw_watch *w)
{
	ev_init(&w->timer, on_timer);
	w->timer.data = w;
}

void stw_watch_start(struct stw_watch *w)
{
	stw_watch_stop(w);
	if (!w->c.probes)
		return;
	/* Of many not all in one moment; who waits for its first answer, at once. */
	double spread = w->c.interval_ms / 1e3 * (random32() / (double)UINT32_MAX);
	set_timer(w, w->h.cause == STW_CAUSE_NEW ? 0 : spread);
}

void stw_watch_stop(struct stw_watch *w)
{
	ev_timer_stop(w->mon->loop, &w->timer);
	w->probe.len = 0;
}

static void note_answer(struct stw_watch *w, uint16_t status)
{
	char member[STW_ENDPOINT_TEXT];
	double now = stw_now_s();

	w->answered++;
	w->round_trip_s = now - w->asked_s;
	if (stw_health_answered(&w->h, &w->c, status, now)) {
		stw_endpoint_format(&w->member, member);
		stw_info("health: %s in %s is %s", member, w->pool,
			 stw_health_state_text(w->h.state));
		stw_window_reset(&w->window);
		stw_watch_changed(w);
	}
	wait_for_next(w);
}

void stw_watch_answered(void *mon, const struct stw_endpoint *peer, const char *buf,
			const struct stw_sip_msg *m)
{
	const struct stw_monitor *monitor = mon;
	uint32_t index;

	if (!stw_probe_watcher(buf, m, &index) || index >= monitor->n)
		return;
	struct stw_watch *w = monitor->rows[index];
	if (!stw_probe_answered_by(&w->probe, peer, buf, m))
		return;
	if (stw_codes_has(w->c.accept, m->status))
		note_answer(w, m->status);
	else
		missed(w, STW_CAUSE_STATUS, m->status);
}

void stw_watch_hurry(struct stw_watch *w)
{
	if (ev_is_active(&w->timer) && w->probe.len == 0 && !w->no_way && w->h.misses == 0 &&
	    stw_now_s() - w->asked_s > w->c.interval_ms / 8e3)
		set_timer(w, 0);
}

/* An error about a probe ends it. One about anything else is hearsay: it makes us ask, soon. */
static void heard(struct stw_watch *w, const struct stw_endpoint *peer, const char *quoted,
		  size_t len)
{
	if (stw_probe_is_quoted(&w->probe, peer, quoted, len))
		missed(w, STW_CAUSE_UNREACHABLE, w->h.status);
	else
		stw_watch_hurry(w);
}

void stw_watch_refused(void *mon, const struct stw_endpoint *peer, const char *quoted, size_t len)
{
	const struct stw_monitor *monitor = mon;

	for (size_t i = 0; monitor->up && i < monitor->n; i++)
		if (stw_endpoint_equal(&monitor->rows[i]->member, peer))
			heard(monitor->rows[i], peer, quoted, len);
}
