/* SPDX-License-Identifier: BSD-3-Clause */

/**
 * @file
 * Which listener speaks for us on an interface: its address is the source, the Via and the
 * Record-Route of what leaves there.
 */

#include <string.h>

#include "dataplane/route/route.h"
#include "dataplane/table/lookup.h"

static bool iface_has(const struct stw_iface_address *addresses, size_t n, size_t iface,
		      const struct stw_ip *ip)
{
	for (size_t i = 0; i < n; i++)
		if (addresses[i].iface == iface && stw_ip_equal(&addresses[i].ip, ip))
			return true;
	return false;
}

static uint16_t first_of_family(const struct stw_tables *tables, unsigned family)
{
	const size_t n = stw_tables_n_listeners(tables);
	for (uint16_t i = 0; i < n; i++)
		if (stw_ip_is_v4(&stw_tables_listener(tables, i)->address.ip) == (family == 0))
			return i;
	return STW_NO_LISTENER;
}

static uint16_t first_on_iface(const struct stw_tables *tables, unsigned family, size_t iface,
			       const struct stw_iface_address *addresses, size_t n_addresses)
{
	const size_t n = stw_tables_n_listeners(tables);
	for (uint16_t i = 0; i < n; i++) {
		const struct stw_ip *ip = &stw_tables_listener(tables, i)->address.ip;
		if (stw_ip_is_v4(ip) == (family == 0) &&
		    iface_has(addresses, n_addresses, iface, ip))
			return i;
	}
	return STW_NO_LISTENER;
}

void stw_snapshot_face(struct stw_snapshot *snap, const struct stw_iface_address *addresses,
		       size_t n_addresses)
{
	memset(snap->facing, 0xff, sizeof(snap->facing));
	if (!snap->tables)
		return;
	for (unsigned family = 0; family < 2; family++) {
		const uint16_t otherwise = first_of_family(snap->tables, family);
		for (size_t iface = 0; iface < STW_FIB_IFACES_MAX; iface++) {
			const uint16_t own =
				first_on_iface(snap->tables, family, iface, addresses, n_addresses);
			snap->facing[iface][family] = own != STW_NO_LISTENER ? own : otherwise;
		}
	}
}
