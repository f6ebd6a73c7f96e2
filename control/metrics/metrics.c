/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/metrics/metrics.h"

#include <stdlib.h>

#include "control/api/handlers.h"
#include "control/metrics/family.h"

void stw_metrics_write(struct stw_api *api, FILE *out)
{
	stw_metrics_process(api, out);
	stw_metrics_workers(api, out);
	stw_metrics_ports(api, out);
	stw_metrics_farm(api, out);
	stw_metrics_registrar(api, out);
	stw_metrics_rules(api, out);
}

void stw_api_metrics(struct stw_api *api, struct stw_request *r)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out)
		stw_metrics_write(api, out);
	if (!out || fclose(out) != 0) {
		free(text);
		stw_problem(r, 500, "failed", "No metrics", "out of memory");
		return;
	}
	stw_reply_text(r, STW_METRICS_TYPE, text, len);
}
