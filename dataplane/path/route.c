/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/path/path.h"

#include "dataplane/location/find.h"
#include "dataplane/recent/note.h"
#include "dataplane/route/locate.h"
#include "dataplane/table/tables.h"

#define DECIDE_TRIES 8

static uint16_t member_number(const struct stw_snapshot *snap, uint16_t member)
{
	return snap->tables->members[member].number;
}

static void count_response(struct stw_worker *w, const struct stw_burst *b, unsigned i,
			   uint16_t number)
{
	/* By its first digit: which it is nobody foresees. */
	static const uint8_t counter[8] = {
		STW_M_REJECTED, STW_M_PROVISIONAL, STW_M_SUCCESS,  STW_M_REJECTED,
		STW_M_REJECTED, STW_M_FAILED,	   STW_M_REJECTED, STW_M_REJECTED,
	};
	uint16_t status = b->msg[i].status;

	stw_count_member(w, number, (enum stw_member_counter)counter[status / 100 & 7]);
	if (status == 503)
		stw_note_unavailable(&w->memory, number, b->text[i], &b->msg[i], w->now_tsc);
}

static void count_from(struct stw_worker *w, const struct stw_burst *b, unsigned i)
{
	const struct stw_verdict *v = &b->verdict[i];
	uint16_t number;

	if (v->member_from == STW_NO_MEMBER)
		return;
	number = member_number(b->snap, v->member_from);
	if (b->msg[i].kind == STW_SIP_REQUEST)
		stw_count_member(w, number, STW_M_FROM_MEMBER);
	else
		count_response(w, b, i, number);
}

/* Without a branch on what nobody foresees: what is counted nowhere adds nothing. */
static void count_how(struct stw_worker *w, const struct stw_verdict *v)
{
	static const struct {
		uint8_t counter, one;
	} rows[] = {
		[STW_HOW_NONE] = {STW_C_BY_HASH, 0},	 [STW_HOW_COOKIE] = {STW_C_BY_COOKIE, 1},
		[STW_HOW_HASH] = {STW_C_BY_HASH, 1},	 [STW_HOW_URI] = {STW_C_BY_URI, 1},
		[STW_HOW_VIA] = {STW_C_BY_HASH, 0},	 [STW_HOW_FLOW] = {STW_C_BY_FLOW, 1},
		[STW_HOW_RECENT] = {STW_C_BY_RECENT, 1},
	};
	_Static_assert(STW_N_COUNTERS <= UINT8_MAX, "a counter's number is a byte");

	stw_count(w, (enum stw_counter)rows[v->how].counter, rows[v->how].one);
	stw_count(w, STW_C_NEW_CALLS, v->new_call);
}

/* Of the listener that the message came in at. */
static void count_at_listener(struct stw_worker *w, const struct stw_burst *b, unsigned i,
			      enum stw_listener_counter c, uint64_t n)
{
	stw_count_listener(w, b->snap->tables->listeners[b->src[i].listener].view.counted, c, n);
}

static void count_message(struct stw_worker *w, const struct stw_burst *b, unsigned i)
{
	const uint8_t kind = b->msg[i].kind;

	count_at_listener(w, b, i, kind == STW_SIP_RESPONSE ? STW_L_RESPONSES : STW_L_REQUESTS,
			  kind != STW_SIP_STUN);
	count_at_listener(w, b, i, STW_L_NEW_CALLS, b->verdict[i].new_call);
}

static uint32_t tag_of(const struct stw_burst *b, unsigned i)
{
	const struct stw_verdict *v = &b->verdict[i];

	if (stw_unlikely(v->action == STW_ACTION_ANSWER))
		return stw_tag_plain(STW_TAG_ANSWERED);
	if (v->member == STW_NO_MEMBER || b->msg[i].kind != STW_SIP_REQUEST)
		return stw_tag_plain(STW_TAG_SENT);
	return stw_tag(STW_TAG_SENT, member_number(b->snap, v->member), v->new_call);
}

/* Whether a source may have another answer. Members and trusted peers may have all. */
static bool may_answer(struct stw_worker *w, const struct stw_burst *b, unsigned i)
{
	const struct stw_endpoint *peer = &b->src[i].peer;

	return stw_budget_take(w->budget, &peer->ip, w->now_tsc) ||
	       stw_tables_find_member(b->snap->tables, peer) >= 0 ||
	       stw_tables_trusts(b->snap->tables, b->src[i].listener, &peer->ip);
}

/* @return true when the message goes on to the rewrite. Apart, so that it has registers enough. */
__attribute__((noinline)) static bool carry_out(struct stw_worker *w, struct stw_burst *b,
						unsigned i)
{
	const struct stw_verdict *v = &b->verdict[i];

	if (stw_unlikely(v->odd != 0))
		stw_count(w, (enum stw_counter)v->odd, 1);
	if (stw_unlikely(v->locating != STW_LOCATING_NONE))
		stw_count(w, (enum stw_counter)(STW_C_LOCATED + v->locating - STW_LOCATING_FOUND),
			  1);
	if (v->from_member)
		count_from(w, b, i);
	count_message(w, b, i);
	if (stw_unlikely(v->rule != STW_NO_RULE))
		stw_counter_add(&w->rules->hits[stw_tables_rule(b->snap->tables, v->rule).row], 1);
	b->tag[i] = tag_of(b, i);
	if (stw_unlikely(stw_recorder_wants(&w->recorder, b, i)))
		stw_flight_decided(&w->recorder, b, i, w->now_tsc);
	if (stw_likely(v->action == STW_ACTION_FORWARD)) {
		count_how(w, v);
		return true;
	}
	switch (v->action) {
	case STW_ACTION_ANSWER:
		if (may_answer(w, b, i)) {
			count_at_listener(w, b, i, STW_L_ANSWERED, 1);
			return true;
		}
		stw_drop(w, b->frame[i], b->tag[i], STW_C_DROP_ANSWER_BUDGET);
		return false;
	case STW_ACTION_KERNEL:
		if (!stw_to_control(w, b, i))
			stw_to_kernel(w, b->frame[i]);
		return false;
	default: stw_drop(w, b->frame[i], b->tag[i], (enum stw_counter)v->reason); return false;
	}
}

static void begin(struct stw_burst *b, uint8_t i)
{
	stw_route_begin(b->snap, b->text[i], &b->msg[i], &b->src[i], &b->verdict[i]);
}

/* Once more where what was read of the memory is no longer so; then with what is so now. */
static void decide(struct stw_worker *w, struct stw_burst *b, uint8_t i)
{
	struct stw_verdict *v = &b->verdict[i];

	stw_route_finish(b->snap, b->text[i], &b->msg[i], &b->src[i], v);
	for (unsigned tries = 0;
	     v->note != STW_NOTE_NONE && v->action == STW_ACTION_FORWARD &&
	     !stw_note(&w->memory, b->snap->tables, &b->msg[i], v, w->now_tsc) &&
	     tries < DECIDE_TRIES;
	     tries++)
		stw_route(b->snap, b->text[i], &b->msg[i], &b->src[i], v);
}

/*
 * What the location table says of the users that are asked for: all of the burst together, as they
 * come from memory. Records are copied, so that they stay while the burst is decided.
 */
static void locate(struct stw_worker *w, struct stw_burst *b)
{
	const struct stw_location_map *map = b->snap->location;
	const uint32_t now_s =
		stw_location_now_s(map->header, atomic_load_explicit(&w->snapshots->boottime_ms,
								     memory_order_relaxed));
	struct stw_where_slot *slot[STW_BURST_MAX];
	unsigned n = 0;

	for (unsigned k = 0; k < b->n_live; k++) {
		uint8_t i = b->live[k];

		slot[n] = &w->where[i];
		if (!stw_locate_key(b->snap, b->text[i], &b->msg[i], slot[n], &b->src[i]))
			continue;
		slot[n]->w.now_s = now_s;
		b->src[i].where = &slot[n++]->w;
	}
	stw_where_find(map, slot, n);
}

void stw_route_burst(struct stw_worker *w, struct stw_burst *b)
{
	uint16_t n = 0;

	if (b->snap->location != NULL)
		locate(w, b);

	for (unsigned k = 0; k < b->n_live; k++)
		begin(b, b->live[k]);
	for (unsigned k = 0; k < b->n_live; k++) {
		uint8_t i = b->live[k];

		stw_fetch_ahead(&w->ahead);
		decide(w, b, i);
		if (carry_out(w, b, i))
			b->live[n++] = i;
	}
	b->n_live = n;
	STW_PROBE(routed, w, b->n_live);
}
