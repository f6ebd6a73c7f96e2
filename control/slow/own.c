/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/slow/own.h"

#include <ifaddrs.h>
#include <netinet/in.h>
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

int stw_own_addresses(const char *device, struct stw_model_address **out, size_t *n)
{
	struct ifaddrs *all, *a;
	size_t most = 0, found = 0;
	char name[16];

	stw_netif_of_device(device, name);
	if (getifaddrs(&all) < 0)
		return STW_EIO;
	for (a = all; a; a = a->ifa_next)
		most++;
	struct stw_model_address *rows = calloc(most + 1, sizeof(*rows));

	for (a = all; rows && a; a = a->ifa_next)
		if (strcmp(a->ifa_name, name) == 0 && read_address(a, &rows[found]))
			found++;
	freeifaddrs(all);
	if (!rows)
		return STW_ENOMEM;
	*out = rows;
	*n = found;
	return STW_OK;
}
