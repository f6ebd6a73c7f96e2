/* SPDX-License-Identifier: BSD-3-Clause */
/* Each row of the endpoint table is found, answered and documented; what is no row is a problem. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ev.h>

#include <unistd.h>

#include <strowger/errors.h>

#include "control/api/api.h"

static const char *source_root;

struct rig {
	char dir[32];
	char config[64];
	struct ev_loop *loop;
	struct stw_control *control;
	struct stw_api api;
	unsigned n_done;
};

static void write_config(const struct rig *r)
{
	FILE *f = fopen(r->config, "w");
	assert_non_null(f);
	fprintf(f,
		"dataplane:\n  socket: %s/dp.sock\n"
		"control:\n  state_dir: %s/state\n"
		"api:\n  socket: %s/api.sock\n"
		"ports: [{name: outside, device: net_null0, kernel: none,"
		" addresses: [192.0.2.1/24]}]\n"
		"listeners: [{name: edge, address: 192.0.2.1, pool: farm}]\n"
		"pools:\n"
		"  - {name: farm, members: [{name: k1, address: 198.51.100.11, weight: 10},"
		" {name: k2, address: 198.51.100.12, weight: 30}]}\n"
		"  - {name: spare, members: [{name: k1, address: 198.51.100.11, weight: 5}]}\n",
		r->dir, r->dir, r->dir);
	fclose(f);
}

static void show_message(void *ctx, const char *message)
{
	(void)ctx;
	fprintf(stderr, "%s\n", message);
}

static int set_up(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));
	assert_non_null(r);
	strcpy(r->dir, "/tmp/stw-endpoints-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	snprintf(r->config, sizeof(r->config), "%s/strowger.yaml", r->dir);
	write_config(r);
	r->loop = ev_loop_new(EVFLAG_AUTO);
	assert_int_equal(stw_control_new(r->loop, r->config, show_message, NULL, &r->control),
			 STW_OK);
	assert_int_equal(stw_api_init(&r->api, r->loop, r->control), STW_OK);
	*state = r;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *r = *state;
	char command[64];
	stw_api_fini(&r->api);
	stw_control_free(r->control);
	ev_loop_destroy(r->loop);
	snprintf(command, sizeof(command), "rm -rf %s", r->dir);
	assert_int_equal(system(command), 0);
	free(r);
	return 0;
}

static void done(struct stw_request *req)
{
	((struct rig *)req->ctx)->n_done++;
}

/* One request; the caller frees it with stw_request_fini(). */
static struct stw_request call(struct rig *r, const char *method, const char *path,
			       const char *body)
{
	struct stw_request req = {.done = done, .ctx = r};
	if (stw_api_match(&req, method, path)) {
		req.body = strdup(body);
		req.body_len = strlen(body);
		stw_api_dispatch(&r->api, &req);
	}
	assert_int_not_equal(req.status, 0);
	if (req.text)
		return req;
	assert_int_equal(json_integer_value(json_object_get(req.reply, "version")),
			 STW_API_VERSION);
	return req;
}

static unsigned status_of(struct rig *r, const char *method, const char *path, const char *body)
{
	struct stw_request req = call(r, method, path, body);
	unsigned status = req.status;
	assert_true(req.problem == (status >= 400));
	if (req.problem) {
		assert_int_equal(json_integer_value(json_object_get(req.reply, "status")), status);
		assert_non_null(json_string_value(json_object_get(req.reply, "detail")));
	}
	stw_request_fini(&req);
	return status;
}

/* The row's path with k1 in the place of {member}. */
static void path_of(const struct stw_endpoint_row *row, char *out, size_t size)
{
	const char *hole = strstr(row->path, "{member}");
	if (hole)
		snprintf(out, size, "%.*sk1%s", (int)(hole - row->path), row->path,
			 hole + strlen("{member}"));
	else
		snprintf(out, size, "%s", row->path);
}

/* These need a registrar, which this configuration has none of. */
static bool needs_registrar(size_t row)
{
	return row == STW_ENDPOINT_LOCATION || row == STW_ENDPOINT_LOCATION_PUT ||
	       row == STW_ENDPOINT_LOCATION_REMOVE || row == STW_ENDPOINT_SUBSCRIBERS ||
	       row == STW_ENDPOINT_SUBSCRIBERS_PUT || row == STW_ENDPOINT_SUBSCRIBERS_REMOVE;
}

static void each_row_is_found_and_answers(void **state)
{
	struct rig *r = *state;
	for (size_t i = 0; i < STW_N_ENDPOINTS; i++) {
		const struct stw_endpoint_row *row = &stw_endpoint_rows[i];
		char path[128];
		struct stw_request req = {0};
		path_of(row, path, sizeof(path));
		assert_true(stw_api_match(&req, row->method, path));
		assert_int_equal(req.endpoint, i);
		stw_request_fini(&req);
		const char *body = i == STW_ENDPOINT_WEIGHT    ? "{\"weight\": 7}"
				   : i == STW_ENDPOINT_LOG_SET ? "{\"level\": \"info\"}"
				   : i == STW_ENDPOINT_EXPLAIN ? "{\"messages\": []}"
				   : i == STW_ENDPOINT_REMOVE  ? "{\"force\": true}"
				   : i == STW_ENDPOINT_ADD
					   ? "{\"pool\": \"farm\", \"address\": \"198.51.100.77\"}"
					   : "";
		unsigned status = status_of(r, row->method, path, body);
		/* Without a data plane a change of tables is accepted, not served. */
		bool changes = row->effect >= STW_EFFECT_CHANGE && i != STW_ENDPOINT_LOG_SET;
		unsigned wanted = changes ? 202 : 200;
		if (i == STW_ENDPOINT_PLAN)
			wanted = 422; /* an empty configuration */
		if (i == STW_ENDPOINT_APPLY)
			wanted = 400; /* none given */
		if (i == STW_ENDPOINT_ROLLBACK)
			wanted = 404; /* there is none before */
		if (i == STW_ENDPOINT_CONFIRM)
			wanted = 409; /* none waits */
		if (i == STW_ENDPOINT_RECORDS || needs_registrar(i))
			wanted = 409; /* they are the data plane's; there is no registrar here */
		assert_int_equal(status, wanted);
		assert_true(row->help[0] != '\0');
	}
}

static void the_index_lists_each_row(void **state)
{
	struct stw_request req = call(*state, "GET", "/v1", "");
	const json_t *rows = json_object_get(req.reply, "endpoints");
	assert_int_equal(json_array_size(rows), STW_N_ENDPOINTS);
	for (size_t i = 0; i < STW_N_ENDPOINTS; i++) {
		const json_t *path = json_object_get(json_array_get(rows, i), "path");
		assert_string_equal(json_string_value(path), stw_endpoint_rows[i].path);
	}
	stw_request_fini(&req);
}

static void each_row_has_a_paragraph_in_the_documentation(void **state)
{
	char path[4096];
	static char text[65536];
	(void)state;
	snprintf(path, sizeof(path), "%s/docs/api.md", source_root);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	size_t len = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[len] = '\0';
	for (size_t i = 0; i < STW_N_ENDPOINTS; i++) {
		char heading[160];
		snprintf(heading, sizeof(heading), "\n### %s %s\n\n", stw_endpoint_rows[i].method,
			 stw_endpoint_rows[i].path);
		if (!strstr(text, heading))
			fail_msg("docs/api.md has no paragraph on %s %s",
				 stw_endpoint_rows[i].method, stw_endpoint_rows[i].path);
	}
}

static void what_is_no_row_is_a_problem(void **state)
{
	struct rig *r = *state;
	static const char *const unknown[] = {
		"",
		"//",
		"/v1/",
		"/v2",
		"/v1/statu",
		"/v1/status/",
		"/v1/members/",
		"/v1/members//drain",
		"/v1/members/k1",
		"/v1/members/k1/drain/",
		"/v1/members/k1/k2/drain",
		"/v1/members/{member}drain",
	};
	char longest[200];
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		assert_int_equal(status_of(r, "GET", unknown[i], ""), 404);
	snprintf(longest, sizeof(longest), "/v1/members/%0150d/drain", 1);
	assert_int_equal(status_of(r, "POST", longest, ""), 404);
	assert_int_equal(status_of(r, "POST", "/v1/status", ""), 405);
	assert_int_equal(status_of(r, "GET", "/v1/members/k1/drain", ""), 405);
	assert_int_equal(status_of(r, "HEAD", "/v1/status", ""), 200);
	assert_int_equal(status_of(r, "POST", "/v1/members/k9/drain", ""), 404);
}

static const char *change_at(const struct stw_request *req, size_t i)
{
	return json_string_value(json_array_get(json_object_get(req->reply, "changes"), i));
}

static void drain_takes_each_pool_or_the_one_named(void **state)
{
	struct rig *r = *state;
	struct stw_request req = call(r, "POST", "/v1/members/k1/drain", "{\"pool\": \"spare\"}");
	assert_string_equal(change_at(&req, 0), "k1 in spare: up -> drain");
	assert_null(change_at(&req, 1));
	stw_request_fini(&req);
	req = call(r, "POST", "/v1/members/k1/drain", "");
	assert_string_equal(change_at(&req, 0), "k1 in farm: up -> drain");
	assert_null(change_at(&req, 1));
	stw_request_fini(&req);
	req = call(r, "POST", "/v1/members/k1/undrain", "{}");
	assert_string_equal(change_at(&req, 0), "k1 in farm: drain -> up");
	assert_string_equal(change_at(&req, 1), "k1 in spare: drain -> up");
	stw_request_fini(&req);
	assert_int_equal(stw_overrides_n(r->control->overrides), 0);
	assert_int_equal(status_of(r, "POST", "/v1/members/k2/drain", "{\"pool\": \"spare\"}"),
			 404);
}

static void weight_and_drain_do_not_undo_each_other(void **state)
{
	struct rig *r = *state;
	assert_int_equal(status_of(r, "POST", "/v1/members/k2/weight", "{\"weight\": 0}"), 202);
	assert_int_equal(status_of(r, "POST", "/v1/members/k2/drain", ""), 202);
#define pm (&r->control->model->pools[0].members[1])
	assert_int_equal(pm->weight, 0);
	assert_int_equal(pm->asked, STW_ASKED_DRAIN);
	assert_int_equal(status_of(r, "POST", "/v1/members/k2/weight", "{\"weight\": 30}"), 202);
	assert_int_equal(pm->weight, 30);
	assert_int_equal(pm->asked, STW_ASKED_DRAIN);
	assert_int_equal(status_of(r, "POST", "/v1/members/k2/undrain", ""), 202);
	assert_int_equal(pm->asked, STW_ASKED_UP);
	assert_int_equal(stw_overrides_n(r->control->overrides), 0);
#undef pm
}

static void members_come_and_go_at_run_time(void **state)
{
	struct rig *r = *state;
	struct stw_request req =
		call(r, "POST", "/v1/members",
		     "{\"pool\": \"farm\", \"address\": \"198.51.100.13\", \"name\": \"k3\"}");
	assert_string_equal(change_at(&req, 0), "k3 added to farm, weight 1");
	stw_request_fini(&req);
	assert_int_equal(stw_control_find_member(r->control, "k3") >= 0, 1);
	req = call(r, "GET", "/v1/diff", "");
	assert_non_null(strstr(change_at(&req, 0), "\"k3\""));
	assert_null(change_at(&req, 1));
	stw_request_fini(&req);
	assert_int_equal(status_of(r, "POST", "/v1/members/k3/weight", "{\"weight\": 9}"), 202);
	assert_int_equal(status_of(r, "POST", "/v1/members/k3/remove", ""), 409); /* takes calls */
	assert_int_equal(status_of(r, "POST", "/v1/members/k3/drain", ""), 202);
	req = call(r, "POST", "/v1/members/k3/remove", "");
	assert_string_equal(change_at(&req, 0), "k3 removed from farm");
	stw_request_fini(&req);
	assert_int_equal(stw_control_find_member(r->control, "k3"), -1);
	assert_int_equal(stw_overrides_n(r->control->overrides), 0);
}

static void a_member_of_the_file_is_removed_and_put_back(void **state)
{
	struct rig *r = *state;
	assert_int_equal(status_of(r, "POST", "/v1/members/k2/disable", ""), 202);
	assert_int_equal(status_of(r, "POST", "/v1/members/k2/remove", ""), 202);
	assert_int_equal(stw_control_find_member(r->control, "k2"), -1);
	assert_int_equal(status_of(r, "POST", "/v1/members/k2/remove", ""), 404);
	const char *again = "{\"pool\": \"farm\", \"address\": \"198.51.100.12:5060\"}";
	assert_int_equal(status_of(r, "POST", "/v1/members", again), 202);
	assert_int_equal(stw_control_find_member(r->control, "k2") >= 0, 1);
	assert_int_equal(status_of(r, "POST", "/v1/members", again), 409);
}

static void what_cannot_be_a_member_is_refused(void **state)
{
	struct rig *r = *state;
	static const struct {
		const char *body;
		unsigned status;
	} rows[] = {
		{"{\"pool\": \"farm\"}", 400},
		{"{\"pool\": \"farm\", \"address\": \"k9.example\"}", 400},
		{"{\"pool\": \"farm\", \"address\": \"198.51.100.13\", \"name\": \"a b\"}", 400},
		{"{\"pool\": \"farm\", \"address\": \"198.51.100.13\", \"weight\": 65536}", 400},
		{"{\"pool\": \"farm\", \"address\": \"198.51.100.13\", \"force\": true}", 400},
		{"{\"pool\": \"none\", \"address\": \"198.51.100.13\"}", 404},
		{"{\"pool\": \"farm\", \"address\": \"198.51.100.13\", \"name\": \"k1\"}", 409},
		{"{\"pool\": \"farm\", \"address\": \"127.0.0.1\"}", 422},
		{"{\"pool\": \"farm\", \"address\": \"224.0.0.1\"}", 422},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(status_of(r, "POST", "/v1/members", rows[i].body), rows[i].status);
	assert_int_equal(stw_overrides_n(r->control->overrides), 0);
}

static void a_change_that_cannot_be_saved_says_so(void **state)
{
	struct rig *r = *state;
	char dir[64];
	char moved[64];
	snprintf(dir, sizeof(dir), "%s/state", r->dir);
	snprintf(moved, sizeof(moved), "%s/moved", r->dir);
	assert_int_equal(rename(dir, moved), 0);
	struct stw_request req = call(r, "POST", "/v1/members/k2/drain", "");
	assert_int_equal(req.status, 202);
	assert_true(json_is_false(json_object_get(req.reply, "saved")));
	assert_int_equal(json_array_size(json_object_get(req.reply, "warnings")), 1);
	assert_string_equal(change_at(&req, 0), "k2 in farm: up -> drain");
	stw_request_fini(&req);
	assert_int_equal(r->control->model->pools[0].members[1].asked, STW_ASKED_DRAIN);
}

static void the_running_configuration_shows_no_key(void **state)
{
	struct rig *r = *state;
	struct stw_request req = call(r, "GET", "/v1/config", "");
	char key[2 * STW_SECRET_BYTES + 1];
	for (size_t i = 0; i < STW_SECRET_BYTES; i++)
		snprintf(key + 2 * i, 3, "%02x", r->control->model->secrets[0].key[i]);
	const char *yaml = json_string_value(json_object_get(req.reply, "yaml"));
	assert_non_null(strstr(yaml, "198.51.100.12"));
	assert_null(strstr(yaml, key));
	stw_request_fini(&req);
}

int main(int argc, char **argv)
{
	source_root = argc > 1 ? argv[1] : ".";
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(each_row_is_found_and_answers),
		CASE(the_index_lists_each_row),
		CASE(each_row_has_a_paragraph_in_the_documentation),
		CASE(what_is_no_row_is_a_problem),
		CASE(drain_takes_each_pool_or_the_one_named),
		CASE(weight_and_drain_do_not_undo_each_other),
		CASE(members_come_and_go_at_run_time),
		CASE(a_member_of_the_file_is_removed_and_put_back),
		CASE(what_cannot_be_a_member_is_refused),
		CASE(a_change_that_cannot_be_saved_says_so),
		CASE(the_running_configuration_shows_no_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
