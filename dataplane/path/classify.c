/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/path/path.h"

static void end(struct stw_worker *w, const struct stw_burst *b, unsigned i)
{
	/* RFC 5626 s4.4.1 wants no answer over UDP to CRLF; STUN ones go unanswered. */
	bool keepalive = b->msg[i].kind == STW_SIP_KEEPALIVE || b->msg[i].kind == STW_SIP_STUN;

	if (!keepalive)
		stw_flight_dropped(&w->recorder, b, i, STW_C_DROP_NOT_SIP, w->now_tsc);
	stw_drop(w, b->frame[i], stw_tag_plain(STW_TAG_SENT),
		 keepalive ? STW_C_DROP_KEEPALIVE : STW_C_DROP_NOT_SIP);
}

void stw_classify(struct stw_worker *w, struct stw_burst *b)
{
	uint64_t n_requests = 0, n_responses = 0;
	uint16_t n = 0;

	stw_recorder_begin(&w->recorder, b->n);
	/* No branch tells requests from responses: which comes next cannot be foreseen. */
	for (unsigned k = 0; k < b->n_live; k++) {
		uint8_t i = b->live[k];
		bool request = b->msg[i].kind == STW_SIP_REQUEST;
		bool response = b->msg[i].kind == STW_SIP_RESPONSE;

		n_requests += request;
		n_responses += response;
		b->live[n] = i;
		n = (uint16_t)(n + (request | response));
		if (__builtin_expect(!(request | response), 0))
			end(w, b, i);
	}
	b->n_live = n;
	stw_count(w, STW_C_REQUESTS, n_requests);
	stw_count(w, STW_C_RESPONSES, n_responses);
	STW_PROBE(classified, w, b->n_live);
}
