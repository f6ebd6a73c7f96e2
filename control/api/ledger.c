/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/api/ledger.h"

#define TRIES 64 /* about 5 us in all */

void stw_ledger_sum(struct stw_ledger *l)
{
	l->ends = 0;
	l->drops = 0;
	for (int i = STW_C_FIRST_END; i <= STW_C_LAST_END; i++)
		l->ends += l->c[i];
	for (int i = STW_C_FIRST_DROP; i <= STW_C_LAST_DROP; i++)
		l->drops += l->c[i];
	l->in_hand = (int64_t)(l->c[STW_C_RECEIVED] + l->c[STW_C_INJECTED] - l->ends - l->drops -
			       l->c[STW_C_WAITING]);
	l->balanced = l->in_hand == 0;
}

void stw_ledger_read(struct stw_stats *s, uint32_t i, struct stw_ledger *out)
{
	const struct stw_stats_worker *w = stw_stats_worker(s, i);
	for (int try = 0; try < TRIES; try++) {
		for (int k = 0; k < STW_N_COUNTERS; k++)
			out->c[k] = atomic_load_explicit(&w->c[k], memory_order_relaxed);
		stw_ledger_sum(out);
		if (out->balanced)
			return;
	}
}

void stw_ledger_add(struct stw_ledger *total, const struct stw_ledger *l)
{
	for (int k = 0; k < STW_N_COUNTERS; k++)
		total->c[k] += l->c[k];
	stw_ledger_sum(total);
}
