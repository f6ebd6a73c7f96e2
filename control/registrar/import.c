/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/registrar/import.h"

#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>
#include <strowger/sip_headers.h>

#include "control/registrar/location.h"
#include "control/registrar/registration.h"

/* No control bytes: they would break the lines it goes into. */
static bool is_line(struct stw_str t)
{
	for (uint16_t i = 0; i < t.len; i++)
		if ((unsigned char)t.p[i] < ' ' || t.p[i] == 0x7f)
			return false;
	return true;
}

static bool is_contact(struct stw_str t)
{
	struct stw_sip_uri uri;

	return is_line(t) && !memchr(t.p, ' ', t.len) && !memchr(t.p, '"', t.len) &&
	       stw_sip_uri_parse(t.p, (struct stw_span){0, t.len}, &uri) != STW_EMALFORMED;
}

/* ";a=b;c" whole, or nothing. */
static bool are_params(struct stw_str t)
{
	struct stw_span rest = {0, t.len};
	struct stw_sip_param p;
	int err;

	while ((err = stw_sip_param_next(t.p, &rest, &p)) == STW_OK)
		;
	return is_line(t) && err == STW_ENOENT;
}

static bool is_path(struct stw_str t)
{
	struct stw_sip_name_addr na = {.more = t.len > 0};

	while (na.more) {
		const struct stw_span rest = {na.next, (uint16_t)(t.len - na.next)};

		if (stw_sip_name_addr_parse(t.p, rest, &na) != STW_OK || !na.bracketed)
			return false;
	}
	return is_line(t);
}

bool stw_import_binding_ok(const struct stw_binding *b, const char **field)
{
	const struct {
		const char *name;
		bool ok;
	} checks[] = {
		{"contact", is_contact(b->uri)},
		{"params", are_params(b->params)},
		{"path", is_path(b->path)},
		{"instance", is_line(b->instance) && !memchr(b->instance.p, '"', b->instance.len)},
		{"call_id", b->call_id.len > 0 && is_line(b->call_id)},
	};

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		if (!checks[i].ok) {
			*field = checks[i].name;
			return false;
		}
	return true;
}

static bool canonical(struct stw_str text, char out[STW_AOR_BYTES], size_t *len)
{
	struct stw_sip_uri uri;

	return stw_sip_uri_parse(text.p, (struct stw_span){0, text.len}, &uri) == STW_OK &&
	       stw_sip_uri_aor(text.p, &uri, out, STW_AOR_BYTES, len) == STW_OK;
}

/* @return how many, or SIZE_MAX: more than a record holds */
static size_t merge(struct stw_record *to, const struct stw_record *from, uint64_t now_s)
{
	size_t added = 0;

	for (size_t i = 0; i < from->n; i++) {
		const struct stw_binding *b = &from->b[i];
		const struct stw_wish as = {.uri = b->uri,
					    .instance = b->instance,
					    .reg_id = b->reg_id};

		if (b->expires_s <= now_s || stw_registration_find(to, &as))
			continue;
		if (to->n == STW_RECORD_BINDINGS)
			return SIZE_MAX;
		to->b[to->n++] = *b;
		added++;
	}
	return added;
}

int stw_import(struct stw_registrar *r, struct stw_str aor, const struct stw_record *record,
	       size_t *n)
{
	struct stw_location *l = malloc(sizeof(*l));
	char name[STW_AOR_BYTES];
	size_t len, added;
	int err = !l ? STW_ENOMEM : !canonical(aor, name, &len) ? STW_EMALFORMED : STW_OK;

	if (!err)
		err = stw_location_get(stw_registrar_store(r), stw_str(name, len), l);
	if (err == STW_EDIGEST || err == STW_EVERSION)
		err = STW_OK; /* damaged, and empty: replaced */
	if (!err) {
		added = merge(&l->record, record, stw_clock_s(stw_registrar_clock(r)));
		if (added == SIZE_MAX)
			err = STW_ERANGE;
		else if (added > 0)
			err = stw_location_put(stw_registrar_store(r), stw_str(name, len), l);
		*n += err ? 0 : added;
	}
	free(l);
	return err;
}
