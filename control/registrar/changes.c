/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/registrar/changes.h"

#include <stdlib.h>
#include <string.h>

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

void stw_changes_add(struct stw_changes *c, struct stw_str name)
{
	if (!make_room(c, sizeof(name.len) + name.len)) {
		c->lost = true;
		return;
	}
	memcpy(c->bytes + c->len, &name.len, sizeof(name.len));
	memcpy(c->bytes + c->len + sizeof(name.len), name.p, name.len);
	c->len += sizeof(name.len) + name.len;
}

bool stw_changes_next(const struct stw_changes *c, size_t *at, struct stw_str *name)
{
	if (*at == c->len)
		return false;
	memcpy(&name->len, c->bytes + *at, sizeof(name->len));
	name->p = c->bytes + *at + sizeof(name->len);
	*at += sizeof(name->len) + name->len;
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
