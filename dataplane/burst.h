/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * One burst on its way through the stages: frames, parsed messages and verdicts, side by side.
 *
 * A frame keeps its slot for the whole turn, and slots are in order of arrival. @live lists those
 * still on their way; a stage that ends a packet leaves it out when it writes the list anew.
 * Between classify and tx the list is sorted by shape of message, else by slot.
 */

#include <stdint.h>

#include <rte_mbuf.h>

#include <strowger/sip.h>

#include "dataplane/route/route.h"

#define STW_BURST_MAX 64

struct stw_burst {
	uint16_t n;			 /* frames taken this turn */
	uint16_t n_injected;		 /* the first of them: from other workers */
	uint16_t n_live;		 /* of them still on their way */
	uint8_t live[2 * STW_BURST_MAX]; /* [n_live] slots; the rest is room for whole copies */
	const struct stw_snapshot *snap; /* RCU borrowed: dead at this thread's next quiescent
					  * state */

	struct rte_mbuf *frame[STW_BURST_MAX];
	char *text[STW_BURST_MAX]; /* the SIP bytes, inside the frame */
	uint32_t text_len[STW_BURST_MAX];
	uint32_t tag[STW_BURST_MAX]; /* tag.h, once routed */
	struct stw_source src[STW_BURST_MAX];
	struct stw_sip_msg msg[STW_BURST_MAX];
	struct stw_verdict verdict[STW_BURST_MAX];
};
