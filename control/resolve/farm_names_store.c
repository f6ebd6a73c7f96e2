/* SPDX-License-Identifier: BSD-3-Clause */

/* What names stood for, kept for the next control. */

#include "control/resolve/farm_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <strowger/errors.h>

#include "control/model/state_file.h"
#include "control/resolve/farm_names_inside.h"

#define FILE_VERSION   1
#define FILE_MAX_BYTES (8u << 20)

static json_t *row_to_json(const struct stw_farm_name *r)
{
	json_t *members = json_array();
	char text[STW_ENDPOINT_TEXT];

	for (size_t i = 0; i < r->n_found; i++) {
		stw_endpoint_format(&r->found[i].address, text);
		json_array_append_new(members, json_pack("{s:s, s:i, s:i, s:b}", "address", text,
							 "weight", (int)r->found[i].weight,
							 "priority", (int)r->found[i].priority,
							 "gone", (int)r->found[i].gone));
	}
	return json_pack("{s:s, s:s, s:i, s:o}", "pool", r->pool, "name", r->name.name, "port",
			 (int)r->name.port, "members", members);
}

int stw_farm_names_save(const struct stw_farm_names *n, const char *state_dir, char *reason,
			size_t reason_len)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < n->n; i++)
		json_array_append_new(rows, row_to_json(n->rows[i]));
	json_t *all = json_pack("{s:i, s:o}", "version", FILE_VERSION, "names", rows);
	char *text = all ? json_dumps(all, JSON_INDENT(1)) : NULL;
	int err = STW_ENOMEM;
	if (text)
		err = stw_state_write(state_dir, STW_FARM_NAMES_FILE, STW_STATE_REPLACE, text,
				      strlen(text), reason, reason_len);
	else
		snprintf(reason, reason_len, "out of memory");
	free(text);
	json_decref(all);
	return err;
}

static bool member_from_json(struct stw_farm_name *r, json_t *j)
{
	const char *text;
	int weight, gone, priority = 0; /* files from before have none */
	struct stw_endpoint address;

	if (r->n_found >= ROW_MEMBERS ||
	    json_unpack(j, "{s:s, s:i, s?i, s:b}", "address", &text, "weight", &weight, "priority",
			&priority, "gone", &gone) != 0 ||
	    weight < 1 || weight > UINT16_MAX || priority < 0 || priority > UINT8_MAX ||
	    stw_endpoint_parse(text, strlen(text), 5060, &address) != STW_OK ||
	    stw_farm_name_member(r, &address))
		return false;
	struct stw_found *f = &r->found[r->n_found++];
	*f = (struct stw_found){.address = address,
				.weight = (uint32_t)weight,
				.priority = (uint8_t)priority,
				.gone = gone};
	memcpy(f->pool, r->pool, sizeof(f->pool));
	return true;
}

static bool row_from_json(struct stw_farm_names *n, json_t *j)
{
	const char *pool, *text;
	struct stw_model_pool_name name = {0};
	json_t *members, *m;
	int port;
	size_t i;

	if (json_unpack(j, "{s:s, s:s, s:i, s:o}", "pool", &pool, "name", &text, "port", &port,
			"members", &members) != 0 ||
	    strlen(text) >= sizeof(name.name) || port < 0 || port > UINT16_MAX)
		return false;
	memcpy(name.name, text, strlen(text) + 1);
	name.port = (uint16_t)port;
	struct stw_farm_name *r = stw_farm_names_row(n, pool, &name);
	if (!r || r->n_found > 0)
		return true; /* no longer in the file */
	json_array_foreach(members, i, m) if (!member_from_json(r, m)) return false;
	return true;
}

int stw_farm_names_load(struct stw_farm_names *n, const char *state_dir, char *reason,
			size_t reason_len)
{
	char *text = malloc(FILE_MAX_BYTES);
	json_error_t e;
	size_t len = 0, i;
	json_t *j;

	if (!text) {
		snprintf(reason, reason_len, "out of memory");
		return STW_ENOMEM;
	}
	int err = stw_state_read(state_dir, STW_FARM_NAMES_FILE, false, text, FILE_MAX_BYTES, &len,
				 reason, reason_len);
	json_t *all = err ? NULL : json_loadb(text, len, JSON_REJECT_DUPLICATES, &e);
	free(text);
	if (err)
		return err == STW_ENOENT ? STW_OK : err;
	bool ok = json_integer_value(json_object_get(all, "version")) == FILE_VERSION;
	json_array_foreach(json_object_get(all, "names"), i, j) ok = ok && row_from_json(n, j);
	json_decref(all);
	if (ok)
		return STW_OK;
	snprintf(reason, reason_len, "%s: cannot be read", STW_FARM_NAMES_FILE);
	return STW_EMALFORMED;
}
