/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/api/body.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define POINTER_MAX 128

bool stw_body_bad(struct stw_request *r, const char *pointer, const char *fmt, ...)
{
	const struct stw_endpoint_row *row = &stw_endpoint_rows[r->endpoint];
	char detail[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	stw_problem(r, 400, "body", "Bad request body", "%s: %s; it takes %s", row->path, detail,
		    row->body);
	/* Without them when a key of the client's own is cut in the middle of a character. */
	json_t *error = json_pack("{s:s+, s:s}", "pointer", "#", pointer, "detail", detail);
	if (error)
		json_object_set_new(r->reply, "errors", json_pack("[o]", error));
	return false;
}

/* A pointer to @key in what @pointer points to (RFC 6901 s3). */
static void point_into(const char *pointer, const char *key, char out[POINTER_MAX])
{
	size_t n = (size_t)snprintf(out, POINTER_MAX, "%s/", pointer);

	for (; *key && n + 3 < POINTER_MAX; key++) {
		if (*key == '~' || *key == '/')
			out[n++] = '~';
		out[n++] = *key == '~' ? '0' : *key == '/' ? '1' : *key;
	}
	out[n] = '\0';
}

/* Of the right type: put where it goes, and what of it has bounds is told. */
static bool take(const json_t *v, enum stw_field_kind kind, void *to, json_int_t *size)
{
	*size = 0;
	switch (kind) {
	case STW_FIELD_TEXT:
		*(const char **)to = json_string_value(v);
		*size = (json_int_t)json_string_length(v);
		return json_is_string(v) && strlen(json_string_value(v)) == (size_t)*size;
	case STW_FIELD_WHOLE:
		*(json_int_t *)to = *size = json_integer_value(v);
		return json_is_integer(v);
	case STW_FIELD_BOOL: *(bool *)to = json_is_true(v); return json_is_boolean(v);
	case STW_FIELD_LIST:
		*(const json_t **)to = v;
		*size = (json_int_t)json_array_size(v);
		return json_is_array(v);
	case STW_FIELD_OBJECT: *(const json_t **)to = v; return json_is_object(v);
	}
	return false;
}

static bool take_field(struct stw_request *r, const json_t *v, const char *pointer,
		       const struct stw_field *f, void *out)
{
	static const char *const kinds[] = {
		[STW_FIELD_TEXT] = "a string",	    [STW_FIELD_WHOLE] = "a whole number",
		[STW_FIELD_BOOL] = "true or false", [STW_FIELD_LIST] = "a list",
		[STW_FIELD_OBJECT] = "an object",
	};
	static const char *const units[] = {
		[STW_FIELD_TEXT] = " bytes long",
		[STW_FIELD_WHOLE] = "",
		[STW_FIELD_LIST] = " elements long",
	};
	json_int_t size;

	if (!take(v, f->kind, (char *)out + f->offset, &size))
		return stw_body_bad(r, pointer, "%s is not %s", f->key, kinds[f->kind]);
	if (f->max != 0 && (size < f->min || size > f->max))
		return stw_body_bad(r, pointer, "%s is not %s%lld..%lld%s", f->key,
				    f->kind == STW_FIELD_WHOLE ? "in " : "", (long long)f->min,
				    (long long)f->max, units[f->kind]);
	return true;
}

static const struct stw_field *find(const struct stw_field *fields, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(fields[i].key, key) == 0)
			return &fields[i];
	return NULL;
}

static bool is_there(const json_t *object, const char *key)
{
	const json_t *v = json_object_get(object, key);

	return v && !json_is_null(v);
}

bool stw_body_read_row(struct stw_request *r, const json_t *row, const char *pointer,
		       const struct stw_field *fields, size_t n, void *out)
{
	char at[POINTER_MAX];
	const char *key;
	json_t *v;

	if (!json_is_object(row))
		return stw_body_bad(r, pointer, "not a JSON object");
	json_object_foreach((json_t *)row, key, v)
	{
		const struct stw_field *f = find(fields, n, key);

		point_into(pointer, key, at);
		if (!f)
			return stw_body_bad(r, at, "unknown key \"%.80s\"", key);
		if ((f->needed || !json_is_null(v)) && !take_field(r, v, at, f, out))
			return false;
	}
	for (size_t i = 0; i < n; i++) {
		point_into(pointer, fields[i].key, at);
		if (fields[i].needed && !is_there(row, fields[i].key))
			return stw_body_bad(r, at, "%s is missing", fields[i].key);
	}
	return true;
}

bool stw_body_read(struct stw_request *r, const struct stw_field *fields, size_t n, void *out)
{
	json_error_t e;

	json_decref(r->json);
	r->json = r->body_len ? json_loadb(r->body, r->body_len, JSON_REJECT_DUPLICATES, &e)
			      : json_object();
	if (!r->json)
		return stw_body_bad(r, "", "not JSON at byte %d: %s", r->body_len ? e.position : 0,
				    r->body_len ? e.text : "out of memory");
	return stw_body_read_row(r, r->json, "", fields, n, out);
}
