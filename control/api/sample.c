/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/api/sample.h"

#include <ev.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control/api/traffic_history.h"
#include "control/model/numbers.h"
#include "control/now.h"

#define N_SAMPLES     (STW_SAMPLE_LONG_S + 1)
#define STALL_SAMPLES 3 /* this many samples with one heartbeat span more than two seconds */

/* Pages of rows not in use are never touched, so that a sample costs what it holds. */
struct sample {
	double at_s;
	uint64_t heartbeat;
	uint64_t workers[STW_STATS_WORKERS_MAX][STW_N_COUNTERS];
	uint64_t listeners[STW_STATS_LISTENERS_MAX][STW_N_LISTENER_COUNTERS];
	uint32_t epochs[STW_MEMBER_NUMBERS]; /* 0: the number was in nobody's hands */
	struct stw_member_counts members[STW_MEMBER_NUMBERS];
	uint32_t n_rules; /* rows that were looked at */
	uint64_t rules[STW_RULE_ROWS];
};

struct stw_sampler {
	struct ev_loop *loop;
	struct ev_timer timer;
	struct stw_control *control;
	uint64_t pid; /* of the data plane the baselines are of */
	struct sample *samples[N_SAMPLES];
	size_t n;	  /* how many are good */
	size_t newest;	  /* index of the newest, when n > 0 */
	uint32_t n_rules; /* rows up to the highest that a rule ever had */
	struct stw_traffic_history history;
	uint32_t base_epochs[STW_MEMBER_NUMBERS];
	struct stw_member_counts base[STW_MEMBER_NUMBERS]; /* when the number got its member */
};

static void on_timer(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	struct stw_sampler *s = timer->data;
	const struct stw_stats *st = stw_publish_stats(s->control->publish);
	stw_sampler_take(s, stw_now_s());
	stw_traffic_history_take(&s->history, s, st ? st->n_workers : 0, ev_time());
}

struct stw_sampler *stw_sampler_new(struct ev_loop *loop, struct stw_control *control)
{
	struct stw_sampler *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->loop = loop;
	s->control = control;
	ev_timer_init(&s->timer, on_timer, 1., 1.);
	s->timer.data = s;
	ev_timer_start(loop, &s->timer);
	for (size_t i = 0; i < N_SAMPLES; i++) {
		s->samples[i] = calloc(1, sizeof(**s->samples));
		if (!s->samples[i]) {
			stw_sampler_free(s);
			return NULL;
		}
	}
	return s;
}

static void sum_member(struct stw_stats *st, uint16_t number, struct stw_member_counts *out)
{
	stw_stats_sum_member(st, number, out->c);
	memset(out->first_answer, 0, sizeof(out->first_answer));
	out->first_answer_us = 0;
	for (uint32_t w = 0; w < st->n_workers; w++) {
		const struct stw_stats_members *m = stw_stats_members(st, w);
		for (unsigned b = 0; b < STW_LATENCY_BUCKETS; b++)
			out->first_answer[b] += atomic_load_explicit(&m->first_answer[number][b],
								     memory_order_relaxed);
		out->first_answer_us +=
			atomic_load_explicit(&m->first_answer_us[number], memory_order_relaxed);
	}
}

/* A number that changed hands counts from what it stood at when that was first seen. */
static void rebase(struct stw_sampler *s, uint16_t number, const struct stw_member_counts *now)
{
	uint32_t epoch = stw_numbers_epoch(s->control->numbers, number);
	if (s->base_epochs[number] == epoch)
		return;
	if (s->base_epochs[number] != 0)
		s->base[number] = *now;
	s->base_epochs[number] = epoch;
}

static void take_members(struct stw_sampler *s, struct stw_stats *st, struct sample *to)
{
	memset(to->epochs, 0, sizeof(to->epochs));
	const struct stw_model *m = s->control->model;
	for (size_t i = 0; i < m->n_members; i++) {
		int number = stw_numbers_find(s->control->numbers, &m->members[i].address);
		if (number < 0)
			continue;
		sum_member(st, (uint16_t)number, &to->members[number]);
		rebase(s, (uint16_t)number, &to->members[number]);
		to->epochs[number] = s->base_epochs[number];
	}
}

/* Also rows of rules that are gone: one that comes back goes on from what it had. */
static void take_rules(struct stw_sampler *s, struct stw_stats *st, struct sample *to)
{
	const struct stw_model *m = s->control->model;

	for (size_t i = 0; i < m->n_rules; i++)
		if (m->rules[i].row >= s->n_rules)
			s->n_rules = m->rules[i].row + 1;
	for (uint32_t row = 0; row < s->n_rules; row++)
		to->rules[row] = stw_stats_rule_hits(st, row);
	to->n_rules = s->n_rules;
}

void stw_sampler_take(struct stw_sampler *s, double now_s)
{
	struct stw_stats *st = stw_publish_stats(s->control->publish);
	if (!st)
		return;
	s->newest = (s->newest + 1) % N_SAMPLES;
	if (s->n < N_SAMPLES)
		s->n++;
	struct sample *to = s->samples[s->newest];
	to->at_s = now_s;
	to->heartbeat = atomic_load_explicit(&st->heartbeat, memory_order_relaxed);
	for (uint32_t w = 0; w < st->n_workers; w++) {
		const struct stw_stats_worker *from = stw_stats_worker(st, w);
		for (int c = 0; c < STW_N_COUNTERS; c++)
			to->workers[w][c] = atomic_load_explicit(&from->c[c], memory_order_relaxed);
	}
	memset(to->listeners, 0, sizeof(to->listeners));
	for (uint32_t i = 0; i < stw_stats_n_listeners(st); i++)
		stw_stats_sum_listener(st, i, to->listeners[i]);
	take_members(s, st, to);
	take_rules(s, st, to);
}

void stw_sampler_link(struct stw_sampler *s)
{
	s->n = 0;
	struct stw_stats *st = stw_publish_stats(s->control->publish);
	if (!st)
		return;
	if (st->pid != s->pid)
		memset(s->base, 0, sizeof(s->base));
	s->pid = st->pid;
	stw_sampler_take(s, stw_now_s());
}

/* The sample @ago turns before the newest. */
static const struct sample *before(const struct stw_sampler *s, size_t ago)
{
	return s->samples[(s->newest + N_SAMPLES - ago) % N_SAMPLES];
}

/* The two samples a rate is taken between. */
static bool ends_of(const struct stw_sampler *s, enum stw_rate_span span,
		    const struct sample **first, const struct sample **last)
{
	if (s->n < 2)
		return false;
	*last = before(s, 0);
	*first = before(s, span == STW_RATE_SHORT ? 1 : s->n - 1);
	return (*last)->at_s > (*first)->at_s;
}

static double growth(uint64_t from, uint64_t to, const struct sample *first,
		     const struct sample *last)
{
	return (double)(to - from) / (last->at_s - first->at_s);
}

bool stw_sampler_worker_rate(const struct stw_sampler *s, uint32_t worker, enum stw_counter c,
			     enum stw_rate_span span, double *out)
{
	const struct sample *first;
	const struct sample *last;
	if (!ends_of(s, span, &first, &last))
		return false;
	*out = growth(first->workers[worker][c], last->workers[worker][c], first, last);
	return true;
}

bool stw_sampler_rule_rate(const struct stw_sampler *s, uint32_t row, double *out)
{
	const struct sample *last = before(s, 0), *first = NULL;

	for (size_t ago = 1; ago < s->n && row < before(s, ago)->n_rules; ago++)
		first = before(s, ago);
	if (!first || first->at_s >= last->at_s)
		return false;
	*out = growth(first->rules[row], last->rules[row], first, last);
	return true;
}

bool stw_sampler_listener(const struct stw_sampler *s, const struct stw_endpoint *address,
			  struct stw_listener_counts *out)
{
	struct stw_stats *st = stw_publish_stats(s->control->publish);
	const int row = st ? stw_stats_find_listener(st, address) : -1;
	const struct sample *first;
	const struct sample *last;
	if (row < 0)
		return false;
	stw_stats_sum_listener(st, (uint32_t)row, out->c);
	out->rated = ends_of(s, STW_RATE_LONG, &first, &last);
	for (int c = 0; out->rated && c < STW_N_LISTENER_COUNTERS; c++)
		out->per_s[c] =
			growth(first->listeners[row][c], last->listeners[row][c], first, last);
	return true;
}

/* A member younger than the span is rated over the samples it has. */
static const struct sample *oldest_of_epoch(const struct stw_sampler *s, uint16_t number,
					    uint32_t epoch, size_t limit)
{
	const struct sample *found = NULL;
	for (size_t ago = 1; ago < limit && before(s, ago)->epochs[number] == epoch; ago++)
		found = before(s, ago);
	return found;
}

/* The two samples a member's growth is taken between; both of it under that number. */
static bool ends_of_member(const struct stw_sampler *s, uint16_t number, enum stw_rate_span span,
			   const struct sample **first, const struct sample **last)
{
	if (s->n < 2)
		return false;
	*last = before(s, 0);
	if ((*last)->epochs[number] == 0)
		return false;
	*first = oldest_of_epoch(s, number, (*last)->epochs[number],
				 span == STW_RATE_SHORT ? 2 : s->n);
	return *first && (*last)->at_s > (*first)->at_s;
}

bool stw_sampler_member_rate(const struct stw_sampler *s, uint16_t number,
			     enum stw_member_counter c, enum stw_rate_span span, double *out)
{
	const struct sample *first;
	const struct sample *last;
	if (!ends_of_member(s, number, span, &first, &last))
		return false;
	*out = growth(first->members[number].c[c], last->members[number].c[c], first, last);
	return true;
}

bool stw_sampler_first_answer(const struct stw_sampler *s, uint16_t number, double share,
			      double *out_s)
{
	const struct sample *first;
	const struct sample *last;
	if (!ends_of_member(s, number, STW_RATE_LONG, &first, &last))
		return false;
	const uint64_t *from = first->members[number].first_answer;
	const uint64_t *to = last->members[number].first_answer;
	uint64_t n = 0, seen = 0;
	for (unsigned b = 0; b < STW_LATENCY_BUCKETS; b++)
		n += to[b] - from[b];
	if (n == 0)
		return false;
	for (unsigned b = 0; b < STW_LATENCY_BUCKETS; b++) {
		seen += to[b] - from[b];
		*out_s = (double)(UINT64_C(2) << b) / 1e6;
		if ((double)seen >= share * (double)n)
			break;
	}
	return true;
}

bool stw_sampler_member_total(struct stw_sampler *s, uint16_t number, struct stw_member_counts *out)
{
	struct stw_stats *st = stw_publish_stats(s->control->publish);
	const struct stw_member_counts *base = &s->base[number];
	if (!st)
		return false;
	sum_member(st, number, out);
	rebase(s, number, out);
	for (int c = 0; c < STW_N_MEMBER_COUNTERS; c++)
		out->c[c] -= base->c[c];
	for (unsigned b = 0; b < STW_LATENCY_BUCKETS; b++)
		out->first_answer[b] -= base->first_answer[b];
	out->first_answer_us -= base->first_answer_us;
	return true;
}

bool stw_sampler_member_open(const struct stw_sampler *s, uint16_t number, uint64_t *out)
{
	struct stw_stats *st = stw_publish_stats(s->control->publish);
	uint64_t c[STW_N_MEMBER_COUNTERS];
	if (!st)
		return false;
	stw_stats_sum_member(st, number, c);
	*out = stw_member_open(c);
	return true;
}

const struct stw_traffic_history *stw_sampler_history(const struct stw_sampler *s)
{
	return &s->history;
}

bool stw_sampler_stalled(const struct stw_sampler *s)
{
	if (s->n < STALL_SAMPLES)
		return false;
	for (size_t ago = 1; ago < STALL_SAMPLES; ago++)
		if (before(s, ago)->heartbeat != before(s, 0)->heartbeat)
			return false;
	return true;
}

void stw_sampler_free(struct stw_sampler *s)
{
	if (!s)
		return;
	ev_timer_stop(s->loop, &s->timer);
	for (size_t i = 0; i < N_SAMPLES; i++)
		free(s->samples[i]);
	free(s);
}
