/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/config/check.h"

#include <string.h>

#include <strowger/errors.h>
#include <strowger/sip.h>

#include "control/model/codes.h"

static void check_from(const struct stw_conf_pool *p, const struct stw_node *at,
		       struct stw_report *report)
{
	const char *from = p->v.health.from;
	struct stw_sip_uri uri;
	struct stw_span all = {0, (uint16_t)strlen(from)};

	if (*from && (strpbrk(from, "<>\" ") || stw_sip_uri_parse(from, all, &uri) != STW_OK))
		stw_report(report, stw_node_at(at, "from"),
			   "from is not a URI such as sip:health@example.net");
}

static void check_pool(const struct stw_conf_pool *p, struct stw_report *report)
{
	const struct stw_model_health *h = &p->v.health;
	const struct stw_node *at = stw_node_at(p->node, "health");

	if (h->fall > h->of)
		stw_report(report, stw_node_at(at, "fall"),
			   "fall %u of the last %u probes can never be missed: raise of", h->fall,
			   h->of);
	if (!stw_codes_valid(h->accept))
		stw_report(report, stw_node_at(at, "accept"),
			   "accept is not a list of codes 200..699 and ranges such as "
			   "200-299,404");
	if (h->hold_down_s > h->hold_down_max_s)
		stw_report(report, stw_node_at(at, "hold_down_s"),
			   "hold_down_s %u is more than hold_down_max_s %u: lower it",
			   h->hold_down_s, h->hold_down_max_s);
	if (h->interval_ms > h->backoff_ms)
		stw_report(report, stw_node_at(at, "backoff_ms"),
			   "backoff_ms %u is less than interval_ms %u: raise it", h->backoff_ms,
			   h->interval_ms);
	check_from(p, at, report);
}

void stw_check_health(const struct stw_conf *c, struct stw_report *report)
{
	for (size_t i = 0; i < c->n_pools; i++)
		check_pool(&c->pools[i], report);
}
