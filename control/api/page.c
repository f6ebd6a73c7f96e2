/* SPDX-License-Identifier: BSD-3-Clause */
/* The status page, and the traffic it draws. */
#include "control/api/handlers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "control/api/traffic_history.h"
#include "control/page_html.h"

void stw_api_page(struct stw_api *api, struct stw_request *r)
{
	char *text = malloc(sizeof(page_html));

	(void)api;
	if (!text) {
		stw_problem(r, 500, "failed", "No page", "out of memory");
		return;
	}
	memcpy(text, page_html, sizeof(page_html));
	stw_reply_text(r, "text/html; charset=utf-8", text, sizeof(page_html));
}

static double tenth(double v)
{
	return round(v * 10) / 10;
}

void stw_api_traffic(struct stw_api *api, struct stw_request *r)
{
	const struct stw_traffic_history *h = stw_sampler_history(api->sampler);
	json_t *points = json_array();

	for (size_t i = 0; i < h->n; i++) {
		const struct stw_traffic_point *p = stw_traffic_history_at(h, i);

		json_array_append_new(points,
				      json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f}",
						"at_unix_s", round(p->unix_s), "received",
						tenth(p->received), "sent", tenth(p->sent),
						"answered", tenth(p->answered), "dropped",
						tenth(p->dropped), "requests", tenth(p->requests),
						"responses", tenth(p->responses), "new_calls",
						tenth(p->new_calls)));
	}
	json_t *reply = stw_api_envelope(api);
	json_object_set_new(reply, "points", points);
	json_object_set_new(reply, "capacity", json_integer(STW_TRAFFIC_POINTS));
	stw_reply(r, 200, reply);
}
