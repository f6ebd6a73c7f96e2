/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/table/counted.h"

#include <string.h>

static uint16_t row_of(struct stw_stats *s, const struct stw_endpoint *address)
{
	const uint32_t n = stw_stats_n_listeners(s);
	const int found = stw_stats_find_listener(s, address);

	if (found >= 0)
		return (uint16_t)found;
	if (n == STW_STATS_LISTENERS_MAX)
		return STW_STATS_LISTENERS_MAX;
	s->listeners[n] = *address;
	atomic_store_explicit(&s->n_listeners, n + 1, memory_order_release);
	return (uint16_t)n;
}

void stw_counted_listeners(struct stw_stats *s, struct stw_tables *t)
{
	const size_t n = stw_tables_n_listeners(t);

	for (uint16_t i = 0; i < n; i++)
		stw_tables_count_listener(t, i, row_of(s, &stw_tables_listener(t, i)->address));
}
