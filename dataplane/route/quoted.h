/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * ICMP errors about what we sent. Anybody can forge one, so it says nothing unless it quotes a
 * request of ours whose branch verifies, Call-ID and the Via before ours included; a host that
 * quotes less (RFC 792 asks for eight bytes of UDP only) is not believed.
 */

#include <stdbool.h>

#include "dataplane/route/route.h"

/**
 * The member that a request of ours could not reach.
 *
 * @param snap  tables not NULL
 * @param icmp  [len] from the ICMP header on
 * @param ipv6  ICMPv6
 * @return its index; STW_NO_MEMBER: no such error, or none that is proven
 *
 * Threads: any. Fast path: only for ICMP errors. RFC: 792, 1122 s3.2.2, 4443 s3.1
 */
uint16_t stw_quoted_member(const struct stw_snapshot *snap, const uint8_t *icmp, size_t len,
			   bool ipv6);
