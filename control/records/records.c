/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/records/records.h"

#include <stdlib.h>
#include <time.h>

#include <strowger/tsc.h>

static uint32_t size_of(const struct stw_stats *s, enum stw_flight_kind kind)
{
	return kind == STW_RECORDS_ALL ? s->record_shape.n : s->record_shape.n_errors;
}

static struct stw_flight_ring *ring_of(struct stw_stats *s, enum stw_flight_kind kind, uint32_t w)
{
	return kind == STW_RECORDS_ALL ? stw_stats_records(s, w) : stw_stats_error_records(s, w);
}

/* A cursor of another data plane begins with the oldest of this one. */
static void adopt(const struct stw_stats *s, struct stw_flight_cursor *c)
{
	if (c->pid != s->pid)
		*c = (struct stw_flight_cursor){.pid = s->pid};
}

void stw_flights_skip(struct stw_stats *s, enum stw_flight_kind kind, struct stw_flight_cursor *c)
{
	adopt(s, c);
	for (uint32_t w = 0; size_of(s, kind) && w < s->n_workers; w++)
		c->next[w] = atomic_load_explicit(&ring_of(s, kind, w)->next, memory_order_acquire);
}

uint64_t stw_flights_read(struct stw_stats *s, enum stw_flight_kind kind,
			  struct stw_flight_cursor *c, stw_flight_fn fn, void *ctx)
{
	const uint32_t n = size_of(s, kind);
	struct stw_flight *r = n ? malloc(stw_flight_bytes(&s->record_shape)) : NULL;
	uint64_t lost = 0;
	bool go_on = r != NULL;

	adopt(s, c);
	for (uint32_t w = 0; go_on && w < s->n_workers; w++) {
		struct stw_flight_ring *ring = ring_of(s, kind, w);
		const uint64_t end = atomic_load_explicit(&ring->next, memory_order_acquire);
		uint64_t from = c->next[w] <= end ? c->next[w] : end;

		if (end - from > n) {
			lost += from > 0 ? end - from - n : 0; /* a new reader has lost nothing */
			from = end - n;
		}
		for (; go_on && from < end; from++) {
			if (stw_flight_get(ring, &s->record_shape, n, from, r))
				go_on = fn(ctx, w, r);
			else
				lost++;
		}
		c->next[w] = from;
	}
	free(r);
	return lost;
}

struct stw_flight_clock stw_flight_clock_now(const struct stw_stats *s)
{
	struct timespec now;
	struct stw_flight_clock c = {.tsc_hz = s->tsc_hz};

	clock_gettime(CLOCK_REALTIME, &now);
	c.tsc = stw_tsc_now();
	c.unix_us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
	return c;
}

uint64_t stw_flight_unix_us(const struct stw_flight_clock *c, const struct stw_flight *r)
{
	double age_s = c->tsc_hz ? (double)(int64_t)(c->tsc - r->tsc) / (double)c->tsc_hz : 0;

	return c->unix_us - (uint64_t)(int64_t)(age_s * 1e6);
}
