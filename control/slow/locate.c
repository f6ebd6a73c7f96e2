/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/slow/locate.h"

#include <string.h>

#include <strowger/errors.h>
#include <strowger/sip_headers.h>

#include "control/registrar/location.h"
#include "control/registrar/subscribers.h"

struct user {
	struct stw_gruu gruu; /* of which instance; any, when it is none */
	struct stw_location location;
	struct stw_contact contacts[STW_RECORD_BINDINGS];
};

static bool better(const struct stw_binding *a, const struct stw_binding *b)
{
	return a->q != b->q ? a->q > b->q : a->created_s >= b->created_s;
}

/* Among the first @n, which stand in order; of equal ones the later stands first. */
static void insert(const struct stw_binding **order, size_t n, const struct stw_binding *b)
{
	while (n > 0 && better(b, order[n - 1])) {
		order[n] = order[n - 1];
		n--;
	}
	order[n] = b;
}

static struct stw_piece piece(struct stw_str s)
{
	return (struct stw_piece){s.p, s.len};
}

/*
 * Of a GRUU (RFC 5627 s6.1) those of its instance: all of its flows, while one of them is of the
 * time that a temporary one was made in.
 */
size_t stw_locate_contacts(const struct stw_record *r, const struct stw_gruu *gruu, uint64_t now_s,
			   struct stw_contact *out)
{
	const struct stw_binding *order[STW_RECORD_BINDINGS];
	bool current = gruu == NULL;
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++) {
		const struct stw_binding *b = &r->b[i];

		if (b->gone || b->expires_s <= now_s || (gruu && !stw_gruu_is_of(gruu, b)))
			continue;
		current = current || stw_gruu_is_current(gruu, b);
		insert(order, n++, b);
	}
	if (!current)
		return 0;
	for (size_t i = 0; i < n; i++)
		out[i] = (struct stw_contact){.q = order[i]->q,
					      .time_s = (uint32_t)order[i]->expires_s,
					      .rest = piece(order[i]->uri),
					      .path = piece(order[i]->path),
					      .source = order[i]->source,
					      .listener = order[i]->listener};
	return n;
}

/* In the form of the table; each with a row of its own for its listener. What is beyond the room is
 * left out: the least wanted. */
static void pack(struct stw_located *out, struct stw_contact *c, size_t n)
{
	struct stw_whereabouts *w = &out->w;
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		c[i].id = stw_contact_id(c[i].rest.p, c[i].rest.len, c[i].path.p, c[i].path.len,
					 &c[i].source, &c[i].listener);
		out->listeners[i] = c[i].listener;
		const size_t len = stw_contact_pack(&c[i], w->aor, w->aor_len, (uint8_t)i,
						    out->packed + used, sizeof(out->packed) - used);

		if (len == 0)
			break;
		used += len;
		w->n_listeners++;
	}
	w->packed_len = (uint16_t)used;
}

static bool read_user(struct stw_registrar *r, const char *buf, struct stw_span at,
		      struct stw_located *out, struct stw_gruu *gruu)
{
	size_t n_keys, len;
	const struct stw_gruu_key *keys = stw_registrar_gruu_keys(r, &n_keys);
	struct stw_sip_uri uri;

	if (stw_sip_uri_parse(buf, at, &uri) != STW_OK ||
	    stw_gruu_read(keys, n_keys, buf, &uri, out->aor, sizeof(out->aor), &len, gruu) !=
		    STW_OK ||
	    gruu->kind == STW_GRUU_INVALID)
		return false;
	out->w.aor_len = (uint16_t)len;
	return true;
}

static bool is_subscriber(struct stw_registrar *r, const struct stw_located *l)
{
	const char *colon = memchr(l->aor, ':', l->w.aor_len);
	struct stw_ha1 ha1;

	if (!colon)
		return false;
	const size_t from = (size_t)(colon + 1 - l->aor);

	return stw_subscriber_get(stw_registrar_store(r),
				  stw_str(l->aor + from, l->w.aor_len - from), &ha1) == STW_OK;
}

int stw_locate(struct stw_registrar *r, const char *buf, struct stw_span uri,
	       struct stw_located *out)
{
	static struct user u; /* large; the loop's only */
	struct stw_whereabouts *w = &out->w;

	*w = (struct stw_whereabouts){.found = STW_FOUND_UNKNOWN,
				      .uri = uri,
				      .aor = out->aor,
				      .packed = out->packed,
				      .listeners = out->listeners};
	if (!read_user(r, buf, uri, out, &u.gruu))
		return STW_OK;
	int err = stw_location_get(stw_registrar_store(r), stw_str(out->aor, w->aor_len),
				   &u.location);

	if (err == STW_EIO || err == STW_ENOMEM)
		return err;
	const size_t n = stw_locate_contacts(&u.location.record, &u.gruu,
					     stw_clock_s(stw_registrar_clock(r)), u.contacts);

	pack(out, u.contacts, n);
	if (n > 0)
		w->found = STW_FOUND_BOUND;
	else if (u.location.record.n > 0 || is_subscriber(r, out))
		w->found = STW_FOUND_ABSENT;
	return STW_OK;
}
