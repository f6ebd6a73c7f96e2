/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/cores.h"

#include <stdio.h>

#include <strowger/errors.h>
#include <strowger/stats.h>

struct text {
	char *at;
	size_t room;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *t, const char *fmt, unsigned n)
{
	int len = snprintf(t->at, t->room, fmt, n);

	if (len > 0 && (size_t)len < t->room) {
		t->at += len;
		t->room -= (size_t)len;
	}
}

static void put_set(struct text *t, const cpu_set_t *set)
{
	const char *fmt = "%u";

	for (unsigned c = 0; c < CPU_SETSIZE; c++) {
		if (!CPU_ISSET(c, set))
			continue;
		put(t, fmt, c);
		fmt = ",%u";
	}
}

int stw_cores_plan(const struct stw_model_dataplane *d, const cpu_set_t *allowed, char *out,
		   unsigned *bad)
{
	struct text t = {out, STW_CORES_TEXT};
	cpu_set_t rest = *allowed;

	if (d->n_cores == 0 || d->n_cores > STW_STATS_WORKERS_MAX)
		return STW_ERANGE;
	for (size_t i = 0; i < d->n_cores; i++) {
		if (d->cores[i] >= CPU_SETSIZE || !CPU_ISSET(d->cores[i], allowed)) {
			*bad = d->cores[i];
			return STW_ENOENT;
		}
		CPU_CLR(d->cores[i], &rest);
	}
	put(&t, "%u@(", 0);
	put_set(&t, CPU_COUNT(&rest) > 0 ? &rest : allowed);
	put(&t, ")", 0);
	for (size_t i = 0; i < d->n_cores; i++) {
		put(&t, ",%u", (unsigned)i + 1);
		put(&t, "@%u", d->cores[i]);
	}
	return STW_OK;
}
