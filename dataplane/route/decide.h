/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Inside of the decision: what its files share. Not for others.
 */

#include <strowger/errors.h>
#include <strowger/likely.h>

#include "dataplane/route/mac.h"
#include "dataplane/route/route.h"

#define STW_SIP_PORT	  5060u
#define STW_RETRY_AFTER_S 5u

/* One message being decided. */
struct stw_decision {
	const struct stw_snapshot *snap;
	const struct stw_tables *t;
	const char *buf;
	const struct stw_sip_msg *m;
	const struct stw_source *src;
	struct stw_verdict *v;
	bool obeyed; /* the sender's Route is: a member, or trusted; once it is known */
};

/* What the Route header said, and the Request-URI where a strict router used it as Route. */
struct stw_routes {
	bool has_cookie;
	char cookie[STW_COOKIE_DIGITS];
	struct stw_span flow;	/* what claims to be a flow token (flow.h); empty: none */
	uint16_t flow_listener; /* whose URI it is in */
	struct stw_span
		far_flow; /* a second one: that of the other side of a call between two flows */
	uint16_t far_listener;
	struct stw_span uri;	/* the Request-URI, restored where a strict router moved it */
	struct stw_span target; /* URI of the Route that remains on top, else @uri */
};

/* The Call-ID's sum by @secret; by the one that signs it is known already. */
static inline stw_nh_sum stw_decide_call(const struct stw_decision *d,
					 const struct stw_secret *secret)
{
	return stw_likely(secret == &d->t->secrets[0]) ? d->v->call
						       : stw_call_sum(secret, d->buf, d->m);
}

/** The verdict is a drop. Cold, as stw_decide_answer(): what leads there is out of the way of what
 * goes on. */
__attribute__((cold)) void stw_decide_drop(struct stw_decision *d, enum stw_counter reason);

/**
 * A URI of the message, taken apart: the Request-URI may be already.
 *
 * @param room  for it, where not
 * @return NULL: it cannot be read
 */
static inline const struct stw_sip_uri *
stw_decide_read(const struct stw_decision *d, struct stw_span uri, struct stw_sip_uri *room)
{
	const struct stw_sip_uri *known = d->src->uri;

	if (known != NULL && known->all.off == uri.off && known->all.len == uri.len)
		return known;
	return stw_sip_uri_parse(d->buf, uri, room) == STW_OK ? room : NULL;
}

/** A status for the sender; an ACK gets none (RFC 3261 s17, s16.11). */
__attribute__((cold)) void stw_decide_answer(struct stw_decision *d, uint16_t status,
					     const char *phrase);

/** Is this a port that nothing is sent to, and no member's? */
static inline bool stw_decide_port_closed(const struct stw_decision *d,
					  const struct stw_endpoint *dst)
{
	return stw_tables_port_closed(d->t, dst->port) && stw_tables_find_member(d->t, dst) < 0;
}

/** The way to d->v->dst. @return false: there is none, the verdict is a drop */
static inline bool stw_decide_way(struct stw_decision *d)
{
	if (d->v->dst.port == 0) {
		stw_decide_drop(d, STW_C_DROP_FORBIDDEN_TARGET);
		return false;
	}
	if (stw_decide_port_closed(d, &d->v->dst)) {
		stw_decide_drop(d, STW_C_DROP_CLOSED_PORT);
		return false;
	}
	if (stw_fib_lookup(d->snap->fib, &d->v->dst.ip, &d->v->hop) != STW_OK) {
		stw_decide_drop(d, STW_C_DROP_NO_ROUTE);
		return false;
	}
	return true;
}

/** The listener that faces the way found. @return false: there is none, the verdict is a drop */
static inline bool stw_decide_facing(struct stw_decision *d)
{
	struct stw_verdict *v = d->v;

	v->listener_out = d->snap->facing[v->hop.iface][!stw_ip_is_v4(&v->dst.ip)];
	if (v->listener_out != STW_NO_LISTENER)
		return true;
	stw_decide_drop(d, STW_C_DROP_NO_LISTENER);
	return false;
}

/** The branch of our Via by @secret, for a request whose checks are done (RFC 3261 s16.11). */
uint64_t stw_decide_branch(const struct stw_decision *d, const struct stw_secret *secret,
			   uint8_t flags);

void stw_decide_request(struct stw_decision *d);

/** Judge Max-Breadth, where settings ask for it. @return false: the verdict is made */
bool stw_decide_breadth(struct stw_decision *d);

/** Whether a request is one that we sent to a member, as it left: its top Via is ours. */
bool stw_decide_wrote(const struct stw_decision *d);

void stw_decide_response(struct stw_decision *d);

/**
 * Read the Route list: pop what is ours, find the next hop, undo strict routing (s16.4, s16.6 step
 * 6). Fills the verdict's cuts and Request-URI.
 *
 * @return STW_OK or STW_EMALFORMED
 */
int stw_decide_routes(struct stw_decision *d, struct stw_routes *out);

/** Take all Route lines out. @return false: they lie too far apart */
bool stw_decide_no_routes(struct stw_decision *d);

/*
 * Nobody reaches our own host, a whole network or nothing at all by way of us (RFC 1122 s3.2.1.3;
 * RFC 4291 s2.5, s2.7). What operators put behind firewalls is theirs to guard.
 */
static inline bool stw_ip4_forbidden(const uint8_t b[4])
{
	return b[0] == 0 ||		       /* this network, unspecified */
	       b[0] == 127 ||		       /* loopback */
	       (b[0] == 169 && b[1] == 254) || /* link-local, metadata services */
	       b[0] >= 224;		       /* multicast, reserved, broadcast */
}

/** The same of an address that is no mapped one. */
bool stw_ip6_forbidden(const struct stw_ip *ip);

/** True for an address nobody may be sent to on a stranger's word. */
static inline bool stw_ip_forbidden(const struct stw_ip *ip)
{
	return stw_ip_is_v4(ip) ? stw_ip4_forbidden(ip->b + 12) : stw_ip6_forbidden(ip);
}

/** The same, and our own addresses, whatever the port. */
static inline bool stw_decide_forbidden(const struct stw_decision *d, const struct stw_ip *ip)
{
	return stw_ip_forbidden(ip) || stw_tables_is_listener_ip(d->t, ip);
}

/** Address of a URI we can send to. @return STW_OK, STW_ENOENT (a name), STW_ERANGE (not by UDP) */
int stw_uri_address(const char *buf, const struct stw_sip_uri *uri, struct stw_endpoint *out);

/**
 * Address that the URI's host name stands for today. Of several the Call-ID chooses, by weight
 * among those of the lowest priority (RFC 2782), so that all of a call goes to one (RFC 3263 s4.4).
 *
 * @param text  what @uri was parsed in; outlives the verdict
 * @return false: the verdict is made. Unknown here: to the kernel side, where control resolves it
 */
bool stw_decide_name(struct stw_decision *d, const char *text, const struct stw_sip_uri *uri,
		     struct stw_endpoint *out);

/** To an address that somebody may have named. @return false: nobody may be sent there, the verdict
 * is made */
bool stw_decide_to_address(struct stw_decision *d, const struct stw_endpoint *dst,
			   enum stw_how how);

/** Back through a flow (RFC 5626 s5.3). @return false: the verdict is made */
bool stw_decide_to_flow(struct stw_decision *d, uint16_t listener, const struct stw_endpoint *flow);

/** To where a URI in @text leads. @return false: the verdict is made */
bool stw_decide_to_uri(struct stw_decision *d, const char *text, const struct stw_sip_uri *uri,
		       const struct stw_routes *routes);

/** Index of the listener whose address the URI has, or -1. */
int stw_uri_listener(const struct stw_tables *t, const struct stw_sip_uri *uri);

/** IP address of a Via's or URI's host as written, brackets allowed. */
int stw_host_parse(const char *buf, struct stw_span host, struct stw_ip *out);

/** Whether the sender's Via gets received, and rport if it asks for it. */
bool stw_needs_received(const char *buf, const struct stw_sip_via *via, const struct stw_ip *peer);
