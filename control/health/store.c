/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * What is known of members, in state_dir/health.json: control comes back with the last known state,
 * not with a farm that all looks new. Times are kept as ages, so that no clock has to be trusted;
 * what passed while control was away counts as nothing.
 */

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>

#include "control/health/inside.h"
#include "control/model/state_file.h"
#include "control/now.h"

#define FILE_NAME      "health.json"
#define FILE_VERSION   1
#define FILE_MAX_BYTES (32u << 20)

static double left(double until_s, double now_s)
{
	return until_s > now_s ? until_s - now_s : 0;
}

static json_t *to_json(const struct stw_watch *w, double now_s)
{
	char member[STW_ENDPOINT_TEXT];

	stw_endpoint_format(&w->member, member);
	return json_pack("{s:s, s:s, s:s, s:s, s:f, s:i, s:i, s:f, s:f}", "pool", w->pool, "member",
			 member, "state", stw_health_state_text(w->h.state), "cause",
			 stw_health_cause_text(w->h.cause), "age_s", now_s - w->h.since_s, "status",
			 (int)w->h.status, "strikes", (int)w->h.strikes, "held_s",
			 left(w->h.held_until_s, now_s), "rest_s", left(w->h.rest_until_s, now_s));
}

int stw_monitor_save(const struct stw_monitor *mon, const char *state_dir, char *reason,
		     size_t reason_len)
{
	json_t *rows = json_array();
	double now_s = stw_now_s();

	for (size_t i = 0; i < mon->n; i++)
		json_array_append_new(rows, to_json(mon->rows[i], now_s));
	json_t *all = json_pack("{s:i, s:o}", "version", FILE_VERSION, "members", rows);
	char *text = all ? json_dumps(all, JSON_INDENT(1)) : NULL;
	int err = STW_ENOMEM;

	if (text)
		err = stw_state_write(state_dir, FILE_NAME, STW_STATE_REPLACE, text, strlen(text),
				      reason, reason_len);
	else
		snprintf(reason, reason_len, "out of memory");
	free(text);
	json_decref(all);
	return err;
}

/* A row of a member that is watched; others went away meanwhile. @return false: it is malformed */
static bool from_json(struct stw_monitor *mon, json_t *j, double now_s)
{
	const char *pool, *member, *state, *cause;
	double age_s, held_s, rest_s;
	int status, strikes;
	struct stw_endpoint ep;

	if (json_unpack(j, "{s:s, s:s, s:s, s:s, s:F, s:i, s:i, s:F, s:F}", "pool", &pool, "member",
			&member, "state", &state, "cause", &cause, "age_s", &age_s, "status",
			&status, "strikes", &strikes, "held_s", &held_s, "rest_s", &rest_s) != 0 ||
	    stw_endpoint_parse(member, strlen(member), 5060, &ep) != STW_OK ||
	    stw_health_state_parse(state) < 0 || stw_health_cause_parse(cause) < 0 || strikes < 0 ||
	    strikes > 1000000 || status < 0 || status > 999 || !(age_s >= 0) ||
	    !(held_s >= 0 && held_s <= 1e6) || !(rest_s >= 0 && rest_s <= 1e6))
		return false;
	struct stw_watch *w = stw_monitor_find(mon, pool, &ep);
	if (!w)
		return true;
	w->h = (struct stw_health){
		.state = (enum stw_health_state)stw_health_state_parse(state),
		.cause = (enum stw_health_cause)stw_health_cause_parse(cause),
		.status = (uint16_t)status,
		.since_s = now_s - age_s,
		.strikes = (uint32_t)strikes,
		.held_until_s = now_s + held_s,
		.rest_until_s = rest_s > 0 ? now_s + rest_s : 0,
	};
	return true;
}

static int read_rows(struct stw_monitor *mon, json_t *all, char *reason, size_t reason_len)
{
	json_t *rows = json_object_get(all, "members");
	double now_s = stw_now_s();
	size_t i;
	json_t *j;

	if (json_integer_value(json_object_get(all, "version")) != FILE_VERSION) {
		snprintf(reason, reason_len, "%s: not of version %d", FILE_NAME, FILE_VERSION);
		return STW_EVERSION;
	}
	json_array_foreach(rows, i, j)
	{
		if (!from_json(mon, j, now_s)) {
			snprintf(reason, reason_len, "%s: row %zu cannot be read", FILE_NAME,
				 i + 1);
			return STW_EMALFORMED;
		}
	}
	return STW_OK;
}

int stw_monitor_load(struct stw_monitor *mon, const char *state_dir, char *reason,
		     size_t reason_len)
{
	char *text = malloc(FILE_MAX_BYTES);
	json_error_t e;
	size_t len = 0;

	if (!text) {
		snprintf(reason, reason_len, "out of memory");
		return STW_ENOMEM;
	}
	int err = stw_state_read(state_dir, FILE_NAME, false, text, FILE_MAX_BYTES, &len, reason,
				 reason_len);
	if (err == STW_OK) {
		json_t *all = json_loadb(text, len, JSON_REJECT_DUPLICATES, &e);

		if (all) {
			err = read_rows(mon, all, reason, reason_len);
		} else {
			snprintf(reason, reason_len, "%s:%d: %s", FILE_NAME, e.line, e.text);
			err = STW_EMALFORMED;
		}
		json_decref(all);
	}
	free(text);
	return err == STW_ENOENT ? STW_OK : err;
}
