/* SPDX-License-Identifier: BSD-3-Clause */

/* A response: our Via verified and taken off, the next one obeyed (RFC 3261 s16.7, s16.11). */

#include "dataplane/route/decide.h"
#include "dataplane/route/quick.h"
#include "dataplane/route/recall.h"

#include <strowger/errors.h>

/* The top Via as we write it, alone on its line and unchanged. */
static bool top_as_written(struct stw_decision *d, uint64_t *branch)
{
	const struct stw_listener_row *l = &d->t->listeners[d->src->listener];
	struct stw_span value = d->m->value[STW_HDR_VIA];
	const uint32_t skip = sizeof("Via: ") - 1;
	uint32_t len = l->via_len - skip;

	return stw_likely(value.len == len + STW_BRANCH_DIGITS) &&
	       stw_likely(memcmp(d->buf + value.off, l->via + skip, len) == 0) &&
	       stw_hex_get64(d->buf + value.off + len, branch);
}

/* The top Via: ours by its sent-by? @branch gets its digits' value. */
static bool top_is_ours(struct stw_decision *d, bool *formed, uint64_t *branch)
{
	const struct stw_sip_via *via = &d->m->via;
	struct stw_endpoint ep = {.transport = STW_TRANSPORT_UDP};

	*formed = true;
	if (stw_likely(top_as_written(d, branch)))
		return true;
	if (stw_host_parse(d->buf, via->host, &ep.ip) != STW_OK)
		return false;
	ep.port = via->port != 0 ? via->port : STW_SIP_PORT;
	if (stw_tables_find_listener(d->t, &ep) < 0)
		return false;
	*formed = via->branch.len == STW_MAGIC_LEN + STW_BRANCH_DIGITS &&
		  memcmp(d->buf + via->branch.off, STW_MAGIC, STW_MAGIC_LEN) == 0 &&
		  stw_hex_get64(d->buf + via->branch.off + STW_MAGIC_LEN, branch);
	return true;
}

static void cut(struct stw_verdict *v, uint32_t from, uint32_t to)
{
	v->n_cuts = 1;
	v->cuts[0] = (struct stw_span){(uint16_t)from, (uint16_t)(to - from)};
}

/* It follows in the same line, or in one that is not written as most are. */
__attribute__((noinline)) static bool via_by_care(const struct stw_decision *d,
						  struct stw_sip_via *out)
{
	struct stw_sip_line line = {.end = d->m->line_end[STW_HDR_VIA]};
	struct stw_span value = d->m->value[STW_HDR_VIA];

	if (d->m->via.more) {
		uint16_t to = d->m->via.next;

		value = (struct stw_span){to, (uint16_t)(stw_span_end(value) - to)};
	} else {
		if (!stw_line_of(d->buf, d->m, STW_HDR_VIA, STW_SIP_LETTER('v'), &line))
			return false;
		value = line.value;
	}
	return stw_via_read(d->buf, stw_sip_readable(d->m), value, out) == STW_OK;
}

/* The Via after the top one, and what to cut so that it becomes the top. */
static inline bool next_via(struct stw_decision *d, struct stw_sip_via *out)
{
	const struct stw_sip_msg *m = d->m;

	if (stw_unlikely(m->via.more)) {
		cut(d->v, m->value[STW_HDR_VIA].off, m->via.next);
		return via_by_care(d, out);
	}
	cut(d->v, m->line_off[STW_HDR_VIA], m->line_end[STW_HDR_VIA]);
	return stw_likely(
		       stw_via_line(d->buf, stw_sip_readable(m), m->line_end[STW_HDR_VIA], out)) ||
	       via_by_care(d, out);
}

/* Did we make this branch, for this very previous Via? */
__attribute__((always_inline)) static inline bool branch_is_ours(const struct stw_decision *d,
								 const struct stw_sip_via *previous,
								 const struct stw_ip *received,
								 uint64_t branch)
{
	const struct stw_secret *secret = stw_tables_secret(d->t, stw_branch_key_id(branch));

	if (secret == NULL)
		return false;
	const struct stw_branch_input in = {
		.buf = d->buf,
		.m = d->m,
		.via = previous,
		.received = received,
		.rport = previous->rport_value,
		.call = stw_decide_call(d, secret),
		.head = branch >> 48 & 0xfff,
	};
	return stw_branch_mac(secret, &in) == (branch & STW_MAC48);
}

/* s18.2.2 and RFC 3581 s4, in the order that trusts what we wrote ourselves. */
static bool destination(struct stw_decision *d, const struct stw_sip_via *via,
			const struct stw_ip *received)
{
	struct stw_endpoint *dst = &d->v->dst;

	if (received != NULL)
		dst->ip = *received;
	else if (stw_host_parse(d->buf, via->maddr.len > 0 ? via->maddr : via->host, &dst->ip) !=
		 STW_OK)
		return false;
	dst->port = via->rport_value != 0 ? via->rport_value : via->port;
	if (dst->port == 0)
		dst->port = STW_SIP_PORT;
	return true;
}

static bool from_right_place(struct stw_decision *d, uint64_t branch)
{
	if (!(stw_branch_flags(branch) & STW_BRANCH_TO_MEMBER))
		return true;
	int member = stw_tables_find_member(d->t, &d->src->peer);
	if (member < 0)
		return false;
	d->v->from_member = true;
	d->v->member_from = (uint16_t)member;
	return true;
}

/* From the address the request was sent to (RFC 3581 s4), which the mark in the branch tells. */
static void prefer_marked(struct stw_decision *d, uint8_t mark)
{
	struct stw_verdict *v = d->v;

	if (stw_likely(d->t->listeners[v->listener_out].mark == mark))
		return;
	bool v4 = stw_ip_is_v4(&v->dst.ip);
	for (uint16_t i = 0; i < d->t->n_listeners; i++)
		if (d->t->listeners[i].mark == mark &&
		    stw_ip_is_v4(&d->t->listeners[i].view.address.ip) == v4) {
			v->listener_out = i;
			return;
		}
}

/* No Via under ours: an answer to control's own question, if the branch says so, or to nobody's. */
static void decide_lone(struct stw_decision *d, uint64_t branch)
{
	const struct stw_secret *secret = stw_tables_secret(d->t, stw_branch_key_id(branch));

	if (!(stw_branch_flags(branch) & STW_BRANCH_OF_CONTROL) || secret == NULL)
		stw_decide_drop(d, STW_C_DROP_RESPONSE_NO_VIA);
	else if (stw_branch_of_control(secret, d->buf, d->m, stw_decide_call(d, secret)) != branch)
		stw_decide_drop(d, STW_C_DROP_RESPONSE_FORGED);
	else if (!from_right_place(d, branch))
		stw_decide_drop(d, STW_C_DROP_RESPONSE_STRANGER);
	else {
		d->v->from_member = false; /* its counters are of calls */
		d->v->action = STW_ACTION_KERNEL;
		d->v->kernel_for = STW_KERNEL_FOR_HEALTH;
	}
}

static const struct stw_ip *received_of(const struct stw_decision *d, const struct stw_sip_via *via,
					struct stw_ip *ip)
{
	return via->received.len > 0 && stw_host_parse(d->buf, via->received, ip) == STW_OK ? ip
											    : NULL;
}

bool stw_decide_wrote(const struct stw_decision *d)
{
	struct stw_decision scratch = *d;
	struct stw_sip_via previous;
	struct stw_ip ip;
	uint64_t branch = 0;
	bool formed;

	return top_is_ours(&scratch, &formed, &branch) && formed &&
	       (stw_branch_flags(branch) & STW_BRANCH_TO_MEMBER) && next_via(&scratch, &previous) &&
	       branch_is_ours(d, &previous, received_of(d, &previous, &ip), branch);
}

void stw_decide_response(struct stw_decision *d)
{
	struct stw_sip_via previous;
	struct stw_ip received_ip;
	bool formed;
	uint64_t branch = 0;

	if (d->m->reject != STW_SIP_ACCEPTED) {
		stw_decide_drop(d, STW_C_DROP_MALFORMED);
		return;
	}
	if (!top_is_ours(d, &formed, &branch)) {
		stw_decide_drop(d, STW_C_DROP_RESPONSE_NOT_OURS);
		return;
	}
	if (!formed) {
		stw_decide_drop(d, STW_C_DROP_RESPONSE_FORGED);
		return;
	}
	if (!next_via(d, &previous)) {
		decide_lone(d, branch);
		return;
	}
	const struct stw_ip *received = received_of(d, &previous, &received_ip);
	if (!branch_is_ours(d, &previous, received, branch))
		stw_decide_drop(d, STW_C_DROP_RESPONSE_FORGED);
	else if (!from_right_place(d, branch))
		stw_decide_drop(d, STW_C_DROP_RESPONSE_STRANGER);
	else if (!destination(d, &previous, received))
		stw_decide_drop(d, STW_C_DROP_RESPONSE_NO_ADDRESS);
	else if (stw_decide_forbidden(d, &d->v->dst.ip))
		stw_decide_drop(d, STW_C_DROP_FORBIDDEN_TARGET);
	else if (stw_decide_way(d) && stw_decide_facing(d)) {
		prefer_marked(d, stw_branch_mark(branch));
		stw_decide_answered(d, branch);
		d->v->how = STW_HOW_VIA;
		d->v->action = STW_ACTION_FORWARD;
	}
}
