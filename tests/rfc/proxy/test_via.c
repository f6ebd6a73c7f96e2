/* SPDX-License-Identifier: BSD-3-Clause */
/* Our Via, the sender's Via and Max-Forwards: RFC 3261 s16.6 steps 3 and 8, s18.2.1; RFC 3581. */
#include "tests/rfc/proxy/messages.h"

static void rfc3261_s16_6_8_our_via_comes_first(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(0), ua());
	assert_forwarded(p);
	const char *second = strstr(p->out, "\r\n") + 2;
	assert_memory_equal(second, "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK", 46);
	assert_int_equal(strspn(second + 46, "0123456789abcdef"), 24);
	assert_memory_equal(second + 70, "\r\n", 2);
	assert_non_null(strstr(p->out, "\r\nVia: " UA_VIA "\r\n"));
}

static void rfc3261_s16_6_3_max_forwards_is_decremented(void **state)
{
	static const char *const from[] = {"70", "1", "10", "100", "255", "000"};
	static const char *const to[] = {"69", "0", "9", "99", "254"};
	struct stw_proxy *p = *state;

	for (size_t i = 0; i < 5; i++) {
		stw_proxy_text(p, REQUEST(.max_forwards = from[i]), ua());
		assert_forwarded(p);
		assert_string_equal(stw_proxy_line(p, "\r\nMax-Forwards: "), to[i]);
	}
	stw_proxy_text(p, REQUEST(.max_forwards = from[5]), ua());
	assert_answered(p, 483);
}

static void rfc3261_s16_6_3_max_forwards_is_added_when_absent(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(.max_forwards = ""), ua());
	assert_forwarded(p);
	assert_string_equal(stw_proxy_line(p, "\r\nMax-Forwards: "), "70");
}

static void rfc3261_s18_2_1_adds_received_when_sent_by_differs(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(.via = "SIP/2.0/UDP 10.1.1.1:4540;branch=z9hG4bKx"), ua());
	assert_non_null(strstr(p->out, "Via: SIP/2.0/UDP 10.1.1.1:4540;branch=z9hG4bKx"
				       ";received=203.0.113.5\r\n"));
	stw_proxy_text(p, REQUEST(.via = "SIP/2.0/UDP bobspc.biloxi.com;branch=z9hG4bKx"), ua());
	assert_non_null(strstr(p->out, "Via: SIP/2.0/UDP bobspc.biloxi.com;branch=z9hG4bKx"
				       ";received=203.0.113.5\r\n"));
}

static void rfc3261_s18_2_1_adds_no_received_when_sent_by_is_the_source(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(.via = "SIP/2.0/UDP 203.0.113.5:9;branch=z9hG4bKx"), ua());
	assert_forwarded(p);
	assert_null(strstr(p->out, "received"));
}

static void rfc3261_s18_2_1_received_goes_to_the_first_of_a_list(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p,
		       REQUEST(.via = "SIP/2.0/UDP a.example;branch=z9hG4bKx , SIP/2.0/TCP "
				      "b.example;branch=z9hG4bKy"),
		       ua());
	assert_non_null(strstr(p->out, "Via: SIP/2.0/UDP a.example;branch=z9hG4bKx"
				       ";received=203.0.113.5 , SIP/2.0/TCP b.example;"
				       "branch=z9hG4bKy\r\n"));
}

static void rfc3261_s18_2_1_senders_own_received_is_replaced(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p,
		       REQUEST(.via = "SIP/2.0/UDP 203.0.113.5;received=8.8.8.8;branch=z9hG4bKx"),
		       ua());
	assert_non_null(strstr(p->out, "Via: SIP/2.0/UDP 203.0.113.5;received=203.0.113.5"
				       ";branch=z9hG4bKx\r\n"));
}

static void rfc3261_s18_2_1_ipv6_received_has_no_brackets(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(.via = "SIP/2.0/UDP [2001:db8::77];branch=z9hG4bKx"),
		       stw_farm_v6(9, 5060));
	assert_forwarded(p);
	assert_non_null(strstr(p->out, "z9hG4bKx;received=2001:db8::9\r\n"));
}

static void rfc5118_s4_5_received_with_brackets_is_replaced(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p,
		       REQUEST(.via = "SIP/2.0/UDP [2001:db8::9];received=[2001:db8::9:255]"
				      ";branch=z9hG4bKx"),
		       stw_farm_v6(9, 5060));
	assert_forwarded(p);
	assert_non_null(strstr(p->out, "[2001:db8::9];received=2001:db8::9;branch=z9hG4bKx\r\n"));
}

static void rfc3581_s4_rport_is_filled_and_received_added(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(.via = "SIP/2.0/UDP 203.0.113.5:5062;rport;branch=z9hG4bKx"),
		       stw_farm_v4(203, 0, 113, 5, 9988));
	assert_string_equal(param(p, "\r\nVia: SIP/2.0/UDP 203.0.113.5", "received="),
			    "203.0.113.5");
	assert_string_equal(param(p, "\r\nVia: SIP/2.0/UDP 203.0.113.5", "rport="), "9988");
}

static void rfc3581_s4_senders_own_rport_value_is_replaced(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(.via = "SIP/2.0/UDP 203.0.113.5:5062;rport=53;branch=z9hG4bKx"),
		       ua());
	assert_string_equal(param(p, "\r\nVia: SIP/2.0/UDP 203.0.113.5", "rport="), "5062");
	assert_null(strstr(p->out, "rport=53;"));
}

static void rfc3581_s4_rport_and_received_of_the_sender_both_replaced(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(
		p, REQUEST(.via = "SIP/2.0/UDP h;rport=53;branch=z9hG4bKx;received=10.9.9.9;foo=1"),
		ua());
	assert_non_null(strstr(p->out, "Via: SIP/2.0/UDP h;rport=5062;branch=z9hG4bKx"
				       ";received=203.0.113.5;foo=1\r\n"));
}

static void rfc3261_s18_3_bytes_after_the_body_are_cut_off(void **state)
{
	struct stw_proxy *p = *state;
	char text[2048];

	snprintf(text, sizeof(text), "%sINVITE sip:smuggled@example.com SIP/2.0\r\n",
		 REQUEST(.body = "v=0\r\n"));
	stw_proxy_text(p, text, ua());
	assert_forwarded(p);
	assert_string_equal(strstr(p->out, "\r\n\r\n"), "\r\n\r\nv=0\r\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROXY_TEST(rfc3261_s16_6_8_our_via_comes_first),
		PROXY_TEST(rfc3261_s16_6_3_max_forwards_is_decremented),
		PROXY_TEST(rfc3261_s16_6_3_max_forwards_is_added_when_absent),
		PROXY_TEST(rfc3261_s18_2_1_adds_received_when_sent_by_differs),
		PROXY_TEST(rfc3261_s18_2_1_adds_no_received_when_sent_by_is_the_source),
		PROXY_TEST(rfc3261_s18_2_1_received_goes_to_the_first_of_a_list),
		PROXY_TEST(rfc3261_s18_2_1_senders_own_received_is_replaced),
		PROXY_TEST(rfc3261_s18_2_1_ipv6_received_has_no_brackets),
		PROXY_TEST(rfc5118_s4_5_received_with_brackets_is_replaced),
		PROXY_TEST(rfc3581_s4_rport_is_filled_and_received_added),
		PROXY_TEST(rfc3581_s4_senders_own_rport_value_is_replaced),
		PROXY_TEST(rfc3581_s4_rport_and_received_of_the_sender_both_replaced),
		PROXY_TEST(rfc3261_s18_3_bytes_after_the_body_are_cut_off),
	};
	return cmocka_run_group_tests_name("proxy-via", tests, NULL, NULL);
}
