/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/config/read_text.h"

#include <stdlib.h>

#include "control/config/node.h"

static int parse(const char *text, struct said *s, struct stw_tree *t)
{
	struct stw_report r = {.file = "t.yaml", .message = said_keep, .ctx = s};

	*s = (struct said){0};
	*t = (struct stw_tree){0};
	int err = stw_tree_parse(text, strlen(text), &r, t);

	stw_report_end(&r);
	return err;
}

static void refused(const char *text, const char *begin, const char *part)
{
	static struct said s;
	struct stw_tree t;

	assert_int_equal(parse(text, &s, &t), STW_ECONFIG);
	assert_int_equal(s.n, 1);
	assert_null(t.root);
	if (strncmp(s.text, begin, strlen(begin)) != 0 || !strstr(s.text, part))
		fail_msg("wanted \"%s ... %s\", got %s", begin, part, s.text);
}

static void a_tree_has_lines_and_order(void **state)
{
	static struct said s;
	struct stw_tree t;

	(void)state;
	assert_int_equal(parse("a: 1\nb:\n  - x\n  - {c: 'y'}\n", &s, &t), STW_OK);
	assert_int_equal(t.root->kind, STW_NODE_MAP);
	assert_int_equal(t.root->n, 4);
	const struct stw_node *a = stw_node_get(t.root, "a"), *b = stw_node_get(t.root, "b");

	assert_string_equal(a->text, "1");
	assert_int_equal(a->line, 1);
	assert_false(a->quoted);
	assert_int_equal(b->kind, STW_NODE_LIST);
	assert_int_equal(b->n, 2);
	assert_int_equal(b->first->line, 3);
	const struct stw_node *c = stw_node_get(b->first->next, "c");

	assert_string_equal(c->text, "y");
	assert_int_equal(c->line, 4);
	assert_true(c->quoted);
	assert_ptr_equal(c->parent->parent, b);
	assert_null(stw_node_get(t.root, "x"));
	assert_null(stw_node_get(a, "x"));
	assert_ptr_equal(stw_node_at(t.root, "x"), t.root);
	stw_tree_fini(&t);
}

static void an_empty_document_has_no_root(void **state)
{
	static const char *const texts[] = {"", "\n", "# only words\n", "---\n...\n"};
	static struct said s;
	struct stw_tree t;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(parse(texts[i], &s, &t), STW_OK);
		assert_true(!t.root || !*t.root->text);
		stw_tree_fini(&t);
	}
}

static void aliases_anchors_and_tags_are_refused(void **state)
{
	(void)state;
	refused("a: &x [1]\n", "t.yaml:1: ", "anchors");
	refused("a: 1\nb: &x 1\n", "t.yaml:2: ", "anchors");
	refused("a: &x {b: 1}\n", "t.yaml:1: ", "anchors");
	refused("a: 1\nb: *x\n", "t.yaml:2: ", "aliases");
	refused("a: !!str 1\n", "t.yaml:1: ", "tags");
}

static void deep_nesting_is_refused(void **state)
{
	char text[2000];

	(void)state;
	for (size_t n = STW_YAML_DEPTH_MAX + 1; n < sizeof(text); n += 300) {
		memset(text, '[', n);
		text[n] = '\0';
		refused(text, "t.yaml:1: ", "nested too deep");
	}
}

static void many_values_are_refused(void **state)
{
	size_t n = STW_YAML_NODES_MAX + 1000;
	char *text = malloc(2 * n + 3);

	(void)state;
	assert_non_null(text);
	text[0] = '[';
	for (size_t i = 0; i < n; i++)
		memcpy(text + 1 + 2 * i, "1,", 2);
	memcpy(text + 1 + 2 * n, "]", 2);
	refused(text, "t.yaml:1: ", "more values");
	free(text);
}

static void a_name_is_a_scalar(void **state)
{
	(void)state;
	refused("a: 1\n? [b]\n: 2\n", "t.yaml:2: ", "where a name is expected");
	refused("{a: 1, {b: c}: 2}\n", "t.yaml:1: ", "where a name is expected");
}

static void one_document_only(void **state)
{
	(void)state;
	refused("a: 1\n---\nb: 2\n", "t.yaml:2: ", "second document");
}

static void syntax_errors_have_lines(void **state)
{
	(void)state;
	refused("a: 1\nb: [1, 2\nc: 3\n", "t.yaml:3: not valid YAML: ", "line 2");
	refused("a: 1\n\tb: 2\n", "t.yaml:2: not valid YAML: ", "");
	refused("a: \"1\n", "t.yaml:2: not valid YAML: ", "");
	refused("a: 1\n  b: 2\n", "t.yaml:2: not valid YAML: ", "");
	refused("a: b: c\n", "t.yaml:1: not valid YAML: ", "");
}

static void a_nul_in_a_value_is_refused(void **state)
{
	(void)state;
	refused("a: \"x\\0y\"\n", "t.yaml:1: ", "NUL");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tree_has_lines_and_order),
		cmocka_unit_test(an_empty_document_has_no_root),
		cmocka_unit_test(aliases_anchors_and_tags_are_refused),
		cmocka_unit_test(deep_nesting_is_refused),
		cmocka_unit_test(many_values_are_refused),
		cmocka_unit_test(a_name_is_a_scalar),
		cmocka_unit_test(one_document_only),
		cmocka_unit_test(syntax_errors_have_lines),
		cmocka_unit_test(a_nul_in_a_value_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
