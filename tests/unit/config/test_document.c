/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/config/read_text.h"

#include <stdlib.h>

#include "control/config/document.h"
#include "control/config/schema.h"

static const char *root; /* of the sources */

static char *slurp(const char *name)
{
	char path[1024];
	char *text = NULL;
	size_t n = 0;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	FILE *f = fopen(path, "r");

	if (!f)
		fail_msg("%s cannot be opened", path);
	if (getdelim(&text, &n, '\0', f) < 0)
		fail_msg("%s cannot be read", path);
	fclose(f);
	return text;
}

/* Not inlined: the compiler would take the stream's text for a variable that is gone. */
__attribute__((noinline)) static char *render(void (*document)(FILE *out))
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	assert_non_null(f);
	document(f);
	fclose(f);
	return text;
}

static void same_as_kept(const char *name, const char *how, void (*document)(FILE *out))
{
	char *kept = slurp(name);
	char *made = render(document);
	size_t at = 0;
	unsigned line = 1;

	while (kept[at] && kept[at] == made[at])
		line += kept[at++] == '\n';
	if (kept[at] != made[at])
		fail_msg("%s:%u is not what the option table says: run stw-schema-doc %s > %s",
			 name, line, how, name);
	free(kept);
	free(made);
}

static void configuration_md_is_what_the_table_says(void **state)
{
	(void)state;
	same_as_kept("docs/configuration.md", "markdown", stw_schema_markdown);
}

static void strowger_yaml_5_is_what_the_table_says(void **state)
{
	(void)state;
	same_as_kept("docs/man/strowger.yaml.5", "man", stw_schema_man);
}

static void each_option_is_in_the_markdown(void **state)
{
	char *text = render(stw_schema_markdown);

	(void)state;
	for (size_t i = 0; i < stw_schema_n; i++) {
		char named[128];

		snprintf(named, sizeof(named), "`%s`", stw_schema[i].name);
		if (!strstr(text, named) || !strstr(text, stw_schema[i].help))
			fail_msg("%s is missing", named);
	}
	free(text);
}

static void the_example_of_the_markdown_is_right(void **state)
{
	char *text = render(stw_schema_markdown);
	char *begin = strstr(text, "```yaml\n");

	(void)state;
	assert_non_null(begin);
	begin += strlen("```yaml\n");
	char *end = strstr(begin, "```");

	assert_non_null(end);
	*end = '\0';
	struct stw_model *m = read_good(begin);

	assert_int_equal(m->n_members, 2);
	assert_int_equal(m->n_listeners, 2);
	stw_model_free(m);
	free(text);
}

static void the_examples_are_right(void **state)
{
	static const char *const names[] = {"one-interface", "one-port", "two-sides", "no-kernel"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char name[64];

		snprintf(name, sizeof(name), "docs/examples/%s.yaml", names[i]);
		char *text = slurp(name);

		stw_model_free(read_good(text));
		free(text);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(configuration_md_is_what_the_table_says),
		cmocka_unit_test(strowger_yaml_5_is_what_the_table_says),
		cmocka_unit_test(each_option_is_in_the_markdown),
		cmocka_unit_test(the_example_of_the_markdown_is_right),
		cmocka_unit_test(the_examples_are_right),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: test_document SOURCE_ROOT\n");
		return 2;
	}
	root = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
