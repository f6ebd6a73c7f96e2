/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/config/address.h"

const char *stw_address_unusable(const struct stw_ip *ip)
{
	static const struct stw_ip any6;
	const uint8_t *b = ip->b;

	if (stw_ip_is_v4(ip)) {
		if (b[12] == 0)
			return "it is not an address of a host";
		if (b[12] == 255 && b[13] == 255 && b[14] == 255 && b[15] == 255)
			return "it is the broadcast address";
		if (b[12] >= 240)
			return "it is reserved";
		return b[12] >= 224 ? "it is a multicast address" : NULL;
	}
	if (stw_ip_equal(ip, &any6))
		return "it is the unspecified address";
	return b[0] == 0xff ? "it is a multicast address" : NULL;
}

bool stw_address_is_link_local6(const struct stw_ip *ip)
{
	return ip->b[0] == 0xfe && (ip->b[1] & 0xc0) == 0x80;
}

/* Length of @p counted on the mapped form. */
static unsigned mapped_bits(const struct stw_model_prefix *p)
{
	return stw_ip_is_v4(&p->ip) ? 96u + p->bits : p->bits;
}

static struct stw_ip fill_rest(const struct stw_model_prefix *p, bool ones)
{
	unsigned bits = mapped_bits(p);
	struct stw_ip ip = p->ip;

	for (unsigned i = bits / 8; i < sizeof(ip.b); i++) {
		uint8_t rest = i == bits / 8 ? (uint8_t)(0xff >> (bits % 8)) : 0xff;
		uint8_t kept = (uint8_t)~rest;

		if (ones)
			ip.b[i] |= rest;
		else
			ip.b[i] &= kept;
	}
	return ip;
}

struct stw_ip stw_address_first(const struct stw_model_prefix *p)
{
	return fill_rest(p, false);
}

struct stw_ip stw_address_last(const struct stw_model_prefix *p)
{
	return fill_rest(p, true);
}

bool stw_address_in(const struct stw_ip *ip, const struct stw_model_prefix *p)
{
	struct stw_model_prefix same = {.ip = *ip, .bits = p->bits};

	if (stw_ip_is_v4(ip) != stw_ip_is_v4(&p->ip))
		return false;
	struct stw_ip a = stw_address_first(&same), b = stw_address_first(p);

	return stw_ip_equal(&a, &b);
}

bool stw_address_has_broadcast(const struct stw_model_prefix *p)
{
	return stw_ip_is_v4(&p->ip) && p->bits < 31;
}
