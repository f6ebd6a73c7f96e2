/* SPDX-License-Identifier: BSD-3-Clause */

/* Addresses: which a URI names, and which nobody may be sent to. */

#include "dataplane/route/decide.h"
#include "dataplane/route/quick.h"
#include "dataplane/sip/plain.h"
#include "dataplane/table/tables.h"

#include <strowger/errors.h>

bool stw_ip6_forbidden(const struct stw_ip *ip)
{
	static const uint8_t zero[15];
	const uint8_t *b = ip->b;

	return b[0] == 0xff ||				  /* multicast */
	       (b[0] == 0xfe && (b[1] & 0xc0) == 0x80) || /* link-local */
	       (memcmp(b, zero, 15) == 0 && b[15] <= 1);  /* unspecified, loopback */
}

/* By whatever the CPU has, in brackets, or IPv6. */
__attribute__((noinline)) static int host_parse(const char *buf, struct stw_span host,
						struct stw_ip *out)
{
	if (stw_quick_ipv4(buf + host.off, host.len, out))
		return STW_OK;
	if (host.len >= 2 && buf[host.off] == '[') {
		host.off++;
		host.len = (uint16_t)(host.len - 2);
	}
	return stw_ip_parse(buf + host.off, host.len, out);
}

int stw_host_parse(const char *buf, struct stw_span host, struct stw_ip *out)
{
	return stw_next_hop.ipv4(buf + host.off, host.len, out) ? STW_OK
								: host_parse(buf, host, out);
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

/* A weight of 0 still has a small chance (RFC 2782). */
static uint32_t share(const struct stw_image_target *t)
{
	return 64u * t->weight + 1;
}

static const struct stw_endpoint *choose(const struct stw_tables *t, const struct stw_image_name *n,
					 uint32_t hash)
{
	const struct stw_image_target *first = &t->targets[n->first_target];
	uint32_t sum = 0, at;
	uint8_t i = 0, count = 0;

	while (count < n->n_targets && first[count].priority == first[0].priority)
		sum += share(&first[count++]);
	at = (uint32_t)((uint64_t)hash * sum >> 32);
	while (i + 1 < count && at >= share(&first[i]))
		at -= share(&first[i++]);
	return &first[i].address;
}

bool stw_decide_name(struct stw_decision *d, const char *text, const struct stw_sip_uri *uri,
		     struct stw_endpoint *out)
{
	struct stw_span host = uri->maddr.len > 0 ? uri->maddr : uri->host;
	char name[STW_IMAGE_NAME_MAX];
	uint8_t len = stw_name_canonical(text + host.off, host.len, name);
	const struct stw_image_name *known =
		len > 0 ? stw_tables_find_name(d->t, name, len, uri->port) : NULL;

	if (len > 0 && known == NULL) {
		d->v->action = STW_ACTION_KERNEL;
		d->v->name = host;
		d->v->name_in = text;
		d->v->name_port = uri->port;
		return false;
	}
	if (known == NULL || known->n_targets == 0) {
		stw_decide_answer(d, 503, "Name Not Resolved");
		return false;
	}
	*out = *choose(d->t, known, (uint32_t)d->v->call_hash);
	return true;
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
