/* SPDX-License-Identifier: BSD-3-Clause */

/* What a registrar answers and keeps (RFC 3261 s10.3), without authentication. */

#include "tests/support/register.h"
#include "tests/support/still_clock.h"

#define BOB "bob@example.com"
#define AOR "sip:bob@example.com"

static struct stw_registering s;

static int start(void **state)
{
	(void)state;
	still_clock(true);
	stw_registering_start(&s);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	stw_registering_stop(&s);
	return 0;
}

static void rfc3261_s10_3_binds_and_lists_a_contact(void **state)
{
	(void)state;
	assert_int_equal(stw_register(&s, BOB, "Contact: <sip:bob@10.0.0.9:5062>\r\n"), 200);
	assert_non_null(strstr(s.text, "Contact: <sip:bob@10.0.0.9:5062>;expires=3600\r\n"));
	assert_int_equal(stw_answer_count(&s, "Date: "), 1);
	assert_int_equal(stw_registered(&s, AOR), 1);
}

static void rfc3261_s10_3_keeps_where_it_came_from(void **state)
{
	static struct stw_location l;

	(void)state;
	stw_register(&s, BOB, "Contact: <sip:bob@10.0.0.9>\r\n");
	stw_location_get(stw_registrar_store(s.r), stw_str(AOR, sizeof(AOR) - 1), &l);
	assert_true(stw_endpoint_equal(&l.record.b[0].source, &s.source));
	assert_true(stw_endpoint_equal(&l.record.b[0].listener, &s.listener));
}

static void rfc3261_s10_3_lists_without_contacts_and_changes_nothing(void **state)
{
	(void)state;
	stw_register(&s, BOB, "Contact: <sip:bob@10.0.0.9>\r\n");
	assert_int_equal(stw_register(&s, BOB, "User-Agent: x\r\n"), 200);
	assert_int_equal(stw_answer_count(&s, "Contact: <sip:bob@10.0.0.9>"), 1);
	assert_false(s.a.changed);
}

static void rfc3261_s10_3_all_contacts_of_a_request_or_none(void **state)
{
	(void)state;
	assert_int_equal(stw_register(&s, BOB,
				      "Contact: <sip:b@10.0.0.1>;expires=600, <sip:b@10.0.0.2>\r\n"
				      "Contact: <sip:b@10.0.0.3>;expires=5\r\n"),
			 423);
	assert_int_equal(stw_answer_count(&s, "Min-Expires: 60\r\n"), 1);
	assert_int_equal(stw_registered(&s, AOR), 0);
	assert_int_equal(stw_register(&s, BOB,
				      "m: <sip:b@10.0.0.1>;expires=600,<sip:b@10.0.0.2>\r\n"
				      "Contact: sip:b@10.0.0.3;q=0.25\r\n"),
			 200);
	assert_int_equal(stw_registered(&s, AOR), 3);
	assert_non_null(strstr(s.text, "<sip:b@10.0.0.1>;expires=600\r\n"));
	assert_non_null(strstr(s.text, "<sip:b@10.0.0.3>;q=0.250;expires=3600\r\n"));
}

static void rfc3261_s10_2_1_1_time_of_contact_then_of_header_then_default(void **state)
{
	(void)state;
	stw_register(&s, BOB, "Expires: 900\r\nContact: <sip:b@h>;expires=700, <sip:b@i>\r\n");
	assert_non_null(strstr(s.text, "<sip:b@h>;expires=700\r\n"));
	assert_non_null(strstr(s.text, "<sip:b@i>;expires=900\r\n"));
	stw_register(&s, BOB, "Expires: soon\r\nContact: <sip:b@i>;expires=never\r\n");
	assert_non_null(strstr(s.text, "<sip:b@i>;expires=3600\r\n"));
	stw_register(&s, BOB, "Contact: <sip:b@i>;expires=99999999999\r\n");
	assert_non_null(strstr(s.text, "<sip:b@i>;expires=7200\r\n"));
}

static void rfc3261_s10_3_step_7_refreshes_by_uri_equality(void **state)
{
	(void)state;
	stw_register(&s, BOB, "Contact: <sip:bob@Host.Example;transport=udp>\r\n");
	stw_register(&s, BOB, "Contact: <sip:%%62ob@host.example;transport=UDP>;expires=100\r\n");
	assert_int_equal(stw_registered(&s, AOR), 1);
	assert_non_null(strstr(s.text, ";expires=100\r\n"));
}

static void rfc3261_s10_2_2_removes_one_and_keeps_others(void **state)
{
	(void)state;
	stw_register(&s, BOB, "Contact: <sip:b@h>, <sip:b@i>\r\n");
	assert_int_equal(stw_register(&s, BOB, "Contact: <sip:b@h>;expires=0\r\n"), 200);
	assert_int_equal(stw_registered(&s, AOR), 1);
	assert_null(strstr(s.text, "sip:b@h>"));
	assert_non_null(strstr(s.text, "sip:b@i>"));
}

static void rfc3261_s10_2_2_star_removes_all(void **state)
{
	(void)state;
	stw_register(&s, BOB, "Contact: <sip:b@h>, <sip:b@i>\r\n");
	assert_int_equal(stw_register(&s, BOB, "Contact: *\r\nExpires: 0\r\n"), 200);
	assert_int_equal(stw_registered(&s, AOR), 0);
	assert_int_equal(stw_answer_count(&s, "Contact:"), 0);
}

static void rfc3261_s10_3_step_6_star_stands_alone_with_expires_0(void **state)
{
	(void)state;
	stw_register(&s, BOB, "Contact: <sip:b@h>\r\n");
	assert_int_equal(stw_register(&s, BOB, "Contact: *\r\n"), 400);
	assert_int_equal(stw_register(&s, BOB, "Contact: *\r\nExpires: 60\r\n"), 400);
	assert_int_equal(stw_register(&s, BOB,
				      "Contact: *\r\nExpires: 0\r\nContact: <sip:b@h>\r\n"),
			 400);
	assert_int_equal(stw_registered(&s, AOR), 1);
}

static void rfc3261_s10_3_step_7_an_older_request_changes_nothing(void **state)
{
	(void)state;
	s.cseq = 9;
	stw_register(&s, BOB, "Contact: <sip:b@h>;expires=600\r\n");
	s.cseq = 5;
	assert_int_equal(stw_register(&s, BOB, "Contact: <sip:b@h>;expires=0\r\n"), 500);
	assert_int_equal(stw_registered(&s, AOR), 1);
}

static void rfc3261_s10_3_step_7_what_was_removed_stays_removed(void **state)
{
	(void)state;
	s.cseq = 1;
	stw_register(&s, BOB, "Contact: <sip:b@h>\r\n");
	s.cseq = 9;
	stw_register(&s, BOB, "Contact: <sip:b@h>;expires=0\r\n");
	s.cseq = 5; /* overtaken on the way */
	assert_int_equal(stw_register(&s, BOB, "Contact: <sip:b@h>\r\n"), 500);
	assert_int_equal(stw_registered(&s, AOR), 0);
	stw_registering_pass(&s, STW_GONE_S + 1);
	stw_registrar_tick(s.r);
	assert_int_equal(stw_register(&s, BOB, "Contact: <sip:b@h>\r\n"), 200);
}

static void rfc3261_s10_3_a_retransmission_is_answered_alike(void **state)
{
	char first[sizeof(s.text)];

	(void)state;
	stw_register(&s, BOB, "Contact: <sip:b@h>, <sip:b@i>\r\n");
	memcpy(first, s.text, sizeof(first));
	assert_int_equal(stw_registering_give(&s), 200);
	assert_false(s.a.changed);
	/* But for the second that may have passed in Date. */
	assert_int_equal(stw_answer_count(&s, "Contact: "), 2);
	assert_non_null(strstr(first, "Contact: <sip:b@h>;expires="));
}

static void rfc3261_s10_3_step_7_same_cseq_with_another_contact_is_refused(void **state)
{
	(void)state;
	stw_register(&s, BOB, "Contact: <sip:b@h>\r\n");
	s.cseq--;
	assert_int_equal(stw_register(&s, BOB, "Contact: <sip:b@h>, <sip:b@evil>\r\n"), 500);
	assert_int_equal(stw_registered(&s, AOR), 1);
}

static void rfc3261_s10_3_step_5_unknown_domain_is_not_found(void **state)
{
	(void)state;
	assert_int_equal(stw_register(&s, "bob@elsewhere.example", "Contact: <sip:b@h>\r\n"), 404);
	assert_int_equal(stw_register(&s, "bob@OTHERS.example", "Contact: <sip:b@h>\r\n"), 200);
	assert_int_equal(stw_registered(&s, "sip:bob@others.example"), 1);
}

static void rfc3261_s10_3_step_2_names_what_is_not_supported(void **state)
{
	(void)state;
	assert_int_equal(
		stw_register(&s, BOB,
			     "Contact: <sip:b@h>\r\nRequire: path, 100rel\r\nRequire: x\r\n"),
		420);
	assert_int_equal(stw_answer_count(&s, "Unsupported: 100rel\r\n"), 1);
	assert_int_equal(stw_answer_count(&s, "Unsupported: x\r\n"), 1);
	assert_int_equal(stw_answer_count(&s, "Unsupported: path"), 0);
}

static void rfc3261_s10_3_bindings_end_by_themselves(void **state)
{
	uint64_t n;

	(void)state;
	stw_register(&s, BOB, "Contact: <sip:b@h>;expires=100, <sip:b@i>;expires=200\r\n");
	stw_registering_pass(&s, 101);
	stw_registrar_tick(s.r);
	assert_int_equal(stw_registered(&s, AOR), 1);
	assert_int_equal(stw_registrar_counters(s.r)->expired, 1);
	stw_registering_pass(&s, 101);
	stw_registrar_tick(s.r);
	assert_int_equal(stw_store_count(stw_registrar_store(s.r), STW_TABLE_LOCATION, &n), STW_OK);
	assert_int_equal(n, 0);
	assert_int_equal(stw_store_count(stw_registrar_store(s.r), STW_TABLE_EXPIRY, &n), STW_OK);
	assert_int_equal(n, 0);
}

static void expects_rows(enum stw_store_table table, uint64_t n)
{
	uint64_t is;

	assert_int_equal(stw_store_count(stw_registrar_store(s.r), table, &is), STW_OK);
	assert_int_equal(is, n);
}

/* Bound again in time, it is looked at when it would have ended, and then when it does. */
static void rfc3261_s10_3_a_binding_ends_by_its_last_refresh(void **state)
{
	(void)state;
	stw_register(&s, BOB, "Contact: <sip:b@h>;expires=100\r\n");
	stw_registering_pass(&s, 60);
	stw_register(&s, BOB, "Contact: <sip:b@h>;expires=100\r\n");
	for (int i = 0; i < 2; i++) {
		stw_registering_pass(&s, i == 0 ? 41 : 58); /* 101, 159 */
		stw_registrar_tick(s.r);
		assert_int_equal(stw_registered(&s, AOR), 1);
		expects_rows(STW_TABLE_EXPIRY, 1);
	}
	assert_int_equal(stw_registrar_counters(s.r)->expired, 0);
	stw_registering_pass(&s, 2);
	stw_registrar_tick(s.r);
	assert_int_equal(stw_registrar_counters(s.r)->expired, 1);
	expects_rows(STW_TABLE_LOCATION, 0);
	expects_rows(STW_TABLE_EXPIRY, 0);
}

static void rfc3261_s10_3_a_refresh_may_end_a_binding_sooner(void **state)
{
	(void)state;
	stw_register(&s, BOB, "Contact: <sip:b@h>;expires=300\r\n");
	stw_register(&s, BOB, "Contact: <sip:b@h>;expires=100\r\n");
	expects_rows(STW_TABLE_EXPIRY, 1);
	stw_registering_pass(&s, 101);
	stw_registrar_tick(s.r);
	assert_int_equal(stw_registrar_counters(s.r)->expired, 1);
	expects_rows(STW_TABLE_LOCATION, 0);
	expects_rows(STW_TABLE_EXPIRY, 0);
}

static void a_user_has_so_many_contacts_and_no_more(void **state)
{
	(void)state;
	assert_int_equal(stw_register(&s, BOB, "Contact: <sip:b@1>, <sip:b@2>, <sip:b@3>\r\n"),
			 200);
	assert_int_equal(stw_register(&s, BOB, "Contact: <sip:b@4>, <sip:b@5>\r\n"), 403);
	assert_int_equal(stw_registered(&s, AOR), 3);
	assert_int_equal(stw_register(&s, BOB, "Contact: <sip:b@4>\r\n"), 200);
}

static void ten_thousand_contacts_one_after_another(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 10000; i++) {
		uint16_t status = stw_register(&s, BOB, "Contact: <sip:b@h%u>\r\n", i);

		assert_int_equal(status, i < 4 ? 200 : 403);
	}
	assert_int_equal(stw_registered(&s, AOR), 4);
	/* Each made and removed: what is remembered of removed ones is bounded, too. */
	stw_register(&s, BOB, "Contact: *\r\nExpires: 0\r\n");
	for (unsigned i = 0; i < 500; i++) {
		assert_int_equal(stw_register(&s, BOB, "Contact: <sip:b@g%u>\r\n", i), 200);
		assert_int_equal(stw_register(&s, BOB, "Contact: <sip:b@g%u>;expires=0\r\n", i),
				 200);
	}
	assert_int_equal(stw_registered(&s, AOR), 0);
}

static void rfc3327_s5_3_path_is_kept_and_given_back(void **state)
{
	static struct stw_location l;

	(void)state;
	stw_register(&s, BOB,
		     "Contact: <sip:b@h>\r\nSupported: path\r\nPath: <sip:p2;lr>\r\n"
		     "Path: <sip:p1;lr>\r\n");
	assert_int_equal(stw_answer_count(&s, "Path: <sip:p2;lr>, <sip:p1;lr>\r\n"), 1);
	stw_location_get(stw_registrar_store(s.r), stw_str(AOR, sizeof(AOR) - 1), &l);
	assert_int_equal(l.record.b[0].path.len, strlen("<sip:p2;lr>, <sip:p1;lr>"));
	/* A phone that does not know of it is not told. */
	stw_register(&s, BOB, "Contact: <sip:b@h>\r\nPath: <sip:p1;lr>\r\n");
	assert_int_equal(stw_answer_count(&s, "Path:"), 0);
	assert_int_equal(stw_register(&s, BOB, "Contact: <sip:b@h>\r\nPath: sip:p1\r\n"), 400);
}

static void rfc3608_s6_service_route_is_told(void **state)
{
	(void)state;
	snprintf(s.model.registrar.service_route, sizeof(s.model.registrar.service_route),
		 "<sip:192.0.2.1;lr>");
	assert_int_equal(stw_registrar_configure(s.r, &s.model), STW_OK);
	stw_register(&s, BOB, "Contact: <sip:b@h>\r\n");
	assert_int_equal(stw_answer_count(&s, "Service-Route: <sip:192.0.2.1;lr>\r\n"), 1);
}

#define FLOW(n, contact)                                      \
	"Supported: path, outbound\r\nContact: <" contact ">" \
	";+sip.instance=\"<urn:uuid:1>\";reg-id=" n "\r\n"

static void rfc5626_s6_instance_and_reg_id_are_the_key(void **state)
{
	(void)state;
	assert_int_equal(stw_register(&s, BOB, FLOW("1", "sip:b@h")), 200);
	assert_int_equal(stw_answer_count(&s, "Require: outbound\r\n"), 1);
	stw_register(&s, BOB, FLOW("2", "sip:b@h"));
	assert_int_equal(stw_registered(&s, AOR), 2);
	stw_register(&s, BOB, FLOW("1", "sip:b@moved"));
	assert_int_equal(stw_registered(&s, AOR), 2);
	assert_non_null(strstr(s.text, "<sip:b@moved>;+sip.instance=\"<urn:uuid:1>\";reg-id=1"));
}

static void rfc5626_s6_reg_id_without_outbound_means_nothing(void **state)
{
	(void)state;
	stw_register(&s, BOB, "Contact: <sip:b@h>;+sip.instance=\"<urn:uuid:1>\";reg-id=1\r\n");
	assert_int_equal(stw_answer_count(&s, "Require:"), 0);
	stw_register(&s, BOB, "Contact: <sip:b@i>;+sip.instance=\"<urn:uuid:1>\";reg-id=1\r\n");
	assert_int_equal(stw_registered(&s, AOR), 2);
}

static void rfc5626_s6_first_hop_must_support_it(void **state)
{
	(void)state;
	assert_int_equal(stw_register(&s, BOB, "Via: SIP/2.0/UDP p\r\n" FLOW("1", "sip:b@h")), 439);
	assert_int_equal(stw_register(&s, BOB,
				      "Via: SIP/2.0/UDP p\r\nPath: <sip:p;lr>\r\n" FLOW("1",
											"sip:b@h")),
			 439);
	assert_int_equal(
		stw_register(&s, BOB,
			     "Via: SIP/2.0/UDP p\r\nPath: <sip:p;lr;ob>\r\n" FLOW("1", "sip:b@h")),
		200);
}

static void rfc5626_s4_2_1_reg_id_wants_one_contact(void **state)
{
	(void)state;
	assert_int_equal(stw_register(&s, BOB, FLOW("1", "sip:b@h") "Contact: <sip:b@i>\r\n"), 400);
}

static void malformed_contacts_are_refused_whole(void **state)
{
	static const char *const bad[] = {
		"Contact: <sip:b@h\r\n",      "Contact: <sip:b@h>, \r\n",
		"Contact: <sip:b@h>;=x\r\n",  "Contact: , <sip:b@h>\r\n",
		"Contact: \"a <sip:b@h>\r\n", "Contact: <:>\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(stw_register(&s, BOB, "%s", bad[i]), 400);
		assert_int_equal(stw_registered(&s, AOR), 0);
	}
}

static void rfc3261_s7_3_1_folds_are_not_kept(void **state)
{
	static struct stw_location l;

	(void)state;
	assert_int_equal(stw_register(&s, BOB,
				      "Supported: path\r\nContact: <sip:b@h>\r\n ;x=\"a\r\n b\"\r\n"
				      "Path: <sip:p2;lr>,\r\n\t<sip:p1;lr>\r\n"),
			 200);
	assert_int_equal(stw_answer_count(&s, "Contact: <sip:b@h>;x=\"a   b\";expires=3600\r\n"),
			 1);
	assert_int_equal(stw_answer_count(&s, "Path: <sip:p2;lr>,  \t<sip:p1;lr>\r\n"), 1);
	stw_location_get(stw_registrar_store(s.r), stw_str(AOR, sizeof(AOR) - 1), &l);
	assert_null(memchr(l.record.b[0].path.p, '\n', l.record.b[0].path.len));
}

static void what_would_break_a_line_is_no_contact(void **state)
{
	static const char *const bad[] = {
		"Contact: <foo:b\r\n h>\r\n",
		"Contact: <foo:b h>\r\n",
		"Contact: <foo:b\"h>\r\n",
		"Contact: <sip:b@h>;+sip.instance=\"<urn:\r\n 1>\"\r\n",
		"Contact: <sip:b@h>;+sip.instance=\"<urn:\\\"1>\"\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(stw_register(&s, BOB, "%s", bad[i]), 400);
	assert_int_equal(stw_registered(&s, AOR), 0);
	assert_int_equal(stw_register(&s, BOB, "Contact: <foo:bh>\r\n"), 200);
}

static void rfc3261_s25_1_texts_are_utf_8(void **state)
{
	static const char *const bad[] = {"\xff",	  "\xc0\x80",	      "\xe0\x80\x80",
					  "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc3",
					  "\x80"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(stw_register(&s, BOB, "Contact: <sip:b@h>;x=\"%s\"\r\n", bad[i]),
				 400);
		assert_int_equal(stw_register(&s, BOB,
					      "Contact: <sip:b@h>\r\nPath: \"%s\" <sip:p;lr>\r\n",
					      bad[i]),
				 400);
	}
	assert_int_equal(stw_register(&s, BOB,
				      "Contact: <sip:b@h>;x=\"Gr\xc3\xbc\xc3\x9f \xe4\xb8\xad "
				      "\xf0\x9f\x98\x80\"\r\n"),
			 200);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		T(rfc3261_s10_3_binds_and_lists_a_contact),
		T(rfc3261_s10_3_keeps_where_it_came_from),
		T(rfc3261_s10_3_lists_without_contacts_and_changes_nothing),
		T(rfc3261_s10_3_all_contacts_of_a_request_or_none),
		T(rfc3261_s10_2_1_1_time_of_contact_then_of_header_then_default),
		T(rfc3261_s10_3_step_7_refreshes_by_uri_equality),
		T(rfc3261_s10_2_2_removes_one_and_keeps_others),
		T(rfc3261_s10_2_2_star_removes_all),
		T(rfc3261_s10_3_step_6_star_stands_alone_with_expires_0),
		T(rfc3261_s10_3_step_7_an_older_request_changes_nothing),
		T(rfc3261_s10_3_step_7_what_was_removed_stays_removed),
		T(rfc3261_s10_3_a_retransmission_is_answered_alike),
		T(rfc3261_s10_3_step_7_same_cseq_with_another_contact_is_refused),
		T(rfc3261_s10_3_step_5_unknown_domain_is_not_found),
		T(rfc3261_s10_3_step_2_names_what_is_not_supported),
		T(rfc3261_s10_3_bindings_end_by_themselves),
		T(rfc3261_s10_3_a_binding_ends_by_its_last_refresh),
		T(rfc3261_s10_3_a_refresh_may_end_a_binding_sooner),
		T(a_user_has_so_many_contacts_and_no_more),
		T(ten_thousand_contacts_one_after_another),
		T(rfc3327_s5_3_path_is_kept_and_given_back),
		T(rfc3608_s6_service_route_is_told),
		T(rfc5626_s6_instance_and_reg_id_are_the_key),
		T(rfc5626_s6_reg_id_without_outbound_means_nothing),
		T(rfc5626_s6_first_hop_must_support_it),
		T(rfc5626_s4_2_1_reg_id_wants_one_contact),
		T(malformed_contacts_are_refused_whole),
		T(rfc3261_s25_1_texts_are_utf_8),
		T(rfc3261_s7_3_1_folds_are_not_kept),
		T(what_would_break_a_line_is_no_contact),
	};

	return cmocka_run_group_tests_name("registrar", tests, NULL, NULL);
}
