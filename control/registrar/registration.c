/* SPDX-License-Identifier: BSD-3-Clause */

/* Reading a REGISTER. What it does to a record is in apply.c. */

#include "control/registrar/registration.h"

#include <string.h>

#include <strowger/errors.h>
#include <strowger/sip_headers.h>

/* A REGISTER being read. */
struct reading {
	const char *buf;
	const struct stw_sip_msg *m;
	const struct stw_register_lines *lines;
	const struct stw_registration_limits *limits;
	struct stw_registration *out;
	uint32_t expires_s; /* of the Expires header, else the default */
	bool has_expires;
};

static struct stw_str text_of(const struct reading *r, struct stw_span s)
{
	return stw_str(r->buf + s.off, s.len);
}

static bool name_is(const struct reading *r, struct stw_span name, const char *text)
{
	return name.len == strlen(text) && strncasecmp(r->buf + name.off, text, name.len) == 0;
}

static bool refuse(struct stw_refusal *refusal, uint16_t status, const char *phrase)
{
	*refusal = (struct stw_refusal){status, phrase};
	return false;
}

/* Add to the text that ends at out->used. */
static bool put(struct stw_registration *out, const char *p, size_t len)
{
	if (len > sizeof(out->room) - out->used)
		return false;
	memcpy(out->room + out->used, p, len);
	out->used += len;
	return true;
}

/* s25.1: what is not ASCII is UTF-8. Others read it as JSON later. */
static bool is_utf8(const char *p, size_t len)
{
	const unsigned char *at = (const unsigned char *)(len > 0 ? p : ""), *end = at + len;

	while (at < end) {
		const unsigned char first = *at++;
		const int more = first < 0x80			 ? 0
				 : first >= 0xc2 && first < 0xe0 ? 1
				 : first >= 0xe0 && first < 0xf0 ? 2
				 : first >= 0xf0 && first < 0xf5 ? 3
								 : -1;
		uint32_t c = first & (0x3fu >> (more > 0 ? more : 0));

		if (more < 0 || end - at < more)
			return false;
		for (int i = 0; i < more; i++, at++) {
			if ((*at & 0xc0) != 0x80)
				return false;
			c = c << 6 | (*at & 0x3fu);
		}
		if ((more == 2 && (c < 0x800 || (c >= 0xd800 && c < 0xe000))) ||
		    (more == 3 && (c < 0x10000 || c > 0x10ffff)))
			return false;
	}
	return true;
}

/* As put(), with folds (s7.3.1) as blanks: what is kept goes out in lines, and in request lines. */
static bool put_flat(struct stw_registration *out, const char *p, size_t len)
{
	char *to = out->room + out->used;

	if (!put(out, p, len))
		return false;
	for (size_t i = 0; i < len; i++)
		if (to[i] == '\r' || to[i] == '\n')
			to[i] = ' ';
	return true;
}

/* No blanks, folds or control bytes, nor what would end it in <> or "". */
static bool is_one_word(struct stw_str t)
{
	for (uint16_t i = 0; i < t.len; i++)
		if ((unsigned char)t.p[i] <= ' ' || t.p[i] == 0x7f || t.p[i] == '"' ||
		    (t.p[i] == '\\'))
			return false;
	return is_utf8(t.p, t.len);
}

/* s10.2.1.1: what cannot be read counts as the default, what is too large as the largest. */
static uint32_t seconds(const struct reading *r, struct stw_span value)
{
	uint32_t s;

	switch (stw_sip_seconds_parse(r->buf, value, &s)) {
	case STW_OK: return s;
	case STW_ERANGE: return UINT32_MAX;
	default: return r->limits->default_expires_s;
	}
}

/* "0.7" in thousandths (s25.1 qvalue); what cannot be read is 1. */
static uint16_t q_of(const char *p, size_t len)
{
	uint32_t q = 0, unit = 100;

	if (len == 0 || len > 5 || (p[0] != '0' && p[0] != '1') || (len > 1 && p[1] != '.'))
		return STW_Q_ONE;
	q = p[0] == '1' ? STW_Q_ONE : 0;
	for (size_t i = 2; i < len; i++, unit /= 10) {
		if (p[i] < '0' || p[i] > '9')
			return STW_Q_ONE;
		q += (uint32_t)(p[i] - '0') * unit;
	}
	return (uint16_t)(q > STW_Q_ONE ? STW_Q_ONE : q);
}

static struct stw_str unquoted(struct stw_str t)
{
	if (t.len >= 2 && t.p[0] == '"' && t.p[t.len - 1] == '"')
		return stw_str(t.p + 1, t.len - 2u);
	return t;
}

static uint32_t reg_id_of(const struct reading *r, struct stw_span value)
{
	uint32_t id;

	return stw_sip_seconds_parse(r->buf, value, &id) == STW_OK ? id : 0;
}

/* One parameter of a Contact. @return false: no room */
static bool read_param(struct reading *r, const struct stw_sip_param *p, struct stw_wish *w)
{
	if (name_is(r, p->name, "expires")) {
		w->expires_s = seconds(r, p->value);
		return true;
	}
	if (name_is(r, p->name, "q")) {
		w->q = q_of(r->buf + p->value.off, p->value.len);
		return true;
	}
	/* Ours to say (RFC 5627 s5.2), not to keep. */
	if (name_is(r, p->name, "pub-gruu") || name_is(r, p->name, "temp-gruu"))
		return true;
	if (name_is(r, p->name, "+sip.instance"))
		w->instance = unquoted(text_of(r, p->value));
	else if (name_is(r, p->name, "reg-id"))
		w->reg_id = reg_id_of(r, p->value);
	return put(r->out, ";", 1) && put(r->out, r->buf + p->name.off, p->name.len) &&
	       (!p->has_value ||
		(put(r->out, "=", 1) && put_flat(r->out, r->buf + p->value.off, p->value.len)));
}

static int read_params(struct reading *r, struct stw_span rest, struct stw_wish *w)
{
	const size_t from = r->out->used;
	struct stw_sip_param p;
	int err;

	while ((err = stw_sip_param_next(r->buf, &rest, &p)) == STW_OK)
		if (!read_param(r, &p, w))
			return STW_ENOSPACE;
	w->params = stw_str(r->out->room + from, r->out->used - from);
	return err == STW_ENOENT ? STW_OK : err;
}

/* RFC 3261 s10.3 step 6: the time asked for, within bounds. */
static bool bound_expires(const struct reading *r, struct stw_wish *w, struct stw_refusal *refusal)
{
	const struct stw_registration_limits *l = r->limits;

	if (w->expires_s > 0 && w->expires_s < l->min_expires_s)
		return refuse(refusal, 423, "Interval Too Brief");
	if (w->expires_s > l->max_expires_s)
		w->expires_s = l->max_expires_s;
	return true;
}

static bool read_contact(struct reading *r, const struct stw_sip_name_addr *na,
			 struct stw_refusal *refusal)
{
	struct stw_registration *out = r->out;
	struct stw_sip_uri uri;

	if (out->n >= r->limits->max_contacts)
		return refuse(refusal, 403, "Too Many Contacts");
	struct stw_wish *w = &out->wish[out->n];
	*w = (struct stw_wish){.uri = text_of(r, na->uri),
			       .expires_s = r->expires_s,
			       .q = STW_Q_ONE};
	/* Of a scheme we do not know nobody looked at the bytes yet. */
	if (stw_sip_uri_parse(r->buf, na->uri, &uri) == STW_EMALFORMED || !is_one_word(w->uri))
		return refuse(refusal, 400, "Bad Request - Contact URI");
	int err = read_params(r, na->params, w);
	if (err != STW_OK)
		return err == STW_ENOSPACE
			       ? refuse(refusal, 403, "Contact Parameters Too Long")
			       : refuse(refusal, 400, "Bad Request - Contact Parameters");
	if (!is_utf8(w->params.p, w->params.len))
		return refuse(refusal, 400, "Bad Request - Contact Parameters");
	if (!is_one_word(w->instance))
		return refuse(refusal, 400, "Bad Request - Instance");
	if (!bound_expires(r, w, refusal))
		return false;
	out->n++;
	return true;
}

static bool read_contact_line(struct reading *r, struct stw_span value, struct stw_refusal *refusal)
{
	struct stw_sip_name_addr na = {.next = value.off, .more = true};

	if (value.len == 1 && r->buf[value.off] == '*') {
		r->out->star = true;
		return true;
	}
	while (na.more) {
		const struct stw_span rest = {na.next, (uint16_t)(stw_span_end(value) - na.next)};

		if (stw_sip_name_addr_parse(r->buf, rest, &na) != STW_OK)
			return refuse(refusal, 400, "Bad Request - Contact");
		if (!read_contact(r, &na, refusal))
			return false;
	}
	return true;
}

/* A Path value, added to those before; whether the edge proxy, the last, keeps flows open. */
static bool read_path_line(struct reading *r, struct stw_span value, struct stw_refusal *refusal)
{
	struct stw_sip_name_addr na = {.next = value.off, .more = true};
	struct stw_registration *out = r->out;
	struct stw_sip_uri uri;
	struct stw_span ob;

	while (na.more) {
		const struct stw_span rest = {na.next, (uint16_t)(stw_span_end(value) - na.next)};

		if (stw_sip_name_addr_parse(r->buf, rest, &na) != STW_OK || !na.bracketed ||
		    !is_utf8(r->buf + na.all.off, na.all.len) ||
		    stw_sip_uri_parse(r->buf, na.uri, &uri) != STW_OK)
			return refuse(refusal, 400, "Bad Request - Path");
		out->first_path_has_ob =
			stw_sip_param_find(r->buf, uri.params, "ob", 2, &ob) == STW_OK;
	}
	if ((out->path.len > 0 && !put(out, ", ", 2)) ||
	    !put_flat(out, r->buf + value.off, value.len))
		return refuse(refusal, 400, "Bad Request - Path Too Long");
	out->path.len = (uint16_t)(out->room + out->used - out->path.p);
	return true;
}

static bool read_paths(struct reading *r, struct stw_refusal *refusal)
{
	struct stw_sip_line line;

	r->out->path = stw_str(r->out->room + r->out->used, 0);
	for (bool more = stw_register_line_first(r->lines, STW_REGISTER_PATH, &line); more;
	     more = stw_register_line_next(r->lines, STW_REGISTER_PATH, &line))
		if (!read_path_line(r, line.value, refusal))
			return false;
	return true;
}

static void read_supported(struct reading *r)
{
	struct stw_sip_line line;
	struct stw_span tag;

	for (bool more = stw_register_line_first(r->lines, STW_REGISTER_SUPPORTED, &line); more;
	     more = stw_register_line_next(r->lines, STW_REGISTER_SUPPORTED, &line))
		while (stw_sip_token_next(r->buf, &line.value, &tag) == STW_OK) {
			r->out->has_path_option |= name_is(r, tag, "path");
			r->out->has_outbound |= name_is(r, tag, "outbound");
			r->out->has_gruu |= name_is(r, tag, "gruu");
		}
}

/* Contacts stand in the order of the message: of two that are equal the last one counts. */
static bool read_contacts(struct reading *r, struct stw_refusal *refusal)
{
	struct stw_sip_line line = {.end = r->m->line_end[STW_HDR_CONTACT]};

	if (!stw_sip_has(r->m, STW_HDR_CONTACT))
		return true;
	if (!read_contact_line(r, r->m->value[STW_HDR_CONTACT], refusal))
		return false;
	while ((r->m->repeated >> STW_HDR_CONTACT & 1u) &&
	       stw_sip_line_among(r->buf, r->m, STW_SIP_LETTER('c') | STW_SIP_LETTER('m'), &line))
		if (line.header == STW_HDR_CONTACT && !read_contact_line(r, line.value, refusal))
			return false;
	return true;
}

/* s10.3 step 6: "*" stands alone, and with "Expires: 0" only. */
static bool star_ok(const struct reading *r, struct stw_refusal *refusal)
{
	if (!r->out->star)
		return true;
	if (r->out->n > 0)
		return refuse(refusal, 400, "Bad Request - Contact * With Others");
	if (!r->has_expires || r->expires_s != 0)
		return refuse(refusal, 400, "Bad Request - Contact * Needs Expires 0");
	return true;
}

/*
 * RFC 5626 s6: outbound applies to a Contact with instance and reg-id when the phone supports it;
 * then its edge proxy must, too. Elsewhere a reg-id means nothing.
 */
static bool read_outbound(struct stw_registration *out, struct stw_refusal *refusal)
{
	for (size_t i = 0; i < out->n; i++) {
		struct stw_wish *w = &out->wish[i];

		if (w->reg_id == 0 || w->instance.len == 0 || !out->has_outbound) {
			w->reg_id = 0;
			continue;
		}
		if (!out->first_hop_is_ours && !out->first_path_has_ob)
			return refuse(refusal, 439, "First Hop Lacks Outbound Support");
		if (out->n > 1 && w->expires_s > 0)
			return refuse(refusal, 400, "Bad Request - reg-id Needs One Contact");
		out->ends_outbound = true;
	}
	return true;
}

bool stw_registration_read_aor(const char *buf, const struct stw_sip_msg *m,
			       struct stw_registration *out, struct stw_refusal *refusal)
{
	struct stw_sip_name_addr to;
	struct stw_sip_uri uri;

	if (stw_sip_name_addr_parse(buf, m->value[STW_HDR_TO], &to) != STW_OK ||
	    stw_sip_uri_parse(buf, to.uri, &uri) != STW_OK ||
	    stw_sip_uri_aor(buf, &uri, out->aor, sizeof(out->aor), &out->aor_len) != STW_OK)
		return refuse(refusal, 400, "Bad Request - To");
	return true;
}

bool stw_registration_read(const struct stw_register_lines *lines,
			   const struct stw_registration_limits *limits,
			   struct stw_registration *out, struct stw_refusal *refusal)
{
	const struct stw_sip_msg *m = lines->msg;
	struct reading r = {.buf = lines->buf,
			    .m = m,
			    .lines = lines,
			    .limits = limits,
			    .out = out,
			    .expires_s = limits->default_expires_s,
			    .has_expires = stw_sip_has(m, STW_HDR_EXPIRES)};

	out->n = out->used = 0;
	out->star = out->has_path_option = out->has_outbound = out->ends_outbound = false;
	out->first_path_has_ob = out->has_gruu = false;
	out->first_hop_is_ours = !(m->repeated >> STW_HDR_VIA & 1u) && !m->via.more;
	out->cseq = m->cseq;
	out->call_id = text_of(&r, m->value[STW_HDR_CALL_ID]);
	if (r.has_expires)
		r.expires_s = seconds(&r, m->value[STW_HDR_EXPIRES]);
	read_supported(&r);
	return read_contacts(&r, refusal) && star_ok(&r, refusal) && read_paths(&r, refusal) &&
	       read_outbound(out, refusal);
}
