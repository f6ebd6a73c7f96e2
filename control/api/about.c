/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/api/handlers.h"

#include <ev.h>
#include <microhttpd.h>
#include <unistd.h>

#include "control/version.h"

static json_t *dataplane_version(const struct stw_api *api)
{
	const struct stw_stats *s = stw_publish_stats(api->control->publish);
	if (!s)
		return json_null();
	return json_pack("{s:s#, s:I, s:I}", "version", s->version_text,
			 (int)strnlen(s->version_text, sizeof(s->version_text)), "pid",
			 (json_int_t)s->pid, "started_unix_s", (json_int_t)s->started_unix_s);
}

void stw_api_version(struct stw_api *api, struct stw_request *r)
{
	json_t *control = json_pack("{s:s, s:I, s:I, s:s}", "version", STW_VERSION, "pid",
				    (json_int_t)getpid(), "started_unix_s",
				    (json_int_t)api->control->started_unix_s, "allocator",
				    stw_version_allocator());
	json_t *libraries = json_pack("{s:s, s:s, s:s, s:s, s:s}", "libmicrohttpd",
				      MHD_get_version(), "jansson", jansson_version_str(), "libev",
				      stw_version_libev(), "built for dpdk", STW_DPDK_VERSION,
				      "built for liburcu", STW_URCU_VERSION);
	json_t *reply = stw_api_envelope(api);
	json_object_set_new(reply, "control", control);
	json_object_set_new(reply, "libraries", libraries);
	json_object_set_new(reply, "dataplane_process", dataplane_version(api));
	stw_reply(r, 200, reply);
}

static json_t *digest_text(const uint8_t digest[32])
{
	static const char hex[] = "0123456789abcdef";
	char text[64];
	for (size_t i = 0; i < 32; i++) {
		text[2 * i] = hex[digest[i] >> 4];
		text[2 * i + 1] = hex[digest[i] & 15];
	}
	return json_stringn(text, sizeof(text));
}

static json_t *refusal(const struct stw_publish_status *st)
{
	if (!st->refused_reason[0])
		return json_null();
	return json_pack("{s:I, s:s, s:I}", "generation", (json_int_t)st->refused_generation,
			 "reason", st->refused_reason, "at_unix_s", (json_int_t)st->refused_unix_s);
}

static json_t *config_state(const struct stw_control *c)
{
	json_t *refused = c->reload_refused_unix_s > 0
				  ? json_integer((json_int_t)c->reload_refused_unix_s)
				  : json_null();
	return json_pack("{s:s, s:I, s:o, s:I, s:I, s:I, s:I, s:I}", "path", c->config_path,
			 "loaded_unix_s", (json_int_t)c->loaded_unix_s, "reload_refused_unix_s",
			 refused, "ports", (json_int_t)c->model->n_ports, "listeners",
			 (json_int_t)c->model->n_listeners, "pools", (json_int_t)c->model->n_pools,
			 "members", (json_int_t)c->model->n_members, "overrides",
			 (json_int_t)stw_overrides_n(c->overrides));
}

void stw_api_status(struct stw_api *api, struct stw_request *r)
{
	struct stw_publish_status st;
	stw_publish_get_status(api->control->publish, &st);
	json_t *reply = stw_api_envelope(api);
	json_t *tables = json_pack("{s:o, s:I, s:I, s:I, s:o}", "digest",
				   st.generation ? digest_text(st.digest) : json_null(),
				   "changes_waiting", (json_int_t)(st.changes - st.settled),
				   "check_us", (json_int_t)(st.check_ns / 1000), "swap_us",
				   (json_int_t)(st.swap_ns / 1000), "refused", refusal(&st));
	json_object_set_new(reply, "tables", tables);
	json_object_set_new(reply, "config", config_state(api->control));
	json_object_set_new(reply, "control",
			    json_pack("{s:I, s:s, s:I}", "pid", (json_int_t)getpid(), "version",
				      STW_VERSION, "started_unix_s",
				      (json_int_t)api->control->started_unix_s));
	json_object_set_new(reply, "http", api->http[0] ? json_string(api->http) : json_null());
	json_object_set_new(reply, "http_token", json_boolean(api->http_token));
	json_object_set_new(reply, "dataplane_process", dataplane_version(api));
	stw_reply(r, 200, reply);
}
