/* SPDX-License-Identifier: BSD-3-Clause */

/* Bindings that come by the API: of an export, or of another registrar. */

#include "control/api/handlers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>

#include "control/api/body.h"
#include "control/registrar/import.h"
#include "control/slow/registering.h"

/* One binding, as it stands in the body. */
struct row {
	const char *contact, *params, *path, *instance, *call_id, *source, *listener;
	json_int_t q, reg_id, cseq, created_s, expires_s;
};

static struct stw_str text(const char *p)
{
	return p ? stw_str(p, strlen(p)) : stw_str("", 0);
}

static bool read_binding(struct stw_request *r, const json_t *json, const char *at, struct row *out)
{
	static const struct stw_field fields[] = {
		{"contact", offsetof(struct row, contact), STW_FIELD_TEXT, true, 1, 1024},
		{"params", offsetof(struct row, params), STW_FIELD_TEXT, false, 0, 8192},
		{"path", offsetof(struct row, path), STW_FIELD_TEXT, false, 0, 8192},
		{"instance", offsetof(struct row, instance), STW_FIELD_TEXT, false, 0, 1024},
		{"call_id", offsetof(struct row, call_id), STW_FIELD_TEXT, true, 1, 1024},
		{"source", offsetof(struct row, source), STW_FIELD_TEXT, true, 1, 64},
		{"listener", offsetof(struct row, listener), STW_FIELD_TEXT, true, 1, 64},
		{"q_thousandths", offsetof(struct row, q), STW_FIELD_WHOLE, false, 0, STW_Q_ONE},
		{"reg_id", offsetof(struct row, reg_id), STW_FIELD_WHOLE, false, 0, UINT32_MAX},
		{"cseq", offsetof(struct row, cseq), STW_FIELD_WHOLE, true, 0, UINT32_MAX},
		{"created_s", offsetof(struct row, created_s), STW_FIELD_WHOLE, false, 0,
		 INT64_MAX},
		{"expires_s", offsetof(struct row, expires_s), STW_FIELD_WHOLE, true, 0, INT64_MAX},
	};

	*out = (struct row){.q = STW_Q_ONE};
	return stw_body_read_row(r, json, at, fields, STW_N_FIELDS(fields), out);
}

static bool bad(struct stw_request *r, const char *at, const char *field, const char *what)
{
	char pointer[96];

	snprintf(pointer, sizeof(pointer), "%s/%s", at, field);
	return stw_body_bad(r, pointer, "%s: %s; nothing of this request was stored", pointer + 1,
			    what);
}

/* The texts stay in @row's JSON. */
static bool to_binding(struct stw_request *r, const char *at, const struct row *row,
		       struct stw_binding *out)
{
	const char *field;

	*out = (struct stw_binding){.uri = text(row->contact),
				    .params = text(row->params),
				    .instance = text(row->instance),
				    .path = text(row->path),
				    .call_id = text(row->call_id),
				    .created_s = (uint64_t)row->created_s,
				    .expires_s = (uint64_t)row->expires_s,
				    .cseq = (uint32_t)row->cseq,
				    .reg_id = (uint32_t)row->reg_id,
				    .q = (uint16_t)row->q};
	if (stw_endpoint_parse(row->source, strlen(row->source), 5060, &out->source) != STW_OK)
		return bad(r, at, "source", "not ADDRESS:PORT");
	if (stw_endpoint_parse(row->listener, strlen(row->listener), 5060, &out->listener) !=
	    STW_OK)
		return bad(r, at, "listener", "not ADDRESS:PORT");
	if (!stw_import_binding_ok(out, &field))
		return bad(r, at, field, "not as a REGISTER could have brought it");
	return true;
}

struct user_body {
	const char *aor;
	const json_t *bindings;
};

/* @return false: the problem is replied. @p err: the store's */
static bool import_user(struct stw_request *r, struct stw_registrar *registrar, const char *at,
			const struct user_body *user, size_t *n, int *err)
{
	struct stw_record *record = calloc(1, sizeof(*record));
	json_t *json;
	size_t i;
	bool ok = true;

	*err = record ? STW_OK : STW_ENOMEM;
	json_array_foreach(user->bindings, i, json)
	{
		char where[80];
		struct row row;

		snprintf(where, sizeof(where), "%s/bindings/%zu", at, i);
		ok = !*err && i < STW_RECORD_BINDINGS && read_binding(r, json, where, &row) &&
		     to_binding(r, where, &row, &record->b[i]);
		if (!ok)
			break;
		record->n++;
	}
	if (ok && !*err)
		*err = stw_import(registrar, text(user->aor), record, n);
	free(record);
	if (*err == STW_EMALFORMED || *err == STW_ERANGE) {
		*err = STW_OK;
		return bad(r, at, "aor", "not an address-of-record, or too many bindings for one");
	}
	return ok || *err;
}

static bool read_user(struct stw_request *r, const json_t *json, const char *at,
		      struct user_body *out)
{
	static const struct stw_field fields[] = {
		{"aor", offsetof(struct user_body, aor), STW_FIELD_TEXT, true, 1, 400},
		{"bindings", offsetof(struct user_body, bindings), STW_FIELD_LIST, true, 0, 0},
	};

	return stw_body_read_row(r, json, at, fields, STW_N_FIELDS(fields), out);
}

void stw_api_location_put(struct stw_api *api, struct stw_request *r)
{
	static const struct stw_field field = {"users", 0, STW_FIELD_LIST, true, 0, 0};
	struct stw_registrar *registrar = stw_api_registrar_of(api, r);
	const json_t *users;
	json_t *json;
	size_t i, n = 0;
	int err = STW_OK;

	if (!registrar || !stw_body_read(r, &field, 1, &users))
		return;
	json_array_foreach(users, i, json)
	{
		struct user_body user;
		char at[48];

		snprintf(at, sizeof(at), "/users/%zu", i);
		if (!read_user(r, json, at, &user) ||
		    !import_user(r, registrar, at, &user, &n, &err)) {
			stw_store_abort(stw_registrar_store(registrar));
			return;
		}
		if (err)
			break;
	}
	stw_api_registrar_commit(api, r, err, n);
}
