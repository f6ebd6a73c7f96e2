/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/path/path.h"

#include <string.h>

static void end(struct stw_worker *w, const struct stw_burst *b, unsigned i)
{
	/* RFC 5626 s3.5.1: CRLF is for streams; over UDP it gets no answer. */
	bool keepalive = b->msg[i].kind == STW_SIP_KEEPALIVE;

	if (!keepalive)
		stw_flight_dropped(&w->recorder, b, i, STW_C_DROP_NOT_SIP, w->now_tsc);
	stw_drop(w, b->frame[i], stw_tag_plain(STW_TAG_SENT),
		 keepalive ? STW_C_DROP_KEEPALIVE : STW_C_DROP_NOT_SIP);
}

/* The shapes of messages, by the way through route and rewrite that they take, in the order they
 * go. Responses first: an answer that came in time is noted before a retransmission is judged. */
enum shape {
	SHAPE_PROVISIONAL,
	SHAPE_FINAL,
	SHAPE_INVITE, /* before what follows it: CANCEL and ACK ask where it went */
	SHAPE_REQUEST,
	SHAPE_ROUTED,
	SHAPE_STUN,
	SHAPE_OTHER,
	N_SHAPES
};

static inline unsigned shape_of(const struct stw_sip_msg *m)
{
	static const uint8_t base[] = {
		[0] = SHAPE_OTHER,
		[STW_SIP_REQUEST] = SHAPE_INVITE,
		[STW_SIP_RESPONSE] = SHAPE_PROVISIONAL,
		[STW_SIP_KEEPALIVE] = SHAPE_OTHER,
		[STW_SIP_STUN] = SHAPE_STUN,
		[STW_SIP_NEITHER] = SHAPE_OTHER,
	};
	unsigned routed = m->present >> STW_HDR_ROUTE & 1u, other = m->method != STW_METHOD_INVITE;
	unsigned request = m->kind == STW_SIP_REQUEST, response = m->kind == STW_SIP_RESPONSE;

	return base[m->kind] + (request & (routed | other)) + (request & routed) +
	       (response & (m->status >= 200));
}

/* All of @slots is copied, as nobody foresees how many there are. */
static unsigned append(struct stw_burst *b, unsigned n, const uint8_t slots[STW_BURST_MAX],
		       unsigned n_slots)
{
	memcpy(b->live + n, slots, STW_BURST_MAX);
	return n + n_slots;
}

/*
 * Which shape comes next cannot be foreseen, and each wrong guess in the stages behind costs as
 * much as fifty instructions. So the shapes are sorted, without a branch, and go one after the
 * other.
 */
void stw_classify(struct stw_worker *w, struct stw_burst *b)
{
	uint8_t slots[N_SHAPES][STW_BURST_MAX];
	unsigned n[N_SHAPES] = {0}, live = 0;

	stw_recorder_begin(&w->recorder, b->n);
	for (unsigned k = 0; k < b->n_live; k++) {
		uint8_t i = b->live[k];
		unsigned shape = shape_of(&b->msg[i]);

		slots[shape][n[shape]++] = i;
	}
	for (unsigned k = 0; k < n[SHAPE_OTHER]; k++)
		end(w, b, slots[SHAPE_OTHER][k]);
	for (unsigned shape = 0; shape < SHAPE_OTHER; shape++)
		live = append(b, live, slots[shape], n[shape]);
	b->n_live = (uint16_t)live;
	stw_count(w, STW_C_REQUESTS, n[SHAPE_INVITE] + n[SHAPE_REQUEST] + n[SHAPE_ROUTED]);
	stw_count(w, STW_C_RESPONSES, n[SHAPE_PROVISIONAL] + n[SHAPE_FINAL]);
	STW_PROBE(classified, w, b->n_live);
}
