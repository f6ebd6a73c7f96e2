/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/timing.h"

void stw_timing_init(struct stw_timing *t, struct stw_stats_stages *stages, uint64_t tsc_hz)
{
	*t = (struct stw_timing){.stages = stages, .tsc_hz = tsc_hz};
}

static unsigned bucket_of(uint64_t ns)
{
	unsigned bucket = 0;

	while (bucket + 1 < STW_STAGE_BUCKETS && ns > stw_stage_bound_ns(bucket))
		bucket++;
	return bucket;
}

void stw_timing_record(struct stw_timing *t)
{
	uint64_t before = t->begin_tsc;

	for (unsigned i = 0; i < STW_N_STAGES; i++) {
		struct stw_stats_stage *s = &t->stages->stage[i];
		uint64_t ns =
			(uint64_t)((double)(t->end_tsc[i] - before) * 1e9 / (double)t->tsc_hz);

		stw_counter_add(&s->n[bucket_of(ns)], 1);
		stw_counter_add(&s->sum_ns, ns);
		before = t->end_tsc[i];
	}
}
