/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/route/quoted.h"

#include <netinet/in.h>
#include <string.h>

#include "dataplane/route/decide.h"

#define ICMP_LEN	  8u
#define IPV4_LEN	  20u
#define IPV6_LEN	  40u
#define UDP_LEN		  8u
#define QUOTE_MAX	  2048u

#define ICMP4_UNREACHABLE 3u
#define ICMP4_FRAG_NEEDED 4u /* a code: about size, not about the host */
#define ICMP6_UNREACHABLE 1u

struct quote {
	struct stw_endpoint from, to;
	const char *text;
	size_t len;
};

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static bool take_udp(const uint8_t *udp, size_t left, struct quote *q)
{
	if (left < UDP_LEN)
		return false;
	q->from.port = be16(udp);
	q->to.port = be16(udp + 2);
	q->text = (const char *)udp + UDP_LEN;
	q->len = left - UDP_LEN;
	return true;
}

/* The first fragment will do: it has the headers. */
static bool take_ipv4(const uint8_t *ip, size_t left, struct quote *q)
{
	size_t header = (ip[0] & 0x0fu) * 4u;

	if (left < IPV4_LEN || ip[0] >> 4 != 4 || header < IPV4_LEN || header > left ||
	    ip[9] != IPPROTO_UDP || (be16(ip + 6) & 0x1fff) != 0)
		return false;
	q->from.ip = stw_ip_from_v4(ip + 12);
	q->to.ip = stw_ip_from_v4(ip + 16);
	return take_udp(ip + header, left - header, q);
}

static bool take_ipv6(const uint8_t *ip, size_t left, struct quote *q)
{
	if (left < IPV6_LEN || ip[0] >> 4 != 6 || ip[6] != IPPROTO_UDP)
		return false;
	q->from.ip = stw_ip_from_v6(ip + 8);
	q->to.ip = stw_ip_from_v6(ip + 24);
	return take_udp(ip + IPV6_LEN, left - IPV6_LEN, q);
}

static bool take_quote(const uint8_t *icmp, size_t len, bool ipv6, struct quote *q)
{
	if (len <= ICMP_LEN)
		return false;
	if (ipv6)
		return icmp[0] == ICMP6_UNREACHABLE &&
		       take_ipv6(icmp + ICMP_LEN, len - ICMP_LEN, q);
	return icmp[0] == ICMP4_UNREACHABLE && icmp[1] != ICMP4_FRAG_NEEDED &&
	       take_ipv4(icmp + ICMP_LEN, len - ICMP_LEN, q);
}

/* The whole lines of a quote, as a message that ends there. @return its length, 0: none */
static size_t cut(const struct quote *q, char *out)
{
	size_t len = q->len < QUOTE_MAX ? q->len : QUOTE_MAX;

	while (len > 0 && q->text[len - 1] != '\n')
		len--;
	memcpy(out, q->text, len);
	memcpy(out + len, "\r\n", 2);
	return len > 0 ? len + 2 : 0;
}

uint16_t stw_quoted_member(const struct stw_snapshot *snap, const uint8_t *icmp, size_t len,
			   bool ipv6)
{
	char text[QUOTE_MAX + 2];
	struct stw_sip_msg m;
	struct stw_source src = {0};
	struct stw_verdict v = {0};
	struct quote q = {0};
	int listener, member;

	if (!take_quote(icmp, len, ipv6, &q) ||
	    (listener = stw_tables_find_listener(snap->tables, &q.from)) < 0 ||
	    (member = stw_tables_find_member(snap->tables, &q.to)) < 0)
		return STW_NO_MEMBER;
	size_t n = cut(&q, text);
	enum stw_sip_reject reject = stw_sip_parse(text, n, &m);
	/* nobody quotes bodies whole */
	if (m.kind != STW_SIP_REQUEST ||
	    (reject != STW_SIP_ACCEPTED && reject != STW_REJECT_BODY_SHORT))
		return STW_NO_MEMBER;
	src.listener = (uint16_t)listener;
	stw_route_begin(snap, text, &m, &src, &v);
	const struct stw_decision d = {
		.snap = snap, .t = snap->tables, .buf = text, .m = &m, .src = &src, .v = &v};
	return stw_decide_wrote(&d) ? (uint16_t)member : STW_NO_MEMBER;
}
