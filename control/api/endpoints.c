/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/api/endpoints.h"

#include <stdio.h>
#include <string.h>

#include "control/api/handlers.h"

#define IMPORT_MAX (4u * 1024 * 1024) /* a thousand rows and more */
#define BODY_MAX   (64u * 1024)
#define CHECK_MAX  (4u * 1024 * 1024)
#define EXPLAIN_MAX \
	(16u * 1024 * 1024) /* thousands of messages of a capture, and a configuration */

/* clang-format off */
static const stw_endpoint_fn handlers[STW_N_ENDPOINTS] = {
	[STW_ENDPOINT_INDEX] = stw_api_index,
	[STW_ENDPOINT_VERSION] = stw_api_version,
	[STW_ENDPOINT_STATUS] = stw_api_status,
	[STW_ENDPOINT_WORKERS] = stw_api_workers,
	[STW_ENDPOINT_PORTS] = stw_api_ports,
	[STW_ENDPOINT_LISTENERS] = stw_api_listeners,
	[STW_ENDPOINT_RULES] = stw_api_rules,
	[STW_ENDPOINT_POOLS] = stw_api_pools,
	[STW_ENDPOINT_MEMBERS] = stw_api_members,
	[STW_ENDPOINT_COUNTERS] = stw_api_counters,
	[STW_ENDPOINT_NAMES] = stw_api_names,
	[STW_ENDPOINT_REGISTRAR] = stw_api_registrar,
	[STW_ENDPOINT_LOCATION] = stw_api_location,
	[STW_ENDPOINT_LOCATION_PUT] = stw_api_location_put,
	[STW_ENDPOINT_LOCATION_REMOVE] = stw_api_location_remove,
	[STW_ENDPOINT_SUBSCRIBERS] = stw_api_subscribers,
	[STW_ENDPOINT_SUBSCRIBERS_PUT] = stw_api_subscribers_put,
	[STW_ENDPOINT_SUBSCRIBERS_REMOVE] = stw_api_subscribers_remove,
	[STW_ENDPOINT_TRAFFIC] = stw_api_traffic,
	[STW_ENDPOINT_PAGE] = stw_api_page,
	[STW_ENDPOINT_METRICS] = stw_api_metrics,
	[STW_ENDPOINT_CONFIG] = stw_api_config,
	[STW_ENDPOINT_RELOAD] = stw_api_reload,
	[STW_ENDPOINT_CHECK] = stw_api_check,
	[STW_ENDPOINT_PLAN] = stw_api_plan,
	[STW_ENDPOINT_APPLY] = stw_api_apply,
	[STW_ENDPOINT_CONFIRM] = stw_api_confirm,
	[STW_ENDPOINT_ROLLBACK] = stw_api_rollback,
	[STW_ENDPOINT_HISTORY] = stw_api_history,
	[STW_ENDPOINT_EXPLAIN] = stw_api_explain,
	[STW_ENDPOINT_RECORDS] = stw_api_records,
	[STW_ENDPOINT_DRAIN] = stw_api_change_member,
	[STW_ENDPOINT_UNDRAIN] = stw_api_change_member,
	[STW_ENDPOINT_WEIGHT] = stw_api_change_member,
	[STW_ENDPOINT_DISABLE] = stw_api_change_member,
	[STW_ENDPOINT_ENABLE] = stw_api_change_member,
	[STW_ENDPOINT_REMOVE] = stw_api_change_member,
	[STW_ENDPOINT_ADD] = stw_api_add_member,
	[STW_ENDPOINT_DIFF] = stw_api_diff,	    [STW_ENDPOINT_LOG] = stw_api_log,
	[STW_ENDPOINT_LOG_SET] = stw_api_log_set,
};
/* clang-format on */

/* Compares @path with a row's pattern; what stands for {member} is copied to @member. */
static bool path_is(const char *pattern, const char *path, char *member, size_t member_size)
{
	static const char place[] = "{member}";
	const char *hole = strstr(pattern, place);
	if (!hole)
		return strcmp(pattern, path) == 0;
	size_t before = (size_t)(hole - pattern);
	if (strncmp(pattern, path, before) != 0)
		return false;
	const char *name = path + before;
	size_t len = strcspn(name, "/");
	if (len == 0 || len >= member_size || strcmp(name + len, hole + sizeof(place) - 1) != 0)
		return false;
	memcpy(member, name, len);
	member[len] = '\0';
	return true;
}

/* A path to a member, with something in its place that is nobody's name: "", "a/b", or too long.
 * @return the length of that, with where it begins; -1: no such path */
static int nobody_in(const char *path, const char **name)
{
	for (size_t i = 0; i < STW_N_ENDPOINTS; i++) {
		const char *pattern = stw_endpoint_rows[i].path, *hole = strchr(pattern, '{');
		const char *tail = hole ? strchr(hole, '}') + 1 : NULL;
		const size_t before = hole ? (size_t)(hole - pattern) : 0, len = strlen(path);

		if (!hole || len < before + strlen(tail) || strncmp(path, pattern, before) != 0 ||
		    strcmp(path + len - strlen(tail), tail) != 0)
			continue;
		*name = path + before;
		return (int)(len - before - strlen(tail));
	}
	return -1;
}

static void unknown(struct stw_request *r, const char *path)
{
	const char *name;
	const int len = nobody_in(path, &name);

	if (len >= 0)
		stw_problem(r, 404, "unknown-member", "Unknown member",
			    "no member \"%.*s\"; GET /v1/members lists them", len, name);
	else
		stw_problem(r, 404, "unknown-path", "Unknown path",
			    "%s: no such endpoint; GET /v1 lists them", path);
}

/* What may be done at a path, for the header of a 405. */
static void allow(struct stw_request *r, const char *method)
{
	const size_t len = strlen(r->allow);

	snprintf(r->allow + len, sizeof(r->allow) - len, "%s%s", len ? ", " : "", method);
}

bool stw_api_match(struct stw_request *r, const char *method, const char *path)
{
	const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
	r->endpoint = STW_N_ENDPOINTS;
	for (size_t i = 0; i < STW_N_ENDPOINTS; i++) {
		const struct stw_endpoint_row *row = &stw_endpoint_rows[i];
		if (!path_is(row->path, path, r->member, sizeof(r->member)))
			continue;
		if (strcmp(row->method, wanted) == 0) {
			r->endpoint = (enum stw_endpoint_id)i;
			*r->allow = '\0';
			return true;
		}
		allow(r, row->method);
	}
	if (*r->allow)
		stw_problem(r, 405, "method", "Method not allowed", "%s: use %s, not %s", path,
			    r->allow, method);
	else
		unknown(r, path);
	return false;
}

size_t stw_api_body_max(const struct stw_request *r)
{
	switch (r->endpoint) {
	case STW_ENDPOINT_CHECK:
	case STW_ENDPOINT_PLAN: return CHECK_MAX;
	case STW_ENDPOINT_APPLY: return 2 * CHECK_MAX; /* in JSON it grows */
	case STW_ENDPOINT_EXPLAIN: return EXPLAIN_MAX;
	case STW_ENDPOINT_LOCATION_PUT:
	case STW_ENDPOINT_SUBSCRIBERS_PUT: return IMPORT_MAX;
	default: return BODY_MAX;
	}
}

void stw_api_dispatch(struct stw_api *api, struct stw_request *r)
{
	if (r->body_len && stw_endpoint_rows[r->endpoint].body[0] == '\0') {
		stw_problem(r, 400, "body", "Unexpected body", "%s %s takes no body: send none",
			    stw_endpoint_rows[r->endpoint].method,
			    stw_endpoint_rows[r->endpoint].path);
		return;
	}
	handlers[r->endpoint](api, r);
}

void stw_api_index(struct stw_api *api, struct stw_request *r)
{
	(void)api;
	json_t *rows = json_array();
	for (size_t i = 0; i < STW_N_ENDPOINTS; i++) {
		const struct stw_endpoint_row *row = &stw_endpoint_rows[i];
		json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:s, s:s}", "method",
						      row->method, "path", row->path, "effect",
						      stw_effect_text(row->effect), "body",
						      row->body, "help", row->help));
	}
	stw_reply(r, 200, json_pack("{s:o}", "endpoints", rows));
}
