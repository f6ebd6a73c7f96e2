/* SPDX-License-Identifier: BSD-3-Clause */

/* What a REGISTER does to a record (RFC 3261 s10.3 step 7). */

#include <string.h>

#include <strowger/errors.h>
#include <strowger/sip_headers.h>

#include "control/registrar/registration.h"

static bool uris_equal(struct stw_str a, struct stw_str b)
{
	struct stw_sip_uri x, y;

	if (stw_str_equal(a, b))
		return true;
	/* What was stored was read once; what cannot be read any more equals only itself. */
	return stw_sip_uri_parse(a.p, (struct stw_span){0, a.len}, &x) == STW_OK &&
	       stw_sip_uri_parse(b.p, (struct stw_span){0, b.len}, &y) == STW_OK &&
	       stw_sip_uri_equal(a.p, &x, b.p, &y);
}

/* RFC 5626 s6: instance and reg-id are the key where both are there, else the URI. */
static bool is_binding_of(const struct stw_binding *b, const struct stw_wish *w)
{
	if (w->reg_id != 0)
		return b->reg_id == w->reg_id && stw_str_equal(b->instance, w->instance);
	return b->reg_id == 0 && uris_equal(b->uri, w->uri);
}

struct stw_binding *stw_registration_find(struct stw_record *r, const struct stw_wish *w)
{
	for (size_t i = 0; i < r->n; i++)
		if (is_binding_of(&r->b[i], w))
			return &r->b[i];
	return NULL;
}

/* Whether the request comes after the one that made the binding what it is. */
enum order { LATER, SAME, EARLIER };

static enum order order_of(const struct stw_registration *reg, const struct stw_binding *b)
{
	if (!stw_str_equal(reg->call_id, b->call_id) || reg->cseq > b->cseq)
		return LATER;
	return reg->cseq == b->cseq ? SAME : EARLIER;
}

/*
 * What the request finds of the bindings that it names, all of them if it names "*". One request
 * made all of its bindings at once: only when each is as it left it, is this the same again.
 */
static enum order order_of_all(const struct stw_registration *reg, struct stw_record *r)
{
	size_t n_same = 0;

	for (size_t i = 0; reg->star && i < r->n; i++)
		if (!r->b[i].gone && order_of(reg, &r->b[i]) != LATER)
			return EARLIER;
	for (size_t i = 0; i < reg->n; i++) {
		const struct stw_binding *b = stw_registration_find(r, &reg->wish[i]);
		enum order o = b ? order_of(reg, b) : LATER;

		if (o == EARLIER)
			return EARLIER;
		n_same += o == SAME;
	}
	if (n_same == 0)
		return LATER;
	return n_same == reg->n ? SAME : EARLIER;
}

static void make_gone(struct stw_binding *b, const struct stw_registration *reg, uint64_t now_s)
{
	b->gone = true;
	b->call_id = reg->call_id;
	b->cseq = reg->cseq;
	b->expires_s = now_s + STW_GONE_S;
	b->path = stw_str("", 0);
	b->params = stw_str("", 0);
}

static void fill(struct stw_binding *b, const struct stw_registration *reg,
		 const struct stw_wish *w, const struct stw_registration_at *at, bool refreshed)
{
	const uint64_t created_s = refreshed ? b->created_s : at->now_s;

	*b = (struct stw_binding){.uri = w->uri,
				  .params = w->params,
				  .instance = w->instance,
				  .path = reg->path,
				  .call_id = reg->call_id,
				  .source = at->source,
				  .listener = at->listener,
				  .created_s = created_s,
				  .expires_s = at->now_s + w->expires_s,
				  .cseq = reg->cseq,
				  .reg_id = w->reg_id,
				  .q = w->q};
}

/* Room for one more: of the gone ones the oldest gives way. */
static struct stw_binding *add(struct stw_record *r)
{
	struct stw_binding *oldest = NULL;

	if (r->n < STW_RECORD_BINDINGS)
		return &r->b[r->n++];
	for (size_t i = 0; i < r->n; i++)
		if (r->b[i].gone && (!oldest || r->b[i].expires_s < oldest->expires_s))
			oldest = &r->b[i];
	return oldest;
}

/* Also of what was never bound, or not yet: the REGISTER that binds it may be late. */
static void remove_one(struct stw_binding *b, const struct stw_registration *reg,
		       const struct stw_wish *w, const struct stw_registration_at *at)
{
	if (!b)
		return;
	fill(b, reg, w, at, false);
	make_gone(b, reg, at->now_s);
}

static bool apply_wish(const struct stw_registration *reg, const struct stw_wish *w,
		       const struct stw_registration_at *at, struct stw_record *r)
{
	struct stw_binding *b = stw_registration_find(r, w);

	if (w->expires_s == 0) {
		remove_one(b ? b : add(r), reg, w, at);
		return true;
	}
	const bool refreshed = b && !b->gone;

	if (!b)
		b = add(r);
	if (b)
		fill(b, reg, w, at, refreshed);
	return b != NULL;
}

static enum stw_applied refuse(struct stw_refusal *refusal, uint16_t status, const char *phrase)
{
	*refusal = (struct stw_refusal){status, phrase};
	return STW_APPLIED_REFUSED;
}

enum stw_applied stw_registration_apply(const struct stw_registration *reg,
					const struct stw_registration_at *at,
					const struct stw_registration_limits *limits,
					struct stw_record *record, struct stw_refusal *refusal)
{
	struct stw_record after;

	if (!reg->star && reg->n == 0)
		return STW_APPLIED_NOTHING;
	switch (order_of_all(reg, record)) {
	case SAME: return STW_APPLIED_NOTHING; /* retransmitted: the answer tells what is */
	case EARLIER: return refuse(refusal, 500, "CSeq Out Of Order");
	case LATER: break;
	}
	stw_record_copy(&after, record);
	for (size_t i = 0; reg->star && i < after.n; i++)
		if (!after.b[i].gone)
			make_gone(&after.b[i], reg, at->now_s);
	for (size_t i = 0; i < reg->n; i++)
		if (!apply_wish(reg, &reg->wish[i], at, &after))
			return refuse(refusal, 403, "Too Many Contacts");
	if (stw_record_n_live(&after) > limits->max_contacts)
		return refuse(refusal, 403, "Too Many Contacts");
	stw_record_copy(record, &after);
	return STW_APPLIED_CHANGE;
}
