/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/route/locate.h"

#include <strowger/sip_headers.h>

#include "dataplane/location/find.h"
#include "dataplane/route/flow.h"
#include "dataplane/route/recall.h"

#define POPS_MAX     4
#define VIA_EDIT_MAX 64u /* received and rport */
#define FEW_MAX	     48u /* Max-Forwards, Max-Breadth, and "Route: " */

bool stw_locate_key(const struct stw_snapshot *snap, const char *buf, const struct stw_sip_msg *m,
		    struct stw_where_slot *slot, struct stw_source *src)
{
	const struct stw_tables *t = snap->tables;
	const struct stw_sip_uri *uri = &slot->uri;
	struct stw_span gr;
	size_t len;

	if (snap->location == NULL || t->n_domains == 0 || m->kind != STW_SIP_REQUEST ||
	    m->reject != STW_SIP_ACCEPTED || m->method == STW_METHOD_REGISTER ||
	    stw_sip_uri_parse(buf, m->uri, &slot->uri) != STW_OK)
		return false;
	src->uri = uri;
	if (!uri->has_user || !stw_tables_has_domain(t, buf + uri->host.off, uri->host.len) ||
	    stw_sip_param_find(buf, uri->params, "gr", 2, &gr) == STW_OK ||
	    stw_sip_uri_aor(buf, uri, slot->aor, STW_LOCATION_AOR_MAX, &len) != STW_OK)
		return false;
	slot->w.uri = m->uri;
	slot->w.now_s = 0;
	stw_where_key(snap->location->header, slot, len);
	return true;
}

static bool ask_control(struct stw_decision *d, const struct stw_routes *routes,
			enum stw_locate what)
{
	d->v->action = STW_ACTION_KERNEL;
	d->v->kernel_for = STW_KERNEL_FOR_LOCATION;
	d->v->redirect = what == STW_LOCATE_REDIRECT;
	d->v->locate = routes->uri;
	return false;
}

/* s21.4.5, s21.4.18: nobody of ours, or somebody who is not there. */
static bool answer_absent(struct stw_decision *d, uint8_t found)
{
	const bool unknown = found == STW_FOUND_UNKNOWN;

	d->v->locating = unknown ? STW_LOCATING_UNKNOWN : STW_LOCATING_ABSENT;
	if (unknown)
		stw_decide_answer(d, 404, "Not Found");
	else
		stw_decide_answer(d, 480, "Temporarily Unavailable");
	return false;
}

/* --- which contact --- */

static bool find_contact(const struct stw_whereabouts *w, uint32_t id, struct stw_contact *out)
{
	for (size_t at = 0; stw_contact_next(w, &at, out);)
		if (out->id == id)
			return true;
	return false;
}

/* That of the request before it, whatever became of it since; else the best of those bound now. */
static bool choose(struct stw_decision *d, const struct stw_routes *routes, struct stw_contact *out)
{
	const struct stw_whereabouts *w = d->src->where;
	uint32_t id;
	size_t at = 0;

	if (stw_decide_recall_contact(d, routes, &id) && find_contact(w, id, out))
		return true;
	if (w->found != STW_FOUND_BOUND)
		return false;
	while (stw_contact_next(w, &at, out))
		if (!out->gone) {
			d->v->contact = out->id;
			return true;
		}
	return false;
}

/* --- the way there --- */

/* The contact's URI in one piece. @return its length, 0: too long */
static uint16_t put_together(struct stw_whereabouts *w, const struct stw_contact *c)
{
	const size_t len = (size_t)c->same + c->rest.len;

	if (len > sizeof(w->text))
		return 0;
	memcpy(w->text, w->aor, c->same);
	memmove(w->text + c->same, c->rest.p, c->rest.len); /* it may be here already */
	return (uint16_t)len;
}

/* Whether there may be headers or a method parameter, without looking closely. */
static bool may_say_more(struct stw_piece text)
{
	for (uint16_t i = 0; i + 1 < text.len; i++)
		if (text.p[i] == '?' || (text.p[i] == ';' && (text.p[i + 1] | 0x20) == 'm'))
			return true;
	return false;
}

/* s16.6 step 2: what may not stand in a Request-URI (s19.1.1) goes, headers and the method. */
static void make_target(struct stw_whereabouts *w, struct stw_contact *c)
{
	static const char method[] = ";method";
	struct stw_sip_uri uri;
	struct stw_span value;
	uint16_t len;

	if (!may_say_more(c->rest) || (len = put_together(w, c)) == 0 ||
	    stw_sip_uri_parse(w->text, (struct stw_span){0, len}, &uri) != STW_OK)
		return;
	if (uri.headers.len > 0)
		len = (uint16_t)(uri.headers.off - 1);
	if (stw_sip_param_find(w->text, uri.params, method + 1, sizeof(method) - 2, &value) ==
	    STW_OK) {
		const bool equals = w->text[value.off - 1] == '=';
		const size_t from = value.off - (sizeof(method) - 1) - equals;
		const size_t to = stw_span_end(value);

		memmove(w->text + from, w->text + to, len - to);
		len = (uint16_t)(len - (to - from));
	}
	c->same = 0;
	c->rest = (struct stw_piece){w->text, len};
}

static bool to_contact_itself(struct stw_decision *d, const struct stw_routes *routes,
			      const struct stw_contact *c)
{
	struct stw_whereabouts *w = d->src->where;
	const uint16_t len = put_together(w, c);
	struct stw_sip_uri uri;

	if (len > 0 && stw_sip_uri_parse(w->text, (struct stw_span){0, len}, &uri) == STW_OK)
		return stw_decide_to_uri(d, w->text, &uri, routes);
	stw_decide_answer(d, 416, "Unsupported URI Scheme");
	return false;
}

/* s16.6 step 6: a strict router takes the Request-URI's place, and the contact is the last Route.
 */
static void route_strictly(struct stw_whereabouts *w, const struct stw_contact *c,
			   struct stw_piece uri, struct stw_piece rest)
{
	w->new_uri[0] = uri;
	w->new_uri[1].len = 0;
	w->route[0] = rest;
	w->route[1] = rest.len > 0 ? (struct stw_piece){", <", 3} : (struct stw_piece){"<", 1};
	w->route[2] = (struct stw_piece){w->aor, c->same};
	w->route[3] = c->rest;
	w->route[4] = (struct stw_piece){">", 1};
}

/* RFC 3327 s5.2: by its Path, from which our own values go; one of them may name a flow. */
static bool by_path(struct stw_decision *d, const struct stw_routes *routes,
		    const struct stw_contact *c)
{
	struct stw_whereabouts *w = d->src->where;
	struct stw_span left = {0, c->path.len};
	struct stw_endpoint flow;
	struct stw_sip_name_addr na;
	struct stw_sip_uri uri;

	for (int pops = 0; left.len > 0; pops++) {
		if (stw_sip_name_addr_parse(c->path.p, left, &na) != STW_OK ||
		    stw_sip_uri_parse(c->path.p, na.uri, &uri) != STW_OK) {
			stw_decide_answer(d, 480, "Temporarily Unavailable");
			return false;
		}
		const uint16_t next = na.more ? na.next : (uint16_t)stw_span_end(left);
		const struct stw_span rest = {next, (uint16_t)(stw_span_end(left) - next)};
		const int ours = stw_uri_listener(d->t, &uri);

		w->route[0] = (struct stw_piece){c->path.p + rest.off, rest.len};
		if (ours < 0 || pops == POPS_MAX) {
			if (uri.lr)
				w->route[0] = (struct stw_piece){c->path.p + left.off, left.len};
			else
				route_strictly(w, c,
					       (struct stw_piece){c->path.p + na.uri.off,
								  na.uri.len},
					       w->route[0]);
			return stw_decide_to_uri(d, c->path.p, &uri, routes);
		}
		if (uri.has_user && stw_flow_get(d->t, (uint16_t)ours, c->path.p + uri.user.off,
						 uri.user.len, &flow))
			return stw_decide_to_flow(d, (uint16_t)ours, &flow);
		left = rest;
	}
	return to_contact_itself(d, routes, c);
}

/* By its Path, else by the flow it registered by (RFC 5626 s5.3), else to where it says it is. */
static bool to_contact(struct stw_decision *d, const struct stw_routes *routes,
		       const struct stw_contact *c)
{
	if (c->path.len > 0)
		return by_path(d, routes, c);
	const int listener = stw_tables_find_listener(d->t, &c->listener);

	return listener >= 0 ? stw_decide_to_flow(d, (uint16_t)listener, &c->source)
			     : to_contact_itself(d, routes, c);
}

static bool forward(struct stw_decision *d, const struct stw_routes *routes)
{
	struct stw_whereabouts *w = d->src->where;
	struct stw_verdict *v = d->v;
	struct stw_contact c;

	if (!choose(d, routes, &c))
		return answer_absent(d, w->found);
	/* What stood in Route led to us, or where strangers have no say. */
	if (!stw_decide_no_routes(d)) {
		stw_decide_answer(d, 400, "Bad Request - Route");
		return false;
	}
	make_target(w, &c);
	v->replace_uri = false;
	v->locating = STW_LOCATING_FOUND;
	w->new_uri[0] = (struct stw_piece){w->aor, c.same};
	w->new_uri[1] = c.rest;
	for (size_t i = 0; i < STW_WHERE_PIECES; i++)
		w->route[i].len = 0;
	w->nat = c.nat;
	if (to_contact(d, routes, &c))
		return true;
	v->locating = STW_LOCATING_NONE;
	return false;
}

/* --- redirect (s8.3) --- */

/* A phone that does not know its address may register any; a caller elsewhere finds itself there,
 * or us again. Requests we forward ourselves find the phone by its flow. */
static bool leads_there(const struct stw_tables *t, struct stw_whereabouts *w,
			const struct stw_contact *c)
{
	const uint16_t len = put_together(w, c);
	struct stw_sip_uri uri;

	return len == 0 || stw_sip_uri_parse(w->text, (struct stw_span){0, len}, &uri) != STW_OK ||
	       !uri.host_is_ip ||
	       !(stw_ip_forbidden(&uri.ip) || stw_tables_has_listener_ip(t, &uri.ip));
}

bool stw_locate_told(const struct stw_tables *t, struct stw_whereabouts *w, size_t *at,
		     struct stw_contact *out)
{
	while (stw_contact_next(w, at, out))
		if (!out->gone && leads_there(t, w, out))
			return true;
	return false;
}

static bool redirect(struct stw_decision *d)
{
	struct stw_whereabouts *w = d->src->where;
	struct stw_contact c;
	size_t at = 0;

	if (w->found != STW_FOUND_BOUND)
		return answer_absent(d, w->found);
	if (!stw_locate_told(d->t, w, &at, &c))
		return answer_absent(d, STW_FOUND_ABSENT);
	/* s8.3: of what was answered already nothing is left to cancel */
	if (d->m->method == STW_METHOD_CANCEL) {
		stw_decide_answer(d, 200, "OK");
		return false;
	}
	stw_decide_answer(d, 302, "Moved Temporarily");
	d->v->locating = STW_LOCATING_TOLD;
	return false;
}

bool stw_decide_locate(struct stw_decision *d, const struct stw_routes *routes,
		       enum stw_locate what)
{
	const struct stw_whereabouts *w = d->src->where;

	if (w == NULL || w->found == STW_FOUND_ASK || w->uri.off != routes->uri.off ||
	    w->uri.len != routes->uri.len)
		return ask_control(d, routes, what);
	return what == STW_LOCATE_REDIRECT ? redirect(d) : forward(d, routes);
}

/* Bytes the rewrite adds, at most. */
static size_t growth(const struct stw_decision *d)
{
	const struct stw_verdict *v = d->v;
	const struct stw_whereabouts *w = d->src->where;
	const struct stw_listener_row *in = &d->t->listeners[v->listener_in];
	const struct stw_listener_row *out = &d->t->listeners[v->listener_out];
	size_t n = out->via_len + STW_BRANCH_DIGITS + FEW_MAX;

	n += v->add_received ? VIA_EDIT_MAX : 0;
	if (v->record_route)
		n += in->record_route_len + out->record_route_len +
		     2 * (STW_COOKIE_DIGITS + STW_FLOW_TEXT + 4);
	n += w->new_uri[0].len + w->new_uri[1].len;
	for (size_t i = 0; i < STW_WHERE_PIECES; i++)
		n += w->route[i].len;
	return n;
}

bool stw_locate_fits(struct stw_decision *d)
{
	const size_t room = d->src->headroom > 0 ? d->src->headroom : STW_REWRITE_HEADROOM;
	const size_t n = growth(d);

	if (n <= room + d->m->uri.len && d->m->len + n <= UINT16_MAX)
		return true;
	d->v->locating = STW_LOCATING_NONE;
	d->v->note = STW_NOTE_NONE;
	if (d->src->headroom > 0) {
		stw_decide_answer(d, 513, "Message Too Large");
		return false;
	}
	d->v->action = STW_ACTION_KERNEL;
	d->v->kernel_for = STW_KERNEL_FOR_LOCATION;
	return false;
}

bool stw_locate_stays(const struct stw_decision *d)
{
	const struct stw_verdict *v = d->v;
	const uint8_t out = d->t->listeners[v->listener_out].nat;

	if (v->listener_in != v->listener_out || stw_flow_wanted(d))
		return true;
	return v->how == STW_HOW_FLOW &&
	       (out == STW_IMAGE_NAT_AUTO ? d->src->where->nat : out == STW_IMAGE_NAT_ALWAYS);
}
