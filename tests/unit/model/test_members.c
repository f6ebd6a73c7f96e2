/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/config/read_text.h"

#include <stdlib.h>
#include <string.h>

#include "control/model/members.h"

#define FILE_TEXT                                                                          \
	PORTS "pools:\n  - {name: a, members: [{name: one, address: 1.2.3.4, weight: 7}, " \
	      "1.2.3.5], dns: [sip.example.net]}\n"                                        \
	      "  - {name: b, members: [1.2.3.4]}\n"

struct laid {
	struct stw_model *m;
	struct stw_file_members *file;
	struct stw_overrides *o;
	struct stw_found found[4];
	struct stw_found_list list;
};

static struct stw_endpoint host(uint8_t last)
{
	const uint8_t v4[4] = {1, 2, 3, last};

	return (struct stw_endpoint){.ip = stw_ip_from_v4(v4), .port = 5060};
}

static int set_up(void **state)
{
	struct laid *l = calloc(1, sizeof(*l));

	assert_non_null(l);
	l->m = read_good(FILE_TEXT);
	l->file = stw_file_members_of(l->m);
	l->o = stw_overrides_new();
	l->list.rows = l->found;
	*state = l;
	return 0;
}

static int tear_down(void **state)
{
	struct laid *l = *state;

	stw_overrides_free(l->o);
	stw_file_members_free(l->file);
	stw_model_free(l->m);
	free(l);
	return 0;
}

static void lay(struct laid *l)
{
	assert_int_equal(stw_members_lay(l->file, l->o, &l->list, l->m), STW_OK);
}

static void find(struct laid *l, const char *pool, uint8_t last, uint32_t weight)
{
	struct stw_found *f = &l->found[l->list.n++];

	*f = (struct stw_found){.address = host(last), .weight = weight};
	snprintf(f->pool, sizeof(f->pool), "%s", pool);
}

/* "one:7 1.2.3.5:5060:1 -": each member of a pool with its weight, '-' behind what is drained. */
static const char *members_of(const struct laid *l, size_t pool)
{
	static char text[512];
	const struct stw_model_pool *p = &l->m->pools[pool];
	size_t n = 0;

	text[0] = '\0';
	for (size_t k = 0; k < p->n_members; k++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s:%u%s", k ? " " : "",
				      l->m->members[p->members[k].member].name,
				      p->members[k].weight,
				      p->members[k].asked == STW_ASKED_UP ? "" : "-");
	return text;
}

static void alone_the_file_is_what_it_was(void **state)
{
	struct laid *l = *state;

	for (int i = 0; i < 3; i++) {
		lay(l);
		assert_string_equal(members_of(l, 0), "one:7 1.2.3.5:5060:1");
		assert_string_equal(members_of(l, 1), "one:1");
		assert_int_equal(l->m->n_members, 2); /* an address stands once */
	}
}

static void an_added_member_stands_behind_the_files(void **state)
{
	struct laid *l = *state;
	struct stw_endpoint six = host(6), four = host(4);

	stw_overrides_add(l->o, "a", &six, "six", 1);
	stw_overrides_add(l->o, "a", &four, "other", 1); /* it is there already */
	stw_overrides_set_weight(l->o, "a", &six, 30, 1);
	lay(l);
	assert_string_equal(members_of(l, 0), "one:7 1.2.3.5:5060:1 six:30");
	assert_string_equal(members_of(l, 1), "one:1");
	assert_null(stw_file_members_use(l->file, 0, &six));
	assert_non_null(stw_file_members_use(l->file, 0, &four));
}

static void a_name_that_is_taken_is_not_given_twice(void **state)
{
	struct laid *l = *state;
	struct stw_endpoint six = host(6);

	stw_overrides_add(l->o, "a", &six, "one", 1);
	lay(l);
	assert_string_equal(members_of(l, 0), "one:7 1.2.3.5:5060:1 1.2.3.6:5060:1");
}

static void a_removed_member_is_left_out_of_its_pool_only(void **state)
{
	struct laid *l = *state;
	struct stw_endpoint four = host(4);

	stw_overrides_remove(l->o, "a", &four, 1);
	lay(l);
	assert_string_equal(members_of(l, 0), "1.2.3.5:5060:1");
	assert_string_equal(members_of(l, 1), "one:1");
	stw_overrides_clear(l->o, "a", &four);
	lay(l);
	assert_string_equal(members_of(l, 0), "one:7 1.2.3.5:5060:1");
}

static void what_a_name_stands_for_is_a_member(void **state)
{
	struct laid *l = *state;
	struct stw_endpoint eight = host(8);

	find(l, "a", 7, 5);
	find(l, "a", 8, 5);
	find(l, "a", 4, 5); /* the file has it: its words count */
	lay(l);
	assert_string_equal(members_of(l, 0), "one:7 1.2.3.5:5060:1 1.2.3.7:5060:5 1.2.3.8:5060:5");
	assert_int_equal(l->m->pools[0].members[2].priority, 0);
	l->found[0].gone = true;
	l->found[0].priority = 3;
	stw_overrides_remove(l->o, "a", &eight, 1);
	lay(l);
	assert_string_equal(members_of(l, 0), "one:7 1.2.3.5:5060:1 1.2.3.7:5060:5-");
	assert_int_equal(l->m->pools[0].members[2].priority, 3);
}

static void a_reload_keeps_what_still_has_a_meaning(void **state)
{
	struct laid *l = *state;
	struct stw_endpoint four = host(4), five = host(5), six = host(6), nine = host(9);

	stw_overrides_add(l->o, "a", &six, "six", 1);
	stw_overrides_add(l->o, "a", &five, "five", 1); /* by now the file has it */
	stw_overrides_add(l->o, "gone", &six, "six", 1);
	stw_overrides_remove(l->o, "a", &four, 1);
	stw_overrides_set_asked(l->o, "a", &nine, STW_ASKED_DRAIN, 1); /* perhaps by a name */
	stw_overrides_set_asked(l->o, "b", &nine, STW_ASKED_DRAIN, 1); /* that has no names */
	assert_int_equal(stw_overrides_prune(l->o, l->m), 3);
	assert_int_equal(stw_overrides_n(l->o), 3);
	assert_true(stw_overrides_find(l->o, "a", &six)->added);
	assert_true(stw_overrides_find(l->o, "a", &four)->removed);
	assert_null(stw_overrides_find(l->o, "a", &five));
	assert_null(stw_overrides_find(l->o, "b", &nine));
}

static void removing_forgets_what_was_asked_before(void **state)
{
	struct laid *l = *state;
	struct stw_endpoint four = host(4);

	stw_overrides_set_asked(l->o, "a", &four, STW_ASKED_DRAIN, 1);
	stw_overrides_remove(l->o, "a", &four, 2);
	stw_overrides_add(l->o, "a", &four, "", 3);
	lay(l);
	assert_string_equal(members_of(l, 0), "one:7 1.2.3.5:5060:1");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(alone_the_file_is_what_it_was),
		CASE(an_added_member_stands_behind_the_files),
		CASE(a_name_that_is_taken_is_not_given_twice),
		CASE(a_removed_member_is_left_out_of_its_pool_only),
		CASE(what_a_name_stands_for_is_a_member),
		CASE(a_reload_keeps_what_still_has_a_meaning),
		CASE(removing_forgets_what_was_asked_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
