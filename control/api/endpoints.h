/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#define STW_API_VERSION 1 /* of paths and answers */

/* What messages about a configuration that came in a request call it: `configuration:7: ...`. */
#define STW_API_CONFIG_NAME "configuration"

/**
 * @file
 * The one table of the API: method, path, effect, body, help. The server dispatches by it, GET /v1
 * lists it, strowgerctl takes its paths and help from it, docs/api.md has a paragraph for each row
 * (a test looks). A path may hold one {member}. The handlers stand beside their rows in
 * endpoints.c.
 */

#include <stddef.h>

enum stw_effect {
	STW_EFFECT_READ,    /* changes nothing, tells nothing private: open on the HTTP port */
	STW_EFFECT_INSPECT, /* changes nothing, but shows what not everybody may see */
	STW_EFFECT_CHANGE,  /* changes where new calls go */
	STW_EFFECT_DISRUPT, /* may end calls */
};

/* X(NAME, method, path, effect, body, help) */
#define STW_ENDPOINTS(X)                                                                          \
	X(INDEX, "GET", "/v1", READ, "", "the endpoints of this API")                             \
	X(VERSION, "GET", "/v1/version", READ, "", "versions of both processes and libraries")    \
	X(STATUS, "GET", "/v1/status", READ, "", "link to the data plane, generation, reload")    \
	X(WORKERS, "GET", "/v1/workers", READ, "", "workers: core, busy share, packets")          \
	X(PORTS, "GET", "/v1/ports", READ, "", "ports: link, addresses, packets, errors")         \
	X(LISTENERS, "GET", "/v1/listeners", READ, "", "listeners and the pools they feed")       \
	X(RULES, "GET", "/v1/rules", READ, "", "rules and how often each was obeyed")             \
	X(POOLS, "GET", "/v1/pools", READ, "", "pools: members, weights, shares of new calls")    \
	X(MEMBERS, "GET", "/v1/members", READ, "", "members: asked, observed, counters, rates")   \
	X(COUNTERS, "GET", "/v1/counters", READ, "", "the drop ledger, per worker and in total")  \
	X(NAMES, "GET", "/v1/names", READ, "", "host names resolved, and the slow path")          \
	X(REGISTRAR, "GET", "/v1/registrar", READ, "", "the registrar: domains, users, counters") \
	X(LOCATION, "POST", "/v1/location", INSPECT,                                              \
	  "{\"name\": AOR?, \"after\": AOR?, \"limit\": 1..1000?}", "who is registered where")    \
	X(LOCATION_PUT, "POST", "/v1/location/put", CHANGE,                                       \
	  "{\"users\": [{\"aor\": AOR, \"bindings\": [binding]}]}",                               \
	  "add bindings of an export, where users have none such")                                \
	X(LOCATION_REMOVE, "POST", "/v1/location/remove", DISRUPT, "{\"names\": [AOR]}",          \
	  "forget users' bindings")                                                               \
	X(SUBSCRIBERS, "POST", "/v1/subscribers", INSPECT,                                        \
	  "{\"name\": user@domain?, \"after\": user@domain?, \"limit\": 1..1000?}",               \
	  "who may register")                                                                     \
	X(SUBSCRIBERS_PUT, "POST", "/v1/subscribers/put", CHANGE,                                 \
	  "{\"subscribers\": [{\"name\": user@domain, \"password\": string}]}",                   \
	  "let users register, or give them another password")                                    \
	X(SUBSCRIBERS_REMOVE, "POST", "/v1/subscribers/remove", CHANGE,                           \
	  "{\"names\": [user@domain]}", "let users register no more")                             \
	X(TRAFFIC, "GET", "/v1/traffic", READ, "", "traffic of the last five minutes, by second") \
	X(PAGE, "GET", "/", READ, "", "the status page, for a browser")                           \
	X(METRICS, "GET", "/metrics", READ, "", "everything counted, for Prometheus")             \
	X(CONFIG, "GET", "/v1/config", INSPECT, "", "the running configuration, without secrets") \
	X(LOG, "GET", "/v1/log", READ, "", "what both processes log")                             \
	X(LOG_SET, "POST", "/v1/log", CHANGE, "{\"level\": string}", "log more, or less")         \
	X(RELOAD, "POST", "/v1/reload", CHANGE, "", "read the configuration file again")          \
	X(CHECK, "POST", "/v1/check", INSPECT, "YAML",                                            \
	  "check a configuration, tell what it changes")                                          \
	X(PLAN, "POST", "/v1/plan", INSPECT, "YAML", "what a configuration would move")           \
	X(APPLY, "POST", "/v1/apply", CHANGE, "{\"yaml\": string, \"confirm_s\": 5..3600?}",      \
	  "serve another configuration, for good or until it is not confirmed")                   \
	X(CONFIRM, "POST", "/v1/confirm", CHANGE, "", "keep the configuration that waits")        \
	X(ROLLBACK, "POST", "/v1/rollback", CHANGE, "{\"to\": number?}",                          \
	  "serve the configuration before, or an older one")                                      \
	X(HISTORY, "GET", "/v1/history", INSPECT, "", "configurations that ran")                  \
	X(EXPLAIN, "POST", "/v1/explain", INSPECT,                                                \
	  "{\"messages\": [{\"base64\": string, \"from\": address?, \"to\": address?}], "         \
	  "\"config\": YAML?, \"whole\": bool?}",                                                 \
	  "decide messages as a worker would, and tell why")                                      \
	X(RECORDS, "POST", "/v1/records", INSPECT,                                                \
	  "{\"errors\": bool?, \"from_now\": bool?, \"cursor\": object?, \"limit\": 1..20000?, "  \
	  "\"call_id\": string?, \"user\": string?, \"address\": IP?, \"method\": string?, "      \
	  "\"code\": 1..699?}",                                                                   \
	  "what the flight recorder holds: messages with their decision")                         \
	X(DRAIN, "POST", "/v1/members/{member}/drain", CHANGE, "{\"pool\": string?}",             \
	  "no new calls to a member; its dialogs stay")                                           \
	X(UNDRAIN, "POST", "/v1/members/{member}/undrain", CHANGE, "{\"pool\": string?}",         \
	  "new calls to a member again")                                                          \
	X(WEIGHT, "POST", "/v1/members/{member}/weight", CHANGE,                                  \
	  "{\"weight\": 0..65535, \"pool\": string?}", "change a member's share of new calls")    \
	X(DISABLE, "POST", "/v1/members/{member}/disable", CHANGE, "{\"pool\": string?}",         \
	  "take a member out of service")                                                         \
	X(ENABLE, "POST", "/v1/members/{member}/enable", CHANGE, "{\"pool\": string?}",           \
	  "new calls to a member again")                                                          \
	X(ADD, "POST", "/v1/members", CHANGE,                                                     \
	  "{\"pool\": string, \"address\": string, \"name\": string?, \"weight\": 0..65535?}",    \
	  "add a member to a pool")                                                               \
	X(REMOVE, "POST", "/v1/members/{member}/remove", DISRUPT,                                 \
	  "{\"pool\": string?, \"force\": bool?}", "do without a member")                         \
	X(DIFF, "GET", "/v1/diff", INSPECT, "", "what runs against what the file says")

enum stw_endpoint_id {
#define X(name, method, path, effect, body, help) STW_ENDPOINT_##name,
	STW_ENDPOINTS(X)
#undef X
		STW_N_ENDPOINTS,
};

struct stw_endpoint_row {
	const char *method;
	const char *path;
	enum stw_effect effect;
	const char *body; /* "" for none */
	const char *help;
};

/** [STW_N_ENDPOINTS], index = enum stw_endpoint_id. Static: the client needs no object of ours. */
static const struct stw_endpoint_row stw_endpoint_rows[STW_N_ENDPOINTS] __attribute__((unused)) = {
#define X(name, method, path, effect, body, help) \
	[STW_ENDPOINT_##name] = {method, path, STW_EFFECT_##effect, body, help},
	STW_ENDPOINTS(X)
#undef X
};

/** "read", "inspect", "change", "disrupt". */
static inline const char *stw_effect_text(enum stw_effect effect)
{
	static const char *const text[] = {"read", "inspect", "change", "disrupt"};
	return text[effect];
}
