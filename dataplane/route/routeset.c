/* SPDX-License-Identifier: BSD-3-Clause */

/* The Route header (RFC 3261 s16.4, s16.6 step 6, s16.12): lines, comma lists, ours and others'. */

#include "dataplane/route/decide.h"
#include "dataplane/route/flow.h"
#include "dataplane/route/quick.h"

/* Walks the elements of all Route lines. */
struct walk {
	const struct stw_decision *d;
	struct stw_sip_line line;
	struct stw_span rest; /* of the line's value; empty: the line is done */
	uint32_t index;	      /* of the element taken last, from 1 */
};

struct element {
	struct stw_sip_name_addr na;
	uint16_t line_off, line_end;
	bool first; /* of its line */
};

static struct walk walk_start(const struct stw_decision *d)
{
	const struct stw_sip_msg *m = d->m;
	struct walk w = {.d = d, .rest = m->value[STW_HDR_ROUTE]};

	w.line.value = w.rest;
	w.line.off = m->line_off[STW_HDR_ROUTE];
	w.line.end = m->line_end[STW_HDR_ROUTE];
	return w;
}

static bool next_line(struct walk *w)
{
	if (!stw_line_of(w->d->buf, w->d->m, STW_HDR_ROUTE, STW_SIP_LETTER('r'), &w->line))
		return false;
	w->rest = w->line.value;
	return true;
}

/* "<uri>" alone or before a comma: all there is to know without looking closer. */
static bool quick_element(const char *buf, struct stw_span rest, struct stw_sip_name_addr *na)
{
	const char *p = buf + rest.off, *end = p + rest.len;
	const char *close = memchr(p, '>', rest.len);

	if (*p != '<' || close == NULL || (close + 1 < end && close[1] != ','))
		return false;
	uint16_t uri_len = (uint16_t)(close - p - 1);
	*na = (struct stw_sip_name_addr){
		.all = {rest.off, (uint16_t)(uri_len + 2)},
		.uri = {(uint16_t)(rest.off + 1), uri_len},
		.bracketed = true,
	};
	if (close + 1 == end)
		return true;
	for (close += 2; close < end && *close == ' ';)
		close++;
	na->more = true;
	na->next = (uint16_t)(close - buf);
	return close < end && *close == '<';
}

/* @return STW_OK, STW_ENOENT at the end, STW_EMALFORMED */
static int walk_next(struct walk *w, struct element *out)
{
	if (w->rest.len == 0 && !next_line(w))
		return STW_ENOENT;
	if (w->index == 0)
		out->na = w->d->m->route;
	else if (!quick_element(w->d->buf, w->rest, &out->na) &&
		 stw_sip_name_addr_parse(w->d->buf, w->rest, &out->na) != STW_OK)
		return STW_EMALFORMED;
	out->line_off = w->line.off;
	out->line_end = w->line.end;
	out->first = w->rest.off == w->line.value.off;
	w->index++;
	uint32_t end = stw_span_end(w->line.value);
	uint16_t next = out->na.more ? out->na.next : (uint16_t)end;
	w->rest = (struct stw_span){next, (uint16_t)(end - next)};
	return STW_OK;
}

/* @return whether there is one; the first of a message is kept. */
static bool take_cookie(const struct stw_decision *d, struct stw_span params,
			struct stw_routes *out)
{
	struct stw_span value;

	if (stw_sip_param_find(d->buf, params, "stw", 3, &value) != STW_OK ||
	    value.len != STW_COOKIE_DIGITS)
		return false;
	if (!out->has_cookie)
		memcpy(out->cookie, d->buf + value.off, STW_COOKIE_DIGITS);
	out->has_cookie = true;
	return true;
}

/* Of several flows of one message the first two are kept. */
static void keep_flow(struct stw_routes *out, struct stw_span token, uint16_t listener)
{
	if (out->flow.len == 0) {
		out->flow = token;
		out->flow_listener = listener;
	} else if (out->far_flow.len == 0) {
		out->far_flow = token;
		out->far_listener = listener;
	}
}

/* @return whether the URI of @listener has one; the first two of a message are kept. */
static bool take_flow(const struct stw_decision *d, const struct stw_sip_uri *uri, int listener,
		      struct stw_routes *out)
{
	if (!uri->has_user || !stw_flow_claimed(d->buf + uri->user.off, uri->user.len))
		return false;
	keep_flow(out, uri->user, (uint16_t)listener);
	return true;
}

static void add_cut(struct stw_verdict *v, uint32_t from, uint32_t to)
{
	struct stw_span *last = v->n_cuts > 0 ? &v->cuts[v->n_cuts - 1] : NULL;

	if (last != NULL && stw_span_end(*last) == from)
		last->len = (uint16_t)(to - last->off);
	else
		v->cuts[v->n_cuts++] = (struct stw_span){(uint16_t)from, (uint16_t)(to - from)};
}

/*
 * Cut elements 1..n_top and the @last one (0: none): a line that loses all of its elements goes
 * whole, others lose the elements and one comma.
 */
static void cut(struct stw_decision *d, uint32_t n_top, uint32_t last)
{
	struct walk w = walk_start(d);
	struct element e;
	uint32_t line_from = 0, kept_end = 0;

	while ((w.index < n_top || w.index < last) && walk_next(&w, &e) == STW_OK) {
		bool gone = w.index <= n_top || w.index == last;

		if (e.first) {
			line_from = e.na.all.off;
			kept_end = 0;
		}
		if (!gone) {
			kept_end = stw_span_end(e.na.all);
			continue;
		}
		if (e.na.more && kept_end == 0 && (w.index + 1 > n_top && w.index + 1 != last))
			add_cut(d->v, line_from, e.na.next);
		else if (!e.na.more && kept_end == 0)
			add_cut(d->v, e.line_off, e.line_end);
		else if (kept_end != 0)
			add_cut(d->v, kept_end, stw_span_end(e.na.all));
	}
}

/*
 * The parser judges the first Route only, as that is what routes. Strict routing moves others to
 * its place or into the Request-URI: these must be name-addrs with a URI as well (s20.34).
 */
static bool may_lead(const struct stw_decision *d, const struct element *e)
{
	struct stw_sip_uri uri;

	return e->na.bracketed && stw_sip_uri_parse(d->buf, e->na.uri, &uri) != STW_EMALFORMED;
}

/* A Request-URI carries no headers (s19.1.1): the parser refuses one that does, so none is made. */
static bool may_be_target(const struct stw_decision *d, struct stw_span uri)
{
	struct stw_sip_uri parsed;

	return stw_sip_uri_parse(d->buf, uri, &parsed) != STW_EMALFORMED && parsed.headers.len == 0;
}

/* s16.4: a strict router put our Record-Route into the Request-URI and the target last in Route. */
static int undo_strict(struct stw_decision *d, struct stw_routes *out, uint32_t *last)
{
	struct walk w = walk_start(d);
	struct element e;
	int err;

	while ((err = walk_next(&w, &e)) == STW_OK) {
		if (!may_lead(d, &e))
			return STW_EMALFORMED;
		out->uri = e.na.uri;
	}
	if (err != STW_ENOENT)
		return err;
	if (!may_be_target(d, out->uri))
		return STW_EMALFORMED;
	*last = w.index;
	d->v->replace_uri = true;
	d->v->new_uri = out->uri;
	return STW_OK;
}

/* s16.6 step 6: the next hop routes strictly. Its URI becomes the Request-URI, ours goes last. */
static int do_strict(struct stw_decision *d, struct stw_routes *out, const struct element *next)
{
	struct walk w = walk_start(d);
	struct element e;
	int err;

	while ((err = walk_next(&w, &e)) == STW_OK) {
		if (!may_lead(d, &e))
			return STW_EMALFORMED;
		d->v->route_append = e.line_end;
	}
	if (err != STW_ENOENT)
		return err;
	if (!may_be_target(d, next->na.uri))
		return STW_EMALFORMED;
	d->v->append_uri = out->uri;
	d->v->replace_uri = true;
	d->v->new_uri = next->na.uri;
	return STW_OK;
}

/* Only a URI with our cookie or flow token can be a Record-Route or Path of ours. */
static bool request_uri_is_ours(struct stw_decision *d, struct stw_routes *out)
{
	const char *text = d->buf + d->m->uri.off;
	struct stw_sip_uri uri;
	struct stw_span value;
	int listener;

	if (memchr(text, ';', d->m->uri.len) == NULL ||
	    memmem(text, d->m->uri.len, "stw", 3) == NULL ||
	    stw_sip_uri_parse(d->buf, d->m->uri, &uri) != STW_OK ||
	    (listener = stw_uri_listener(d->t, &uri)) < 0)
		return false;
	bool flow = take_flow(d, &uri, listener, out);
	take_cookie(d, uri.params, out);
	return flow || stw_sip_param_find(d->buf, uri.params, "stw", 3, &value) == STW_OK;
}

/*
 * The same with a flow token before the host: all of it is where we wrote it. What is not digits
 * there is left to those who look closer.
 */
static bool flow_as_written(const struct stw_decision *d, struct stw_span uri, const char *host,
			    uint32_t host_len, struct stw_routes *out)
{
	const uint32_t user = 4, user_len = STW_FLOW_PREFIX_LEN + STW_FLOW_V4_DIGITS;
	const char *text = d->buf + uri.off, *at = text + user + user_len;
	uint64_t half;

	if (uri.len != user + user_len + 1 + host_len + STW_COOKIE_DIGITS || *at != '@' ||
	    memcmp(at + 1, host, host_len) != 0 || memcmp(text, "sip:", user) != 0 ||
	    !stw_flow_claimed(text + user, user_len) ||
	    !stw_hex_get64(text + user + STW_FLOW_PREFIX_LEN, &half) ||
	    !stw_hex_get64(text + user + STW_FLOW_PREFIX_LEN + 16, &half))
		return false;
	keep_flow(out, (struct stw_span){(uint16_t)(uri.off + user), (uint16_t)user_len},
		  d->src->listener);
	return true;
}

/* A Record-Route of the listener it came to, as we wrote it. */
static bool as_written(const struct stw_decision *d, struct stw_span uri, struct stw_routes *out)
{
	const struct stw_listener_row *l = &d->t->listeners[d->src->listener];
	const uint32_t skip = sizeof("Record-Route: <") - 1;
	uint32_t len = l->record_route_len - skip;
	const char *text = d->buf + uri.off, *own = l->record_route + skip;

	if ((uri.len != len + STW_COOKIE_DIGITS || memcmp(text, own, len) != 0) &&
	    !flow_as_written(d, uri, own + 4, len - 4, out))
		return false;
	if (!out->has_cookie)
		memcpy(out->cookie, text + uri.len - STW_COOKIE_DIGITS, STW_COOKIE_DIGITS);
	out->has_cookie = true;
	return true;
}

/* 1..9999: the ports that most have, in digits alone. */
static bool plain_port(const char *p, size_t len)
{
	bool plain = len >= 1 && len <= 4 && *p != '0';

	for (size_t i = 0; plain && i < len; i++)
		plain = p[i] >= '0' && p[i] <= '9';
	return plain;
}

/* ";lr", alone or with the ";did=7a8.1" that Kamailio finds its dialogs by. */
static bool plain_params(const char *p, size_t len)
{
	const size_t fixed = sizeof(";lr;did=") - 1;
	bool plain = len > fixed && memcmp(p, ";lr;did=", fixed) == 0;

	for (size_t i = fixed; plain && i < len; i++)
		plain = (p[i] >= '0' && p[i] <= '9') || (p[i] >= 'a' && p[i] <= 'f') || p[i] == '.';
	return plain || (len == 3 && memcmp(p, ";lr", 3) == 0);
}

/*
 * "sip:" an IPv4 address, perhaps a port, ";lr", and that is all: a proxy's own, as most write it,
 * and without a user or cookie none that we wrote.
 */
static bool plain_loose(const struct stw_decision *d, struct stw_span uri)
{
	const char *host = d->buf + uri.off + 4, *end = d->buf + stw_span_end(uri);
	const char *params, *colon;
	struct stw_ip ip;

	if (uri.len < sizeof("sip:1.1.1.1;lr") - 1 || memcmp(host - 4, "sip:", 4) != 0 ||
	    (params = memchr(host, ';', (size_t)(end - host))) == NULL ||
	    !plain_params(params, (size_t)(end - params)))
		return false;
	colon = memchr(host, ':', (size_t)(params - host));
	if (colon != NULL && !plain_port(colon + 1, (size_t)(params - colon - 1)))
		return false;
	return stw_quick_ipv4(host, (size_t)((colon != NULL ? colon : params) - host), &ip);
}

/*
 * Is this element ours to remove? The first value is when it names a listener (s16.4), later ones
 * when we wrote them, as we may have written two (RFC 5658): a member that advertises our address
 * needs its own value, which names us as well. @lr: of one that is not, whether it routes loosely.
 */
static bool is_ours(const struct stw_decision *d, const struct element *e, bool first,
		    struct stw_routes *out, bool *lr, int *err)
{
	struct stw_sip_uri uri;

	if (e->na.bracketed && as_written(d, e->na.uri, out))
		return true;
	*lr = true;
	if (!first && e->na.bracketed && plain_loose(d, e->na.uri))
		return false;
	/* s20.34: a name-addr always */
	if (!e->na.bracketed || stw_sip_uri_parse(d->buf, e->na.uri, &uri) == STW_EMALFORMED) {
		*err = STW_EMALFORMED;
		return false;
	}
	*lr = uri.lr;
	int listener = stw_uri_listener(d->t, &uri);
	if (listener < 0)
		return false;
	bool flow = take_flow(d, &uri, listener, out);
	return take_cookie(d, uri.params, out) || flow || first;
}

static int take_next(struct stw_decision *d, const struct element *e, bool lr,
		     struct stw_routes *out, uint32_t *n_top)
{
	out->target = e->na.uri;
	d->v->route_rest = e->na.all.off;
	if (lr)
		return STW_OK;
	++*n_top;
	return do_strict(d, out, e);
}

bool stw_decide_no_routes(struct stw_decision *d)
{
	struct stw_sip_line line = {.off = d->m->line_off[STW_HDR_ROUTE],
				    .end = d->m->line_end[STW_HDR_ROUTE]};
	struct stw_verdict *v = d->v;

	v->n_cuts = v->n_route_pops = 0;
	v->route_append = 0;
	if (!stw_sip_has(d->m, STW_HDR_ROUTE))
		return true;
	do {
		if (v->n_cuts == STW_ROUTE_CUTS_MAX &&
		    stw_span_end(v->cuts[v->n_cuts - 1]) != line.off)
			return false;
		add_cut(v, line.off, line.end);
	} while (stw_line_of(d->buf, d->m, STW_HDR_ROUTE, STW_SIP_LETTER('r'), &line));
	return true;
}

int stw_decide_routes(struct stw_decision *d, struct stw_routes *out)
{
	struct stw_verdict *v = d->v;
	uint32_t last = 0, n_top = 0;
	struct element e;
	bool lr = true;
	int err = STW_OK;

	out->has_cookie = false;
	out->flow.len = out->far_flow.len = 0;
	out->uri = out->target = d->m->uri;
	if (!stw_sip_has(d->m, STW_HDR_ROUTE))
		return STW_OK;
	if (request_uri_is_ours(d, out) && (err = undo_strict(d, out, &last)) != STW_OK)
		return err;
	out->target = out->uri;
	struct walk w = walk_start(d);
	while ((err = walk_next(&w, &e)) == STW_OK && w.index != last) {
		if (n_top == STW_ROUTE_POPS_MAX || !is_ours(d, &e, w.index == 1, out, &lr, &err)) {
			v->n_route_pops = (uint8_t)n_top;
			if (err == STW_OK)
				err = take_next(d, &e, lr, out, &n_top);
			if (!e.first) /* what was popped of its line */
				add_cut(v, w.line.value.off, e.na.all.off);
			break;
		}
		if (!e.na.more) /* the last of its line: that goes whole */
			add_cut(v, e.line_off, e.line_end);
		v->n_route_pops = (uint8_t)++n_top;
	}
	if (err == STW_EMALFORMED)
		return err;
	if (n_top > v->n_route_pops || last > 0) {
		v->n_cuts = 0; /* strict routing takes more than what was popped */
		cut(d, n_top, last);
	}
	return STW_OK;
}
