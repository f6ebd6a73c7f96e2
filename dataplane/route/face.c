/* SPDX-License-Identifier: BSD-3-Clause */

/**
 * @file
 * Which listener speaks for us on an interface: its address is the source, the Via and the
 * Record-Route of what leaves there.
 */

#include <string.h>

#include "dataplane/route/route.h"
#include "dataplane/table/lookup.h"

static unsigned family_of(const struct stw_ip *ip)
{
	return stw_ip_is_v4(ip) ? 0 : 1;
}

static void face_family(struct stw_snapshot *snap, unsigned family, uint16_t listener)
{
	for (size_t iface = 0; iface < STW_FIB_IFACES_MAX; iface++)
		snap->facing[iface][family] = listener;
}

void stw_snapshot_face(struct stw_snapshot *snap, const struct stw_iface_address *addresses,
		       size_t n_addresses)
{
	const size_t n = snap->tables ? stw_tables_n_listeners(snap->tables) : 0;
	memset(snap->facing, 0xff, sizeof(snap->facing));
	/* From the last to the first, so that the first stays. */
	for (size_t i = n; i-- > 0;) {
		const struct stw_ip *ip =
			&stw_tables_listener(snap->tables, (uint16_t)i)->address.ip;
		face_family(snap, family_of(ip), (uint16_t)i);
	}
	for (size_t i = n; i-- > 0;) {
		const struct stw_ip *ip =
			&stw_tables_listener(snap->tables, (uint16_t)i)->address.ip;
		for (size_t a = 0; a < n_addresses; a++)
			if (addresses[a].iface < STW_FIB_IFACES_MAX &&
			    stw_ip_equal(&addresses[a].ip, ip))
				snap->facing[addresses[a].iface][family_of(ip)] = (uint16_t)i;
	}
}
