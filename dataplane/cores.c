/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/cores.h"

#include <stdio.h>

#include <strowger/errors.h>
#include <strowger/stats.h>

struct text {
	char *at;
	size_t room;
};

static void put(struct text *t, const char *before, unsigned n)
{
	int len = snprintf(t->at, t->room, "%s%u", before, n);

	if (len > 0 && (size_t)len < t->room) {
		t->at += len;
		t->room -= (size_t)len;
	}
}

static void put_set(struct text *t, const cpu_set_t *set)
{
	const char *before = "(";

	for (unsigned c = 0; c < CPU_SETSIZE; c++) {
		if (!CPU_ISSET(c, set))
			continue;
		put(t, before, c);
		before = ",";
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
	/* The main lcore is 0; worker i is lcore i + 1. */
	snprintf(t.at, t.room, "0@");
	t.at += 2;
	t.room -= 2;
	put_set(&t, CPU_COUNT(&rest) > 0 ? &rest : allowed);
	for (size_t i = 0; i < d->n_cores; i++) {
		put(&t, i == 0 ? ")," : ",", (unsigned)i + 1);
		put(&t, "@", d->cores[i]);
	}
	return STW_OK;
}
