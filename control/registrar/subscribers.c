/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/registrar/subscribers.h"

#include <string.h>

#include <strowger/errors.h>

#include "control/registrar/changes.h"

#define VERSION 1u

struct row {
	uint8_t version, reserved[7];
	struct stw_ha1 ha1;
};

_Static_assert(sizeof(struct row) == 56, "no padding on disk");

static struct stw_store_value value(const void *p, size_t len)
{
	return (struct stw_store_value){p, len};
}

/* Where user and domain part: at the last '@'. @return 0: nowhere */
static size_t at_of(struct stw_str name)
{
	for (size_t i = name.len; i-- > 1;)
		if (name.p[i] == '@')
			return i;
	return 0;
}

static bool is_user_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       strchr("-_.!~*'()&=+$,;?/%", c);
}

static bool is_domain_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
	       c == ':' || c == '[' || c == ']';
}

bool stw_subscriber_name_ok(struct stw_str name)
{
	size_t at = at_of(name);

	if (at == 0 || at + 1u == name.len || name.len > STW_SUBSCRIBER_NAME)
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (i != at && (name.p[i] == '\0' ||
				!(i < at ? is_user_char(name.p[i]) : is_domain_char(name.p[i]))))
			return false;
	return true;
}

/* Whoever follows the bindings knows who there is, too: under the name of that user's record. */
static void note_change(struct stw_store *s, struct stw_str name)
{
	char aor[STW_STORE_KEY_MAX + 5];

	if (!s->changes || name.len > STW_STORE_KEY_MAX)
		return;
	memcpy(aor, "sip:", 4);
	memcpy(aor + 4, name.p, name.len);
	stw_changes_add(s->changes, &(struct stw_change){.name = stw_str(aor, name.len + 4u)});
}

int stw_subscriber_put(struct stw_store *s, struct stw_str name, struct stw_str password)
{
	struct row row = {.version = VERSION};
	size_t at = at_of(name);

	if (!stw_subscriber_name_ok(name))
		return STW_EMALFORMED;
	if (password.len == 0 || password.len > 1024)
		return STW_ERANGE;
	int err = stw_ha1_make(stw_str(name.p, at), stw_str(name.p + at + 1, name.len - at - 1u),
			       password, &row.ha1);

	if (!err)
		note_change(s, name);
	return err ? err
		   : stw_store_put(s, STW_TABLE_SUBSCRIBER, value(name.p, name.len),
				   value(&row, sizeof(row)));
}

int stw_subscriber_remove(struct stw_store *s, struct stw_str name)
{
	note_change(s, name);
	return stw_store_remove(s, STW_TABLE_SUBSCRIBER, value(name.p, name.len));
}

int stw_subscriber_get(struct stw_store *s, struct stw_str name, struct stw_ha1 *out)
{
	struct stw_store_value v;
	struct row row;
	int err = stw_store_get(s, STW_TABLE_SUBSCRIBER, value(name.p, name.len), &v);

	if (err)
		return err;
	if (v.len != sizeof(row))
		return STW_EMALFORMED;
	memcpy(&row, v.p, sizeof(row));
	if (row.version != VERSION)
		return STW_EMALFORMED;
	*out = row.ha1;
	return STW_OK;
}
