/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/config/node.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include <strowger/errors.h>

#define BLOCK_NODES 256

struct builder {
	struct stw_report *report;
	struct stw_tree tree;
	struct stw_node *open; /* the mapping or list being filled */
	size_t depth;
	bool done; /* one document was read */
};

static struct stw_node *add_node(struct builder *b, enum stw_node_kind kind, uint32_t line)
{
	struct stw_tree *t = &b->tree;

	if (t->n_nodes % BLOCK_NODES == 0) {
		struct stw_node **blocks =
			realloc(t->blocks, (t->n_blocks + 1) * sizeof(blocks[0]));
		if (!blocks)
			return NULL;
		t->blocks = blocks;
		blocks[t->n_blocks] = calloc(BLOCK_NODES, sizeof(struct stw_node));
		if (!blocks[t->n_blocks])
			return NULL;
		t->n_blocks++;
	}
	struct stw_node *node = &t->blocks[t->n_blocks - 1][t->n_nodes++ % BLOCK_NODES];

	node->kind = kind;
	node->line = line;
	node->parent = b->open;
	if (!b->open)
		t->root = node;
	else if (b->open->last)
		b->open->last->next = node;
	else
		b->open->first = node;
	if (b->open) {
		b->open->last = node;
		b->open->n++;
	}
	return node;
}

/* True when the next child of the open mapping is a key. */
static bool wants_key(const struct builder *b)
{
	return b->open && b->open->kind == STW_NODE_MAP && b->open->n % 2 == 0;
}

static int refuse(struct builder *b, uint32_t line, const char *what)
{
	stw_report_line(b->report, line, "%s", what);
	return STW_ECONFIG;
}

static uint32_t line_of(const yaml_mark_t *mark)
{
	return mark->line < UINT32_MAX ? (uint32_t)mark->line + 1 : UINT32_MAX;
}

static int on_scalar(struct builder *b, const yaml_event_t *e)
{
	uint32_t line = line_of(&e->start_mark);
	const char *value = (const char *)e->data.scalar.value;

	if (e->data.scalar.anchor || e->data.scalar.tag)
		return refuse(b, line,
			      "anchors (&) and tags (!) have no meaning here: write plain values");
	if (memchr(value, '\0', e->data.scalar.length))
		return refuse(b, line, "a value holds a NUL byte: remove it");
	struct stw_node *node = add_node(b, STW_NODE_SCALAR, line);

	if (!node)
		return STW_ENOMEM;
	node->quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	node->text = strdup(value);
	return node->text ? STW_OK : STW_ENOMEM;
}

static int on_open(struct builder *b, enum stw_node_kind kind, const yaml_mark_t *mark, bool marked)
{
	uint32_t line = line_of(mark);

	if (marked)
		return refuse(b, line,
			      "anchors (&) and tags (!) have no meaning here: write plain values");
	if (wants_key(b))
		return refuse(b, line, "a list or mapping stands where a name is expected");
	if (b->depth >= STW_YAML_DEPTH_MAX)
		return refuse(b, line,
			      "nested too deep: no option lies that deep, look for a lost bracket");
	struct stw_node *node = add_node(b, kind, line);

	if (!node)
		return STW_ENOMEM;
	b->open = node;
	b->depth++;
	return STW_OK;
}

static int on_close(struct builder *b)
{
	b->open = b->open->parent;
	b->depth--;
	return STW_OK;
}

static int on_event(struct builder *b, const yaml_event_t *e)
{
	if (b->tree.n_nodes >= STW_YAML_NODES_MAX)
		return refuse(b, line_of(&e->start_mark),
			      "more values than any configuration needs");
	switch (e->type) {
	case YAML_SCALAR_EVENT: return on_scalar(b, e);
	case YAML_SEQUENCE_START_EVENT:
		return on_open(b, STW_NODE_LIST, &e->start_mark,
			       e->data.sequence_start.anchor || e->data.sequence_start.tag);
	case YAML_MAPPING_START_EVENT:
		return on_open(b, STW_NODE_MAP, &e->start_mark,
			       e->data.mapping_start.anchor || e->data.mapping_start.tag);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT: return on_close(b);
	case YAML_ALIAS_EVENT:
		return refuse(b, line_of(&e->start_mark),
			      "aliases (*) are not followed: write the value out (or quote it)");
	case YAML_DOCUMENT_START_EVENT:
		if (b->done)
			return refuse(b, line_of(&e->start_mark),
				      "a second document begins: put all into one");
		b->done = true;
		return STW_OK;
	default: return STW_OK;
	}
}

static int on_syntax_error(struct builder *b, const yaml_parser_t *p)
{
	const char *problem = p->problem ? p->problem : "cannot be parsed";

	if (p->error == YAML_MEMORY_ERROR)
		return STW_ENOMEM;
	if (p->context)
		stw_report_line(b->report, line_of(&p->problem_mark),
				"not valid YAML: %s (%s begun in line %u)", problem, p->context,
				line_of(&p->context_mark));
	else
		stw_report_line(b->report, line_of(&p->problem_mark), "not valid YAML: %s",
				problem);
	return STW_ECONFIG;
}

static int build(struct builder *b, yaml_parser_t *p)
{
	bool end = false;
	int err = STW_OK;

	while (err == STW_OK && !end) {
		yaml_event_t e;

		if (!yaml_parser_parse(p, &e))
			return on_syntax_error(b, p);
		end = e.type == YAML_STREAM_END_EVENT;
		err = on_event(b, &e);
		yaml_event_delete(&e);
	}
	return err;
}

int stw_tree_parse(const char *text, size_t len, struct stw_report *report, struct stw_tree *out)
{
	struct builder b = {.report = report};
	yaml_parser_t p;

	if (!yaml_parser_initialize(&p))
		return STW_ENOMEM;
	yaml_parser_set_encoding(&p, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&p, (const unsigned char *)text, len);
	int err = build(&b, &p);

	yaml_parser_delete(&p);
	if (err == STW_OK)
		*out = b.tree;
	else
		stw_tree_fini(&b.tree);
	return err;
}

void stw_tree_fini(struct stw_tree *t)
{
	for (size_t i = 0; i < t->n_nodes; i++)
		free(t->blocks[i / BLOCK_NODES][i % BLOCK_NODES].text);
	for (size_t i = 0; i < t->n_blocks; i++)
		free(t->blocks[i]);
	free(t->blocks);
	*t = (struct stw_tree){0};
}

const struct stw_node *stw_node_get(const struct stw_node *map, const char *key)
{
	if (!map || map->kind != STW_NODE_MAP)
		return NULL;
	for (const struct stw_node *k = map->first; k && k->next; k = k->next->next) {
		if (k->kind == STW_NODE_SCALAR && strcmp(k->text, key) == 0)
			return k->next;
	}
	return NULL;
}

const struct stw_node *stw_node_at(const struct stw_node *map, const char *key)
{
	const struct stw_node *v = stw_node_get(map, key);

	return v ? v : map;
}

bool stw_node_was_read(const struct stw_node *node, const char *key)
{
	const struct stw_node *v = node->kind == STW_NODE_SCALAR ? node : stw_node_get(node, key);

	return v && v->kind == STW_NODE_SCALAR && !v->unread;
}
