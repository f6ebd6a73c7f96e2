/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * What an address is good for, and whether it lies in a subnet.
 *
 * Threads: any; no shared state.
 */

#include <stdbool.h>

#include <strowger/endpoint.h>

#include "control/model/model.h"

/** Why nobody can have @ip as its own: unspecified, multicast, broadcast. @return NULL when fine */
const char *stw_address_unusable(const struct stw_ip *ip);

/** True for fe80::/10, which says nothing without an interface. */
bool stw_address_is_link_local6(const struct stw_ip *ip);

/** True when @ip is in the subnet of @p (of the same family). */
bool stw_address_in(const struct stw_ip *ip, const struct stw_model_prefix *p);

/** @p with the bits behind its length cleared, or set. */
struct stw_ip stw_address_first(const struct stw_model_prefix *p);
struct stw_ip stw_address_last(const struct stw_model_prefix *p);

/** True for an IPv4 subnet that has a network's own and a broadcast address (RFC 3021). */
bool stw_address_has_broadcast(const struct stw_model_prefix *p);
