/* SPDX-License-Identifier: BSD-3-Clause */

/* Addresses: which a URI names, and which nobody may be sent to. */

#include "dataplane/route/decide.h"
#include "dataplane/route/quick.h"

#include <strowger/errors.h>

/*
 * Nobody reaches our own host, a whole network or nothing at all by way of us (RFC 1122 s3.2.1.3;
 * RFC 4291 s2.5, s2.7). What operators put behind firewalls is theirs to guard.
 */
static bool forbidden_v4(const uint8_t *b)
{
	return b[0] == 0 ||		       /* this network, unspecified */
	       b[0] == 127 ||		       /* loopback */
	       (b[0] == 169 && b[1] == 254) || /* link-local, metadata services */
	       b[0] >= 224;		       /* multicast, reserved, broadcast */
}

static bool forbidden_v6(const uint8_t *b)
{
	static const uint8_t zero[15];

	return b[0] == 0xff ||				  /* multicast */
	       (b[0] == 0xfe && (b[1] & 0xc0) == 0x80) || /* link-local */
	       (memcmp(b, zero, 15) == 0 && b[15] <= 1);  /* unspecified, loopback */
}

bool stw_ip_forbidden(const struct stw_ip *ip)
{
	return stw_ip_is_v4(ip) ? forbidden_v4(ip->b + 12) : forbidden_v6(ip->b);
}

int stw_host_parse(const char *buf, struct stw_span host, struct stw_ip *out)
{
	if (host.len >= 2 && buf[host.off] == '[') {
		host.off++;
		host.len = (uint16_t)(host.len - 2);
	}
	if (stw_quick_ipv4(buf + host.off, host.len, out))
		return STW_OK;
	return stw_ip_parse(buf + host.off, host.len, out);
}

int stw_uri_address(const char *buf, const struct stw_sip_uri *uri, struct stw_endpoint *out)
{
	struct stw_endpoint ep = {.port = uri->port != 0 ? uri->port : STW_SIP_PORT};

	if (uri->scheme != STW_SCHEME_SIP || uri->transport != STW_TRANSPORT_UDP)
		return STW_ERANGE;
	if (uri->maddr.len > 0) {
		if (stw_host_parse(buf, uri->maddr, &ep.ip) != STW_OK)
			return STW_ENOENT;
	} else {
		if (!uri->host_is_ip)
			return STW_ENOENT;
		ep.ip = uri->ip;
	}
	*out = ep;
	return STW_OK;
}

int stw_uri_listener(const struct stw_tables *t, const struct stw_sip_uri *uri)
{
	struct stw_endpoint ep = {.ip = uri->ip,
				  .port = uri->port != 0 ? uri->port : STW_SIP_PORT,
				  .transport = uri->transport};

	if (uri->scheme != STW_SCHEME_SIP || !uri->host_is_ip)
		return -1;
	return stw_tables_find_listener(t, &ep);
}

/*
 * s18.2.1 and RFC 3581 s4. More often than the RFC asks: a received of the sender's own making is
 * replaced by the truth, and an maddr outvoted, as both would send our answers wherever he likes.
 */
bool stw_needs_received(const char *buf, const struct stw_sip_via *via, const struct stw_ip *peer)
{
	struct stw_ip host;

	return via->rport_param.len > 0 || via->received_param.len > 0 || via->maddr.len > 0 ||
	       stw_host_parse(buf, via->host, &host) != STW_OK || !stw_ip_equal(&host, peer);
}
