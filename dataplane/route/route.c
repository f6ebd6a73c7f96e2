/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/route/decide.h"
#include "dataplane/route/stun.h"
#include "dataplane/route/move.h"

#include "dataplane/recent/recent.h"

void stw_decide_drop(struct stw_decision *d, enum stw_counter reason)
{
	d->v->action = STW_ACTION_DROP;
	d->v->reason = (uint16_t)reason;
}

void stw_decide_answer(struct stw_decision *d, uint16_t status, const char *phrase)
{
	struct stw_verdict *v = d->v;

	if (d->m->method == STW_METHOD_ACK) {
		stw_decide_drop(d, STW_C_DROP_ACK_UNROUTABLE);
		return;
	}
	v->action = STW_ACTION_ANSWER;
	v->status = status;
	v->phrase = phrase;
	v->member = STW_NO_MEMBER;
	v->listener_out = d->src->listener;
	v->add_received = stw_needs_received(d->buf, &v->via, &d->src->peer.ip);
	/* s18.2.2 and RFC 3581 s4: to where it came from, never to where it says it came from */
	v->dst = d->src->peer;
	if (v->via.rport_param.len == 0)
		v->dst.port = v->via.port != 0 ? v->via.port : STW_SIP_PORT;
	stw_decide_way(d);
}

/*
 * Where a request without a cookie will look for its member. Always inline: GCC takes a function
 * that only prefetches for one without effect, and leaves out the call.
 */
__attribute__((always_inline)) static inline void
prefetch_slot(const struct stw_tables *t, uint16_t listener, uint64_t call_hash)
{
	const struct stw_image_pool *pool = stw_tables_pool(t, t->listeners[listener].view.pool);

	if (pool != NULL)
		__builtin_prefetch(&t->slots[stw_pool_slot(pool, call_hash)]);
}

/* So few bytes are zero sooner than the C library is called. */
static inline void clear(struct stw_verdict *v)
{
	char *at = (char *)v;

	_Static_assert(sizeof(*v) % 16 == 0, "whole stores");
#pragma GCC unroll 32
	for (size_t i = 0; i < sizeof(*v); i += 16) {
		struct stw_move16 zero = {{0}};
		memcpy(at + i, &zero, 16);
	}
}

void stw_route_begin(const struct stw_snapshot *snap, const char *buf, const struct stw_sip_msg *m,
		     const struct stw_source *src, struct stw_verdict *out)
{
	clear(out);
	out->member = out->member_from = out->contact_member = STW_NO_MEMBER;
	out->rule = STW_NO_RULE;
	out->pool = snap->tables->listeners[src->listener].view.pool;
	out->listener_in = src->listener;
	out->listener_out = STW_NO_LISTENER;
	out->call = stw_call_sum(&snap->tables->secrets[0], buf, m);
	out->call_hash = stw_nh_spread(out->call);
	bool in_dialog = m->kind == STW_SIP_REQUEST && stw_sip_has(m, STW_HDR_ROUTE);
	if (!in_dialog && src->memory != NULL && src->memory->recent != NULL)
		stw_recent_prefetch(src->memory->recent, out->call_hash);
	if (m->kind == STW_SIP_REQUEST && !in_dialog)
		prefetch_slot(snap->tables, src->listener, out->call_hash);
}

void stw_route_finish(const struct stw_snapshot *snap, const char *buf, const struct stw_sip_msg *m,
		      const struct stw_source *src, struct stw_verdict *out)
{
	struct stw_decision d = {
		.snap = snap, .t = snap->tables, .buf = buf, .m = m, .src = src, .v = out};

	if (m->kind == STW_SIP_REQUEST)
		stw_decide_request(&d);
	else if (m->kind == STW_SIP_RESPONSE)
		stw_decide_response(&d);
	else
		stw_decide_stun(&d);
}

void stw_route(const struct stw_snapshot *snap, const char *buf, const struct stw_sip_msg *m,
	       const struct stw_source *src, struct stw_verdict *out)
{
	stw_route_begin(snap, buf, m, src, out);
	stw_route_finish(snap, buf, m, src, out);
}

void stw_route_refuse(const struct stw_snapshot *snap, const char *buf, const struct stw_sip_msg *m,
		      const struct stw_source *src, struct stw_verdict *v, uint16_t status,
		      const char *phrase)
{
	struct stw_decision d = {
		.snap = snap, .t = snap->tables, .buf = buf, .m = m, .src = src, .v = v};

	stw_decide_answer(&d, status, phrase);
}
