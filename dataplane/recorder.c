/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/recorder.h"

#include "dataplane/path/path.h"
#include "dataplane/table/lookup.h"

#define FETCH_BYTES 1024u /* of an entry: the header and most messages whole */

void stw_recorder_init(struct stw_recorder *r, struct stw_stats *stats, uint32_t i)
{
	*r = (struct stw_recorder){.shape = stats->record_shape};
	if (r->shape.n == 0)
		return;
	r->all = stw_stats_records(stats, i);
	r->errors = stw_stats_error_records(stats, i);
}

static void fill(const struct stw_burst *b, unsigned i, uint64_t tsc, struct stw_flight *out)
{
	const struct stw_sip_msg *m = &b->msg[i];

	*out = (struct stw_flight){.tsc = tsc,
				   .from = b->src[i].peer,
				   .len = b->text_len[i],
				   .kind = m->kind,
				   .reject = m->reject,
				   .error_off = m->error_off};
	if (b->src[i].listener < stw_tables_n_listeners(b->snap->tables))
		out->to = stw_tables_listener(b->snap->tables, b->src[i].listener)->address;
}

static void put_error(struct stw_recorder *r, const struct stw_burst *b, unsigned i,
		      const struct stw_flight *head)
{
	if (r->errors == NULL || r->n_errors == 0)
		return;
	r->n_errors--;
	stw_flight_put(r->errors, &r->shape, r->shape.n_errors, head, b->text[i], b->text_len[i]);
}

/* The next entry's lines were written a ring ago, and no near cache has them: stores would wait for
 * each, and all behind with them. So they are asked for now, many messages before. */
static void fetch_next(const struct stw_recorder *r)
{
	uint64_t next = atomic_load_explicit(&r->all->next, memory_order_relaxed);
	const char *at = (const char *)stw_flight_at(r->all, &r->shape, r->shape.n, next);
	uint64_t bytes = stw_flight_bytes(&r->shape);

	for (uint64_t k = 0; k < bytes && k < FETCH_BYTES; k += RTE_CACHE_LINE_MIN_SIZE)
		stw_prefetch_write(at + k);
}

void stw_flight_decided(struct stw_recorder *r, const struct stw_burst *b, unsigned i, uint64_t tsc)
{
	const struct stw_verdict *v = &b->verdict[i];
	struct stw_flight head;

	if (b->msg[i].kind == STW_SIP_STUN)
		return; /* keep-alives would push everything else out */
	fill(b, i, tsc, &head);
	head.action = v->action;
	head.how = v->how;
	if (v->action == STW_ACTION_FORWARD)
		head.next = v->dst;
	else if (v->action == STW_ACTION_ANSWER)
		head.end = v->status;
	else if (v->action == STW_ACTION_DROP)
		head.end = v->reason;
	if ((v->call_hash & r->call_mask) == 0) {
		stw_flight_put(r->all, &r->shape, r->shape.n, &head, b->text[i], b->text_len[i]);
		fetch_next(r);
	}
	if (head.reject != STW_SIP_ACCEPTED || v->action == STW_ACTION_DROP)
		put_error(r, b, i, &head);
}

void stw_flight_dropped(struct stw_recorder *r, const struct stw_burst *b, unsigned i,
			enum stw_counter reason, uint64_t tsc)
{
	struct stw_flight head;

	if (r->errors == NULL || r->n_errors == 0)
		return;
	fill(b, i, tsc, &head);
	head.action = STW_ACTION_DROP;
	head.end = (uint16_t)reason;
	put_error(r, b, i, &head);
}
