/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Handlers of the endpoints, and what they have in common. Each replies, or awaits a change.
 */

#include "control/api/api.h"

typedef void (*stw_endpoint_fn)(struct stw_api *api, struct stw_request *r);

/* about.c */
void stw_api_index(struct stw_api *api, struct stw_request *r);
void stw_api_version(struct stw_api *api, struct stw_request *r);
void stw_api_status(struct stw_api *api, struct stw_request *r);
/* traffic.c */
void stw_api_workers(struct stw_api *api, struct stw_request *r);
void stw_api_ports(struct stw_api *api, struct stw_request *r);
void stw_api_counters(struct stw_api *api, struct stw_request *r);
/* page.c */
void stw_api_page(struct stw_api *api, struct stw_request *r);
void stw_api_traffic(struct stw_api *api, struct stw_request *r);
/* metrics/metrics.c */
void stw_api_metrics(struct stw_api *api, struct stw_request *r);
/* farm.c */
void stw_api_rules(struct stw_api *api, struct stw_request *r);
void stw_api_listeners(struct stw_api *api, struct stw_request *r);
void stw_api_pools(struct stw_api *api, struct stw_request *r);
void stw_api_members(struct stw_api *api, struct stw_request *r);
/* names.c */
void stw_api_names(struct stw_api *api, struct stw_request *r);
/* explain.c */
void stw_api_explain(struct stw_api *api, struct stw_request *r);
void stw_api_plan(struct stw_api *api, struct stw_request *r);
/* registrar.c */
/** The registrar; else the problem is told, and NULL. */
struct stw_registrar *stw_api_registrar_of(struct stw_api *api, struct stw_request *r);

/** Commit and reply: @n changed, or why not. @p err: what went wrong before, STW_OK for nothing */
void stw_api_registrar_commit(struct stw_api *api, struct stw_request *r, int err, size_t n);

void stw_api_registrar(struct stw_api *api, struct stw_request *r);
void stw_api_location(struct stw_api *api, struct stw_request *r);
void stw_api_location_put(struct stw_api *api, struct stw_request *r);
void stw_api_location_remove(struct stw_api *api, struct stw_request *r);
void stw_api_subscribers(struct stw_api *api, struct stw_request *r);
void stw_api_subscribers_put(struct stw_api *api, struct stw_request *r);
void stw_api_subscribers_remove(struct stw_api *api, struct stw_request *r);
/* log.c */
void stw_api_log(struct stw_api *api, struct stw_request *r);
void stw_api_log_set(struct stw_api *api, struct stw_request *r);
/* apply.c */
void stw_api_apply(struct stw_api *api, struct stw_request *r);
void stw_api_confirm(struct stw_api *api, struct stw_request *r);
void stw_api_rollback(struct stw_api *api, struct stw_request *r);
void stw_api_history(struct stw_api *api, struct stw_request *r);
/* records.c */
void stw_api_records(struct stw_api *api, struct stw_request *r);
/* change.c */
void stw_api_config(struct stw_api *api, struct stw_request *r);
void stw_api_reload(struct stw_api *api, struct stw_request *r);
void stw_api_check(struct stw_api *api, struct stw_request *r);
/* member.c */
void stw_api_change_member(struct stw_api *api, struct stw_request *r);
void stw_api_add_member(struct stw_api *api, struct stw_request *r);
void stw_api_diff(struct stw_api *api, struct stw_request *r);

/** An object with the state of the data plane, which each answer about it begins with. */
json_t *stw_api_envelope(const struct stw_api *api);

/** Reply @json when @change is served, with its generation; at once when nobody is connected. */
void stw_api_reply_when_served(struct stw_api *api, struct stw_request *r, uint64_t change,
			       json_t *json);

/** "udp", "tcp" ... */
const char *stw_api_transport(uint8_t transport);

/** A member's weight for new calls: 0 when they are not to go there. */
uint32_t stw_api_counting_weight(const struct stw_model_pool_member *pm);

/** Of all members of @pool. */
uint64_t stw_api_counting_weights(const struct stw_model_pool *pool);

/** A rate as JSON: a number with one decimal, or null when @known is false. */
json_t *stw_api_rate(bool known, double rate);
