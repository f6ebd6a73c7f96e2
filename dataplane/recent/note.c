/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * What the decision wants noted is written here, and counted by whoever's change of an entry came
 * through: so each request is opened once and done once, whichever workers see its messages.
 */
#include "dataplane/recent/note.h"

#include <strowger/errors.h>
#include <strowger/sip_headers.h>

#include "dataplane/recent/recent.h"
#include "dataplane/table/tables.h"

/* One message being noted. */
struct noting {
	const struct stw_recent *recent;
	struct stw_stats_members *row; /* the worker's own */
	const struct stw_tables *t;
	const struct stw_verdict *v;
	uint64_t now_tsc;
};

static void count(const struct noting *n, uint16_t number, enum stw_member_counter c)
{
	stw_counter_add(&n->row->c[number][c], 1);
}

static void count_kind(const struct noting *n, uint16_t number, uint64_t state,
		       enum stw_member_counter of_invites, enum stw_member_counter of_others)
{
	count(n, number, state & STW_RECENT_INVITE ? of_invites : of_others);
}

static void count_done(const struct noting *n, uint16_t number, uint64_t state)
{
	count_kind(n, number, state, STW_M_INVITES_DONE, STW_M_OTHERS_DONE);
}

/* An entry left the table; its member may have left the farm. */
static void count_lost(const struct noting *n, uint64_t state)
{
	int member;

	if (state == 0 || (state & STW_RECENT_DONE))
		return;
	member = stw_tables_find_member_id(n->t, stw_recent_member(state));
	if (member < 0)
		return;
	count_done(n, n->t->members[member].number, state);
	count(n, n->t->members[member].number, STW_M_EXPIRED);
}

static void add(const struct noting *n, uint64_t tag, uint64_t state, uint16_t number)
{
	uint64_t evicted;

	if (!stw_recent_add(n->recent, n->v->call_hash, tag, state, n->now_tsc, &evicted))
		return;
	if (!stw_recent_is_call(state))
		count_kind(n, number, state, STW_M_INVITES, STW_M_OTHERS);
	count_lost(n, evicted);
}

/* The entry of the call itself, if there is one. */
static bool change_call(const struct noting *n, uint64_t call_hash, uint64_t state)
{
	struct stw_recent_hit hit;

	return stw_recent_find(n->recent, call_hash, stw_recent_call_tag(call_hash), &hit) &&
	       stw_recent_change(n->recent, hit.at, &hit.state, state);
}

static uint64_t call_state(const struct noting *n)
{
	return stw_recent_state(n->recent, n->t->members[n->v->member].id, n->now_tsc,
				STW_RECENT_CALL);
}

static void note_open(const struct noting *n, bool invite)
{
	const struct stw_member_view *m = &n->t->members[n->v->member];
	uint64_t state =
		stw_recent_state(n->recent, m->id, n->now_tsc, invite ? STW_RECENT_INVITE : 0);

	add(n, stw_recent_branch_tag(n->v->branch), state, m->number);
	if (n->v->note_call && !change_call(n, n->v->call_hash, call_state(n)))
		add(n, stw_recent_call_tag(n->v->call_hash), call_state(n), 0);
}

/* A contact is no member: nothing is counted. Like that of a call, its entry gives way to others.
 */
static void note_contact(const struct noting *n)
{
	add(n, stw_recent_branch_tag(n->v->branch),
	    stw_recent_state(n->recent, n->v->contact, n->now_tsc, STW_RECENT_CALL), 0);
}

static void note_repeat(const struct noting *n)
{
	uint64_t state = n->v->recent_state, repeated = stw_recent_repeat(state);

	if (repeated != state) /* else a write that others would have to wait for */
		stw_recent_change(n->recent, n->v->recent_at, &state, repeated);
	count(n, n->t->members[n->v->member].number, STW_M_REPEATED);
}

static bool note_move(const struct noting *n)
{
	const struct stw_member_view *to = &n->t->members[n->v->member];
	uint64_t from = n->v->recent_state, repeated = stw_recent_repeat(from);
	uint32_t kept = STW_RECENT_INVITE | STW_RECENT_REPEATS_MAX << STW_RECENT_REPEATS_SHIFT;
	uint64_t state = stw_recent_state(n->recent, to->id, n->now_tsc, (uint32_t)repeated & kept);

	if (!stw_recent_change(n->recent, n->v->recent_at, &from, state))
		return false; /* answered at this very moment, or moved by another worker */
	if (n->v->moved_from != STW_NO_MEMBER) {
		count_done(n, n->t->members[n->v->moved_from].number, from);
		count(n, n->t->members[n->v->moved_from].number, STW_M_FAILED_OVER);
	}
	count_kind(n, to->number, state, STW_M_INVITES, STW_M_OTHERS);
	change_call(n, n->v->recent_hash, call_state(n));
	return true;
}

static void count_latency(const struct noting *n, uint16_t number, uint64_t state)
{
	uint64_t ticks = stw_recent_age(n->recent, state, n->now_tsc);
	uint64_t us = ticks * 1000000 / n->recent->ticks_per_s;
	uint32_t bucket = us > 1 ? 63 - (uint32_t)__builtin_clzll(us) : 0;

	if (bucket >= STW_LATENCY_BUCKETS)
		bucket = STW_LATENCY_BUCKETS - 1;
	stw_counter_add(&n->row->first_answer[number][bucket], 1);
	stw_counter_add(&n->row->first_answer_us[number], us);
}

static void note_answer(const struct noting *n, uint16_t status)
{
	const struct stw_member_view *m = &n->t->members[n->v->member_from];
	uint64_t was = n->v->recent_state;
	uint64_t gained = STW_RECENT_ANSWERED | (status >= 200 ? STW_RECENT_DONE : 0);

	do {
		if ((was & gained) == gained || stw_recent_member(was) != m->id)
			return;
	} while (!stw_recent_change(n->recent, n->v->recent_at, &was, was | gained));
	gained &= ~was;
	if (gained & STW_RECENT_ANSWERED) {
		count_kind(n, m->number, was, STW_M_INVITES_ANSWERED, STW_M_OTHERS_ANSWERED);
		count_latency(n, m->number, was);
	}
	if (gained & STW_RECENT_DONE)
		count_done(n, m->number, was);
}

bool stw_note(struct stw_memory *memory, const struct stw_tables *t, const struct stw_sip_msg *m,
	      const struct stw_verdict *v, uint64_t now_tsc)
{
	const struct noting n = {memory->recent, &memory->members[memory->worker], t, v, now_tsc};

	if (v->took_turn)
		memory->turn++;
	if (memory->recent == NULL)
		return true;
	switch (v->note) {
	case STW_NOTE_OPEN: note_open(&n, m->method == STW_METHOD_INVITE); break;
	case STW_NOTE_REPEAT: note_repeat(&n); break;
	case STW_NOTE_MOVE: return note_move(&n);
	case STW_NOTE_ANSWER: note_answer(&n, m->status); break;
	case STW_NOTE_CONTACT: note_contact(&n); break;
	default: break;
	}
	return true;
}

void stw_note_sweep(struct stw_memory *memory, const struct stw_tables *t, uint64_t now_tsc)
{
	const struct noting n = {memory->recent, &memory->members[memory->worker], t, NULL,
				 now_tsc};
	uint64_t open[STW_RECENT_WAYS];

	if (memory->recent == NULL)
		return;
	uint32_t n_open = stw_recent_sweep(memory->recent, memory->sweep_next, now_tsc, open);
	memory->sweep_next += memory->n_workers;
	stw_recent_prefetch(memory->recent, memory->sweep_next); /* for the next turn */
	for (uint32_t i = 0; i < n_open && t != NULL; i++)
		count_lost(&n, open[i]);
}

/* RFC 3261 s20.33. Of several values the last one counts. */
void stw_note_unavailable(struct stw_memory *memory, uint16_t number, const char *buf,
			  const struct stw_sip_msg *m, uint64_t now_tsc)
{
	struct stw_stats_members *row = &memory->members[memory->worker];
	struct stw_sip_retry_after value;
	struct stw_sip_line line;

	stw_counter_add(&row->c[number][STW_M_UNAVAILABLE], 1);
	for (bool more = stw_sip_line_first(buf, m, &line); more;
	     more = stw_sip_line_next(buf, m, &line)) {
		struct stw_stats_retry_after *to = &row->retry_after[number];

		if (!stw_sip_name_is(buf, line.name, "Retry-After") ||
		    stw_sip_retry_after_parse(buf, line.value, &value) != STW_OK)
			continue;
		atomic_store_explicit(&to->seconds, value.seconds, memory_order_relaxed);
		atomic_store_explicit(&to->tsc, now_tsc, memory_order_release);
	}
}
