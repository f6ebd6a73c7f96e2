/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/config/read_text.h"

#include "control/model/override.h"
#include "tests/unit/model/temp_dir.h"

#define MEMBERS(list)                                      \
	PORTS "pools:\n  - {name: a, members: " list "}\n" \
	      "  - {name: b, members: [1.2.3.4, 1.2.3.6]}\n"
#define THREE "[1.2.3.4, {address: 1.2.3.5, weight: 7, state: down}, 1.2.3.7]"

static char reason[256];

static struct stw_endpoint host(uint8_t last)
{
	const uint8_t v4[4] = {1, 2, 3, last};

	return (struct stw_endpoint){.ip = stw_ip_from_v4(v4), .port = 5060};
}

static void drain(struct stw_overrides *o, const char *pool, uint8_t last)
{
	struct stw_endpoint ep = host(last);

	assert_int_equal(stw_overrides_set_asked(o, pool, &ep, STW_ASKED_DRAIN, 1000 + last),
			 STW_OK);
}

static void weigh(struct stw_overrides *o, const char *pool, uint8_t last, uint32_t weight)
{
	struct stw_endpoint ep = host(last);

	assert_int_equal(stw_overrides_set_weight(o, pool, &ep, weight, 2000), STW_OK);
}

static void what_was_asked_lies_over_the_file(void **state)
{
	struct stw_model *m = read_good(MEMBERS(THREE));
	struct stw_overrides *o = stw_overrides_new();

	(void)state;
	drain(o, "a", 4);
	weigh(o, "a", 5, 99);
	assert_int_equal(stw_overrides_apply(o, m), 2);
	assert_int_equal(m->pools[0].members[0].asked, STW_ASKED_DRAIN);
	assert_int_equal(m->pools[0].members[0].weight, 1);
	assert_int_equal(m->pools[0].members[1].asked, STW_ASKED_DOWN); /* the file's */
	assert_int_equal(m->pools[0].members[1].weight, 99);
	/* The same member in another pool is untouched. */
	assert_int_equal(m->pools[1].members[0].asked, STW_ASKED_UP);
	stw_overrides_free(o);
	stw_model_free(m);
}

static void state_and_weight_are_one_row(void **state)
{
	struct stw_overrides *o = stw_overrides_new();
	struct stw_endpoint ep = host(4);

	(void)state;
	drain(o, "a", 4);
	weigh(o, "a", 4, 3);
	weigh(o, "a", 4, 5);
	assert_int_equal(stw_overrides_n(o), 1);
	const struct stw_override *r = stw_overrides_find(o, "a", &ep);

	assert_ptr_equal(r, stw_overrides_get(o, 0));
	assert_true(r->has_asked && r->has_weight);
	assert_int_equal(r->weight, 5);
	assert_int_equal(r->since_unix_s, 2000);
	assert_null(stw_overrides_find(o, "b", &ep));
	stw_overrides_free(o);
}

static void a_weight_has_a_range(void **state)
{
	struct stw_overrides *o = stw_overrides_new();
	struct stw_endpoint ep = host(4);

	(void)state;
	assert_int_equal(stw_overrides_set_weight(o, "a", &ep, 65536, 1), STW_ERANGE);
	assert_int_equal(stw_overrides_n(o), 0);
	assert_int_equal(stw_overrides_set_weight(o, "a", &ep, 65535, 1), STW_OK);
	stw_overrides_free(o);
}

static void clearing_goes_back_to_the_file(void **state)
{
	struct stw_model *m = read_good(MEMBERS(THREE));
	struct stw_overrides *o = stw_overrides_new();
	struct stw_endpoint four = host(4), nobody = host(99);

	(void)state;
	drain(o, "a", 4);
	drain(o, "a", 7);
	assert_int_equal(stw_overrides_clear(o, "a", &nobody), STW_ENOENT);
	assert_int_equal(stw_overrides_clear(o, "b", &four), STW_ENOENT);
	assert_int_equal(stw_overrides_clear(o, "a", &four), STW_OK);
	assert_int_equal(stw_overrides_apply(o, m), 1);
	assert_int_equal(m->pools[0].members[0].asked, STW_ASKED_UP);
	assert_int_equal(m->pools[0].members[2].asked, STW_ASKED_DRAIN);
	stw_overrides_clear_all(o);
	assert_int_equal(stw_overrides_n(o), 0);
	stw_overrides_free(o);
	stw_model_free(m);
}

static void a_reload_keeps_those_whose_member_stays(void **state)
{
	struct stw_model *after = read_good(MEMBERS("[1.2.3.5, {name: x, address: 1.2.3.4}]"));
	struct stw_overrides *o = stw_overrides_new();
	struct stw_endpoint four = host(4);

	(void)state;
	drain(o, "a", 7);    /* is gone */
	drain(o, "a", 4);    /* has another place and name now */
	drain(o, "gone", 4); /* as is its pool */
	assert_int_equal(stw_overrides_apply(o, after), 1);
	assert_int_equal(after->pools[0].members[1].asked, STW_ASKED_DRAIN);
	assert_int_equal(stw_overrides_prune(o, after), 2);
	assert_int_equal(stw_overrides_n(o), 1);
	assert_non_null(stw_overrides_find(o, "a", &four));
	stw_overrides_free(o);
	stw_model_free(after);
}

static void what_was_asked_survives_the_process(void **state)
{
	struct stw_overrides *o = stw_overrides_new(), *p = stw_overrides_new();
	struct stw_endpoint v6 = {.port = 5070}, five = host(5);

	(void)state;
	v6.ip.b[0] = 0x20;
	drain(o, "a", 4);
	weigh(o, "a", 5, 0);
	assert_int_equal(stw_overrides_set_asked(o, "b", &v6, STW_ASKED_UP, 5), STW_OK);
	assert_int_equal(stw_overrides_save(o, temp_dir, reason, sizeof(reason)), STW_OK);
	drain(p, "old", 9); /* is replaced */
	assert_int_equal(stw_overrides_load(p, temp_dir, reason, sizeof(reason)), STW_OK);
	assert_int_equal(stw_overrides_n(p), 3);
	for (size_t i = 0; i < 3; i++)
		assert_memory_equal(stw_overrides_get(o, i), stw_overrides_get(p, i),
				    sizeof(struct stw_override));
	assert_true(stw_overrides_find(p, "a", &five)->has_weight);
	stw_overrides_free(o);
	stw_overrides_free(p);
}

static void no_file_is_no_rows(void **state)
{
	struct stw_overrides *o = stw_overrides_new();

	(void)state;
	drain(o, "a", 4);
	assert_int_equal(stw_overrides_load(o, temp_dir, reason, sizeof(reason)), STW_OK);
	assert_int_equal(stw_overrides_n(o), 0);
	stw_overrides_free(o);
}

static void a_bad_file_is_refused_and_changes_nothing(void **state)
{
	static const struct {
		const char *text;
		int err;
	} rows[] = {
		{"", STW_EMALFORMED},
		{"{", STW_EMALFORMED},
		{"[]", STW_EVERSION},
		{"{\"version\": 2, \"overrides\": []}", STW_EVERSION},
		{"{\"version\": 1}", STW_EMALFORMED},
		{"{\"version\": 1, \"version\": 1, \"overrides\": []}", STW_EMALFORMED},
		{"{\"version\": 1, \"overrides\": [1]}", STW_EMALFORMED},
		{"{\"version\": 1, \"overrides\": [{\"pool\": \"a\"}]}", STW_EMALFORMED},
		{"{\"version\": 1, \"overrides\": [{\"pool\": \"a\", \"member\": \"x\"}]}",
		 STW_EMALFORMED},
		{"{\"version\": 1, \"overrides\": [{\"pool\": \"a\", \"member\": \"1.2.3.4:1\","
		 " \"state\": \"upp\"}]}",
		 STW_EMALFORMED},
		{"{\"version\": 1, \"overrides\": [{\"pool\": \"a\", \"member\": \"1.2.3.4:1\","
		 " \"weight\": 65536}]}",
		 STW_EMALFORMED},
		{"{\"version\": 1, \"overrides\": [{\"pool\": \"a\", \"member\": \"1.2.3.4:1\","
		 " \"weight\": -2}]}",
		 STW_EMALFORMED},
		{"{\"version\": 1, \"overrides\": [{\"pool\": \"a\", \"member\": \"1.2.3.4:1\"},"
		 " {\"pool\": \"a\", \"member\": \"1.2.3.4:1\"}]}",
		 STW_EMALFORMED},
	};
	struct stw_overrides *o = stw_overrides_new();

	(void)state;
	drain(o, "a", 4);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		temp_write(STW_OVERRIDES_FILE, rows[i].text, strlen(rows[i].text), 0600);
		reason[0] = '\0';
		assert_int_equal(stw_overrides_load(o, temp_dir, reason, sizeof(reason)),
				 rows[i].err);
		assert_non_null(strstr(reason, STW_OVERRIDES_FILE));
		assert_int_equal(stw_overrides_n(o), 1);
	}
	stw_overrides_free(o);
}

static void a_state_dir_that_is_not_there_is_told(void **state)
{
	struct stw_overrides *o = stw_overrides_new();

	(void)state;
	assert_int_equal(stw_overrides_save(o, "/proc/nowhere", reason, sizeof(reason)), STW_EIO);
	assert_non_null(strstr(reason, "/proc/nowhere"));
	stw_overrides_free(o);
	stw_overrides_free(NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, temp_dir_make, temp_dir_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_asked_lies_over_the_file),
		TEST(state_and_weight_are_one_row),
		TEST(a_weight_has_a_range),
		TEST(clearing_goes_back_to_the_file),
		TEST(a_reload_keeps_those_whose_member_stays),
		TEST(what_was_asked_survives_the_process),
		TEST(no_file_is_no_rows),
		TEST(a_bad_file_is_refused_and_changes_nothing),
		TEST(a_state_dir_that_is_not_there_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
