/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * A YAML document as a tree with line numbers: what libyaml says, before any meaning. Aliases,
 * anchors and tags are refused, depth and count bounded, so that no short text becomes a large
 * tree.
 *
 * Threads: one. Ownership: the tree owns all its nodes and texts; stw_tree_fini() frees them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/config/message.h"
#include "control/config/schema.h"

#define STW_YAML_DEPTH_MAX 12
#define STW_YAML_NODES_MAX 1000000

enum stw_node_kind { STW_NODE_SCALAR, STW_NODE_MAP, STW_NODE_LIST };

struct stw_node {
	enum stw_node_kind kind;
	uint32_t line; /* from 1 */
	bool quoted;   /* SCALAR: written in quotes or as a block */
	bool unread;   /* SCALAR: is no value of its option, which was reported */
	char *text;    /* SCALAR: NUL-terminated, without NULs inside */
	struct stw_node *parent;
	struct stw_node *first; /* LIST: elements; MAP: keys, each followed by its value */
	struct stw_node *last;
	struct stw_node *next;
	uint32_t n;		   /* children: of a MAP, keys and values */
	const struct stw_opt *row; /* the option it was read as; NULL before that */
};

struct stw_tree {
	struct stw_node *root; /* NULL: an empty document */
	struct stw_node **blocks;
	size_t n_blocks;
	size_t n_nodes;
};

/**
 * Parse @text, which is UTF-8 without a byte order mark.
 *
 * @param report  gets one message when the text is refused
 * @param out     on STW_OK only
 * @return STW_OK, STW_ECONFIG, STW_ENOMEM
 */
int stw_tree_parse(const char *text, size_t len, struct stw_report *report, struct stw_tree *out);

/** Free all. @t may be all zero. */
void stw_tree_fini(struct stw_tree *t);

/** Value of @key in a mapping. @return NULL when absent or when @map is no mapping */
const struct stw_node *stw_node_get(const struct stw_node *map, const char *key);

/** True when @key of the element @node (or @node, written as a scalar) was read as a value. */
bool stw_node_was_read(const struct stw_node *node, const char *key);

/** Value of @key, else @map itself: the best place for a message about it. */
const struct stw_node *stw_node_at(const struct stw_node *map, const char *key);
