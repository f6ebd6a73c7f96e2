/* SPDX-License-Identifier: BSD-3-Clause */
#include <strowger/log.h>

#include "control/api/handlers.h"

void stw_api_log(struct stw_api *api, struct stw_request *r)
{
	const struct stw_model *m = api->control->model;

	stw_reply(r, 200,
		  json_pack("{s:s, s:s, s:s}", "level", stw_log_level_name(stw_log_level()),
			    "format", stw_log_format_name(stw_log_format()), "file_level",
			    stw_log_level_name((enum stw_log_level)m->log_level)));
}

/* For both processes, until the next reload. */
void stw_api_log_set(struct stw_api *api, struct stw_request *r)
{
	json_t *body =
		json_loadb(r->body ? r->body : "", r->body_len, JSON_REJECT_DUPLICATES, NULL);
	const char *name = json_string_value(json_object_get(body, "level"));
	int level = name && json_object_size(body) == 1 ? stw_log_level_parse(name) : -1;

	json_decref(body);
	if (level < 0) {
		stw_problem(r, 400, "body", "Unusable body",
			    "send {\"level\": \"error\"}, or warn, info or debug");
		return;
	}
	stw_control_log(api->control, (enum stw_log_level)level);
	stw_info("log: level %s, asked for by the API",
		 stw_log_level_name((enum stw_log_level)level));
	stw_api_log(api, r);
}
