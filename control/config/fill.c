/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/config/read.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <strowger/errors.h>

#include "control/config/value.h"

#define PATH_TEXT 96

struct filler {
	struct stw_report *report;
	int err; /* STW_ENOMEM ends it */
};

/* A list in its scope's struct. */
struct list {
	void *items;
	size_t n;
};

static void fill_map(struct filler *f, struct stw_node *map, const char *path, void *scope);

static const char *child_key(const void *parent, size_t i)
{
	const struct stw_opt *row = NULL;

	do {
		row = stw_schema_child(parent, row);
		if (row && row->type == STW_OPT_ADVICE)
			continue;
		if (row && i-- == 0)
			break;
	} while (row);
	return row ? stw_schema_key(row) : NULL;
}

static void refuse_unknown(struct filler *f, const struct stw_node *key, const char *path)
{
	/* Half a million unknown names need not each be compared with all. */
	bool told = f->report->n_held < STW_REPORT_MAX;
	const char *near = told ? stw_nearest(key->text, child_key, path) : NULL;
	char quoted[64];

	stw_report(f->report, key, "unknown option \"%s\"%s%s%s%s%s",
		   stw_report_quote(key->text, quoted), *path ? " in " : "", path,
		   near ? ": did you mean \"" : ": see strowger.yaml(5) for what may stand here",
		   near ? near : "", near ? "\"?" : "");
}

static void fill_scalar(struct filler *f, const struct stw_opt *row, struct stw_node *v,
			void *scope)
{
	char why[512];

	if (v->kind != STW_NODE_SCALAR) {
		char may[160];

		stw_schema_describe(row, may, sizeof(may));
		stw_report(f->report, v, "%s must be %s, got a %s", stw_schema_key(row), may,
			   v->kind == STW_NODE_LIST ? "list" : "mapping");
		return;
	}
	v->unread = !stw_value_read(row, v->text, (char *)scope + row->at, why, sizeof(why));
	if (v->unread)
		stw_report(f->report, v, "%s", why);
}

static void set_defaults(const char *path, void *scope)
{
	char why[256];

	for (const struct stw_opt *row = stw_schema_child(path, NULL); row;
	     row = stw_schema_child(path, row)) {
		if (row->def)
			stw_value_read(row, row->def, (char *)scope + row->at, why, sizeof(why));
		if (row->type == STW_OPT_SECTION)
			set_defaults(row->name, scope);
	}
}

/* The row that an element written as a scalar stands for. */
static const struct stw_opt *shorthand_row(const char *path)
{
	const struct stw_opt *row = stw_schema_find(path);

	if (row)
		return row;
	do {
		row = stw_schema_child(path, row);
	} while (row && !row->shorthand);
	return row;
}

static void fill_element(struct filler *f, const struct stw_opt *list, struct stw_node *node,
			 void *element)
{
	char path[PATH_TEXT];

	snprintf(path, sizeof(path), "%s[]", list->name);
	const struct stw_opt *scalar = shorthand_row(path);
	bool only_scalar = scalar && strcmp(scalar->name, path) == 0;

	memcpy(element, &node, sizeof(node)); /* the struct's first field */
	set_defaults(path, element);
	if (scalar && (only_scalar || node->kind == STW_NODE_SCALAR))
		fill_scalar(f, scalar, node, element);
	else
		fill_map(f, node, path, element);
}

static void fill_list(struct filler *f, const struct stw_opt *row, struct stw_node *v, void *scope)
{
	struct list *list = (struct list *)((char *)scope + row->at);
	char may[160];

	if (v->kind != STW_NODE_LIST) {
		stw_schema_describe(row, may, sizeof(may));
		stw_report(f->report, v, "%s must be a list of %s, got a %s", stw_schema_key(row),
			   may, v->kind == STW_NODE_MAP ? "mapping" : "single value");
		return;
	}
	if (v->n > row->max) {
		stw_report(f->report, v, "%s has %u elements: at most %llu are possible",
			   stw_schema_key(row), v->n, (unsigned long long)row->max);
		return;
	}
	/* An empty list is told by check_required(), as an absent one is. */
	if (v->n == 0)
		return;
	list->items = calloc(v->n, row->size);
	if (!list->items) {
		f->err = STW_ENOMEM;
		return;
	}
	list->n = v->n;
	size_t i = 0;

	for (struct stw_node *e = v->first; e && f->err == STW_OK; e = e->next)
		fill_element(f, row, e, (char *)list->items + row->size * i++);
}

/* "listeners:" with nothing behind it is an absent list, not a wrong one. */
static bool is_nothing(const struct stw_node *v)
{
	return v->kind == STW_NODE_SCALAR && !v->quoted && !*v->text;
}

static void fill_value(struct filler *f, const struct stw_opt *row, struct stw_node *v, void *scope)
{
	bool nothing = is_nothing(v);

	v->row = row;
	switch (row->type) {
	case STW_OPT_SECTION:
		if (!nothing)
			fill_map(f, v, row->name, scope);
		break;
	case STW_OPT_LIST:
		if (!nothing)
			fill_list(f, row, v, scope);
		break;
	case STW_OPT_ADVICE:
		stw_report(f->report, v, "%s is not an option: %s", stw_schema_key(row), row->help);
		break;
	default: fill_scalar(f, row, v, scope);
	}
}

/* Tell what is required and absent; an empty list that needs elements counts as absent. */
static void check_required(struct filler *f, const struct stw_node *map, const char *path,
			   const void *scope, const uint32_t seen[STW_SCHEMA_ROWS_MAX])
{
	for (const struct stw_opt *row = stw_schema_child(path, NULL); row;
	     row = stw_schema_child(path, row)) {
		const struct list *list = (const struct list *)((const char *)scope + row->at);
		bool given = seen[row - stw_schema] != 0;

		if (row->type == STW_OPT_LIST && row->min > 0 && (given || row->required) &&
		    list->n == 0) {
			const struct stw_node *v = stw_node_at(map, stw_schema_key(row));

			/* Told already when it is no list or too long. */
			if (!given || is_nothing(v) || (v->kind == STW_NODE_LIST && v->n == 0))
				stw_report(f->report, v, "%s is %s: name at least one %s",
					   stw_schema_key(row), given ? "empty" : "missing",
					   row->noun);
		} else if (row->required && !given && row->type != STW_OPT_LIST) {
			char may[160];

			stw_schema_describe(row, may, sizeof(may));
			stw_report(f->report, map, "%s is missing: add %s", stw_schema_key(row),
				   may);
		}
	}
}

static void fill_key(struct filler *f, const struct stw_node *key, const char *path, void *scope,
		     uint32_t seen[STW_SCHEMA_ROWS_MAX])
{
	char name[PATH_TEXT];
	char quoted[64];

	int n = snprintf(name, sizeof(name), "%s%s%s", path, *path ? "." : "", key->text);
	const struct stw_opt *row =
		n > 0 && (size_t)n < sizeof(name) ? stw_schema_find(name) : NULL;

	if (!row || strpbrk(key->text, ".[")) {
		refuse_unknown(f, key, path);
	} else if (seen[row - stw_schema]) {
		stw_report(f->report, key, "%s is given twice, first in line %u: keep one",
			   stw_report_quote(key->text, quoted), seen[row - stw_schema]);
	} else {
		seen[row - stw_schema] = key->line;
		fill_value(f, row, key->next, scope);
	}
}

static void fill_map(struct filler *f, struct stw_node *map, const char *path, void *scope)
{
	uint32_t seen[STW_SCHEMA_ROWS_MAX] = {0};

	if (map->kind != STW_NODE_MAP) {
		stw_report(f->report, map, "%s must be a mapping (name: value), got a %s",
			   *path ? path : "the file",
			   map->kind == STW_NODE_LIST ? "list" : "single value");
		return;
	}
	for (const struct stw_node *k = map->first; k && k->next && f->err == STW_OK;
	     k = k->next->next)
		fill_key(f, k, path, scope, seen);
	if (f->err == STW_OK)
		check_required(f, map, path, scope, seen);
}

/* One worker beside the system, where there is a CPU for each. */
static int default_cores(struct stw_conf *c)
{
	if (c->n_cores > 0)
		return STW_OK;
	c->cores = calloc(1, sizeof(*c->cores));
	if (!c->cores)
		return STW_ENOMEM;
	c->cores[0].core = sysconf(_SC_NPROCESSORS_ONLN) > 1 ? 1 : 0;
	c->n_cores = 1;
	return STW_OK;
}

/* What a proxy lets pass where the file does not say. */
static int default_proxy(struct stw_conf *c)
{
	if (c->n_options == 0) {
		c->options = calloc(1, sizeof(*c->options));
		if (!c->options)
			return STW_ENOMEM;
		strcpy(c->options[0].v.tag, "sec-agree");
		c->n_options = 1;
	}
	if (c->n_closed_ports == 0) {
		c->closed_ports = calloc(1, sizeof(*c->closed_ports));
		if (!c->closed_ports)
			return STW_ENOMEM;
		c->closed_ports[0].v = (struct stw_model_port_range){1, 1023};
		c->n_closed_ports = 1;
	}
	return STW_OK;
}

static void default_twins(struct stw_conf *c)
{
	for (size_t i = 0; i < c->n_ports; i++) {
		struct stw_model_port *p = &c->ports[i].v;

		if (p->kernel != STW_KERNEL_SIDE_NONE && !p->twin[0])
			snprintf(p->twin, sizeof(p->twin), "stw-%.11s", p->name);
	}
}

int stw_conf_fill(const struct stw_tree *tree, struct stw_report *report, struct stw_conf *out)
{
	struct filler f = {.report = report};
	struct stw_node nothing = {.kind = STW_NODE_MAP, .line = 1};

	out->node = tree->root;
	set_defaults("", out);
	fill_map(&f, tree->root ? tree->root : &nothing, "", out);
	if (f.err == STW_OK)
		f.err = default_cores(out);
	if (f.err == STW_OK)
		f.err = default_proxy(out);
	default_twins(out);
	return f.err;
}
