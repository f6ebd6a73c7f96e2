/* SPDX-License-Identifier: BSD-3-Clause */

/* A request: checks (RFC 3261 s16.3), Route (s16.4), target (s16.5, s16.6), branch (s16.11). */

#include "dataplane/route/decide.h"

#include <strowger/errors.h>

#include "dataplane/route/flow.h"
#include "dataplane/route/locate.h"
#include "dataplane/route/loop.h"
#include "dataplane/route/pool.h"
#include "dataplane/route/quick.h"
#include "dataplane/route/recall.h"
#include "dataplane/route/rule.h"
#include "dataplane/route/token_list.h"

/*
 * Is this the ACK to an answer of ours? Then nobody else waits for it (s16.11, s17.1.1.3). Our tag
 * comes back where we wrote it, at the end of To.
 */
static bool ack_of_ours(const struct stw_decision *d)
{
	const size_t len = sizeof(";tag=") - 1 + STW_TAG_DIGITS;
	struct stw_span to = d->m->value[STW_HDR_TO];
	const char *tail = d->buf + stw_span_end(to) - len;
	uint64_t got;

	if (d->m->method != STW_METHOD_ACK || to.len < len || memcmp(tail, ";tag=", 5) != 0 ||
	    !stw_hex_get64(tail + len - STW_TAG_DIGITS, &got))
		return false;
	const struct stw_secret *secret = stw_tables_secret(d->t, (uint8_t)(got >> 60));
	return secret != NULL && stw_tag_make(secret, d->buf, d->m, &d->v->via,
					      stw_call_sum(secret, d->buf, d->m)) == got;
}

static void reject(struct stw_decision *d)
{
	const struct stw_sip_reject_row *row = &stw_sip_reject_rows[d->m->reject];
	const uint32_t needed = 1u << STW_HDR_VIA | 1u << STW_HDR_FROM | 1u << STW_HDR_TO |
				1u << STW_HDR_CALL_ID | 1u << STW_HDR_CSEQ;

	if (d->m->method == STW_METHOD_ACK)
		stw_decide_drop(d, STW_C_DROP_ACK_UNROUTABLE);
	else if ((d->m->present & needed) != needed ||
		 stw_sip_via_parse(d->buf, d->m->value[STW_HDR_VIA], &d->v->via) != STW_OK)
		stw_decide_drop(d, STW_C_DROP_MALFORMED); /* no answer can be made of it */
	else
		stw_decide_answer(d, row->status, row->phrase);
}

/* s16.3 step 2. "tel" is forwarded: the members may know the number. */
static bool scheme_ok(const struct stw_decision *d)
{
	const char *p = d->buf + d->m->uri.off;

	if (d->m->uri.len < 5)
		return false;
	if (stw_likely(stw_quick_word(p) == STW_QUICK_WORD('s', 'i', 'p', ':')))
		return true;
	switch (stw_quick_word(p)) {
	case STW_QUICK_WORD('t', 'e', 'l', ':'): return true;
	case STW_QUICK_WORD('s', 'i', 'p', 's'): return p[4] == ':';
	default: return false;
	}
}

/* OPTIONS to nobody behind us, but to us (s11.2): the host of a listener, no user, no Route. */
static bool options_for_us(const struct stw_decision *d)
{
	const struct stw_sip_uri *uri;
	struct stw_sip_uri room;

	return stw_unlikely(d->m->method == STW_METHOD_OPTIONS) &&
	       !stw_sip_has(d->m, STW_HDR_ROUTE) &&
	       (uri = stw_decide_read(d, d->m->uri, &room)) != NULL && !uri->has_user &&
	       stw_uri_listener(d->t, uri) >= 0;
}

/* s16.3 step 5. Not for ACK and CANCEL (s8.2.2.3). */
static bool proxy_require_ok(const struct stw_decision *d)
{
	struct stw_token_walk w;
	struct stw_span tag;

	if (stw_likely(!stw_sip_has(d->m, STW_HDR_PROXY_REQUIRE)) ||
	    d->m->method == STW_METHOD_ACK || d->m->method == STW_METHOD_CANCEL)
		return true;
	for (w = stw_token_walk_start(d->buf, d->m, STW_HDR_PROXY_REQUIRE);
	     stw_token_walk_next(&w, &tag);)
		if (!stw_proxy_supports(d->t, d->buf, tag))
			return false;
	return true;
}

/* REGISTER for a domain we host (s10.3): control is its registrar. */
static bool is_for_registrar(const struct stw_decision *d)
{
	struct stw_sip_uri uri;

	return d->m->method == STW_METHOD_REGISTER && d->t->n_domains > 0 &&
	       stw_sip_uri_parse(d->buf, d->m->uri, &uri) == STW_OK &&
	       stw_tables_has_domain(d->t, d->buf + uri.host.off, uri.host.len);
}

/* Whether it may go on; else the verdict is made. */
static bool checked(struct stw_decision *d)
{
	if (d->m->reject != STW_SIP_ACCEPTED) {
		reject(d);
		return false;
	}
	d->v->via = d->m->via;
	if (ack_of_ours(d))
		stw_decide_drop(d, STW_C_DROP_ACK_ABSORBED);
	else if (!scheme_ok(d))
		stw_decide_answer(d, 416, "Unsupported URI Scheme");
	else if (options_for_us(d) ||
		 (d->m->max_forwards == 0 && d->m->method == STW_METHOD_OPTIONS))
		stw_decide_answer(d, 200, "OK"); /* s16.3 step 3: some ping with Max-Forwards 0 */
	else if (d->m->max_forwards == 0)
		stw_decide_answer(d, 483, "Too Many Hops");
	else if (!proxy_require_ok(d))
		stw_decide_answer(d, 420, "Bad Extension");
	else
		return stw_likely(d->t->settings->max_breadth == 0) || stw_decide_breadth(d);
	return false;
}

static void to_member(struct stw_decision *d, uint16_t member, enum stw_how how)
{
	d->v->member = member;
	d->v->how = (uint8_t)how;
	d->v->dst = d->t->members[member].address;
}

/* The member the cookie names, if we wrote it and the member still is. */
static bool by_cookie(struct stw_decision *d, const struct stw_routes *routes)
{
	const struct stw_secret *secret;
	uint32_t id;
	uint64_t mac;
	uint8_t key;

	if (!routes->has_cookie)
		return false;
	if (!stw_cookie_get(routes->cookie, &key, &id, &mac) ||
	    (secret = stw_tables_secret(d->t, key)) == NULL) {
		d->v->odd = STW_C_COOKIE_FORGED;
		return false;
	}
	if (stw_cookie_mac(secret, id, stw_decide_call(d, secret)) != mac) {
		d->v->odd = STW_C_COOKIE_FORGED;
		return false;
	}
	int member = stw_tables_find_member_id(d->t, id);
	if (member < 0) {
		d->v->odd = STW_C_COOKIE_UNKNOWN;
		return false;
	}
	to_member(d, (uint16_t)member, STW_HOW_COOKIE);
	return true;
}

/* Where its transaction or call went before; else as the pool chooses. */
static bool by_pool(struct stw_decision *d, uint16_t row, const struct stw_routes *routes)
{
	const struct stw_image_pool *pool = stw_tables_pool(d->t, row);

	d->v->pool = row;
	uint16_t known = pool != NULL ? stw_decide_recall(d, pool, routes) : STW_NO_MEMBER;

	if (known != STW_NO_MEMBER) {
		to_member(d, known, STW_HOW_RECENT);
		return true;
	}
	pool = stw_pool_serving(d->t, pool);
	if (pool == NULL) {
		d->v->retry_after_s = STW_RETRY_AFTER_S;
		stw_decide_answer(d, 503, "Service Unavailable");
		return false;
	}
	to_member(d, stw_pool_pick(d, pool, stw_pool_key(d, pool)), STW_HOW_HASH);
	return true;
}

static bool forbid(struct stw_decision *d, enum stw_counter reason, const char *phrase)
{
	if (d->m->method == STW_METHOD_ACK)
		stw_decide_drop(d, reason);
	else
		stw_decide_answer(d, 403, phrase);
	return false;
}

/* To whoever it is, if anybody may be sent there. */
bool stw_decide_to_address(struct stw_decision *d, const struct stw_endpoint *dst, enum stw_how how)
{
	struct stw_verdict *v = d->v;

	if (stw_decide_forbidden(d, &dst->ip))
		return forbid(d, STW_C_DROP_FORBIDDEN_TARGET, "Forbidden Target");
	if (stw_decide_port_closed(d, dst))
		return forbid(d, STW_C_DROP_CLOSED_PORT, "Forbidden Port");
	int member = stw_tables_find_member(d->t, dst);
	v->how = (uint8_t)how;
	v->dst = *dst;
	v->member = member >= 0 ? (uint16_t)member : STW_NO_MEMBER;
	return true;
}

/* What a request for a user of ours gets (registrar.calls). */
static enum stw_locate wanted(const struct stw_decision *d)
{
	return d->t->settings->flags & STW_IMAGE_REDIRECT ? STW_LOCATE_REDIRECT
							  : STW_LOCATE_FORWARD;
}

static bool for_control(struct stw_decision *d, enum stw_kernel_for what)
{
	d->v->action = STW_ACTION_KERNEL;
	d->v->kernel_for = (uint8_t)what;
	return false;
}

static bool locate(struct stw_decision *d, const struct stw_routes *routes, enum stw_locate what)
{
	struct stw_sip_uri room;
	const struct stw_sip_uri *uri = stw_decide_read(d, routes->uri, &room);

	if (uri != NULL && stw_locate_hosts(d, uri))
		return stw_decide_locate(d, routes, what);
	stw_decide_answer(d, 404, "Not Found");
	return false;
}

/* As the rule says; but what went somewhere before goes there again, and its CANCEL and ACK. */
static bool obey(struct stw_decision *d, const struct stw_rule_hit *hit,
		 const struct stw_routes *routes)
{
	uint8_t action = d->t->rules.rules[hit->rule].action;

	if (action == STW_IMAGE_RULE_TO_POOL)
		return by_pool(d, hit->pool, routes);
	uint16_t known = stw_decide_known(d, routes);
	if (known != STW_NO_MEMBER) {
		to_member(d, known, STW_HOW_RECENT);
		return true;
	}
	switch (action) {
	case STW_IMAGE_RULE_TO_LOCATION: return locate(d, routes, STW_LOCATE_FORWARD);
	case STW_IMAGE_RULE_REDIRECT_CONTACTS: return locate(d, routes, STW_LOCATE_REDIRECT);
	case STW_IMAGE_RULE_TO_REGISTRAR: return for_control(d, STW_KERNEL_FOR_REGISTRAR);
	case STW_IMAGE_RULE_TO_KERNEL: return for_control(d, STW_KERNEL_FOR_RULE);
	default: stw_decide_rule_answer(d, hit, routes->uri); return false;
	}
}

/* To one of our own addresses: by the rules, else into the pool of the listener. */
static bool by_rule_or_pool(struct stw_decision *d, uint16_t listener,
			    const struct stw_routes *routes)
{
	struct stw_rule_hit hit;

	if (d->t->rules.n > 0 && stw_decide_rule(d, listener, routes->uri, &hit))
		return obey(d, &hit, routes);
	return by_pool(d, d->t->listeners[listener].view.pool, routes);
}

/* A stranger's request goes by the rules, to a user of ours, or into the pool. */
static bool by_location_or_pool(struct stw_decision *d, const struct stw_routes *routes)
{
	const struct stw_sip_uri *uri;
	struct stw_rule_hit hit;
	struct stw_sip_uri room;

	if (d->t->rules.n > 0 && stw_decide_rule(d, d->src->listener, routes->uri, &hit))
		return obey(d, &hit, routes);
	if ((d->t->settings->flags & STW_IMAGE_LOCATE) &&
	    (uri = stw_decide_read(d, routes->uri, &room)) != NULL && stw_locate_hosts(d, uri))
		return stw_decide_locate(d, routes, wanted(d));
	return by_pool(d, d->v->pool, routes);
}

bool stw_decide_to_uri(struct stw_decision *d, const char *text, const struct stw_sip_uri *uri,
		       const struct stw_routes *routes)
{
	struct stw_endpoint dst;
	int ours = stw_uri_listener(d->t, uri);

	if (ours >= 0) /* a spiral: as if from outside */
		return by_rule_or_pool(d, (uint16_t)ours, routes);
	int err = stw_uri_address(text, uri, &dst);
	if (err == STW_ERANGE) {
		stw_decide_answer(d, 416, "Unsupported URI Scheme");
		return false;
	}
	if (err == STW_ENOENT) {
		if (!stw_decide_name(d, text, uri, &dst))
			return false;
		ours = stw_tables_find_listener(d->t, &dst);
		if (ours >= 0)
			return by_rule_or_pool(d, (uint16_t)ours, routes);
	}
	return stw_decide_to_address(d, &dst, STW_HOW_URI);
}

/* A member's request goes where its Route or Request-URI says (s16.5, s16.6 step 7). */
static bool by_uri(struct stw_decision *d, const struct stw_routes *routes)
{
	struct stw_sip_uri room;
	const struct stw_sip_uri *uri = stw_decide_read(d, routes->target, &room);

	if (uri == NULL) {
		stw_decide_answer(d, 416, "Unsupported URI Scheme");
		return false;
	}
	if ((d->t->settings->flags & STW_IMAGE_LOCATE) && routes->target.off == routes->uri.off &&
	    stw_locate_hosts(d, uri))
		return stw_decide_locate(d, routes, wanted(d));
	return stw_decide_to_uri(d, d->buf, uri, routes);
}

static bool read_flow(struct stw_decision *d, uint16_t listener, struct stw_span token,
		      struct stw_endpoint *flow)
{
	if (stw_flow_get(d->t, listener, d->buf + token.off, token.len, flow))
		return true;
	d->v->odd = STW_C_FLOW_FORGED;
	stw_decide_answer(d, 403, "Forged Flow Token");
	return false;
}

bool stw_decide_to_flow(struct stw_decision *d, uint16_t listener, const struct stw_endpoint *flow)
{
	if (flow->transport != STW_TRANSPORT_UDP) {
		stw_decide_answer(d, 430, "Flow Failed");
		return false;
	}
	d->v->listener_out = listener;
	return stw_decide_to_address(d, flow, STW_HOW_FLOW);
}

/* RFC 5626 s5.3: our token in Route names the flow. From the flow's own end it does not: that is
 * an outgoing request. */
static bool by_flow_or_uri(struct stw_decision *d, const struct stw_routes *routes)
{
	struct stw_endpoint flow;

	if (routes->flow.len == 0)
		return by_uri(d, routes);
	if (!read_flow(d, routes->flow_listener, routes->flow, &flow))
		return false;
	if (stw_endpoint_equal(&flow, &d->src->peer))
		return by_uri(d, routes);
	return stw_decide_to_flow(d, routes->flow_listener, &flow);
}

/*
 * A call between two phones, no member in it: our Record-Route had a token for each, and a cookie
 * of nobody's, which says that we wrote them for this very call. The sender's own comes first.
 */
static bool is_between_flows(const struct stw_decision *d, const struct stw_routes *routes)
{
	const struct stw_secret *secret;
	uint32_t id;
	uint64_t mac;
	uint8_t key;

	return stw_unlikely(routes->far_flow.len > 0) && routes->has_cookie &&
	       stw_cookie_get(routes->cookie, &key, &id, &mac) && id == STW_COOKIE_NOBODY &&
	       (secret = stw_tables_secret(d->t, key)) != NULL &&
	       stw_cookie_mac(secret, id, stw_decide_call(d, secret)) == mac;
}

static bool by_far_flow(struct stw_decision *d, const struct stw_routes *routes)
{
	struct stw_endpoint flow;

	return read_flow(d, routes->far_listener, routes->far_flow, &flow) &&
	       stw_decide_to_flow(d, routes->far_listener, &flow);
}

/* s16.3 step 4. One Via alone cannot tell of an earlier passage. */
static bool looped(struct stw_decision *d, const struct stw_routes *routes)
{
	d->v->loop = stw_loop_digest(d, routes, d->v->call_hash);
	return (d->v->via.more || (d->m->repeated >> STW_HDR_VIA & 1)) &&
	       stw_loop_found(d, d->v->loop);
}

static bool targeted(struct stw_decision *d)
{
	struct stw_routes routes;
	int from = stw_tables_find_member(d->t, &d->src->peer);

	if (stw_decide_routes(d, &routes) != STW_OK) {
		stw_decide_answer(d, 400, "Bad Request - Route");
		return false;
	}
	d->obeyed = from >= 0 || stw_tables_trusts(d->t, d->src->listener, &d->src->peer.ip);
	d->v->from_member = from >= 0;
	d->v->member_from = from >= 0 ? (uint16_t)from : STW_NO_MEMBER;
	d->v->trusted = from < 0 && d->obeyed;
	if (looped(d, &routes)) {
		d->v->odd = STW_C_LOOPS;
		stw_decide_answer(d, 482, "Loop Detected");
		return false;
	}
	if (is_between_flows(d, &routes))
		return by_far_flow(d, &routes);
	if (from >= 0)
		return by_flow_or_uri(d, &routes);
	/* A trusted peer may be one side of a dialog with a member, or anybody's caller. */
	if (!by_cookie(d, &routes))
		return d->v->trusted ? by_flow_or_uri(d, &routes) : by_location_or_pool(d, &routes);
	if (d->t->weighed[d->v->member]) /* its work counts */
		stw_decide_track(d, &routes);
	return true;
}

/* What forms a dialog takes our Record-Route (s16.6 step 4); REGISTER never (s10.2). */
static bool forms_dialog(const struct stw_decision *d)
{
	switch (d->m->method) {
	case STW_METHOD_INVITE:
	case STW_METHOD_SUBSCRIBE:
	case STW_METHOD_NOTIFY:
	case STW_METHOD_REFER: return d->m->to_tag.len == 0;
	default: return false;
	}
}

static void note_dialog(struct stw_decision *d)
{
	struct stw_verdict *v = d->v;
	uint16_t member = v->from_member ? v->member_from : v->member;

	if (!forms_dialog(d))
		return;
	v->new_call = d->m->method == STW_METHOD_INVITE && v->member != STW_NO_MEMBER;
	if (member == STW_NO_MEMBER) {
		/* No member is in this dialog: it is ours to keep only where it must come by us. */
		v->record_route = v->flow = v->both_flows =
			v->locating == STW_LOCATING_FOUND && stw_locate_stays(d);
		v->cookie_member = STW_COOKIE_NOBODY;
		return;
	}
	const struct stw_image_pool *pool = stw_tables_pool(d->t, v->pool);
	v->record_route = v->from_member
				  ? d->t->record_route[member]
				  : pool != NULL && (pool->flags & STW_IMAGE_POOL_RECORD_ROUTE);
	v->cookie_member = d->t->members[member].id;
	v->flow = v->record_route &&
		  (v->how == STW_HOW_FLOW || (!v->from_member && stw_flow_wanted(d)));
}

/* A phone's registration at a member comes back through us (RFC 3327, RFC 5626 s5.1). */
static void note_registration(struct stw_decision *d)
{
	struct stw_verdict *v = d->v;

	if (stw_likely(d->m->method != STW_METHOD_REGISTER) || v->from_member ||
	    v->member == STW_NO_MEMBER)
		return;
	v->path = stw_path_wanted(d);
	v->first_hop = !v->via.more && !(d->m->repeated >> STW_HDR_VIA & 1);
}

uint64_t stw_decide_branch(const struct stw_decision *d, const struct stw_secret *secret,
			   uint8_t flags)
{
	const struct stw_verdict *v = d->v;
	const struct stw_branch_input in = {
		.buf = d->buf,
		.m = d->m,
		.via = &v->via,
		.received = v->add_received ? &d->src->peer.ip : NULL,
		.rport = v->via.rport_param.len > 0 ? d->src->peer.port : 0,
		.call = stw_decide_call(d, secret),
		.head = stw_branch_head(flags, d->t->listeners[v->listener_in].mark),
	};

	return stw_branch_make(secret, &in);
}

/* The listener it leaves by. Of several on one address, the one it came to goes on. */
static bool facing(struct stw_decision *d)
{
	struct stw_verdict *v = d->v;

	if (!stw_decide_facing(d))
		return false;
	if (stw_ip_equal(&d->t->listeners[v->listener_out].view.address.ip,
			 &d->t->listeners[v->listener_in].view.address.ip))
		v->listener_out = v->listener_in;
	return true;
}

/* Whether a stranger's REGISTER is for a rule, not for the registrar. */
static bool has_rule(struct stw_decision *d)
{
	struct stw_rule_hit hit;

	return d->t->rules.n > 0 && stw_tables_find_member(d->t, &d->src->peer) < 0 &&
	       !stw_tables_trusts(d->t, d->src->listener, &d->src->peer.ip) &&
	       stw_decide_rule(d, d->src->listener, d->m->uri, &hit);
}

void stw_decide_request(struct stw_decision *d)
{
	struct stw_verdict *v = d->v;

	if (!checked(d))
		return;
	if (is_for_registrar(d) && !has_rule(d)) {
		for_control(d, STW_KERNEL_FOR_REGISTRAR);
		return;
	}
	v->add_received = stw_needs_received(d->buf, &v->via, &d->src->peer.ip);
	if (!targeted(d) || !stw_decide_way(d) || (v->how != STW_HOW_FLOW && !facing(d)))
		return;
	note_dialog(d);
	note_registration(d);
	if (v->locating == STW_LOCATING_FOUND && !stw_locate_fits(d))
		return;
	if (v->branch == 0)
		v->branch =
			stw_decide_branch(d, &d->t->secrets[0],
					  v->member != STW_NO_MEMBER ? STW_BRANCH_TO_MEMBER : 0);
	v->action = STW_ACTION_FORWARD;
}
