/* SPDX-License-Identifier: BSD-3-Clause */

/* When our Record-Route and Path say where a request came from (flow.h). */

#include <strings.h>

#include <strowger/sip_headers.h>

#include "dataplane/route/flow.h"
#include "dataplane/route/quick.h"

static bool only_one_via(const struct stw_decision *d)
{
	return !d->v->via.more && !(d->m->repeated >> STW_HDR_VIA & 1);
}

/* "<sip:user@host:port>" with the very host of the Via, or with ";ob" at its end: nothing more to
 * look at. */
static bool contact_is_plain(const struct stw_decision *d, bool *ob)
{
	struct stw_span host = d->v->via.host, value = d->m->value[STW_HDR_CONTACT];
	const char *start = d->buf + value.off, *end = start + value.len;
	const char *at = memchr(start, '@', value.len), *digits;
	uint16_t port;

	if (at == NULL || end - ++at < host.len + 1 || memcmp(at, d->buf + host.off, host.len) != 0)
		return false;
	at += host.len;
	if (*at == ':') {
		for (digits = ++at; at < end && *at >= '0' && *at <= '9';)
			at++;
		if (!stw_quick_port(digits, (size_t)(at - digits), &port))
			return false;
	}
	*ob = end - at == 4 && memcmp(at, ";ob>", 4) == 0 && memcmp(start, "<sip:", 5) == 0;
	return *ob || (end - at == 1 && *at == '>');
}

/* Does Contact say that its phone is elsewhere, or that it wants this flow? */
static bool contact_needs_flow(const struct stw_decision *d)
{
	const struct stw_ip *peer = &d->src->peer.ip;
	struct stw_sip_name_addr na;
	struct stw_sip_uri uri;
	struct stw_span found;
	bool ob;

	if (!stw_sip_has(d->m, STW_HDR_CONTACT))
		return false;
	if (contact_is_plain(d, &ob))
		return ob;
	if (stw_sip_name_addr_parse(d->buf, d->m->value[STW_HDR_CONTACT], &na) != STW_OK ||
	    stw_sip_uri_parse(d->buf, na.uri, &uri) != STW_OK)
		return false;
	return stw_sip_param_find(d->buf, uri.params, "ob", 2, &found) == STW_OK ||
	       (uri.host_is_ip && !stw_ip_equal(&uri.ip, peer));
}

bool stw_flow_wanted(const struct stw_decision *d)
{
	uint8_t nat = d->t->listeners[d->src->listener].nat;
	struct stw_ip host;

	if (nat != STW_IMAGE_NAT_AUTO)
		return nat == STW_IMAGE_NAT_ALWAYS;
	if (stw_host_parse(d->buf, d->v->via.host, &host) == STW_OK &&
	    !stw_ip_equal(&host, &d->src->peer.ip))
		return true;
	return only_one_via(d) && contact_needs_flow(d);
}

static bool lists(const char *buf, struct stw_span rest, const char *tag)
{
	struct stw_span token;

	while (stw_sip_token_next(buf, &rest, &token) == STW_OK)
		if (token.len == strlen(tag) && strncasecmp(buf + token.off, tag, token.len) == 0)
			return true;
	return false;
}

/* The next Supported line, long or compact. */
static bool next_supported(const struct stw_decision *d, struct stw_sip_line *line)
{
	const uint32_t letters = STW_SIP_LETTER('s') | STW_SIP_LETTER('k');

	while (stw_sip_line_among(d->buf, d->m, letters, line))
		if (line->header == STW_HDR_OTHER &&
		    stw_sip_name_is(d->buf, line->name, "Supported"))
			return true;
	return false;
}

/*
 * RFC 3327 s5.2. A phone that names outbound alone breaks RFC 5626 s4.2.1, and a registrar that
 * goes by the RFC refuses it with a 420 when there is a Path.
 */
bool stw_path_wanted(const struct stw_decision *d)
{
	uint8_t nat = d->t->listeners[d->src->listener].nat;
	struct stw_sip_line line = {.end = d->m->headers_off};

	if (nat != STW_IMAGE_NAT_AUTO)
		return nat == STW_IMAGE_NAT_ALWAYS;
	while (next_supported(d, &line))
		if (lists(d->buf, line.value, "path"))
			return true;
	return false;
}
