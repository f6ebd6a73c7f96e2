/* SPDX-License-Identifier: BSD-3-Clause */

/* Who follows the bindings learns of every change that lasts, and of no other. */

#include "tests/support/register.h"

#include "control/registrar/changes.h"

#define BOB   "bob@example.com"
#define ALICE "alice@example.com"

static struct stw_registering s;
static char told[4096];

static void changed(void *ctx, struct stw_str aor, const struct stw_record *record)
{
	(void)ctx;
	const size_t at = strlen(told);

	snprintf(told + at, sizeof(told) - at, "%.*s=%zu ", aor.len, aor.p,
		 record ? stw_record_n_live(record) : 99);
}

static int start(void **state)
{
	(void)state;
	stw_registering_start(&s);
	told[0] = '\0';
	stw_registrar_watch(s.r, changed, NULL);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	stw_registering_stop(&s);
	return 0;
}

static void each_change_is_told_as_it_lasts(void **state)
{
	(void)state;
	stw_register(&s, BOB, "Contact: <sip:b@h>, <sip:b@i>\r\n");
	stw_register(&s, ALICE, "Contact: <sip:a@h>;expires=100\r\n");
	stw_register(&s, BOB, "Contact: <sip:b@h>;expires=0\r\n");
	stw_register(&s, BOB, "X: only a question\r\n");
	stw_register(&s, BOB, "Contact: <sip:b@j>;expires=1\r\n");
	assert_string_equal(told, "sip:" BOB "=2 sip:" ALICE "=1 sip:" BOB "=1 ");
	told[0] = '\0';
	stw_registering_pass(&s, 101);
	stw_registrar_tick(s.r);
	assert_non_null(strstr(told, "sip:" ALICE "=0 "));
	told[0] = '\0';
	stw_registrar_watch(s.r, NULL, NULL);
	stw_register(&s, BOB, "Contact: *\r\nExpires: 0\r\n");
	assert_string_equal(told, "");
}

/* A row that is too large to be kept beside is read again. */
static void a_large_record_is_told_whole(void **state)
{
	char contact[1000];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		snprintf(contact, sizeof(contact), "Contact: <sip:b%0900u@h>\r\n", i);
		stw_register(&s, BOB, "%s", contact);
	}
	assert_non_null(strstr(told, "sip:" BOB "=1 sip:" BOB "=2 "));
	assert_non_null(strstr(told, "sip:" BOB "=3 sip:" BOB "=4 "));
}

static void what_was_undone_is_told_as_it_is(void **state)
{
	static struct stw_location l;
	struct stw_store *store = stw_registrar_store(s.r);

	(void)state;
	stw_register(&s, BOB, "Contact: <sip:b@h>\r\n");
	told[0] = '\0';
	assert_int_equal(stw_location_get(store, stw_str("sip:" BOB, 19), &l), STW_OK);
	l.record.n = 0;
	assert_int_equal(stw_location_put(store, stw_str("sip:" BOB, 19), &l), STW_OK);
	stw_store_abort(store);
	assert_string_equal(told, "");
	stw_register(&s, ALICE, "Contact: <sip:a@h>\r\n");
	assert_string_equal(told, "sip:" BOB "=1 sip:" ALICE "=1 ");
}

static void changes_come_in_order_whatever_their_number(void **state)
{
	struct stw_changes c = {0};
	struct stw_change change;
	char text[STW_AOR_BYTES], row[300];
	const char *rows[] = {NULL, "", row}; /* as the store has it, removed, written */
	size_t at = 0;

	(void)state;
	memset(row, 'r', sizeof(row));
	for (unsigned i = 0; i < 5000; i++)
		stw_changes_add(&c,
				&(struct stw_change){
					stw_str(text, (size_t)snprintf(text, sizeof(text), "%0*u",
								       1 + (int)i % 300, i)),
					{rows[i % 3], i % 3 == 2 ? 300 : 0}});
	for (unsigned i = 0; i < 5000; i++) {
		assert_true(stw_changes_next(&c, &at, &change));
		snprintf(text, sizeof(text), "%0*u", 1 + (int)i % 300, i);
		assert_true(stw_str_equal(change.name, stw_str(text, strlen(text))));
		assert_int_equal(change.row.p != NULL, i % 3 > 0);
		assert_int_equal(change.row.len, i % 3 == 2 ? 300 : 0);
		if (change.row.len > 0)
			assert_memory_equal(change.row.p, rows[2], 300);
	}
	assert_false(stw_changes_next(&c, &at, &change));
	stw_changes_clear(&c);
	at = 0;
	assert_false(stw_changes_next(&c, &at, &change));
	stw_changes_fini(&c);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		T(each_change_is_told_as_it_lasts),
		T(a_large_record_is_told_whole),
		T(what_was_undone_is_told_as_it_is),
		T(changes_come_in_order_whatever_their_number),
	};

	return cmocka_run_group_tests_name("changes", tests, NULL, NULL);
}
