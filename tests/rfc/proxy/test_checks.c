/* SPDX-License-Identifier: BSD-3-Clause */
/* Request validation of a stateless proxy, RFC 3261 s16.3, and local answers' statuses. */
#include "tests/rfc/proxy/messages.h"

static void rfc3261_s16_3_1_malformed_request_is_answered_400(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(.cseq = "99999999999 INVITE"), ua());
	assert_answered(p, 400);
	stw_proxy_text(p, REQUEST(.max_forwards = "300"), ua());
	assert_answered(p, 400);
}

static void rfc3261_s16_3_1_malformed_ack_is_dropped(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(.method = "ACK", .max_forwards = "300"), ua());
	assert_dropped(p, "ack_unroutable");
}

static void rfc3261_s16_3_1_without_what_an_answer_needs_is_dropped(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p,
		       "INVITE sip:bob@example.com SIP/2.0\r\nVia: " UA_VIA "\r\n"
		       "CSeq: 1 INVITE\r\nFrom: <sip:a@example.com>;tag=1\r\n\r\n",
		       ua());
	assert_dropped(p, "malformed");
	stw_proxy_text(p, REQUEST(.via = "SIP/2.0/UDP ;branch=z9hG4bKx"), ua());
	assert_dropped(p, "malformed");
}

static void rfc3261_s16_3_1_unknown_method_is_forwarded(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(.method = "!interesting-Method0123"), ua());
	assert_forwarded(p);
	assert_memory_equal(p->out, "!interesting-Method0123 sip:bob", 31);
}

static void rfc3261_s16_3_2_unknown_scheme_is_answered_416(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(.uri = "nobodyKnowsThisScheme:totallyopaquecontent"), ua());
	assert_answered(p, 416);
	stw_proxy_text(p, REQUEST(.uri = "urn:service:sos"), ua());
	assert_answered(p, 416);
	stw_proxy_text(p, REQUEST(.method = "ACK", .uri = "http://example.com"), ua());
	assert_dropped(p, "ack_unroutable");
}

static void rfc3261_s16_3_2_sip_sips_and_tel_are_forwarded(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(.uri = "SIP:bob@example.com"), ua());
	assert_forwarded(p);
	stw_proxy_text(p, REQUEST(.uri = "sips:bob@example.com"), ua());
	assert_forwarded(p);
	stw_proxy_text(p, REQUEST(.uri = "tel:+358-555-1234567"), ua());
	assert_forwarded(p);
}

static void rfc3261_s16_3_3_max_forwards_zero_is_answered_483(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(.max_forwards = "0"), ua());
	assert_answered(p, 483);
	stw_proxy_text(p, REQUEST(.method = "ACK", .max_forwards = "0"), ua());
	assert_dropped(p, "ack_unroutable");
}

static void rfc3261_s16_3_3_options_with_max_forwards_zero_is_answered_200(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(.method = "OPTIONS", .max_forwards = "0"), ua());
	assert_answered(p, 200);
}

static void rfc3261_s16_3_5_unknown_proxy_require_is_answered_420(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p,
		       REQUEST(.extra = "Proxy-Require: foo, sec-agree,\r\n bar\r\n"
					"Require: nothing\r\nproxy-require:baz\r\n"),
		       ua());
	assert_answered(p, 420);
	assert_string_equal(stw_proxy_line(p, "\r\nUnsupported: "), "foo, bar, baz");
}

static void rfc3329_s2_3_1_sec_agree_passes(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(.extra = "Proxy-Require: Sec-Agree\r\n"), ua());
	assert_forwarded(p);
}

static void rfc3261_s8_2_2_3_proxy_require_is_ignored_in_ack_and_cancel(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(.method = "CANCEL", .extra = "Proxy-Require: foo\r\n"), ua());
	assert_forwarded(p);
	stw_proxy_text(p, REQUEST(.method = "ACK", .extra = "Proxy-Require: foo\r\n"), ua());
	assert_forwarded(p);
}

static void rfc3261_s11_2_options_to_us_is_answered_200_with_abilities(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(.method = "OPTIONS", .uri = "sip:192.0.2.1"), ua());
	assert_answered(p, 200);
	assert_non_null(strstr(p->out, "\r\nAllow: INVITE, ACK, BYE, CANCEL, OPTIONS"));
	assert_non_null(strstr(p->out, "\r\nAccept: application/sdp\r\n"));
	assert_non_null(strstr(p->out, "\r\nSupported:"));
	stw_proxy_text(p, REQUEST(.method = "OPTIONS", .uri = "sip:[2001:db8::1]:5060"),
		       stw_farm_v6(9, 5060));
	assert_answered(p, 200);
}

static void rfc3261_s11_options_to_others_is_forwarded(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(.method = "OPTIONS", .uri = "sip:bob@192.0.2.1"), ua());
	assert_forwarded(p);
	stw_proxy_text(p, REQUEST(.method = "OPTIONS", .uri = "sip:192.0.2.1:5070"), ua());
	assert_forwarded(p);
	stw_proxy_text(p,
		       REQUEST(.method = "OPTIONS", .uri = "sip:192.0.2.1",
			       .extra = "Route: <sip:192.0.2.1;lr>\r\n"),
		       ua());
	assert_forwarded(p);
}

static void rfc3261_s21_5_6_other_version_is_answered_505(void **state)
{
	struct stw_proxy *p = *state;
	char text[1024];

	snprintf(text, sizeof(text), "%s", REQUEST(.method = "OPTIONS"));
	memcpy(strstr(text, "SIP/2.0\r\n"), "SIP/7.0\r\n", 9);
	stw_proxy_text(p, text, ua());
	assert_answered(p, 505);
	assert_memory_equal(p->out, "SIP/2.0 505", 11);
}

static void rfc3261_s21_5_4_no_member_for_new_calls_is_answered_503(void **state)
{
	struct stw_proxy *p = *state;

	for (size_t i = 0; i < 4; i++)
		p->farm.pool_members[i].asked = STW_ASKED_DRAIN;
	stw_proxy_publish(p);
	stw_proxy_text(p, REQUEST(0), ua());
	assert_answered(p, 503);
	assert_string_equal(stw_proxy_line(p, "\r\nRetry-After: "), "5");
	stw_proxy_text(p, REQUEST(.method = "ACK"), ua());
	assert_dropped(p, "ack_unroutable");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROXY_TEST(rfc3261_s16_3_1_malformed_request_is_answered_400),
		PROXY_TEST(rfc3261_s16_3_1_malformed_ack_is_dropped),
		PROXY_TEST(rfc3261_s16_3_1_without_what_an_answer_needs_is_dropped),
		PROXY_TEST(rfc3261_s16_3_1_unknown_method_is_forwarded),
		PROXY_TEST(rfc3261_s16_3_2_unknown_scheme_is_answered_416),
		PROXY_TEST(rfc3261_s16_3_2_sip_sips_and_tel_are_forwarded),
		PROXY_TEST(rfc3261_s16_3_3_max_forwards_zero_is_answered_483),
		PROXY_TEST(rfc3261_s16_3_3_options_with_max_forwards_zero_is_answered_200),
		PROXY_TEST(rfc3261_s16_3_5_unknown_proxy_require_is_answered_420),
		PROXY_TEST(rfc3329_s2_3_1_sec_agree_passes),
		PROXY_TEST(rfc3261_s8_2_2_3_proxy_require_is_ignored_in_ack_and_cancel),
		PROXY_TEST(rfc3261_s11_2_options_to_us_is_answered_200_with_abilities),
		PROXY_TEST(rfc3261_s11_options_to_others_is_forwarded),
		PROXY_TEST(rfc3261_s21_5_6_other_version_is_answered_505),
		PROXY_TEST(rfc3261_s21_5_4_no_member_for_new_calls_is_answered_503),
	};
	return cmocka_run_group_tests_name("proxy-checks", tests, NULL, NULL);
}
