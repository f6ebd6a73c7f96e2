/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/decide/explain.h"

#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>

#include "dataplane/route/decide.h"
#include "dataplane/table/tables.h"

#define CASE_HEADROOM 3072u

int stw_case_new(const void *bytes, size_t len, struct stw_case *out)
{
	if (len > STW_CASE_MAX)
		return STW_ERANGE;
	/* As much again behind it: an answer may be longer than what it answers. */
	char *memory = calloc(1, CASE_HEADROOM + 2 * len + STW_REWRITE_TAILROOM);

	struct stw_located *located = memory ? malloc(sizeof(*located)) : NULL;

	if (!located) {
		free(memory);
		return STW_ENOMEM;
	}
	*out = (struct stw_case){.memory = memory,
				 .located = located,
				 .bytes = memory + CASE_HEADROOM,
				 .len = len};
	memcpy(out->bytes, bytes, len);
	return STW_OK;
}

void stw_case_free(struct stw_case *c)
{
	free(c->memory);
	free(c->located);
	*c = (struct stw_case){0};
}

/* Where the sender says it is. */
static bool sender_of(const struct stw_case *c, const struct stw_sip_msg *m,
		      struct stw_endpoint *out)
{
	struct stw_sip_via via;
	struct stw_endpoint peer = {.transport = STW_TRANSPORT_UDP};

	if (!stw_sip_has(m, STW_HDR_VIA) ||
	    stw_sip_via_parse(c->bytes, m->value[STW_HDR_VIA], &via) != STW_OK)
		return false;
	struct stw_span host = via.received.len > 0 ? via.received : via.host;
	if (stw_host_parse(c->bytes, host, &peer.ip) != STW_OK)
		return false;
	peer.port = via.rport_value ? via.rport_value : via.port ? via.port : STW_SIP_PORT;
	*out = peer;
	return true;
}

/* A response comes to the listener its topmost Via names; a request to the first that has a pool
 * and the sender's family. */
static int listener_for(const struct stw_tables *t, const struct stw_case *c, struct stw_outcome *o)
{
	struct stw_endpoint named;

	if (o->msg.kind == STW_SIP_RESPONSE && sender_of(c, &o->msg, &named))
		return stw_tables_find_listener(t, &named);
	for (uint32_t i = 0; i < t->n_listeners; i++) {
		const struct stw_listener_view *l = &t->listeners[i].view;

		if (l->pool != STW_IMAGE_NO_POOL &&
		    stw_ip_is_v4(&l->address.ip) == stw_ip_is_v4(&o->peer.ip))
			return (int)i;
	}
	return -1;
}

static bool fail(struct stw_outcome *o, const char *why)
{
	o->why_not = why;
	return false;
}

static bool place(const struct stw_desk *d, const struct stw_case *c, struct stw_outcome *o)
{
	o->peer = c->peer;
	if (!c->has_peer && (o->msg.kind == STW_SIP_RESPONSE || !sender_of(c, &o->msg, &o->peer)))
		return fail(o, "where it comes from is not known: say it (from)");
	int listener = c->has_local ? stw_tables_find_listener(d->tables, &c->local)
				    : listener_for(d->tables, c, o);
	if (listener < 0)
		return fail(o, "it is sent to no listener of ours");
	o->src = (struct stw_source){.peer = o->peer, .listener = (uint16_t)listener};
	o->local = stw_tables_listener(d->tables, (uint16_t)listener)->address;
	return true;
}

static bool decide(const struct stw_desk *d, const struct stw_case *c, struct stw_outcome *o)
{
	if (!d->tables)
		return fail(o, "there are no tables yet");
	stw_sip_parse(c->bytes, c->len, &o->msg);
	if (o->msg.kind == STW_SIP_KEEPALIVE)
		return fail(o, "a keep-alive: absorbed");
	if (o->msg.kind == STW_SIP_STUN)
		return fail(o, "STUN: a Binding Request is answered, all else absorbed");
	if (o->msg.kind != STW_SIP_REQUEST && o->msg.kind != STW_SIP_RESPONSE)
		return fail(o, "its first line is neither a request nor a status line: dropped");
	if (!place(d, c, o))
		return false;
	o->src.headroom = CASE_HEADROOM;
	stw_desk_route(d, c->bytes, &o->msg, &o->src, c->located, &o->v);
	return true;
}

void stw_case_decide(const struct stw_desk *d, const struct stw_case *c, struct stw_outcome *out)
{
	*out = (struct stw_outcome){0};
	out->decided = decide(d, c, out);
}

bool stw_outcome_same(const struct stw_desk *a, const struct stw_outcome *x,
		      const struct stw_desk *b, const struct stw_outcome *y)
{
	if (!x->decided || !y->decided)
		return x->decided == y->decided && strcmp(x->why_not, y->why_not) == 0;
	if (x->v.action != y->v.action)
		return false;
	switch (x->v.action) {
	case STW_ACTION_FORWARD:
		return stw_endpoint_equal(&x->v.dst, &y->v.dst) &&
		       stw_endpoint_equal(
			       &stw_tables_listener(a->tables, x->v.listener_out)->address,
			       &stw_tables_listener(b->tables, y->v.listener_out)->address);
	case STW_ACTION_ANSWER: return x->v.status == y->v.status;
	case STW_ACTION_KERNEL: return true;
	default: return x->v.reason == y->v.reason;
	}
}
