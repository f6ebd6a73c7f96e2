/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * STUN keep-alives on a SIP flow (RFC 5626 s4.4.2, s8; RFC 5389): a Binding Request is answered
 * with the address it came from, so that a phone notices when its NAT has given it another. Nothing
 * else of STUN is done: indications are absorbed, and attributes that must be understood but are
 * not are answered 420.
 *
 * Of the rule that an unverified source gets at most 1.5 times what it sent, the measure here is
 * the IP packet: 60 bytes for 48 by IPv4, 92 for 68 by IPv6.
 */

#include "dataplane/route/decide.h"

/** Answer it or drop it. Fills the verdict. */
void stw_decide_stun(struct stw_decision *d);

/**
 * Write the answer over the request.
 *
 * @param room  writable bytes from @buf on
 * @return STW_OK, STW_ENOSPACE
 */
int stw_stun_answer(const struct stw_sip_msg *m, const struct stw_source *src,
		    const struct stw_verdict *v, char *buf, size_t room, struct stw_rewritten *out);
