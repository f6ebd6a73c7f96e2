/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/slow/locate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>
#include <strowger/sip_headers.h>

#include "control/registrar/gruu.h"
#include "control/registrar/location.h"
#include "control/registrar/subscribers.h"
#include "dataplane/route/decide.h"
#include "dataplane/route/flow.h"
#include "dataplane/table/lookup.h"

struct user {
	char aor[STW_GRUU_TEXT];
	size_t len;
	struct stw_gruu gruu; /* of which instance; any, when it is none */
	struct stw_location location;
};

/* Text that grows; once @full it stays so. */
struct text {
	char *p;
	size_t n, room;
	bool full;
};

static void put(struct text *t, const char *p, size_t len)
{
	t->full |= len > t->room - t->n;
	if (t->full)
		return;
	memcpy(t->p + t->n, p, len);
	t->n += len;
}

static void put_text(struct text *t, const char *p)
{
	put(t, p, strlen(p));
}

static bool better(const struct stw_binding *a, const struct stw_binding *b)
{
	return a->q != b->q ? a->q > b->q : a->created_s >= b->created_s;
}

/* Among the first @n, which stand in order; of equal ones the later stands first. */
static void insert(struct stw_record *r, size_t n, struct stw_binding b)
{
	while (n > 0 && better(&b, &r->b[n - 1])) {
		r->b[n] = r->b[n - 1];
		n--;
	}
	r->b[n] = b;
}

/*
 * Those that are bound now, the best first; of a GRUU (RFC 5627 s6.1) those of its instance: all of
 * its flows, while one of them is of the time that a temporary one was made in.
 */
static void keep_live(struct stw_record *r, const struct stw_gruu *gruu, uint64_t now_s)
{
	size_t kept = 0;
	bool current = false;

	for (size_t i = 0; i < r->n; i++) {
		if (r->b[i].gone || r->b[i].expires_s <= now_s || !stw_gruu_is_of(gruu, &r->b[i]))
			continue;
		current |= stw_gruu_is_current(gruu, &r->b[i]);
		insert(r, kept++, r->b[i]);
	}
	r->n = current ? kept : 0;
}

static bool read_user(struct stw_registrar *r, const char *buf, const struct stw_sip_msg *m,
		      struct user *u)
{
	size_t n_keys;
	const struct stw_gruu_key *keys = stw_registrar_gruu_keys(r, &n_keys);
	struct stw_sip_uri uri;

	return stw_sip_uri_parse(buf, m->uri, &uri) == STW_OK &&
	       stw_gruu_read(keys, n_keys, buf, &uri, u->aor, sizeof(u->aor), &u->len, &u->gruu) ==
		       STW_OK &&
	       u->gruu.kind != STW_GRUU_INVALID;
}

/* RFC 3261 s21.4.5, s21.4.18: nobody of ours, or somebody who is not there. */
static void answer_absent(struct stw_registrar *r, const struct user *u, bool had_record,
			  struct stw_location_found *found)
{
	const char *colon = memchr(u->aor, ':', u->len);
	struct stw_ha1 ha1;
	bool exists = had_record;

	if (colon) {
		const size_t from = (size_t)(colon + 1 - u->aor);

		exists |= stw_subscriber_get(stw_registrar_store(r),
					     stw_str(u->aor + from, u->len - from), &ha1) == STW_OK;
	}
	*found = exists ? (struct stw_location_found){STW_LOCATED_ANSWER, 480,
						      "Temporarily Unavailable", 0}
			: (struct stw_location_found){STW_LOCATED_ANSWER, 404, "Not Found", 0};
}

/* --- redirect (s8.3) --- */

/* A phone that does not know its address may register any; a caller elsewhere finds itself there,
 * or us again. Requests we forward ourselves find the phone by its flow. */
static bool leads_there(const struct stw_tables *tables, struct stw_str contact)
{
	struct stw_sip_uri uri;

	return stw_sip_uri_parse(contact.p, (struct stw_span){0, contact.len}, &uri) != STW_OK ||
	       !uri.host_is_ip ||
	       !(stw_ip_forbidden(&uri.ip) || stw_tables_has_listener_ip(tables, &uri.ip));
}

static void redirect(const struct stw_tables *tables, const struct stw_record *r, uint64_t now_s,
		     struct text *t)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct stw_binding *b = &r->b[i];
		char tail[64];

		if (!leads_there(tables, b->uri))
			continue;
		put_text(t, "Contact: <");
		put(t, b->uri.p, b->uri.len);
		snprintf(tail, sizeof(tail), ">;q=%u.%03u;expires=%llu\r\n", b->q / STW_Q_ONE,
			 b->q % STW_Q_ONE, (unsigned long long)(b->expires_s - now_s));
		put_text(t, tail);
	}
}

/* --- forward --- */

/* Our own token for the flow it registered by, if its listener still is. */
static void put_flow_route(struct text *t, const struct stw_tables *tables,
			   const struct stw_binding *b)
{
	int listener = stw_tables_find_listener(tables, &b->listener);
	char token[STW_FLOW_TEXT], hostport[STW_ENDPOINT_TEXT];

	if (listener < 0)
		return;
	put_text(t, "Route: <sip:");
	put(t, token, stw_flow_put(tables, (uint16_t)listener, &b->source, token));
	put_text(t, "@");
	stw_endpoint_format(&b->listener, hostport);
	put_text(t, hostport);
	put_text(t, ";lr>\r\n");
}

/* All lines but Route: what stood there led to us, or where strangers have no say. */
static void put_lines(struct text *t, const char *buf, const struct stw_sip_msg *m)
{
	struct stw_sip_line line;
	uint32_t from = m->headers_off;

	for (bool more = stw_sip_line_first(buf, m, &line); more;
	     more = stw_sip_line_next(buf, m, &line)) {
		if (line.header != STW_HDR_ROUTE)
			continue;
		put(t, buf + from, line.off - from);
		from = line.end;
	}
	put(t, buf + from, m->len - from);
}

static void forward(const struct stw_tables *tables, const struct stw_binding *b, const char *buf,
		    const struct stw_sip_msg *m, struct text *t)
{
	put(t, buf, m->uri.off);
	put(t, b->uri.p, b->uri.len);
	put(t, buf + stw_span_end(m->uri), m->headers_off - stw_span_end(m->uri));
	if (b->path.len > 0) {
		put_text(t, "Route: ");
		put(t, b->path.p, b->path.len);
		put_text(t, "\r\n");
	} else {
		put_flow_route(t, tables, b);
	}
	put_lines(t, buf, m);
}

void stw_locate(struct stw_registrar *r, const struct stw_tables *tables, bool as_redirect,
		const char *buf, const struct stw_sip_msg *m, char *out, size_t room,
		struct stw_location_found *found)
{
	static struct user u; /* large; the loop's only */
	struct text t = {.p = out, .room = room};
	const uint64_t now_s = stw_clock_s(stw_registrar_clock(r));

	*found = (struct stw_location_found){STW_LOCATED_ANSWER, 404, "Not Found", 0};
	if (!read_user(r, buf, m, &u))
		return;
	int err = stw_location_get(stw_registrar_store(r), stw_str(u.aor, u.len), &u.location);

	if (err == STW_EIO || err == STW_ENOMEM) {
		*found = (struct stw_location_found){STW_LOCATED_ANSWER, 503,
						     "Location Unavailable", 0};
		return;
	}
	const bool had_record = u.location.record.n > 0;

	keep_live(&u.location.record, &u.gruu, now_s);
	if (u.location.record.n == 0) {
		answer_absent(r, &u, had_record, found);
		return;
	}
	if (as_redirect) {
		redirect(tables, &u.location.record, now_s, &t);
		if (t.n == 0 && !t.full) {
			answer_absent(r, &u, true, found);
			return;
		}
		*found = (struct stw_location_found){STW_LOCATED_ANSWER, 302, "Moved Temporarily",
						     t.n};
	} else {
		forward(tables, &u.location.record.b[0], buf, m, &t);
		*found = (struct stw_location_found){STW_LOCATED_FORWARD, 0, "", t.n};
	}
	if (t.full)
		*found = (struct stw_location_found){STW_LOCATED_ANSWER, 513, "Message Too Large",
						     0};
}
