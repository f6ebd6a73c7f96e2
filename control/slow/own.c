/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/slow/own.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>

#include "control/config/address.h"
#include "dataplane/netif.h"

static uint8_t count_bits(const void *mask, size_t bytes)
{
	const uint8_t *b = mask;
	unsigned n = 0;

	for (size_t i = 0; i < bytes; i++)
		n += (unsigned)__builtin_popcount(b[i]);
	return (uint8_t)n;
}

/* @return false for what is no address to speak from */
static bool read_address(const struct ifaddrs *a, struct stw_model_address *out)
{
	*out = (struct stw_model_address){0};
	if (!a->ifa_addr || !a->ifa_netmask)
		return false;
	if (a->ifa_addr->sa_family == AF_INET) {
		const struct sockaddr_in *ip = (const void *)a->ifa_addr;
		const struct sockaddr_in *mask = (const void *)a->ifa_netmask;

		out->prefix.ip = stw_ip_from_v4(&ip->sin_addr);
		out->prefix.bits = count_bits(&mask->sin_addr, 4);
		return true;
	}
	if (a->ifa_addr->sa_family == AF_INET6) {
		const struct sockaddr_in6 *ip = (const void *)a->ifa_addr;
		const struct sockaddr_in6 *mask = (const void *)a->ifa_netmask;

		out->prefix.ip = stw_ip_from_v6(&ip->sin6_addr);
		out->prefix.bits = count_bits(&mask->sin6_addr, 16);
		return !stw_address_is_link_local6(&out->prefix.ip);
	}
	return false;
}

/* The kernel's interfaces of a port: untagged at [0], then its VLANs. 0: there is none. */
struct netifs {
	unsigned index[STW_OWN_VLANS_MAX + 1];
	size_t n;
};

/* By index: a VLAN interface may have the name it needs beside another. */
static struct netifs find_netifs(const struct stw_model_port *p)
{
	struct netifs x = {.n = 1};
	char name[16], vlan[24];

	stw_netif_of_device(p->device, name);
	x.index[0] = *name ? if_nametoindex(name) : 0;
	for (size_t i = 0; i < p->n_vlans && i < STW_OWN_VLANS_MAX; i++) {
		snprintf(vlan, sizeof(vlan), "%s.%u", name, p->vlans[i]);
		x.index[x.n++] = if_nametoindex(vlan);
	}
	return x;
}

/* @return false for an interface that is not the port's */
static bool vlan_of(const struct stw_model_port *p, const struct netifs *x, const char *name,
		    uint16_t *vlan)
{
	const unsigned index = if_nametoindex(name);

	for (size_t i = 0; index != 0 && i < x->n; i++) {
		if (x->index[i] == index) {
			*vlan = i > 0 ? p->vlans[i - 1] : 0;
			return true;
		}
	}
	return false;
}

int stw_own_addresses(const struct stw_model_port *p, struct stw_model_address **out, size_t *n)
{
	const struct netifs netifs = find_netifs(p);
	struct ifaddrs *all, *a;
	size_t most = 0, found = 0;
	uint16_t vlan;

	if (getifaddrs(&all) < 0)
		return STW_EIO;
	for (a = all; a; a = a->ifa_next)
		most++;
	struct stw_model_address *rows = calloc(most + 1, sizeof(*rows));

	for (a = all; rows && a; a = a->ifa_next)
		if (vlan_of(p, &netifs, a->ifa_name, &vlan) && read_address(a, &rows[found]))
			rows[found++].vlan = vlan;
	freeifaddrs(all);
	if (!rows)
		return STW_ENOMEM;
	*out = rows;
	*n = found;
	return STW_OK;
}
