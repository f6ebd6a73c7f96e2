/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/registrar/changes.h"

#include <stdlib.h>
#include <string.h>

/* Behind it the name, then the row. */
struct head {
	uint32_t row_len;
	uint16_t name_len;
	bool has_row;
};

static bool make_room(struct stw_changes *c, size_t n)
{
	size_t room = c->room ? c->room : 4096;
	char *bytes;

	if (n <= c->room - c->len)
		return true;
	while (n > room - c->len)
		room *= 2;
	bytes = realloc(c->bytes, room);
	if (!bytes)
		return false;
	c->bytes = bytes;
	c->room = room;
	return true;
}

static void append(struct stw_changes *c, const void *bytes, size_t n)
{
	memcpy(c->bytes + c->len, bytes, n);
	c->len += n;
}

void stw_changes_add(struct stw_changes *c, const struct stw_change *change)
{
	const struct head h = {.row_len = (uint32_t)change->row.len,
			       .name_len = change->name.len,
			       .has_row = change->row.p != NULL};

	if (!make_room(c, sizeof(h) + h.name_len + h.row_len)) {
		c->lost = true;
		return;
	}
	append(c, &h, sizeof(h));
	append(c, change->name.p, h.name_len);
	if (h.has_row)
		append(c, change->row.p, h.row_len);
}

bool stw_changes_next(const struct stw_changes *c, size_t *at, struct stw_change *out)
{
	const char *p = c->bytes + *at;
	struct head h;

	if (*at == c->len)
		return false;
	memcpy(&h, p, sizeof(h));
	out->name = stw_str(p + sizeof(h), h.name_len);
	out->row = (struct stw_store_value){h.has_row ? out->name.p + h.name_len : NULL, h.row_len};
	*at += sizeof(h) + h.name_len + h.row_len;
	return true;
}

void stw_changes_clear(struct stw_changes *c)
{
	c->len = 0;
	c->lost = false;
}

void stw_changes_fini(struct stw_changes *c)
{
	free(c->bytes);
	*c = (struct stw_changes){0};
}
