/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Inside of the mirror: its rows, and the one function that makes rows of the kernel's messages.
 */

#include <linux/neighbour.h>

#include "dataplane/netlink/mirror.h"

struct stw_address_row {
	struct stw_ip ip;
	uint32_t ifindex;
	/* the key ends here */
	uint32_t flags;
};

#define STW_ADDRESS_KEY offsetof(struct stw_address_row, flags)

struct stw_route_row {
	struct stw_ip prefix;
	uint32_t metric;
	uint8_t bits; /* on the mapped form */
	uint8_t key_reserved[3];
	/* the key ends here */
	struct stw_ip gateway;
	uint32_t ifindex;
	uint8_t on_link;
	uint8_t unreachable;
	uint8_t reserved[2];
};

#define STW_ROUTE_KEY offsetof(struct stw_route_row, gateway)

struct stw_neighbour_row {
	struct stw_ip ip;
	uint32_t ifindex;
	/* the key ends here */
	uint8_t mac[6];
	uint16_t state; /* NUD_ bits */
};

#define STW_NEIGHBOUR_KEY offsetof(struct stw_neighbour_row, mac)

_Static_assert(sizeof(struct stw_address_row) == 24 && sizeof(struct stw_route_row) == 48 &&
		       sizeof(struct stw_neighbour_row) == 28,
	       "rows are compared as bytes: no padding");

/** One message of a dump or an event into @arg, a struct stw_mirror. @return MNL_CB_OK */
int stw_mirror_take(const struct nlmsghdr *nlh, void *arg);
