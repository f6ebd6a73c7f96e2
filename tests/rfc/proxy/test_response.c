/* SPDX-License-Identifier: BSD-3-Clause */
/* Responses: RFC 3261 s16.7 step 3, s16.11, s18.1.2, s18.2.2; RFC 3581 s4. */
#include "tests/rfc/proxy/messages.h"

/* An INVITE with this Via from @from goes out, and its 200 comes back from the member. */
static void round_trip(struct stw_proxy *p, const char *via, struct stw_endpoint from)
{
	stw_proxy_text(p, REQUEST(.via = via), from);
	assert_forwarded(p);
	stw_proxy_text(p, respond(p, "200 OK"), p->v.dst);
}

static void rfc3261_s16_7_3_our_via_is_taken_off_and_nothing_else(void **state)
{
	struct stw_proxy *p = *state;
	char expect[4096];

	stw_proxy_text(p, REQUEST(0), ua());
	const char *response = respond(p, "180 Ringing");
	const char *via_end = strstr(strstr(response, "\r\n") + 2, "\r\n") + 2;
	snprintf(expect, sizeof(expect), "SIP/2.0 180 Ringing\r\n%s", via_end);
	stw_proxy_text(p, response, p->v.dst);
	assert_forwarded(p);
	assert_int_equal(p->v.how, STW_HOW_VIA);
	assert_true(p->v.from_member);
	assert_string_equal(p->out, expect);
	assert_sent_to(p, ua());
}

static void rfc3261_s16_7_3_via_list_on_one_line_loses_the_first(void **state)
{
	struct stw_proxy *p = *state;
	char text[4096];

	stw_proxy_text(p, REQUEST(0), ua());
	snprintf(text, sizeof(text), "SIP/2.0 200 OK\r\nv: %s",
		 strstr(p->out, "SIP/2.0/UDP 192.0.2.1"));
	char *joint = strstr(text, "\r\nRecord-Route");
	char *second = strstr(text, "\r\nVia: ");
	assert_true(joint < second);
	/* v: ours , theirs */
	char joined[4096];
	snprintf(joined, sizeof(joined), "%.*s ,%s", (int)(joint - text), text, second + 6);
	stw_proxy_text(p, joined, p->v.dst);
	assert_forwarded(p);
	assert_memory_equal(p->out, "SIP/2.0 200 OK\r\nv: " UA_VIA "\r\n", 20);
	assert_null(strstr(p->out, "192.0.2.1"));
}

static void rfc3261_s16_11_provisional_100_is_forwarded(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(0), ua());
	stw_proxy_text(p, respond(p, "100 Trying"), p->v.dst);
	assert_forwarded(p);
}

static void rfc3261_s16_11_top_via_not_ours_is_dropped(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p,
		       "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1\r\n"
		       "Via: " UA_VIA "\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:b@c>;tag=2\r\n"
		       "Call-ID: x\r\nCSeq: 1 INVITE\r\n\r\n",
		       member(0));
	assert_dropped(p, "response_not_ours");
}

static void rfc3261_s16_11_branch_we_did_not_make_is_dropped(void **state)
{
	static const char *const branches[] = {
		";branch=z9hG4bK3000000000000000",
		";branch=z9hG4bK",
		";branch=x",
		"",
		";branch=z9hG4bK30000000000000000",
		";branch=z9hG4bKf000000000000000",
	};
	struct stw_proxy *p = *state;

	for (size_t i = 0; i < sizeof(branches) / sizeof(branches[0]); i++) {
		char text[1024];

		snprintf(text, sizeof(text),
			 "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1%s\r\n"
			 "Via: SIP/2.0/UDP 198.18.0.1:53;branch=z9hG4bK7\r\n"
			 "From: <sip:a@b>;tag=1\r\nTo: <sip:b@c>;tag=2\r\n"
			 "Call-ID: x\r\nCSeq: 1 INVITE\r\n\r\n",
			 branches[i]);
		stw_proxy_text(p, text, member(0));
		assert_dropped(p, "response_forged");
	}
}

/* Change @what to @with in a good response: it must no longer go anywhere. */
static void assert_forged(struct stw_proxy *p, const char *good, const char *what, const char *with)
{
	char text[8192];
	const char *at = strstr(good, what);

	assert_non_null(at);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - good), good, with, at + strlen(what));
	stw_proxy_text(p, text, member(0));
	assert_dropped(p, "response_forged");
}

static void rfc3261_s16_11_response_bent_elsewhere_is_dropped(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(.via = "SIP/2.0/UDP 10.0.0.7:5066;branch=z9hG4bKnashds8;rport"),
		       ua());
	assert_forwarded(p);
	const char *good = hold(respond(p, "200 OK"));
	stw_proxy_text(p, good, p->v.dst);
	assert_forwarded(p);

	assert_forged(p, good, "received=203.0.113.5", "received=198.18.0.1");
	assert_forged(p, good, "received=203.0.113.5", "received=203.0.113.6");
	assert_forged(p, good, ";received=203.0.113.5", "");
	assert_forged(p, good, "rport=5062", "rport=53");
	assert_forged(p, good, ";rport=5062", "");
	assert_forged(p, good, "10.0.0.7:5066", "10.0.0.7:5067");
	assert_forged(p, good, "10.0.0.7:5066", "10.0.0.8:5066");
	assert_forged(p, good, "z9hG4bKnashds8", "z9hG4bKnashds9");
	assert_forged(p, good, "Call-ID: a84b4c76e66710", "Call-ID: a84b4c76e66711");
	assert_forged(p, good, "CSeq: 314159", "CSeq: 314158");
	assert_forged(p, good, "z9hG4bK3", "z9hG4bK4");
}

static void rfc3261_s16_7_response_to_a_members_request_may_come_from_anyone(void **state)
{
	struct stw_proxy *p = *state;
	const char *via = "SIP/2.0/UDP 198.51.100.11:5060;branch=z9hG4bKm";

	stw_proxy_text(p, REQUEST(.uri = "sip:alice@203.0.113.5:5062", .via = via), member(1));
	assert_forwarded(p);
	stw_proxy_text(p, respond(p, "200 OK"), ua());
	assert_forwarded(p);
	assert_false(p->v.from_member);
	assert_sent_to(p, member(1));
}

static void response_for_a_members_transaction_from_a_stranger_is_dropped(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(0), ua());
	stw_proxy_text(p, respond(p, "200 OK"), stw_farm_v4(198, 51, 100, 200, 5060));
	assert_dropped(p, "response_stranger");
}

static void rfc3261_s16_7_only_our_via_is_dropped(void **state)
{
	struct stw_proxy *p = *state;
	char text[4096];

	stw_proxy_text(p, REQUEST(0), ua());
	const char *response = respond(p, "200 OK");
	const char *theirs = strstr(response, "Via: " UA_VIA);
	snprintf(text, sizeof(text), "%.*s%s", (int)(theirs - response), response,
		 strstr(theirs, "\r\n") + 2);
	stw_proxy_text(p, text, p->v.dst);
	assert_dropped(p, "response_no_via");
}

static void rfc3261_s18_2_2_response_goes_to_received_and_sent_by_port(void **state)
{
	struct stw_proxy *p = *state;

	round_trip(p, "SIP/2.0/UDP 10.0.0.1:5099;branch=z9hG4bKx", ua());
	assert_sent_to(p, stw_farm_v4(203, 0, 113, 5, 5099));
	round_trip(p, "SIP/2.0/UDP host.example.com;branch=z9hG4bKx", ua());
	assert_sent_to(p, stw_farm_v4(203, 0, 113, 5, 5060));
	round_trip(p, "SIP/2.0/UDP 203.0.113.5;branch=z9hG4bKx", ua());
	assert_sent_to(p, stw_farm_v4(203, 0, 113, 5, 5060));
}

static void rfc3261_s18_2_2_senders_maddr_does_not_aim_the_response(void **state)
{
	struct stw_proxy *p = *state;

	round_trip(p, "SIP/2.0/UDP 203.0.113.5;maddr=198.18.0.1;branch=z9hG4bKx", ua());
	assert_forwarded(p);
	assert_sent_to(p, stw_farm_v4(203, 0, 113, 5, 5060));
}

static void rfc3581_s4_response_goes_to_rport(void **state)
{
	struct stw_proxy *p = *state;

	round_trip(p, "SIP/2.0/UDP 10.0.0.1:5099;rport;branch=z9hG4bKx",
		   stw_farm_v4(203, 0, 113, 5, 31337));
	assert_forwarded(p);
	assert_sent_to(p, stw_farm_v4(203, 0, 113, 5, 31337));
}

static void rfc3261_s18_2_2_ipv6_both_ways(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(.via = "SIP/2.0/UDP [2001:db8::66]:5064;branch=z9hG4bKx"),
		       stw_farm_v6(0x55, 5064));
	assert_forwarded(p);
	stw_proxy_text(p, respond(p, "200 OK"), p->v.dst);
	assert_forwarded(p);
	assert_sent_to(p, stw_farm_v6(0x55, 5064));
	assert_int_equal(p->v.listener_out, 1);
}

static void rfc3261_s16_11_without_magic_cookie_responses_verify_too(void **state)
{
	struct stw_proxy *p = *state;

	round_trip(p, "SIP/2.0/UDP 203.0.113.5:5062", ua());
	assert_forwarded(p);
	stw_proxy_text(p, REQUEST(.via = "SIP/2.0/UDP 203.0.113.5:5062"), ua());
	const char *good = hold(respond(p, "200 OK"));
	assert_forged(p, good, ";tag=1928301774", ";tag=1928301775");
	round_trip(p, "SIP/2.0/UDP 203.0.113.5:5062", ua());
	assert_forwarded(p);
}

static void responses_signed_before_a_rotation_still_pass(void **state)
{
	struct stw_proxy *p = *state;
	struct stw_model_secret *secrets = p->farm.model.secrets;

	stw_proxy_text(p, REQUEST(0), ua());
	const char *response = respond(p, "200 OK");
	struct stw_endpoint from = p->v.dst;
	struct stw_model_secret old = secrets[0];
	secrets[0] = secrets[1];
	secrets[1] = old;
	p->farm.model.n_secrets = 2;
	stw_proxy_publish(p);
	stw_proxy_text(p, response, from);
	assert_forwarded(p);
	p->farm.model.n_secrets = 1;
	stw_proxy_publish(p);
	stw_proxy_text(p, response, from);
	assert_dropped(p, "response_forged");
}

static void rfc3261_s8_1_3_malformed_response_is_dropped(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, "SIP/2.0 200 OK\r\nVia: " UA_VIA "\r\nCSeq: 1 INVITE\r\n\r\n", ua());
	assert_dropped(p, "malformed");
}

static void rfc3261_s16_7_spiral_through_us_comes_back_by_both_vias(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(0), ua());
	const char *first = hold(p->out);
	/* the member sends it on through us to a phone */
	char text[4096];
	snprintf(text, sizeof(text),
		 "INVITE sip:bob@203.0.113.77 SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 198.51.100.%d:5060;branch=z9hG4bKmember\r\n%s",
		 10 + p->v.member, strstr(first, "\r\n") + 2);
	struct stw_endpoint m = p->v.dst;
	stw_proxy_text(p, text, m);
	assert_forwarded(p);
	assert_sent_to(p, stw_farm_v4(203, 0, 113, 77, 5060));
	stw_proxy_text(p, respond(p, "200 OK"), p->v.dst);
	assert_forwarded(p);
	assert_sent_to(p, m);
	/* the member takes off its Via */
	const char *via = strstr(p->out, "Via: SIP/2.0/UDP 198.51.100.");
	snprintf(text, sizeof(text), "%.*s%s", (int)(via - p->out), p->out,
		 strstr(via, "\r\n") + 2);
	stw_proxy_text(p, text, m);
	assert_forwarded(p);
	assert_sent_to(p, ua());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROXY_TEST(rfc3261_s16_7_3_our_via_is_taken_off_and_nothing_else),
		PROXY_TEST(rfc3261_s16_7_3_via_list_on_one_line_loses_the_first),
		PROXY_TEST(rfc3261_s16_11_provisional_100_is_forwarded),
		PROXY_TEST(rfc3261_s16_11_top_via_not_ours_is_dropped),
		PROXY_TEST(rfc3261_s16_11_branch_we_did_not_make_is_dropped),
		PROXY_TEST(rfc3261_s16_11_response_bent_elsewhere_is_dropped),
		PROXY_TEST(rfc3261_s16_7_response_to_a_members_request_may_come_from_anyone),
		PROXY_TEST(response_for_a_members_transaction_from_a_stranger_is_dropped),
		PROXY_TEST(rfc3261_s16_7_only_our_via_is_dropped),
		PROXY_TEST(rfc3261_s18_2_2_response_goes_to_received_and_sent_by_port),
		PROXY_TEST(rfc3261_s18_2_2_senders_maddr_does_not_aim_the_response),
		PROXY_TEST(rfc3581_s4_response_goes_to_rport),
		PROXY_TEST(rfc3261_s18_2_2_ipv6_both_ways),
		PROXY_TEST(rfc3261_s16_11_without_magic_cookie_responses_verify_too),
		PROXY_TEST(responses_signed_before_a_rotation_still_pass),
		PROXY_TEST(rfc3261_s8_1_3_malformed_response_is_dropped),
		PROXY_TEST(rfc3261_s16_7_spiral_through_us_comes_back_by_both_vias),
	};
	return cmocka_run_group_tests_name("proxy-response", tests, NULL, NULL);
}
