/* SPDX-License-Identifier: BSD-3-Clause */

/* Where requests for registered users go: contacts that would lead elsewhere, and long requests. */

#include "tests/support/locate.h"

#define BOB "bob@example.com"

static void rfc5626_s5_3_a_request_goes_by_the_flow_whatever_the_contact_says(void **state)
{
	static const char *const contacts[] = {"sip:bob@127.0.0.1",	"sip:bob@192.0.2.1:5060",
					       "sip:alice@example.com", "sip:bob@0.0.0.0",
					       "sip:bob@phone.invalid", "sip:bob@255.255.255.255"};

	(void)state;
	for (size_t i = 0; i < sizeof(contacts) / sizeof(contacts[0]); i++) {
		stw_register(&stw_locating, BOB, "Contact: *\r\nExpires: 0\r\n");
		assert_int_equal(stw_register(&stw_locating, BOB, "Contact: <%s>\r\n", contacts[i]),
				 200);
		const char *text = stw_locating_ask(false, "sip:" BOB, 4);

		assert_int_equal(stw_locating_v.action, STW_ACTION_FORWARD);
		assert_memory_equal(text + 7, contacts[i], strlen(contacts[i]));
		assert_int_equal(stw_locating_v.how, STW_HOW_FLOW);
		assert_true(stw_endpoint_equal(&stw_locating_v.dst, &stw_locating.source));
	}
}

static void rfc3261_s8_3_nobody_is_redirected_to_himself_or_to_us(void **state)
{
	(void)state;
	stw_register(&stw_locating, BOB, "Contact: <sip:bob@127.0.0.1>\r\n");
	stw_locating_ask(true, "sip:" BOB, 0);
	assert_int_equal(stw_locating_v.status, 480);
	stw_register(&stw_locating, BOB,
		     "Contact: <sip:bob@192.0.2.1:5062>, <sip:bob@10.0.0.9>, <sip:b@[::1]>\r\n");
	const char *text = stw_locating_ask(true, "sip:" BOB, 0);

	assert_int_equal(stw_locating_v.status, 302);
	const char *contact = strstr(text, "\r\nContact: ");

	/* for this call only: no time is told for which it could be kept (s21.3.3) */
	assert_non_null(contact);
	assert_int_equal(strncmp(contact, "\r\nContact: <sip:bob@10.0.0.9>;q=1.000\r\n", 39), 0);
	assert_null(strstr(contact + 2, "\r\nContact: "));
}

static void a_request_that_would_grow_too_long_is_refused(void **state)
{
	(void)state;
	stw_register(&stw_locating, BOB, "Contact: <sip:bob@10.0.0.9>\r\n");
	stw_locating_ask(false, "sip:" BOB, 60000);
	assert_int_equal(stw_locating_v.action, STW_ACTION_FORWARD);
	stw_locating_ask(false, "sip:" BOB, 65350);
	assert_int_equal(stw_locating_v.action, STW_ACTION_ANSWER);
	assert_int_equal(stw_locating_v.status, 513);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, stw_locating_start, stw_locating_stop)
	const struct CMUnitTest tests[] = {
		T(rfc5626_s5_3_a_request_goes_by_the_flow_whatever_the_contact_says),
		T(rfc3261_s8_3_nobody_is_redirected_to_himself_or_to_us),
		T(a_request_that_would_grow_too_long_is_refused),
	};

	return cmocka_run_group_tests_name("locate", tests, NULL, NULL);
}
