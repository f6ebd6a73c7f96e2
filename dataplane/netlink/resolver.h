/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Ask the kernel to find a neighbour's address (ARP, neighbour discovery), or to make sure of one
 * it has not heard of for a while. The answer comes by the mirror.
 *
 * Our traffic tells the kernel nothing, so without asking again what members' next hops are known
 * by would age away; and a flood of made-up neighbours must cost little, so an address is asked for
 * once in STW_RESOLVER_AGAIN_MS, and all of them no faster than a budget.
 *
 * Threads: installer only.
 */

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/ifaces.h"
#include "dataplane/netlink/mirror.h"
#include "dataplane/netlink/rtnl.h"

#define STW_RESOLVER_AGAIN_MS	100u
#define STW_RESOLVER_PER_SECOND 2000u
#define STW_RESOLVER_BURST	1000u
#define STW_RESOLVER_SLOTS	4096u

struct stw_resolver_slot {
	struct stw_ip ip;
	uint16_t iface;
	bool used;
	uint64_t asked_ms;
};

struct stw_resolver {
	struct stw_rtnl *rtnl;
	const struct stw_ifaces *ifaces;
	uint64_t filled_ms; /* when the budget was last filled up */
	uint32_t budget;
	uint64_t n_asked;
	uint64_t n_refused; /* asked lately, or over the budget */
	struct stw_resolver_slot slots[STW_RESOLVER_SLOTS];
};

void stw_resolver_init(struct stw_resolver *r, const struct stw_ifaces *ifaces,
		       struct stw_rtnl *rtnl);

/**
 * Ask for (@iface, @ip), if its turn has come.
 *
 * @param now_ms  of a clock that does not jump
 * @return true when the kernel was asked
 */
bool stw_resolver_ask(struct stw_resolver *r, uint16_t iface, const struct stw_ip *ip,
		      uint64_t now_ms);

/** Ask, unless @mirror knows it well. */
void stw_resolver_keep(struct stw_resolver *r, const struct stw_mirror *mirror, uint16_t iface,
		       const struct stw_ip *ip, uint64_t now_ms);
