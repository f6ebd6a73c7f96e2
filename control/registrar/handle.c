/* SPDX-License-Identifier: BSD-3-Clause */

/* One REGISTER (RFC 3261 s10.3). */

#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>
#include <strowger/sip_headers.h>

#include "control/registrar/internal.h"

/* --- domain and extensions --- */

bool stw_registrar_has_domain(const struct stw_registrar *r, struct stw_str domain)
{
	for (size_t i = 0; i < r->config.n_domains; i++)
		if (strlen(r->config.domains[i]) == domain.len &&
		    strncasecmp(r->config.domains[i], domain.p, domain.len) == 0)
			return true;
	return false;
}

/* s10.3 step 5: an address-of-record of a domain of ours. */
static bool find_name(struct stw_handling *h)
{
	const struct stw_registration *reg = &h->r->reg;
	const char *colon = memchr(reg->aor, ':', reg->aor_len);

	if (!colon)
		return stw_say(h, 404, "Not Found");
	const size_t from = (size_t)(colon + 1 - reg->aor);
	h->name = stw_str(reg->aor + from, reg->aor_len - from);
	const char *at = memrchr(h->name.p, '@', h->name.len);

	if (!at)
		return stw_say(h, 404, "Not Found");
	h->domain = stw_str(at + 1, (size_t)(h->name.p + h->name.len - at - 1));
	return stw_registrar_has_domain(h->r, h->domain) || stw_say(h, 404, "Not Found");
}

static bool is_supported(const char *buf, struct stw_span tag)
{
	return stw_span_is(buf, tag, "path", 4) || stw_span_is(buf, tag, "outbound", 8) ||
	       stw_span_is(buf, tag, "gruu", 4);
}

/* s10.3 step 2: each option tag of Require that we lack is named in the answer. */
static bool require_ok(struct stw_handling *h)
{
	struct stw_sip_line line;
	struct stw_span tag;
	bool ok = true;

	for (bool more = stw_register_line_first(&h->lines, STW_REGISTER_REQUIRE, &line); more;
	     more = stw_register_line_next(&h->lines, STW_REGISTER_REQUIRE, &line))
		while (stw_sip_token_next(h->buf, &line.value, &tag) == STW_OK)
			if (!is_supported(h->buf, tag)) {
				ok = false;
				stw_lines_add(h->out,
					      "Unsupported: ", stw_str(h->buf + tag.off, tag.len));
			}
	return ok || stw_say(h, 420, "Bad Extension");
}

/* --- bindings --- */

static bool refused(struct stw_handling *h, const struct stw_refusal *refusal)
{
	if (refusal->status == 423)
		stw_lines_add_number(h->out, "Min-Expires: ", h->r->config.min_expires_s);
	h->r->c.refused++;
	return stw_say(h, refusal->status, refusal->phrase);
}

bool stw_store_failed(struct stw_handling *h, int err)
{
	stw_store_abort(h->r->store);
	h->r->spoiled = err;
	stw_registrar_failed(h->r, h->out);
	return false;
}

static struct stw_registration_limits limits_of(const struct stw_registrar *r)
{
	return (struct stw_registration_limits){.min_expires_s = r->config.min_expires_s,
						.default_expires_s = r->config.default_expires_s,
						.max_expires_s = r->config.max_expires_s,
						.max_contacts = r->config.max_contacts};
}

static bool load(struct stw_handling *h)
{
	struct stw_registrar *r = h->r;
	int err = stw_location_get(r->store, stw_str(r->reg.aor, r->reg.aor_len), &r->location);

	if (err == STW_EDIGEST || err == STW_EMALFORMED || err == STW_EVERSION) {
		r->c.damaged++;
		err = STW_OK;
	}
	if (!err)
		stw_record_expire(&r->location.record, h->now_s);
	return !err || stw_store_failed(h, err);
}

static bool changed(struct stw_handling *h)
{
	struct stw_registrar *r = h->r;
	const size_t before = stw_record_n_live(&r->location.record);
	const struct stw_registration_limits limits = limits_of(r);
	const struct stw_registration_at at = {.now_s = h->now_s,
					       .source = *h->source,
					       .listener = *h->listener};
	struct stw_refusal refusal;

	switch (stw_registration_apply(&r->reg, &at, &limits, &r->location.record, &refusal)) {
	case STW_APPLIED_REFUSED: return refused(h, &refusal);
	case STW_APPLIED_NOTHING: r->c.queried++; return true;
	case STW_APPLIED_CHANGE: break;
	}
	if (stw_record_n_live(&r->location.record) < before)
		r->c.removed++;
	else
		r->c.registered++;
	h->out->changed = true;
	return true;
}

/* Written before the store changes: the record's texts may lie in it. */
static bool write_answer(struct stw_handling *h)
{
	struct stw_registrar *r = h->r;
	const struct stw_registration *reg = &r->reg;
	struct stw_registrar_answer *a = h->out;
	const struct stw_lines_gruu gruu = {&r->gruu_keys[0], stw_str(reg->aor, reg->aor_len),
					    &r->gruu_salt};
	const struct stw_str none = stw_str("", 0);
	bool ok = stw_lines_contacts(a, &r->location.record, h->now_s,
				     reg->has_gruu ? &gruu : NULL) &&
		  stw_lines_date(a, &r->date) &&
		  stw_lines_add(a, "Supported: path, outbound, gruu", none);

	if (reg->path.len > 0 && reg->has_path_option)
		ok = ok && stw_lines_add(a, "Path: ", reg->path);
	if (reg->ends_outbound)
		ok = ok && stw_lines_add(a, "Require: outbound", none);
	if (r->config.service_route[0])
		ok = ok && stw_lines_add(a, "Service-Route: ",
					 stw_str(r->config.service_route,
						 strlen(r->config.service_route)));
	stw_say(h, 200, "OK");
	return ok || stw_say(h, 500, "Answer Too Long");
}

static bool store(struct stw_handling *h)
{
	struct stw_registrar *r = h->r;
	int err = STW_OK;

	if (h->out->changed)
		err = stw_location_put(r->store, stw_str(r->reg.aor, r->reg.aor_len), &r->location);
	return !err || stw_store_failed(h, err);
}

static bool read_request(struct stw_handling *h)
{
	const struct stw_registration_limits limits = limits_of(h->r);
	struct stw_refusal refusal;

	return stw_registration_read(&h->lines, &limits, &h->r->reg, &refusal) ||
	       refused(h, &refusal);
}

/* RFC 5627 s5.2: what is reached by the address-of-record is not reached at it, nor at a GRUU. */
static bool is_loop(const struct stw_handling *h, const struct stw_wish *w)
{
	const struct stw_registration *reg = &h->r->reg;
	struct stw_sip_uri uri;
	struct stw_span gr;
	char aor[STW_AOR_BYTES];
	size_t len;

	if (w->instance.len == 0 || w->expires_s == 0 ||
	    stw_sip_uri_parse(w->uri.p, (struct stw_span){0, w->uri.len}, &uri) != STW_OK ||
	    !stw_registrar_has_domain(h->r, stw_str(w->uri.p + uri.host.off, uri.host.len)))
		return false;
	if (stw_sip_param_find(w->uri.p, uri.params, "gr", 2, &gr) == STW_OK)
		return true;
	return stw_sip_uri_aor(w->uri.p, &uri, aor, sizeof(aor), &len) == STW_OK &&
	       stw_str_equal(stw_str(aor, len), stw_str(reg->aor, reg->aor_len));
}

static bool no_loops(struct stw_handling *h)
{
	const struct stw_refusal refusal = {403, "Contact Is Ourselves"};

	for (size_t i = 0; i < h->r->reg.n; i++)
		if (is_loop(h, &h->r->reg.wish[i]))
			return refused(h, &refusal);
	return true;
}

/* The address-of-record first, because its domain is the realm; what else the request says matters
 * only once the sender is known. */
static bool read_identity(struct stw_handling *h)
{
	struct stw_refusal refusal;

	return stw_registration_read_aor(h->buf, h->m, &h->r->reg, &refusal) ||
	       refused(h, &refusal);
}

/* Reading a clock takes as long as reading a header. */
static uint64_t now_ms(struct stw_registrar *r)
{
	if (r->now_ms == 0)
		r->now_ms = stw_clock_ms(&r->clock);
	return r->now_ms;
}

void stw_registrar_handle(struct stw_registrar *r, const char *buf, const struct stw_sip_msg *m,
			  const struct stw_endpoint *source, const struct stw_endpoint *listener,
			  struct stw_registrar_answer *out)
{
	const uint64_t ms = now_ms(r);
	struct stw_handling h = {.r = r,
				 .buf = buf,
				 .m = m,
				 .source = source,
				 .listener = listener,
				 .out = out,
				 .now_s = ms / 1000u,
				 .now_us = ms * 1000u};

	out->status = out->retry_after_s = 0;
	out->known = out->changed = false;
	out->len = 0;
	stw_register_lines_find(buf, m, &h.lines);
	if (read_identity(&h) && find_name(&h) && require_ok(&h) &&
	    (r->config.authenticate ? stw_authenticated(&h) : stw_within_rate(&h, false)) &&
	    read_request(&h) && no_loops(&h) && load(&h) && changed(&h) && write_answer(&h))
		store(&h);
}
