/* SPDX-License-Identifier: BSD-3-Clause */

/* A FORWARD verdict as edits (RFC 3261 s16.6 steps 2, 3, 4, 8; s16.7 step 3). */

#include "dataplane/route/edit.h"

#include <strowger/errors.h>

#include "dataplane/route/mac.h"

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

/* "Record-Route: <sip:host:port;lr;stw=...>" of one side. */
static void put_record_route(struct scratch *s, const struct stw_listener_row *listener,
			     const char cookie[STW_COOKIE_DIGITS])
{
	keep_constant(s, listener->record_route, listener->record_route_len);
	keep(s, cookie, STW_COOKIE_DIGITS);
	keep(s, ">\r\n", 3);
}

/* Lines of ours, above all others: Via, Record-Route, and Max-Forwards if there is none. */
static void add_lines(struct stw_edits *edits, struct scratch *s, const struct stw_tables *t,
		      const struct stw_sip_msg *m, const struct stw_verdict *v)
{
	const struct stw_listener_row *in = &t->listeners[v->listener_in];
	const struct stw_listener_row *out = &t->listeners[v->listener_out];
	char digits[STW_COOKIE_DIGITS];
	size_t from = s->n;

	_Static_assert(STW_COOKIE_DIGITS == STW_BRANCH_DIGITS, "one buffer for both");

	keep_constant(s, out->via, out->via_len);
	stw_hex_put64(digits, v->branch);
	stw_hex_put32(digits + STW_BRANCH_MAC_DIGITS, v->loop);
	keep(s, digits, STW_BRANCH_DIGITS);
	keep(s, "\r\n", 2);
	if (v->record_route) {
		stw_cookie_put(digits, &t->secrets[0], v->cookie_member, v->call);
		put_record_route(s, out, digits);
		if (in != out) /* RFC 5658: each side gets the address it can reach */
			put_record_route(s, in, digits);
	}
	if (m->max_forwards < 0)
		keep(s, DEFAULT_HOPS, sizeof(DEFAULT_HOPS) - 1);
	stw_edits_add(edits, m->headers_off, 0, s->text + from, s->n - from);
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
	return m->max_forwards > 10 && m->max_forwards < 100 &&
	       m->value[STW_HDR_MAX_FORWARDS].len == 2;
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
	s.n = 0;
	add_lines(&edits, &s, t, m, v);
	if (v->add_received)
		stw_edits_via(&edits, &v->via, &src->peer, via_text);
	bool in_place = hops_in_place(m);
	if (m->max_forwards > 0 && !in_place)
		change_hops(&edits, &s, m);
	cut_out(&edits, v);
	if (v->replace_uri) {
		if ((size_t)v->new_uri.len + v->append_uri.len + 16 > sizeof(s.text) - s.n)
			return STW_ENOSPACE;
		move_uris(&edits, &s, buf, m, v);
	}
	char *hops = buf + m->value[STW_HDR_MAX_FORWARDS].off;
	if (in_place)
		put_hops(hops, (uint32_t)m->max_forwards - 1);
	int err = stw_edits_apply(&edits, buf, m->len, out);
	if (err != STW_OK && in_place)
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
