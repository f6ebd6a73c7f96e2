/* SPDX-License-Identifier: BSD-3-Clause */
#include <strowger/log.h>

#include "control/api/body.h"
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
	static const struct stw_field fields[] = {{"level", 0, STW_FIELD_TEXT, true, 0, 0}};
	const char *name = NULL;

	if (!stw_body_read(r, fields, STW_N_FIELDS(fields), &name))
		return;
	int level = stw_log_level_parse(name);
	if (level < 0) {
		stw_body_bad(r, "/level", "level is not error, warn, info or debug");
		return;
	}
	stw_control_log(api->control, (enum stw_log_level)level);
	stw_info("log: level %s, asked for by the API",
		 stw_log_level_name((enum stw_log_level)level));
	stw_api_log(api, r);
}
