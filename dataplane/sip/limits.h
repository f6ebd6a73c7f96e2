/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <strowger/sip.h>

/* Not RCU: immutable after stw_sip_set_limits(), which comes before any parser thread. */
extern struct stw_sip_limits stw_limits;

/* A Via element is at least this long with its comma: "A/B/C d,". */
#define STW_VIA_MIN 8u

/** Whether the header block of @m is long enough to hold too many Via elements. */
static inline bool stw_vias_need_counting(const struct stw_sip_msg *m)
{
	return (uint32_t)(m->body_off - m->headers_off) > stw_limits.max_vias * STW_VIA_MIN;
}
