/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/api/traffic_history.h"

static double sum_of(const struct stw_sampler *s, uint32_t n_workers, enum stw_counter c)
{
	double sum = 0, rate;

	for (uint32_t w = 0; w < n_workers; w++)
		if (stw_sampler_worker_rate(s, w, c, STW_RATE_SHORT, &rate))
			sum += rate;
	return sum;
}

void stw_traffic_history_take(struct stw_traffic_history *h, const struct stw_sampler *s,
			      uint32_t n_workers, double unix_s)
{
	struct stw_traffic_point *p = &h->points[h->next];

	*p = (struct stw_traffic_point){
		.unix_s = unix_s,
		.received = sum_of(s, n_workers, STW_C_RECEIVED),
		.sent = sum_of(s, n_workers, STW_C_SENT),
		.answered = sum_of(s, n_workers, STW_C_ANSWERED),
		.requests = sum_of(s, n_workers, STW_C_REQUESTS),
		.responses = sum_of(s, n_workers, STW_C_RESPONSES),
		.new_calls = sum_of(s, n_workers, STW_C_NEW_CALLS),
	};
	for (int c = STW_C_FIRST_DROP; c <= STW_C_LAST_DROP; c++)
		p->dropped += sum_of(s, n_workers, (enum stw_counter)c);
	h->next = (h->next + 1) % STW_TRAFFIC_POINTS;
	if (h->n < STW_TRAFFIC_POINTS)
		h->n++;
}

const struct stw_traffic_point *stw_traffic_history_at(const struct stw_traffic_history *h,
						       size_t i)
{
	return &h->points[(h->next + STW_TRAFFIC_POINTS - h->n + i) % STW_TRAFFIC_POINTS];
}
