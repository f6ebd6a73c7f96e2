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

/* "<sip:user@host:port>" with the very host of the Via: nothing more to look at. */
static bool contact_is_plain(const struct stw_decision *d)
{
	struct stw_span host = d->v->via.host, value = d->m->value[STW_HDR_CONTACT];
	const char *end = d->buf + stw_span_end(value);
	const char *at = memchr(d->buf + value.off, '@', value.len);

	if (at == NULL || end - ++at < host.len + 1 || memcmp(at, d->buf + host.off, host.len) != 0)
		return false;
	at += host.len;
	if (*at == ':')
		while (++at < end && *at >= '0' && *at <= '9')
			;
	return at + 1 == end && *at == '>';
}

/* Does Contact say that its phone is elsewhere, or that it wants this flow? */
static bool contact_needs_flow(const struct stw_decision *d)
{
	const struct stw_ip *peer = &d->src->peer.ip;
	struct stw_sip_name_addr na;
	struct stw_sip_uri uri;
	struct stw_span ob;

	if (!stw_sip_has(d->m, STW_HDR_CONTACT) || contact_is_plain(d) ||
	    stw_sip_name_addr_parse(d->buf, d->m->value[STW_HDR_CONTACT], &na) != STW_OK ||
	    stw_sip_uri_parse(d->buf, na.uri, &uri) != STW_OK)
		return false;
	return stw_sip_param_find(d->buf, uri.params, "ob", 2, &ob) == STW_OK ||
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

/* The next Supported line, long or compact. Only lines that begin with its letters are looked at.
 */
static bool next_supported(const struct stw_decision *d, uint32_t *off, struct stw_sip_line *line)
{
	const uint32_t end = d->m->body_off;

	for (; *off < end; *off = line->end) {
		while (*off < end && (d->buf[*off] | 0x20) != 's' && (d->buf[*off] | 0x20) != 'k') {
			const char *lf = memchr(d->buf + *off, '\n', end - *off);

			*off = lf == NULL ? end : (uint32_t)(lf + 1 - d->buf);
		}
		line->end = (uint16_t)*off;
		if (*off >= end || !stw_sip_line_next(d->buf, d->m, line))
			return false;
		if (line->header == STW_HDR_OTHER &&
		    stw_sip_name_is(d->buf, line->name, "Supported")) {
			*off = line->end;
			return true;
		}
	}
	return false;
}

/*
 * RFC 3327 s5.2. A phone that names outbound alone breaks RFC 5626 s4.2.1, and a registrar that
 * goes by the RFC refuses it with a 420 when there is a Path.
 */
bool stw_path_wanted(const struct stw_decision *d)
{
	uint8_t nat = d->t->listeners[d->src->listener].nat;
	uint32_t off = d->m->headers_off;
	struct stw_sip_line line;

	if (nat != STW_IMAGE_NAT_AUTO)
		return nat == STW_IMAGE_NAT_ALWAYS;
	while (next_supported(d, &off, &line))
		if (lists(d->buf, line.value, "path"))
			return true;
	return false;
}
