/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/config/read_text.h"

#include "control/config/conf.h"
#include "control/config/schema.h"
#include "control/config/value.h"

#define EACH_ROW(row) \
	for (const struct stw_opt *row = stw_schema; row < stw_schema + stw_schema_n; row++)

static void each_row_has_a_paragraph(void **state)
{
	(void)state;
	EACH_ROW(row)
	{
		size_t n = row->help ? strlen(row->help) : 0;

		if (n < 10 || (row->type != STW_OPT_ADVICE && row->help[n - 1] != '.'))
			fail_msg("%s: help is no sentence", row->name);
	}
}

static void each_name_stands_once(void **state)
{
	(void)state;
	EACH_ROW(row)
	assert_ptr_equal(stw_schema_find(row->name), row);
	assert_null(stw_schema_find("ports[].nothing"));
	assert_null(stw_schema_find(""));
}

static void each_row_stands_behind_its_parent(void **state)
{
	(void)state;
	EACH_ROW(row)
	{
		char parent[96];
		const char *key = stw_schema_key(row);
		bool element = key[strlen(key) - 1] == ']';

		snprintf(parent, sizeof(parent), "%s", row->name);
		if (element)
			*strrchr(parent, '[') = '\0';
		else if (key != row->name)
			parent[key - row->name - 1] = '\0';
		else
			continue;
		if (parent[strlen(parent) - 1] == ']')
			*strrchr(parent, '[') = '\0';
		const struct stw_opt *up = stw_schema_find(parent);

		if (!up || up >= row)
			fail_msg("%s: no %s before it", row->name, parent);
		assert_true(up->type == STW_OPT_LIST || up->type == STW_OPT_SECTION);
	}
}

static void each_default_is_a_value_and_writes_as_itself(void **state)
{
	(void)state;
	EACH_ROW(row)
	{
		char why[512], written[STW_VALUE_TEXT];
		_Alignas(8) unsigned char value[512] = {0};

		if (!row->def)
			continue;
		assert_true(row->size <= sizeof(value));
		if (!stw_value_read(row, row->def, value, why, sizeof(why)))
			fail_msg("%s: %s", row->name, why);
		stw_value_write(row, value, written);
		assert_string_equal(written, row->def);
	}
}

static void each_number_fits_its_field(void **state)
{
	(void)state;
	EACH_ROW(row)
	{
		if (row->type != STW_OPT_UINT)
			continue;
		assert_true(row->size == 1 || row->size == 2 || row->size == 4);
		assert_true(row->min <= row->max);
		assert_true(row->max <= UINT64_MAX >> (64 - 8 * row->size));
	}
}

static void each_text_fits_its_field(void **state)
{
	(void)state;
	EACH_ROW(row)
	{
		if (row->type == STW_OPT_TEXT || row->type == STW_OPT_PATH)
			assert_true(row->min <= row->max && row->max < row->size);
		if (row->type == STW_OPT_NAME)
			assert_int_equal(row->size, STW_NAME_MAX);
	}
}

static void each_list_names_its_elements(void **state)
{
	(void)state;
	EACH_ROW(row)
	{
		if (row->type == STW_OPT_LIST)
			assert_true(row->noun && row->max > 0 && row->size > 0);
	}
}

static void an_option_is_either_required_or_has_a_default(void **state)
{
	(void)state;
	EACH_ROW(row)
	{
		bool option = row->type != STW_OPT_SECTION && row->type != STW_OPT_ADVICE &&
			      row->type != STW_OPT_LIST && row->name[strlen(row->name) - 1] != ']';
		int ways = row->required + (row->def != NULL) + (row->computed != NULL);

		if (option && ways != 1)
			fail_msg("%s: %d ways to its default", row->name, ways);
	}
}

static void children_are_those_directly_below(void **state)
{
	static const char *const routes[] = {"to", "via", "vlan"};
	const struct stw_opt *row = NULL;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		row = stw_schema_child("ports[].routes[]", row);
		assert_non_null(row);
		assert_string_equal(stw_schema_key(row), routes[i]);
	}
	assert_null(stw_schema_child("ports[].routes[]", row));
	assert_string_equal(stw_schema_child("", NULL)->name, "dataplane");
	assert_null(stw_schema_child("dataplane.cores", NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_has_a_paragraph),
		cmocka_unit_test(each_name_stands_once),
		cmocka_unit_test(each_row_stands_behind_its_parent),
		cmocka_unit_test(each_default_is_a_value_and_writes_as_itself),
		cmocka_unit_test(each_number_fits_its_field),
		cmocka_unit_test(each_text_fits_its_field),
		cmocka_unit_test(each_list_names_its_elements),
		cmocka_unit_test(an_option_is_either_required_or_has_a_default),
		cmocka_unit_test(children_are_those_directly_below),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
