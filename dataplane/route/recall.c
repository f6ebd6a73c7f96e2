/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Retransmissions, CANCEL and ACK follow their request; an unanswered request whose member is dead
 * or silent moves on with its sender's own retransmissions (RFC 3261 s17.1.1.2), which is all the
 * clock there is.
 *
 * A request that moves keeps its branch. For its sender, and for us, it stays one transaction:
 * CANCEL and ACK then need nothing but the entry; a late answer of the first member still verifies
 * and goes up like that of a fork; and a host that is reached by two addresses, or by two members
 * in a row, sees a retransmission, not a second call.
 */

#include "dataplane/route/recall.h"

#include "dataplane/route/loop.h"
#include "dataplane/route/pool.h"

static void make_branch(struct stw_decision *d, const struct stw_secret *secret)
{
	d->v->branch = stw_decide_branch(d, secret, STW_BRANCH_TO_MEMBER);
}

static uint64_t hash_by(const struct stw_decision *d, const struct stw_secret *secret)
{
	return secret == &d->t->secrets[0] ? d->v->call_hash
					   : stw_nh_spread(stw_decide_call(d, secret));
}

static bool find_transaction(struct stw_decision *d, const struct stw_recent *r,
			     const struct stw_routes *routes, struct stw_recent_hit *hit)
{
	make_branch(d, &d->t->secrets[0]);
	if (r == NULL)
		return false;
	d->v->recent_hash = d->v->call_hash;
	if (stw_recent_find(r, d->v->call_hash, stw_recent_branch_tag(d->v->branch), hit))
		return true;
	/* Begun before the secrets changed places, it keeps its branch. */
	uint64_t branch = d->v->branch;
	for (uint32_t i = 1; i < d->t->n_secrets; i++) {
		uint64_t call_hash = hash_by(d, &d->t->secrets[i]);

		make_branch(d, &d->t->secrets[i]);
		if (stw_recent_find(r, call_hash, stw_recent_branch_tag(d->v->branch), hit)) {
			d->v->recent_hash = call_hash;
			d->v->loop = stw_loop_digest(d, routes, call_hash);
			return true;
		}
	}
	d->v->branch = branch;
	return false;
}

static bool find_call(const struct stw_decision *d, const struct stw_recent *r,
		      struct stw_recent_hit *hit)
{
	for (uint32_t i = 0; r != NULL && i < d->t->n_secrets; i++) {
		uint64_t h = hash_by(d, &d->t->secrets[i]);

		if (stw_recent_find(r, h, stw_recent_call_tag(h), hit))
			return true;
	}
	return false;
}

static bool never_first(const struct stw_decision *d)
{
	return d->m->method == STW_METHOD_ACK || d->m->method == STW_METHOD_CANCEL;
}

/* It belongs to a call that began earlier, answered here or elsewhere. */
static bool in_dialog(const struct stw_decision *d)
{
	return d->m->to_tag.len > 0;
}

static uint16_t member_of(const struct stw_tables *t, uint64_t state)
{
	int member = stw_tables_find_member_id(t, stw_recent_member(state));

	return member >= 0 ? (uint16_t)member : STW_NO_MEMBER;
}

static void note(struct stw_decision *d, enum stw_note what, const struct stw_recent_hit *hit)
{
	d->v->note = (uint8_t)what;
	d->v->recent_at = hit->at;
	d->v->recent_state = hit->state;
}

/* Is it time for an unanswered request to try another member? */
static bool must_move(const struct stw_decision *d, const struct stw_image_pool *pool,
		      uint16_t member, uint64_t state)
{
	if (state & (STW_RECENT_ANSWERED | STW_RECENT_DONE))
		return false;
	return member == STW_NO_MEMBER || stw_pool_avoids(d->t, pool, member) ||
	       (pool->failover != 0 && stw_recent_repeats(state) + 1 >= pool->failover);
}

/* The same request again. */
static uint16_t again(struct stw_decision *d, const struct stw_image_pool *pool,
		      const struct stw_recent_hit *hit)
{
	const struct stw_image_pool *serving = stw_pool_serving(d->t, pool);
	uint16_t member = member_of(d->t, hit->state), next;

	if (serving == NULL || !must_move(d, serving, member, hit->state) || in_dialog(d)) {
		note(d, STW_NOTE_REPEAT, hit);
		return member;
	}
	next = stw_pool_next(d->t, serving, stw_pool_key(d, serving), member);
	if (next == STW_NO_MEMBER) {
		note(d, STW_NOTE_REPEAT, hit);
		return member;
	}
	note(d, STW_NOTE_MOVE, hit);
	d->v->moved_from = member;
	return next;
}

/*
 * What the generation before would have said, as long as its transactions live. Only of a request
 * that cannot be the first of its call: had that come under these tables, the memory would hold it
 * still, for it gives up the oldest first. Only after a restart it does not; then nobody can tell
 * which of the two it was, and where they differ the older is taken.
 */
static uint16_t past(const struct stw_decision *d, const struct stw_image_pool *pool)
{
	if (pool->n_past == 0 || stw_pool_moves(pool) || !(never_first(d) || in_dialog(d)))
		return STW_NO_MEMBER;
	uint64_t key = stw_pool_key(d, pool);
	return d->t->slots[pool->first_past + ((key >> 32) * pool->n_past >> 32)];
}

uint16_t stw_decide_recall(struct stw_decision *d, const struct stw_image_pool *pool,
			   const struct stw_routes *routes)
{
	const struct stw_recent *r = stw_decide_recent(d->src);
	struct stw_recent_hit hit;
	uint16_t member;

	if (find_transaction(d, r, routes, &hit)) {
		bool invite = hit.state & STW_RECENT_INVITE;

		if (!never_first(d) && invite == (d->m->method == STW_METHOD_INVITE))
			return again(d, pool, &hit);
		return member_of(d->t, hit.state);
	}
	if (!never_first(d))
		d->v->note = STW_NOTE_OPEN;
	d->v->note_call = !(pool->flags & STW_IMAGE_POOL_RECORD_ROUTE) || stw_pool_moves(pool);
	/* a rule may have sent its call to another pool than is known of it now */
	bool look = d->v->note_call || (d->t->rules.n > 0 && in_dialog(d));
	if (look && find_call(d, r, &hit)) {
		member = member_of(d->t, hit.state);
		if (member != STW_NO_MEMBER &&
		    (never_first(d) || in_dialog(d) || !stw_pool_avoids(d->t, pool, member)))
			return member;
	}
	return past(d, pool);
}

bool stw_decide_recall_contact(struct stw_decision *d, const struct stw_routes *routes,
			       uint32_t *id)
{
	const struct stw_recent *r = stw_decide_recent(d->src);
	struct stw_recent_hit hit;
	uint64_t now = stw_decide_branch(d, &d->t->secrets[0], 0);

	d->v->branch = now;
	for (uint32_t i = 0; r != NULL && i < d->t->n_secrets; i++) {
		/* Begun before the secrets changed places, it keeps its branch. */
		uint64_t branch = i == 0 ? now : stw_decide_branch(d, &d->t->secrets[i], 0);
		uint64_t call_hash = hash_by(d, &d->t->secrets[i]);

		if (!stw_recent_find(r, call_hash, stw_recent_branch_tag(branch), &hit))
			continue;
		d->v->branch = branch;
		d->v->loop = stw_loop_digest(d, routes, call_hash);
		*id = stw_recent_member(hit.state);
		return true;
	}
	if (r != NULL && !never_first(d))
		d->v->note = STW_NOTE_CONTACT;
	return false;
}

uint16_t stw_decide_known(struct stw_decision *d, const struct stw_routes *routes)
{
	const struct stw_recent *r = stw_decide_recent(d->src);
	struct stw_recent_hit hit;
	uint16_t member = STW_NO_MEMBER;

	if (r == NULL)
		return STW_NO_MEMBER;
	if (find_transaction(d, r, routes, &hit))
		member = member_of(d->t, hit.state);
	if (member == STW_NO_MEMBER)
		d->v->branch = 0; /* it goes another way */
	else if (!never_first(d))
		note(d, STW_NOTE_REPEAT, &hit);
	return member;
}

void stw_decide_track(struct stw_decision *d, const struct stw_routes *routes)
{
	const struct stw_recent *r = stw_decide_recent(d->src);
	struct stw_recent_hit hit;

	if (r == NULL || never_first(d))
		return;
	if (!find_transaction(d, r, routes, &hit))
		d->v->note = STW_NOTE_OPEN;
	else if (stw_recent_member(hit.state) == d->t->members[d->v->member].id)
		note(d, STW_NOTE_REPEAT, &hit);
}

void stw_decide_answered(struct stw_decision *d, uint64_t branch)
{
	const struct stw_recent *r = stw_decide_recent(d->src);
	struct stw_recent_hit hit;

	if (r == NULL || !d->v->from_member || d->m->method == STW_METHOD_CANCEL)
		return;
	const struct stw_secret *secret = stw_tables_secret(d->t, stw_branch_key_id(branch));
	if (stw_recent_find(r, hash_by(d, secret), stw_recent_branch_tag(branch), &hit) &&
	    stw_recent_member(hit.state) == d->t->members[d->v->member_from].id)
		note(d, STW_NOTE_ANSWER, &hit);
}
