/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/health/pool.h"

bool stw_pool_may_eject(const struct stw_pool_seat *seats, size_t n,
			const struct stw_model_health *c)
{
	size_t asked = 0, serving = 0, ejected = 0;

	for (size_t i = 0; i < n; i++) {
		if (seats[i].weight == 0)
			continue;
		asked++;
		serving += seats[i].share > 0;
		ejected += seats[i].ejected;
	}
	size_t most = asked * c->eject_percent / 100;
	if (most == 0 && c->eject_percent > 0)
		most = 1;
	return ejected < most && serving > 1;
}

bool stw_pool_panics(const struct stw_pool_seat *seats, size_t n, const struct stw_model_health *c)
{
	uint64_t asked = 0, serving = 0;

	for (size_t i = 0; i < n; i++) {
		asked += seats[i].weight;
		serving += seats[i].share > 0 ? seats[i].weight : 0;
	}
	return asked > 0 && (serving == 0 || serving * 100 < asked * c->panic_percent);
}
