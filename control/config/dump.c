/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/config/config.h"

#include <ctype.h>
#include <string.h>

#include <strowger/errors.h>

#include "control/config/conf.h"
#include "control/config/value.h"

#define PATH_TEXT 96

struct dump {
	FILE *out;
	bool with_keys;
};

struct list {
	const char *items;
	size_t n;
};

static void put_map(const struct dump *d, const char *path, const void *scope, int depth,
		    bool in_list);

/* True when YAML would read @text back as this very string without quotes. */
static bool is_plain(const char *text)
{
	if (!isalnum((unsigned char)*text) && *text != '/')
		return false;
	for (; *text; text++) {
		if (!isalnum((unsigned char)*text) && !strchr("._-/", *text))
			return false;
	}
	return true;
}

static void put_text(FILE *out, const char *text)
{
	if (is_plain(text)) {
		fputs(text, out);
		return;
	}
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

static void indent(FILE *out, int depth)
{
	fprintf(out, "%*s", depth * 2, "");
}

/* A value that is its own absence: a name, text or VLAN that was not given. */
static bool is_absent(const struct stw_opt *row, const char *text)
{
	if (row->def || row->required)
		return false;
	return *text == '\0' ||
	       (row->type == STW_OPT_UINT && row->min > 0 && strcmp(text, "0") == 0);
}

static void put_items(const struct dump *d, const struct stw_opt *row, const struct list *list,
		      int depth)
{
	char path[PATH_TEXT], text[STW_VALUE_TEXT];

	snprintf(path, sizeof(path), "%s[]", row->name);
	const struct stw_opt *scalar = stw_schema_find(path);

	fprintf(d->out, "%s\n", list->n ? "" : " []");
	for (size_t i = 0; i < list->n; i++) {
		const char *item = list->items + i * row->size;

		indent(d->out, depth + 1);
		fputs("- ", d->out);
		if (scalar) {
			stw_value_write(scalar, item + scalar->at, text);
			put_text(d->out, text);
			fputc('\n', d->out);
		} else {
			put_map(d, path, item, depth + 2, true);
		}
	}
}

static void put_list(const struct dump *d, const struct stw_opt *row, const void *scope, int depth)
{
	const struct list *list = (const struct list *)((const char *)scope + row->at);
	bool hide = !d->with_keys && strcmp(row->name, "secrets") == 0;

	if (list->n == 0 && row->computed)
		return; /* absent means something else than empty */
	indent(d->out, depth);
	if (hide) {
		fprintf(d->out, "# %s: %zu, not shown\n", row->name, list->n);
		return;
	}
	fprintf(d->out, "%s:", stw_schema_key(row));
	put_items(d, row, list, depth);
}

/* @return false when nothing was written: the value is absent */
static bool put_row(const struct dump *d, const struct stw_opt *row, const void *scope, int depth)
{
	char text[STW_VALUE_TEXT];

	if (row->type == STW_OPT_ADVICE)
		return false;
	if (row->type == STW_OPT_SECTION) {
		indent(d->out, depth);
		fprintf(d->out, "%s:\n", stw_schema_key(row));
		put_map(d, row->name, scope, depth + 1, false);
		return true;
	}
	if (row->type == STW_OPT_LIST) {
		put_list(d, row, scope, depth);
		return true;
	}
	stw_value_write(row, (const char *)scope + row->at, text);
	if (is_absent(row, text))
		return false;
	indent(d->out, depth);
	fprintf(d->out, "%s: ", stw_schema_key(row));
	put_text(d->out, text);
	fputc('\n', d->out);
	return true;
}

/* @in_list: the first line goes on behind "- ". */
static void put_map(const struct dump *d, const char *path, const void *scope, int depth,
		    bool in_list)
{
	for (const struct stw_opt *row = stw_schema_child(path, NULL); row;
	     row = stw_schema_child(path, row)) {
		if (put_row(d, row, scope, in_list ? 0 : depth))
			in_list = false;
	}
}

static int dump(const struct stw_model *m, bool with_keys, FILE *out)
{
	struct dump d = {.out = out, .with_keys = with_keys};
	struct stw_conf c;
	int err = stw_conf_from_model(m, &c);

	if (err != STW_OK)
		return err;
	put_map(&d, "", &c, 0, false);
	stw_conf_fini(&c);
	return fflush(out) == 0 && !ferror(out) ? STW_OK : STW_EIO;
}

int stw_config_dump(const struct stw_model *m, FILE *out)
{
	return dump(m, false, out);
}

int stw_config_dump_with_keys(const struct stw_model *m, FILE *out)
{
	return dump(m, true, out);
}
