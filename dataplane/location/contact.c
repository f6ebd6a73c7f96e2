/* SPDX-License-Identifier: BSD-3-Clause */

/* Contacts as the location table has them: packed and unpacked (strowger/location_table.h). */

#include <string.h>

#include <strowger/errors.h>
#include <strowger/sip.h>

#include "dataplane/location/packed.h"
#include "dataplane/route/siphash.h"

/* Public: an id hides nothing. It tells a contact from what it was before. */
static const struct stw_sipkey id_key = {0x746361746e6f6331u, 0x6469207463617431u};

bool stw_contact_next(const struct stw_whereabouts *w, size_t *at, struct stw_contact *out)
{
	const struct stw_packed_all all = stw_packed_of(w);
	const struct stw_packed *f = stw_packed_at(&all, *at);
	struct stw_packed_lengths l;
	const size_t len = stw_packed_read(&all, *at, &l);

	if (len == 0)
		return false;
	const char *p = (const char *)(f + 1) + (f->flags & STW_LOCATION_LONG ? sizeof(l) : 0);
	const size_t ip_len = stw_packed_ip_len(f);

	out->id = f->id;
	out->q = f->q;
	out->time_s = f->time_s;
	out->gone = stw_packed_is_gone(&all, f);
	out->nat = f->flags & STW_LOCATION_NAT;
	out->same = f->same;
	out->source =
		(struct stw_endpoint){.ip = ip_len == 16 ? stw_ip_from_v6(p) : stw_ip_from_v4(p),
				      .port = f->port};
	out->listener = w->listeners[f->listener];
	out->rest = (struct stw_piece){p + ip_len, l.rest};
	out->path = (struct stw_piece){p + ip_len + l.rest, l.path};
	*at += len;
	return true;
}

uint32_t stw_contact_id(const char *uri, size_t uri_len, const char *path, size_t path_len,
			const struct stw_endpoint *source, const struct stw_endpoint *listener)
{
	struct stw_siphash s = stw_siphash_start(id_key);

	stw_siphash_bytes(&s, uri, uri_len, 1);
	stw_siphash_bytes(&s, path, path_len, 1);
	stw_siphash_bytes(&s, source, sizeof(*source), 1);
	stw_siphash_bytes(&s, listener, sizeof(*listener), 1);
	return (uint32_t)stw_siphash_end(&s, 3);
}

/* RFC 5626 s5.1: is this a contact that only its flow reaches? A name may be anything's. */
static bool is_behind_nat(const struct stw_contact *c)
{
	struct stw_sip_uri uri;
	struct stw_span ob;

	return stw_sip_uri_parse(c->rest.p, (struct stw_span){0, c->rest.len}, &uri) != STW_OK ||
	       stw_sip_param_find(c->rest.p, uri.params, "ob", 2, &ob) == STW_OK ||
	       !uri.host_is_ip || !stw_ip_equal(&uri.ip, &c->source.ip);
}

static uint8_t shared(const char *a, size_t a_len, struct stw_piece b)
{
	size_t most = a_len < b.len ? a_len : b.len, n = 0;

	while (n < most && n < UINT8_MAX && a[n] == b.p[n])
		n++;
	return (uint8_t)n;
}

size_t stw_contact_pack(const struct stw_contact *c, const char *aor, size_t aor_len,
			uint8_t listener, char *out, size_t room)
{
	const bool v4 = stw_ip_is_v4(&c->source.ip);
	const size_t ip_len = v4 ? 4 : 16;
	const uint8_t same = shared(aor, aor_len, c->rest);
	const struct stw_packed_lengths l = {(uint16_t)(c->rest.len - same), c->path.len};
	const bool is_long = l.rest > UINT8_MAX || l.path > 0;
	const struct stw_packed f = {
		.time_s = c->time_s,
		.id = c->id,
		.q = c->q,
		.port = c->source.port,
		.same = same,
		.listener = listener,
		.flags =
			(uint8_t)((v4 ? 0 : STW_LOCATION_IPV6) | (c->gone ? STW_LOCATION_GONE : 0) |
				  (is_behind_nat(c) ? STW_LOCATION_NAT : 0) |
				  (is_long ? STW_LOCATION_LONG : 0)),
		.rest_len = is_long ? 0 : (uint8_t)l.rest,
	};
	const size_t used =
		sizeof(f) + (is_long ? sizeof(l) : 0) + ip_len + (size_t)l.rest + l.path;
	const size_t len = stw_packed_aligned(used);

	if (len > room)
		return 0;
	memset(out + used, 0, len - used);
	memcpy(out, &f, sizeof(f));
	out += sizeof(f);
	if (is_long) {
		memcpy(out, &l, sizeof(l));
		out += sizeof(l);
	}
	memcpy(out, c->source.ip.b + (v4 ? 12 : 0), ip_len);
	out += ip_len;
	memcpy(out, c->rest.p + same, l.rest);
	out += l.rest;
	if (l.path > 0)
		memcpy(out, c->path.p, l.path);
	return len;
}
