/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/health/state.h"

#include <stdio.h>
#include <string.h>

#define IN_DOUBT_S 0.1 /* between two probes of a member in doubt, at least */

static const char *const state_names[] = {
	[STW_HEALTH_PROBING] = "probing",
	[STW_HEALTH_HEALTHY] = "healthy",
	[STW_HEALTH_FAILED] = "failed",
};

static const char *const cause_names[STW_CAUSE_N] = {
	[STW_CAUSE_START] = "start",
	[STW_CAUSE_NEW] = "new",
	[STW_CAUSE_ANSWERED] = "answered",
	[STW_CAUSE_SILENT] = "silent",
	[STW_CAUSE_UNREACHABLE] = "unreachable",
	[STW_CAUSE_STATUS] = "status",
	[STW_CAUSE_UNANSWERED] = "unanswered",
	[STW_CAUSE_ERRORS] = "errors",
	[STW_CAUSE_TRIAL] = "trial",
};

void stw_health_init(struct stw_health *h, bool at_start, double now_s)
{
	*h = (struct stw_health){.state = STW_HEALTH_PROBING,
				 .cause = at_start ? STW_CAUSE_START : STW_CAUSE_NEW,
				 .since_s = now_s};
}

static void enter(struct stw_health *h, enum stw_health_state state, enum stw_health_cause cause,
		  double now_s)
{
	h->state = state;
	h->cause = cause;
	h->since_s = now_s;
}

/* hold_down_s, doubled with each failure after @free ones, within its bound. */
static double hold_down(const struct stw_health *h, const struct stw_model_health *c, unsigned free)
{
	double s = c->hold_down_s;

	if (h->strikes <= free)
		return 0;
	for (uint32_t i = free + 1; i < h->strikes && s < c->hold_down_max_s; i++)
		s *= 2;
	return s < c->hold_down_max_s ? s : c->hold_down_max_s;
}

static void fail(struct stw_health *h, const struct stw_model_health *c,
		 enum stw_health_cause cause, unsigned free, double now_s)
{
	h->strikes++;
	h->held_until_s = now_s + hold_down(h, c, free);
	enter(h, STW_HEALTH_FAILED, cause, now_s);
}

/* Back with a small share, or at once with the whole when no slow start is wanted. */
static void try_again(struct stw_health *h, const struct stw_model_health *c, double now_s)
{
	h->history = 0;
	if (c->slow_start_s > 0)
		enter(h, STW_HEALTH_PROBING, STW_CAUSE_TRIAL, now_s);
	else
		enter(h, STW_HEALTH_HEALTHY, STW_CAUSE_ANSWERED, now_s);
}

static bool may_return(const struct stw_health *h, const struct stw_model_health *c, double now_s)
{
	return h->state == STW_HEALTH_FAILED && now_s >= h->held_until_s &&
	       (!c->probes || h->answers >= c->rise);
}

bool stw_health_answered(struct stw_health *h, const struct stw_model_health *c, uint16_t status,
			 double now_s)
{
	h->history <<= 1;
	h->answers++;
	h->misses = 0;
	h->status = status;
	if (h->state == STW_HEALTH_PROBING && h->cause != STW_CAUSE_TRIAL) {
		enter(h, STW_HEALTH_HEALTHY, STW_CAUSE_ANSWERED, now_s);
		return true;
	}
	if (!may_return(h, c, now_s))
		return false;
	try_again(h, c, now_s);
	return true;
}

static unsigned missed_of_last(const struct stw_health *h, unsigned of)
{
	uint32_t last = of < 32 ? h->history & ((1u << of) - 1) : h->history;

	return (unsigned)__builtin_popcount(last);
}

bool stw_health_missed(struct stw_health *h, const struct stw_model_health *c,
		       enum stw_health_cause cause, uint16_t status, double now_s)
{
	h->history = h->history << 1 | 1;
	h->answers = 0;
	h->misses++;
	h->status = status;
	if (h->state == STW_HEALTH_FAILED) {
		/* Out for whatever reason: now it also does not answer. */
		h->cause = cause;
		return false;
	}
	if (missed_of_last(h, c->of) < c->fall)
		return false;
	fail(h, c, cause, 1, now_s);
	return true;
}

bool stw_health_eject(struct stw_health *h, const struct stw_model_health *c,
		      enum stw_health_cause cause, double now_s)
{
	if (h->state == STW_HEALTH_FAILED)
		return false;
	h->answers = 0;
	fail(h, c, cause, 0, now_s);
	return true;
}

bool stw_health_rest(struct stw_health *h, const struct stw_model_health *c, uint32_t seconds,
		     double now_s)
{
	uint32_t bounded = seconds < c->retry_after_max_s ? seconds : c->retry_after_max_s;
	bool was_resting = now_s < h->rest_until_s;

	if (now_s + bounded <= h->rest_until_s || bounded == 0)
		return false;
	h->rest_until_s = now_s + bounded;
	return !was_resting;
}

/* Failures are forgotten by as long a good time as the longest punishment. */
static void forgive(struct stw_health *h, const struct stw_model_health *c, double now_s)
{
	if (h->state == STW_HEALTH_HEALTHY && h->strikes > 0 &&
	    now_s - h->since_s >= c->hold_down_max_s)
		h->strikes = 0;
}

bool stw_health_tick(struct stw_health *h, const struct stw_model_health *c, double now_s)
{
	bool changed = h->rest_until_s > 0 && now_s >= h->rest_until_s;

	if (changed)
		h->rest_until_s = 0;
	forgive(h, c, now_s);
	if (may_return(h, c, now_s)) {
		try_again(h, c, now_s);
		return true;
	}
	if (h->state != STW_HEALTH_PROBING || h->cause != STW_CAUSE_TRIAL)
		return changed;
	if (now_s - h->since_s >= c->slow_start_s)
		enter(h, STW_HEALTH_HEALTHY, STW_CAUSE_ANSWERED, now_s);
	return true; /* its share may have grown */
}

unsigned stw_health_share(const struct stw_health *h, const struct stw_model_health *c,
			  double now_s)
{
	if (now_s < h->rest_until_s || h->state == STW_HEALTH_FAILED)
		return 0;
	if (h->state == STW_HEALTH_HEALTHY || h->cause == STW_CAUSE_START)
		return STW_SHARE_WHOLE;
	if (h->cause == STW_CAUSE_NEW)
		return c->probes ? 0 : STW_SHARE_WHOLE;
	double part = c->slow_start_s > 0 ? (now_s - h->since_s) / c->slow_start_s : 1;
	unsigned share = (unsigned)(part * STW_SHARE_WHOLE) + 1;

	return share < STW_SHARE_WHOLE ? share : STW_SHARE_WHOLE;
}

bool stw_health_is_ejected(const struct stw_health *h, double now_s)
{
	return now_s < h->rest_until_s ||
	       (h->state == STW_HEALTH_FAILED &&
		(h->cause == STW_CAUSE_UNANSWERED || h->cause == STW_CAUSE_ERRORS));
}

double stw_health_interval_s(const struct stw_health *h, const struct stw_model_health *c,
			     uint32_t random)
{
	double s = c->interval_ms / 1e3, most = c->backoff_ms / 1e3;
	double spread = (random / (double)UINT32_MAX * 2 - 1) * c->jitter_percent / 100.;

	if (h->state != STW_HEALTH_FAILED && h->misses > 0)
		return IN_DOUBT_S;
	if (h->state == STW_HEALTH_FAILED)
		for (uint32_t i = c->fall; i < h->misses && s < most; i++)
			s *= 2;
	if (s > most && most > c->interval_ms / 1e3)
		s = most;
	return s * (1 + spread);
}

const char *stw_health_state_text(enum stw_health_state state)
{
	return state_names[state];
}

const char *stw_health_cause_text(enum stw_health_cause cause)
{
	return cause_names[cause];
}

static int place_of(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return (int)i;
	return -1;
}

int stw_health_state_parse(const char *name)
{
	return place_of(name, state_names, sizeof(state_names) / sizeof(state_names[0]));
}

int stw_health_cause_parse(const char *name)
{
	return place_of(name, cause_names, STW_CAUSE_N);
}

static void say(const struct stw_health *h, const struct stw_model_health *c, char *out,
		size_t size)
{
	switch (h->cause) {
	case STW_CAUSE_START: snprintf(out, size, "no answer awaited yet, serves"); break;
	case STW_CAUSE_NEW: snprintf(out, size, "new, its first answer is awaited"); break;
	case STW_CAUSE_ANSWERED: snprintf(out, size, "answers"); break;
	case STW_CAUSE_SILENT: snprintf(out, size, "%u probes without answer", h->misses); break;
	case STW_CAUSE_UNREACHABLE: snprintf(out, size, "nobody is there, says ICMP"); break;
	case STW_CAUSE_STATUS: snprintf(out, size, "answers probes with %u", h->status); break;
	case STW_CAUSE_UNANSWERED: snprintf(out, size, "INVITEs go unanswered"); break;
	case STW_CAUSE_ERRORS: snprintf(out, size, "answers INVITEs with 5xx"); break;
	case STW_CAUSE_TRIAL:
		snprintf(out, size, "came back, slow start over %u s", c->slow_start_s);
		break;
	default: snprintf(out, size, "-");
	}
}

void stw_health_reason(const struct stw_health *h, const struct stw_model_health *c, double now_s,
		       char *out, size_t size)
{
	char why[96];

	say(h, c, why, sizeof(why));
	if (now_s < h->rest_until_s)
		snprintf(out, size, "%s; Retry-After: %.0f s more without new calls", why,
			 h->rest_until_s - now_s);
	else if (h->state == STW_HEALTH_FAILED && now_s < h->held_until_s)
		snprintf(out, size, "%s; held down for %.0f s more", why, h->held_until_s - now_s);
	else if (h->state == STW_HEALTH_FAILED && h->answers > 0)
		snprintf(out, size, "%s; %u of %u answers to come back", why, h->answers, c->rise);
	else if (h->state != STW_HEALTH_FAILED && missed_of_last(h, c->of) > 0)
		snprintf(out, size, "%s; missed %u of the last %u probes", why,
			 missed_of_last(h, c->of), c->of);
	else
		snprintf(out, size, "%s", why);
}
