/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/model/diff.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <strowger/errors.h>

#include "control/config/conf.h"
#include "control/config/value.h"

#define PATH_TEXT  96
#define WHERE_TEXT 192
#define LINE_TEXT  1024

struct differ {
	stw_diff_line_fn line;
	void *ctx;
	int n;
};

struct list {
	const char *items;
	size_t n;
};

static void diff_maps(struct differ *d, const char *path, const char *where, const void *a,
		      const void *b);

__attribute__((format(printf, 3, 4))) static void tell(struct differ *d, const struct stw_opt *row,
						       const char *fmt, ...)
{
	char text[LINE_TEXT];
	va_list ap;

	d->n++;
	if (!d->line)
		return;
	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (row->effect != STW_EFFECT_RELOAD && n > 0 && (size_t)n < sizeof(text))
		snprintf(text + n, sizeof(text) - (size_t)n, " (takes effect %s)",
			 stw_schema_effect_text(row->effect));
	d->line(d->ctx, row->effect != STW_EFFECT_RELOAD, text);
}

static void diff_value(struct differ *d, const struct stw_opt *row, const char *where,
		       const void *a, const void *b)
{
	char before[STW_VALUE_TEXT], after[STW_VALUE_TEXT];

	if (memcmp((const char *)a + row->at, (const char *)b + row->at, row->size) == 0)
		return;
	stw_value_write(row, (const char *)a + row->at, before);
	stw_value_write(row, (const char *)b + row->at, after);
	if (row->type == STW_OPT_KEY)
		tell(d, row, "%s%s changed", where, stw_schema_key(row));
	else
		tell(d, row, "%s%s %s -> %s", where, stw_schema_key(row), *before ? before : "none",
		     *after ? after : "none");
}

/*
 * The row that says which elements of two lists are the same: the one that may stand for the whole
 * element (the address of a member), else the first that must be given (mostly the name).
 */
static const struct stw_opt *identity(const char *path)
{
	const struct stw_opt *row = stw_schema_find(path);
	const struct stw_opt *named = NULL;

	if (row)
		return row; /* a list of scalars */
	while ((row = stw_schema_child(path, row)) != NULL) {
		if (row->shorthand)
			return row;
		if (!named && row->required)
			named = row;
	}
	return named;
}

static void identity_text(const struct stw_opt *id, const char *item, char out[STW_VALUE_TEXT])
{
	stw_value_write(id, item + id->at, out);
}

/* After so many that were looked for in vain the rest is not told one by one: each costs a walk
 * over the whole list. */
#define MISSES_MAX 1000u

/* Elements of one identity: the same value there, and on the same VLAN if they have one. */
struct same {
	const struct stw_opt *id;
	const struct stw_opt *vlan; /* may be NULL */
};

/* What people call an element: its name beside its identity. */
static void label(const struct stw_opt *row, const char *path, const struct same *same,
		  const char *item, char out[WHERE_TEXT])
{
	const struct stw_opt *id = same->id;
	char named[PATH_TEXT + 8], name[STW_VALUE_TEXT] = "", text[STW_VALUE_TEXT];

	snprintf(named, sizeof(named), "%s.name", path);
	const struct stw_opt *by_name = stw_schema_find(named);

	identity_text(id, item, text);
	if (by_name)
		stw_value_write(by_name, item + by_name->at, name);
	int n = !*name || by_name == id
			? snprintf(out, WHERE_TEXT, "%s \"%.100s\"", row->noun, text)
			: snprintf(out, WHERE_TEXT, "%s \"%.40s\" (%.100s)", row->noun, name, text);
	if (!same->vlan || n < 0 || n >= WHERE_TEXT)
		return;
	stw_value_write(same->vlan, item + same->vlan->at, text);
	if (strcmp(text, "0") != 0)
		snprintf(out + n, WHERE_TEXT - (size_t)n, " on VLAN %.8s", text);
}

static bool is_same(const struct same *s, const char *a, const char *b)
{
	return memcmp(a + s->id->at, b + s->id->at, s->id->size) == 0 &&
	       (!s->vlan || memcmp(a + s->vlan->at, b + s->vlan->at, s->vlan->size) == 0);
}

/* The element of @list that is the same as @item. @next: where to look first, then set behind what
 * was found, so that lists in the same order are walked once. */
static const char *find(const struct same *same, const struct list *list, size_t size,
			const char *item, size_t *next)
{
	for (size_t i = 0; i < list->n; i++) {
		size_t at = (*next + i) % list->n;

		if (is_same(same, list->items + at * size, item)) {
			*next = at + 1;
			return list->items + at * size;
		}
	}
	return NULL;
}

/* What went from @from to @to: elements of one that the other has not. */
static void diff_presence(struct differ *d, const struct stw_opt *row, const char *path,
			  const char *where, const struct same *same, const struct list *from,
			  const struct list *to, const char *word)
{
	char named[WHERE_TEXT];
	size_t next = 0, misses = 0;

	for (size_t i = 0; i < from->n; i++) {
		const char *item = from->items + i * row->size;

		if (find(same, to, row->size, item, &next))
			continue;
		if (misses++ == MISSES_MAX) {
			tell(d, row, "%sand more %s, of %zu, are %s", where, stw_schema_key(row),
			     from->n, word);
			return;
		}
		label(row, path, same, item, named);
		tell(d, row, "%s%s %s", where, named, word);
	}
}

static void diff_common(struct differ *d, const struct stw_opt *row, const char *path,
			const char *where, const struct same *same, const struct list *a,
			const struct list *b)
{
	char named[WHERE_TEXT], inside[2 * WHERE_TEXT];
	size_t next = 0, misses = 0;

	for (size_t i = 0; i < b->n; i++) {
		const char *item = b->items + i * row->size;
		const char *before =
			misses < MISSES_MAX ? find(same, a, row->size, item, &next) : NULL;

		misses += before == NULL;
		if (!before || memcmp(before, item, row->size) == 0)
			continue;
		label(row, path, same, item, named);
		snprintf(inside, sizeof(inside), "%s%s: ", where, named);
		diff_maps(d, path, inside, before, item);
	}
}

/* The order of listeners, secrets and cores has a meaning of its own. */
static bool order_changed(const struct stw_opt *row, const struct same *same, const struct list *a,
			  const struct list *b)
{
	size_t next = 0;

	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (!find(same, b, row->size, a->items + i * row->size, &next))
			return false;
	}
	for (size_t i = 0; i < a->n; i++) {
		if (!is_same(same, a->items + i * row->size, b->items + i * row->size))
			return true;
	}
	return false;
}

static void diff_list(struct differ *d, const struct stw_opt *row, const char *where, const void *a,
		      const void *b)
{
	const struct list *from = (const struct list *)((const char *)a + row->at);
	const struct list *to = (const struct list *)((const char *)b + row->at);
	char path[PATH_TEXT], vlan[PATH_TEXT + 8];

	snprintf(path, sizeof(path), "%s[]", row->name);
	snprintf(vlan, sizeof(vlan), "%s.vlan", path);
	struct same same = {.id = identity(path), .vlan = stw_schema_find(vlan)};

	diff_presence(d, row, path, where, &same, from, to, "removed");
	diff_presence(d, row, path, where, &same, to, from, "added");
	if (stw_schema_find(path) == NULL)
		diff_common(d, row, path, where, &same, from, to);
	if (row->ordered && order_changed(row, &same, from, to))
		tell(d, row, "%s%s: order changed", where, stw_schema_key(row));
}

static void diff_maps(struct differ *d, const char *path, const char *where, const void *a,
		      const void *b)
{
	for (const struct stw_opt *row = stw_schema_child(path, NULL); row;
	     row = stw_schema_child(path, row)) {
		char inside[WHERE_TEXT];

		if (row->type == STW_OPT_SECTION) {
			snprintf(inside, sizeof(inside), "%s%s.", where, stw_schema_key(row));
			diff_maps(d, row->name, inside, a, b);
		} else if (row->type == STW_OPT_LIST) {
			diff_list(d, row, where, a, b);
		} else if (row->type != STW_OPT_ADVICE) {
			diff_value(d, row, where, a, b);
		}
	}
}

int stw_model_diff(const struct stw_model *before, const struct stw_model *after,
		   stw_diff_line_fn line, void *ctx)
{
	struct differ d = {.line = line, .ctx = ctx};
	struct stw_conf a, b;

	if (stw_conf_from_model(before, &a) != STW_OK)
		return -1;
	if (stw_conf_from_model(after, &b) != STW_OK) {
		stw_conf_fini(&a);
		return -1;
	}
	diff_maps(&d, "", "", &a, &b);
	stw_conf_fini(&a);
	stw_conf_fini(&b);
	return d.n;
}
