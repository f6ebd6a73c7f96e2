/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/traffic/load.h"

#include <stdlib.h>

#include <rte_ethdev.h>

#include <strowger/errors.h>

#include "bench/clock.h"
#include "bench/path/frame.h"

#define BURST	 32u
#define AHEAD	 8u   /* frames whose lines are fetched before their turn */
#define PAUSE_US 100u /* a turn takes some microseconds; what is longer, somebody else took */

struct run {
	uint16_t port;
	struct stw_traffic_frames *frames;
	const struct stw_traffic_plan *plan;
	struct stw_traffic_result *result;
	uint64_t *seen; /* a bit a message */
	uint64_t start; /* ticks */
	double ticks_per_message;
	double hz;
	uint32_t next;	      /* message to send */
	uint32_t first_timed; /* of which the latency counts */
};

static uint64_t due_at(const struct run *r, uint32_t seq)
{
	return r->start + (uint64_t)((double)seq * r->ticks_per_message);
}

/* How many messages' moments have come by @now. */
static uint32_t due_by(const struct run *r, uint64_t now)
{
	double n = (double)(now - r->start) / r->ticks_per_message + 1;

	return n < (double)r->result->due ? (uint32_t)n : r->result->due;
}

static void fetch(const struct run *r, uint32_t seq)
{
	const struct stw_traffic_frame *f = &r->frames->list[seq % r->frames->n];

	rte_prefetch0(f->mbuf);
	rte_prefetch0((char *)f->mbuf->buf_addr + f->mbuf->data_off);
	rte_prefetch0((char *)f->mbuf->buf_addr + f->mbuf->data_off + f->stamp_off);
}

static void send_burst(struct run *r, uint32_t n)
{
	struct rte_mbuf *burst[BURST];
	uint16_t sent;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t seq = r->next + i;

		fetch(r, seq + AHEAD);
		burst[i] = stw_traffic_frame_ready(&r->frames->list[seq % r->frames->n],
						   (struct stw_stamp){r->plan->run, seq});
	}
	sent = rte_eth_tx_burst(r->port, 0, burst, (uint16_t)n);
	rte_pktmbuf_free_bulk(burst + sent, n - sent); /* their second reference; they stay ours */
	r->result->refused += n - sent;
	r->next += n;
}

static void send_due(struct run *r, uint64_t now)
{
	uint32_t due = due_by(r, now);

	if (due <= r->next)
		return;
	uint64_t late = now - due_at(r, r->next);
	if (late > r->result->late_max)
		r->result->late_max = late;
	send_burst(r, RTE_MIN(due - r->next, BURST));
}

static bool first_time(struct run *r, uint32_t seq)
{
	uint64_t bit = 1ull << (seq % 64), *word = &r->seen[seq / 64];
	bool first = (*word & bit) == 0;

	*word |= bit;
	return first;
}

static void take(struct run *r, const struct rte_mbuf *m, uint64_t now)
{
	const uint8_t *bytes = rte_pktmbuf_mtod(m, const uint8_t *), *at = NULL;
	struct stw_traffic_result *out = r->result;
	struct stw_stamp stamp;

	if (m->data_len > STW_BENCH_FRAME_HEADERS)
		at = stw_stamp_find(bytes + STW_BENCH_FRAME_HEADERS,
				    m->data_len - STW_BENCH_FRAME_HEADERS);
	if (at == NULL || !stw_stamp_read(at, &stamp))
		out->foreign++;
	else if (stamp.run != r->plan->run || stamp.seq >= r->next)
		out->stale++;
	else if (!stw_traffic_frame_is_back(&r->frames->list[stamp.seq % r->frames->n], bytes,
					    m->data_len))
		out->wrong++;
	else if (!first_time(r, stamp.seq))
		out->repeated++;
	else {
		out->received++;
		if (stamp.seq >= r->first_timed)
			stw_histogram_add(&out->latency, now - due_at(r, stamp.seq));
	}
}

static uint32_t receive(struct run *r, uint64_t now)
{
	struct rte_mbuf *burst[BURST];
	uint16_t n = rte_eth_rx_burst(r->port, 0, burst, BURST);

	for (uint16_t i = 0; i < n; i++)
		rte_prefetch0(rte_pktmbuf_mtod(burst[i], void *));
	for (uint16_t i = 0; i < n; i++)
		take(r, burst[i], now);
	rte_pktmbuf_free_bulk(burst, n);
	return n;
}

static bool all_back(const struct run *r)
{
	return r->result->received == r->result->due - r->result->refused;
}

/* After the last message: until all are back, or nothing came for a while. */
static void drain(struct run *r, const volatile sig_atomic_t *stop)
{
	const uint64_t patience = (uint64_t)(r->plan->drain_s * r->hz);
	uint64_t last = stw_bench_ticks();

	while (!*stop && !all_back(r)) {
		uint64_t now = stw_bench_ticks();

		if (receive(r, now) > 0)
			last = now;
		else if (now - last > patience)
			break;
	}
}

static void loop(struct run *r, const volatile sig_atomic_t *stop)
{
	const uint64_t pause = (uint64_t)(PAUSE_US * 1e-6 * r->hz);
	uint64_t before = r->start, now;

	for (; !*stop && r->next < r->result->due; before = now) {
		now = stw_bench_ticks();
		if (now - before > pause)
			r->result->paused += now - before;
		send_due(r, now);
		receive(r, stw_bench_ticks());
	}
	r->result->seconds = (double)(before - r->start) / r->hz;
}

/* What earlier runs left in the queues. */
static void discard(uint16_t port)
{
	struct rte_mbuf *burst[BURST];
	uint16_t n;

	while ((n = rte_eth_rx_burst(port, 0, burst, BURST)) > 0)
		rte_pktmbuf_free_bulk(burst, n);
}

int stw_traffic_run(uint16_t port, struct stw_traffic_frames *f,
		    const struct stw_traffic_plan *plan, double hz,
		    const volatile sig_atomic_t *stop, struct stw_traffic_result *out)
{
	struct run r = {.port = port, .frames = f, .plan = plan, .result = out, .hz = hz};
	double due = plan->rate * plan->seconds;

	if (!(due >= 1) || !(plan->lead_s < plan->seconds) || due > STW_TRAFFIC_MESSAGES_MAX)
		return STW_ERANGE;
	memset(out, 0, sizeof(*out));
	out->due = (uint32_t)due;
	r.ticks_per_message = hz / plan->rate;
	r.first_timed = (uint32_t)(plan->rate * plan->lead_s);
	r.seen = malloc(((size_t)out->due / 64 + 1) * sizeof(*r.seen));
	if (r.seen == NULL)
		return STW_ENOMEM;
	/* Written, not calloc'ed: its pages must be there before the first message. */
	memset(r.seen, 0, ((size_t)out->due / 64 + 1) * sizeof(*r.seen));
	discard(port);
	r.start = stw_bench_ticks();
	loop(&r, stop);
	drain(&r, stop);
	free(r.seen);
	return STW_OK;
}
