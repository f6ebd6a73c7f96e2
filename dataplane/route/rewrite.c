/* SPDX-License-Identifier: BSD-3-Clause */

/* A FORWARD verdict as edits (RFC 3261 s16.6 steps 2, 3, 4, 8; s16.7 step 3). */

#include "dataplane/route/edit.h"

#include <strowger/errors.h>
#include <strowger/likely.h>

#include "dataplane/location/whereabouts.h"
#include "dataplane/route/flow.h"
#include "dataplane/route/mac.h"

#define LOCATED_MAX  2048u		    /* of a contact's URI and the way there */
#define DEFAULT_HOPS "Max-Forwards: 70\r\n" /* s16.6 step 3 */

/* Texts of all edits. URIs longer than what is left are refused. */
struct scratch {
	size_t n;
	char text[3072];
};

static const char *keep(struct scratch *s, const char *text, size_t len)
{
	char *at = s->text + s->n;

	memcpy(at, text, len);
	s->n += len;
	return at;
}

/* A listener's constant text: copied whole, as a copy of constant size needs no call, and cut to
 * its length. Only while the scratch is nearly empty. */
static void keep_constant(struct scratch *s, const char text[STW_LISTENER_TEXT], size_t len)
{
	memcpy(s->text + s->n, text, STW_LISTENER_TEXT);
	s->n += len;
}

#define RECORD_ROUTE	 "Record-Route: <sip:"
#define RECORD_ROUTE_LEN (sizeof(RECORD_ROUTE) - 1)

/* "Record-Route: <sip:host:port;lr;stw=...>" of one side. */
static void put_record_route(struct scratch *s, const struct stw_listener_row *listener,
			     const char cookie[STW_COOKIE_DIGITS])
{
	keep_constant(s, listener->record_route, listener->record_route_len);
	keep(s, cookie, STW_COOKIE_DIGITS);
	keep(s, ">\r\n", 3);
}

/* "token@host:port;lr" of the listener on the flow's side. */
static void put_flow(struct scratch *s, const struct stw_tables *t, uint16_t listener,
		     const struct stw_endpoint *peer, size_t tail)
{
	const struct stw_listener_row *l = &t->listeners[listener];

	s->n += stw_flow_put(t, listener, peer, s->text + s->n);
	keep(s, "@", 1);
	keep(s, l->record_route + RECORD_ROUTE_LEN, l->record_route_len - RECORD_ROUTE_LEN - tail);
}

/* Who is on the far side, seen from the farm, and by which listener. */
struct far_side {
	const struct stw_endpoint *peer;
	uint16_t listener;
};

static struct far_side far_side(const struct stw_source *src, const struct stw_verdict *v)
{
	if (v->how == STW_HOW_FLOW)
		return (struct far_side){&v->dst, v->listener_out};
	return (struct far_side){&src->peer, v->listener_in};
}

/* RFC 5658: each side gets the address it can reach; RFC 5626 s5.2: the far one with its token. */
static void put_record_routes(struct scratch *s, const struct stw_tables *t,
			      const struct stw_source *src, const struct stw_verdict *v)
{
	struct far_side far = far_side(src, v);
	char cookie[STW_COOKIE_DIGITS];

	stw_cookie_put(cookie, &t->secrets[0], v->cookie_member, v->call);
	bool two = v->both_flows || v->listener_in != v->listener_out;
	for (uint16_t i = 0; i < (two ? 2 : 1); i++) {
		uint16_t l = i == 0 ? v->listener_out : v->listener_in;

		if (!v->both_flows && (!v->flow || l != far.listener)) {
			put_record_route(s, &t->listeners[l], cookie);
			continue;
		}
		keep(s, RECORD_ROUTE, RECORD_ROUTE_LEN);
		put_flow(s, t, l, v->both_flows ? (i == 0 ? &v->dst : &src->peer) : far.peer, 0);
		keep(s, cookie, STW_COOKIE_DIGITS);
		keep(s, ">\r\n", 3);
	}
}

/* The same for registrations: the way back to the phone, our inner side on top (RFC 3327 s5.2). */
static void put_paths(struct scratch *s, const struct stw_tables *t, const struct stw_source *src,
		      const struct stw_verdict *v)
{
	const struct stw_listener_row *out = &t->listeners[v->listener_out];
	const size_t around = RECORD_ROUTE_LEN + sizeof(";stw=") - 1;

	if (v->listener_in != v->listener_out) {
		keep(s, "Path: <sip:", 11);
		keep(s, out->record_route + RECORD_ROUTE_LEN, out->record_route_len - around);
		keep(s, ">\r\n", 3);
	}
	keep(s, "Path: <sip:", 11);
	put_flow(s, t, v->listener_in, &src->peer, sizeof(";stw=") - 1);
	if (v->first_hop)
		keep(s, ";ob", 3);
	keep(s, ">\r\n", 3);
}

static void keep_pieces(struct scratch *s, const struct stw_piece *pieces, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (pieces[i].len > 0)
			keep(s, pieces[i].p, pieces[i].len);
}

static size_t pieces_len(const struct stw_piece *pieces, size_t n)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++)
		len += pieces[i].len;
	return len;
}

/* The way to a contact that is not the Request-URI itself (RFC 3327 s5.2). */
static void put_path_route(struct scratch *s, const struct stw_whereabouts *w)
{
	if (pieces_len(w->route, STW_WHERE_PIECES) == 0)
		return;
	keep(s, "Route: ", 7);
	keep_pieces(s, w->route, STW_WHERE_PIECES);
	keep(s, "\r\n", 2);
}

/* Request-URI of a located request. */
static void change_uri(struct stw_edits *edits, struct scratch *s, const struct stw_sip_msg *m,
		       const struct stw_whereabouts *w)
{
	size_t from = s->n;

	keep_pieces(s, w->new_uri, 2);
	stw_edits_add(edits, m->uri.off, m->uri.len, s->text + from, s->n - from);
}

static void put_breadth(struct scratch *s, uint16_t breadth)
{
	char digits[10];
	size_t len = stw_put_number(digits, breadth);

	keep(s, "Max-Breadth: ", 13);
	keep(s, digits, len);
	keep(s, "\r\n", 2);
}

/* Lines of ours, above all others: Via, Record-Route or Path, and Max-Forwards if there is none. */
static void add_lines(struct stw_edits *edits, struct scratch *s, const struct stw_tables *t,
		      const struct stw_sip_msg *m, const struct stw_source *src,
		      const struct stw_verdict *v)
{
	const struct stw_listener_row *out = &t->listeners[v->listener_out];
	char digits[STW_BRANCH_DIGITS];
	size_t from = s->n;

	keep_constant(s, out->via, out->via_len);
	stw_hex_put64(digits, v->branch);
	stw_hex_put32(digits + STW_BRANCH_MAC_DIGITS, v->loop);
	keep(s, digits, STW_BRANCH_DIGITS);
	keep(s, "\r\n", 2);
	if (v->record_route)
		put_record_routes(s, t, src, v);
	if (v->path)
		put_paths(s, t, src, v);
	if (stw_unlikely(v->locating == STW_LOCATING_FOUND))
		put_path_route(s, src->where);
	if (m->max_forwards < 0)
		keep(s, DEFAULT_HOPS, sizeof(DEFAULT_HOPS) - 1);
	if (stw_unlikely(v->breadth > 0 && v->breadth_at.off == 0))
		put_breadth(s, v->breadth);
	stw_edits_add(edits, m->headers_off, 0, s->text + from, s->n - from);
}

static void change_breadth(struct stw_edits *edits, struct scratch *s, const struct stw_verdict *v)
{
	char digits[10];
	size_t len = stw_put_number(digits, v->breadth);

	stw_edits_add(edits, v->breadth_at.off, v->breadth_at.len, keep(s, digits, len), len);
}

static void change_hops(struct stw_edits *edits, struct scratch *s, const struct stw_sip_msg *m)
{
	struct stw_span at = m->value[STW_HDR_MAX_FORWARDS];
	char digits[10];
	size_t len = stw_put_number(digits, (uint32_t)m->max_forwards - 1);

	stw_edits_add(edits, at.off, at.len, keep(s, digits, len), len);
}

/* "70" to "69" where it stands: no edit, and nothing to move around it. */
static bool hops_in_place(const struct stw_sip_msg *m)
{
	return stw_likely(m->max_forwards > 10 && m->max_forwards < 100) &&
	       stw_likely(m->value[STW_HDR_MAX_FORWARDS].len == 2);
}

static void put_hops(char *at, uint32_t hops)
{
	at[0] = (char)('0' + hops / 10);
	at[1] = (char)('0' + hops % 10);
}

/* The URIs that strict routing moves about. */
static void move_uris(struct stw_edits *edits, struct scratch *s, const char *buf,
		      const struct stw_sip_msg *m, const struct stw_verdict *v)
{
	struct stw_span new_uri = v->new_uri, last = v->append_uri;
	size_t from = s->n;

	keep(s, buf + new_uri.off, new_uri.len);
	stw_edits_add(edits, m->uri.off, m->uri.len, s->text + from, new_uri.len);
	if (v->route_append == 0)
		return;
	from = s->n;
	keep(s, "Route: <", 8);
	keep(s, buf + last.off, last.len);
	keep(s, ">\r\n", 3);
	stw_edits_add(edits, v->route_append, 0, s->text + from, s->n - from);
}

static void cut_out(struct stw_edits *edits, const struct stw_verdict *v)
{
	for (size_t i = 0; i < v->n_cuts; i++)
		stw_edits_add(edits, v->cuts[i].off, v->cuts[i].len, NULL, 0);
}

static int rewrite_request(const struct stw_tables *t, const struct stw_sip_msg *m,
			   const struct stw_source *src, const struct stw_verdict *v, char *buf,
			   struct stw_rewritten *out)
{
	char via_text[STW_VIA_EDIT_TEXT];
	struct stw_edits edits;
	struct scratch s;

	edits.n = 0;
	edits.headroom = src->headroom;
	s.n = 0;
	if (stw_unlikely(v->locating == STW_LOCATING_FOUND) &&
	    pieces_len(src->where->new_uri, 2) + pieces_len(src->where->route, STW_WHERE_PIECES) >
		    LOCATED_MAX)
		return STW_ENOSPACE;
	add_lines(&edits, &s, t, m, src, v);
	if (v->add_received)
		stw_edits_via(&edits, &v->via, &src->peer, via_text);
	bool in_place = hops_in_place(m);
	if (m->max_forwards > 0 && !in_place)
		change_hops(&edits, &s, m);
	if (stw_unlikely(v->breadth > 0 && v->breadth_at.off != 0))
		change_breadth(&edits, &s, v);
	cut_out(&edits, v);
	if (stw_unlikely(v->locating == STW_LOCATING_FOUND))
		change_uri(&edits, &s, m, src->where);
	if (stw_unlikely(v->replace_uri)) {
		if ((size_t)v->new_uri.len + v->append_uri.len + 16 > sizeof(s.text) - s.n)
			return STW_ENOSPACE;
		move_uris(&edits, &s, buf, m, v);
	}
	char *hops = buf + m->value[STW_HDR_MAX_FORWARDS].off;
	if (in_place)
		put_hops(hops, (uint32_t)m->max_forwards - 1);
	int err = stw_edits_apply(&edits, buf, m->len, out);
	if (stw_unlikely(err != STW_OK) && in_place)
		put_hops(hops, (uint32_t)m->max_forwards);
	return err;
}

int stw_rewrite(const struct stw_snapshot *snap, const struct stw_sip_msg *m,
		const struct stw_source *src, const struct stw_verdict *v, char *buf,
		struct stw_rewritten *out)
{
	struct stw_span via = v->cuts[0]; /* of a response: ours, and nothing else */

	if (m->kind == STW_SIP_REQUEST)
		return rewrite_request(snap->tables, m, src, v, buf, out);
	memmove(buf + via.len, buf, via.off);
	*out = (struct stw_rewritten){via.len, m->len - via.len};
	return STW_OK;
}
