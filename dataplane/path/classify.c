/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/path/path.h"

void stw_classify(struct stw_worker *w, struct stw_burst *b)
{
	const uint32_t none = stw_tag_plain(STW_TAG_SENT);
	uint64_t n_requests = 0, n_responses = 0;
	uint16_t n = 0;

	for (unsigned k = 0; k < b->n_live; k++) {
		uint8_t i = b->live[k];

		switch (b->msg[i].kind) {
		case STW_SIP_REQUEST:
			n_requests++;
			b->live[n++] = i;
			break;
		case STW_SIP_RESPONSE:
			n_responses++;
			b->live[n++] = i;
			break;
		case STW_SIP_KEEPALIVE:
		case STW_SIP_STUN:
			/* RFC 5626 s4.4.1 wants no answer over UDP to CRLF; STUN ones go
			 * unanswered. */
			stw_drop(w, b->frame[i], none, STW_C_DROP_KEEPALIVE);
			break;
		default: stw_drop(w, b->frame[i], none, STW_C_DROP_NOT_SIP);
		}
	}
	b->n_live = n;
	stw_count(w, STW_C_REQUESTS, n_requests);
	stw_count(w, STW_C_RESPONSES, n_responses);
	STW_PROBE(classified, w, b->n_live);
}
