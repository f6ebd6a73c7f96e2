/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * What is asked of a message once its lines are known: mandatory headers, one of each, and values
 * that can be used. The order of the checks decides which reason a message with several faults
 * gets; docs/parsing.md states it.
 */

#include <strowger/likely.h>
#include <strowger/sip.h>

#include "dataplane/sip/limits.h"

/**
 * Check @m, whose kind, spans, present and repeated are set; sets method (responses), cseq,
 * max_forwards, content_length, len and the parts of values.
 *
 * @param len        bytes of the datagram
 * @param error_off  set when the result is not STW_SIP_ACCEPTED
 */
enum stw_sip_reject stw_check(const char *buf, size_t len, struct stw_sip_msg *m,
			      uint32_t *error_off);

/** The value of CSeq: number, white space, method (RFC 3261 s20.16). */
enum stw_sip_reject stw_cseq_parse(const char *buf, struct stw_span value, uint32_t *number,
				   struct stw_span *method);

/** True for the value of a Call-ID: word [ "@" word ], with any number of "@" (s20.8). */
bool stw_callid_ok(const char *buf, struct stw_span value);

/** No more Via elements than may be, by counting them; the lines of @m are sound. */
bool stw_vias_counted_ok(const char *buf, const struct stw_sip_msg *m);

/** The same without counting where no more fit. */
static inline bool stw_vias_ok(const char *buf, const struct stw_sip_msg *m)
{
	return stw_likely(!stw_vias_need_counting(m)) || stw_vias_counted_ok(buf, m);
}

/** One address and no more, of From or To. @param tag  set when there is one with a value */
bool stw_address_ok(const char *buf, struct stw_span value, struct stw_span *tag);

/** The first Route element: in brackets, with a URI (s20.34). @param out  filled as far as sound */
bool stw_route_ok(const char *buf, struct stw_span value, struct stw_sip_name_addr *out);
