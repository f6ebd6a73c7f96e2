/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/metrics/metrics.h"

#include "control/api/handlers.h"
#include "control/metrics/family.h"

#define TOLD_MAX 1000u /* a scrape of 100 000 rules would help nobody; the API has them all */

void stw_metrics_rules(struct stw_api *api, FILE *out)
{
	static const char family[] = "strowger_rule_hits_total";
	const struct stw_model *m = api->control->model;
	struct stw_stats *stats = stw_publish_stats(api->control->publish);

	stw_family(out, family, "counter",
		   "New requests that fell under a rule; of the first thousand rules.");
	for (size_t i = 0; i < m->n_rules && i < TOLD_MAX; i++)
		stw_sample_u64(out, family, "",
			       (const struct stw_label[]){{"rule", m->rules[i].name}, {NULL, NULL}},
			       stats ? stw_stats_rule_hits(stats, m->rules[i].row) : 0);
}
