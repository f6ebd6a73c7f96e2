/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/life.h"

#include <stdatomic.h>
#include <stdbool.h>

#include "control/notify.h"

void stw_life_init(struct stw_life *l, double every_s, uint64_t hz)
{
	*l = (struct stw_life){.every = (uint64_t)(every_s * (double)hz)};
}

static uint64_t turns_of(const struct stw_stats *stats, uint32_t worker)
{
	const struct stw_stats_worker *w = stw_stats_worker((struct stw_stats *)stats, worker);

	return atomic_load_explicit(&w->c[STW_C_TURNS_BUSY], memory_order_relaxed) +
	       atomic_load_explicit(&w->c[STW_C_TURNS_IDLE], memory_order_relaxed);
}

static bool all_turned(const struct stw_life *l, const struct stw_stats *stats)
{
	for (uint32_t i = 0; i < stats->n_workers; i++)
		if (turns_of(stats, i) == l->turns[i])
			return false;
	return true;
}

void stw_life_tick(struct stw_life *l, const struct stw_stats *stats, uint64_t now)
{
	if (l->every == 0 || now < l->next || !all_turned(l, stats))
		return;
	for (uint32_t i = 0; i < stats->n_workers; i++)
		l->turns[i] = turns_of(stats, i);
	l->next = now + l->every;
	stw_notify("WATCHDOG=1");
}
