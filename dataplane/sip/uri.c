/* SPDX-License-Identifier: BSD-3-Clause */
/* SIP-URI, SIPS-URI and the shape of tel and urn URIs, RFC 3261 s25.1, RFC 3966, RFC 8141. */
#include <strowger/sip.h>

#include <strings.h>

#include "dataplane/sip/lex.h"
#include "dataplane/sip/plain.h"
#include "dataplane/sip/transport.h"

static bool take_scheme(struct stw_lex *l, struct stw_sip_uri *uri)
{
	const char *from = l->p;

	if (from == l->end || !stw_is(*from, STW_C_ALPHA))
		return false;
	l->p = stw_span_over(from, l->end, STW_C_SCHEME);
	if (l->p == l->end || *l->p != ':')
		return false;
	size_t len = (size_t)(l->p - from);
	l->p++;
	if (STW_CASE_IS(from, len, "sip"))
		uri->scheme = STW_SCHEME_SIP;
	else if (STW_CASE_IS(from, len, "sips"))
		uri->scheme = STW_SCHEME_SIPS;
	else if (STW_CASE_IS(from, len, "tel"))
		uri->scheme = STW_SCHEME_TEL;
	else if (STW_CASE_IS(from, len, "urn"))
		uri->scheme = STW_SCHEME_URN;
	return true;
}

/* userinfo = ( user / telephone-subscriber ) [ ":" password ] "@"; only it may hold an "@". */
static bool take_userinfo(struct stw_lex *l, struct stw_sip_uri *uri)
{
	const char *at = memchr(l->p, '@', (size_t)(l->end - l->p));
	if (!at)
		return true;
	const char *from = l->p;
	const char *p = stw_span_escaped(from, at, STW_C_USER);
	if (p == from)
		return false;
	uri->user = stw_lex_span(l, from, p);
	if (p < at && *p == ':') {
		from = p + 1;
		p = stw_span_escaped(from, at, STW_C_PASS);
		uri->password = stw_lex_span(l, from, p);
	}
	uri->has_user = true;
	l->p = at + 1;
	return p == at;
}

static bool take_hostport(struct stw_lex *l, struct stw_sip_uri *uri)
{
	if (!stw_lex_host(l, &uri->host))
		return false;
	struct stw_span ip = uri->host;
	if (l->base[ip.off] == '[') {
		ip.off++;
		ip.len = (uint16_t)(ip.len - 2);
	}
	uri->host_is_ip = stw_ip_parse(l->base + ip.off, ip.len, &uri->ip) == STW_OK;
	if (l->p == l->end || *l->p != ':')
		return true;
	l->p++;
	return stw_lex_port(l, &uri->port);
}

static void note_param(struct stw_lex *l, struct stw_span name, struct stw_span value,
		       struct stw_sip_uri *uri)
{
	const char *p = l->base + name.off;

	if (STW_CASE_IS(p, name.len, "lr")) {
		uri->lr = true;
	} else if (STW_CASE_IS(p, name.len, "maddr")) {
		uri->maddr = value;
	} else if (STW_CASE_IS(p, name.len, "transport")) {
		uri->transport_text = value;
		uri->transport = stw_transport_of(l->base + value.off, value.len);
	}
}

/* uri-parameters; a value may be empty, as some peers write ";lr=". */
static bool take_params(struct stw_lex *l, struct stw_sip_uri *uri)
{
	const char *from = l->p;

	while (l->p < l->end && *l->p == ';') {
		const char *p = ++l->p;
		l->p = stw_span_escaped(p, l->end, STW_C_PARAM);
		struct stw_span name = stw_lex_span(l, p, l->p);
		if (name.len == 0)
			return false;
		struct stw_span value = {(uint16_t)stw_span_end(name), 0};
		if (l->p < l->end && *l->p == '=') {
			p = ++l->p;
			l->p = stw_span_escaped(p, l->end, STW_C_PARAM);
			value = stw_lex_span(l, p, l->p);
		}
		note_param(l, name, value, uri);
	}
	if (l->p > from)
		uri->params = stw_lex_span(l, from, l->p);
	return true;
}

/* headers = "?" header *( "&" header ), header = hname "=" hvalue */
static bool take_headers(struct stw_lex *l, struct stw_sip_uri *uri)
{
	if (l->p == l->end || *l->p != '?')
		return true;
	const char *from = l->p + 1;
	do {
		const char *p = ++l->p;
		l->p = stw_span_escaped(p, l->end, STW_C_HEADER);
		if (l->p == p || l->p == l->end || *l->p != '=')
			return false;
		l->p = stw_span_escaped(l->p + 1, l->end, STW_C_HEADER);
	} while (l->p < l->end && *l->p == '&');
	uri->headers = stw_lex_span(l, from, l->p);
	return true;
}

static bool take_sip(struct stw_lex *l, struct stw_sip_uri *uri)
{
	return take_userinfo(l, uri) && take_hostport(l, uri) && take_params(l, uri) &&
	       take_headers(l, uri);
}

/* tel and urn: what stands before the first ";" is the number or the name. */
static bool take_opaque(struct stw_lex *l, struct stw_sip_uri *uri)
{
	const char *from = l->p;
	const char *semi = memchr(from, ';', (size_t)(l->end - from));

	if (!semi)
		semi = l->end;
	l->p = stw_span_escaped(from, semi, STW_C_URIC);
	uri->user = stw_lex_span(l, from, l->p);
	return l->p == semi && l->p > from && take_params(l, uri);
}

/* Any other absolute URI: its bytes must be those of one, no more is asked. */
static bool is_absolute(struct stw_lex *l)
{
	const char *from = l->p;
	l->p = stw_span_escaped(from, l->end, STW_C_URIC);
	return l->p > from && l->p == l->end;
}

int stw_sip_uri_parse(const char *buf, struct stw_span value, struct stw_sip_uri *out)
{
	if (stw_plain.uri(buf, value, out))
		return STW_OK;

	struct stw_lex l = stw_lex_on(buf, value);
	struct stw_sip_uri uri = {.all = value};
	bool ok;

	if (!take_scheme(&l, &uri))
		return STW_EMALFORMED;
	if (uri.scheme == STW_SCHEME_OTHER) {
		if (!is_absolute(&l))
			return STW_EMALFORMED;
		*out = uri;
		return STW_ENOENT;
	}
	if (uri.scheme == STW_SCHEME_SIP || uri.scheme == STW_SCHEME_SIPS)
		ok = take_sip(&l, &uri);
	else
		ok = take_opaque(&l, &uri);
	if (!ok || l.p != l.end)
		return STW_EMALFORMED;
	*out = uri;
	return STW_OK;
}

int stw_sip_param_find(const char *buf, struct stw_span params, const char *name, size_t name_len,
		       struct stw_span *out)
{
	const char *p = buf + params.off, *end = buf + stw_span_end(params);

	while (p < end && *p == ';') {
		const char *from = ++p;
		p = stw_span_escaped(from, end, STW_C_PARAM);
		size_t len = (size_t)(p - from);
		const char *value = p;
		if (p < end && *p == '=') {
			value = ++p;
			p = stw_span_escaped(value, end, STW_C_PARAM);
		}
		if (len == name_len && strncasecmp(from, name, len) == 0) {
			*out = (struct stw_span){(uint16_t)(value - buf), (uint16_t)(p - value)};
			return STW_OK;
		}
	}
	return STW_ENOENT;
}
