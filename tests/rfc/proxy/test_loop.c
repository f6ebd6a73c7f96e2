/* SPDX-License-Identifier: BSD-3-Clause */
/* Loops and spirals: RFC 3261 s16.3 item 4, s16.6 item 8; RFC 5393 s4.2. */
#include "tests/rfc/proxy/messages.h"

#define HOME "sip:bob@192.0.2.1" /* an address of ours: members send it back to the pool */

/* The request goes to its member, which sends it on as @uri. */
static void go_on(struct stw_proxy *p, const char *uri)
{
	uint8_t i = (uint8_t)p->v.member;

	stw_proxy_text(p, hold(onward(p, i, uri)), member(i));
}

static void rfc3261_s16_3_4_loop_is_answered_482(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(.uri = HOME), ua());
	assert_forwarded(p);
	go_on(p, NULL); /* from a member now: the first time that it decides */
	assert_forwarded(p);
	go_on(p, NULL);
	assert_answered(p, 482);
	assert_memory_equal(p->out, "SIP/2.0 482 Loop Detected\r\n", 27);
}

static void rfc3261_s16_3_4_spiral_with_another_request_uri_passes(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(.uri = HOME), ua());
	for (int i = 0; i < 6; i++) {
		char uri[64];

		assert_forwarded(p);
		snprintf(uri, sizeof(uri), "sip:bob-%d@192.0.2.1", i);
		go_on(p, uri);
	}
	assert_forwarded(p);
	go_on(p, "sip:bob-2@192.0.2.1");
	assert_answered(p, 482);
}

/* A member that sends a stranger's request on unchanged, to where it always wanted to go. */
static void rfc5393_s4_2_1_the_digest_knows_who_sends(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(.uri = "sip:bob@203.0.113.77"), ua());
	assert_forwarded(p);
	assert_int_equal(p->v.how, STW_HOW_HASH);
	go_on(p, NULL);
	assert_forwarded(p);
	assert_sent_to(p, stw_farm_v4(203, 0, 113, 77, 5060));
}

static void rfc5393_s4_2_1_the_digest_knows_the_route_values_used(void **state)
{
	struct stw_proxy *p = *state;
	char text[8192];

	stw_proxy_text(p, REQUEST(.uri = HOME, .extra = "Route: <sip:203.0.113.8;lr>\r\n"),
		       member(1));
	assert_forwarded(p);
	const char *again = onward(p, 1, NULL);
	char *route = strstr(again, "203.0.113.8");
	snprintf(text, sizeof(text), "%s", again);
	text[route - again + 10] = '9';
	stw_proxy_text(p, text, member(1));
	assert_forwarded(p);
	assert_sent_to(p, stw_farm_v4(203, 0, 113, 9, 5060));
	stw_proxy_text(p, again, member(1));
	assert_answered(p, 482);
}

static void rfc5393_s4_2_1_the_digest_knows_the_cookie_used(void **state)
{
	struct stw_proxy *p = *state;
	char route[160], other[160];

	stw_proxy_text(p, REQUEST(0), ua());
	const char *cookie = hold(param(p, "\r\nRecord-Route: ", "stw="));
	snprintf(route, sizeof(route), "Route: <sip:192.0.2.1;lr;stw=%s>\r\n", cookie);
	stw_proxy_text(p, REQUEST(.method = "BYE", .uri = HOME, .extra = route), ua());
	assert_forwarded(p);
	const char *via = hold(stw_proxy_line(p, "\r\nVia: "));
	snprintf(other, sizeof(other), "Route: <sip:192.0.2.1;lr;stw=%.23s%c>\r\n", cookie,
		 cookie[23] == '0' ? '1' : '0');
	for (int same = 0; same < 2; same++) {
		char vias[512];

		snprintf(vias, sizeof(vias), UA_VIA "x\r\nVia: %s\r\nVia: " UA_VIA, via);
		stw_proxy_text(p,
			       REQUEST(.method = "BYE", .uri = HOME, .via = vias,
				       .extra = same ? route : other),
			       ua());
		if (same)
			assert_answered(p, 482);
		else
			assert_forwarded(p);
	}
}

static void rfc5393_s4_2_1_the_digest_does_not_know_the_method(void **state)
{
	struct stw_proxy *p = *state;
	char invite[64], cancel[64];

	stw_proxy_text(p, REQUEST(.uri = HOME), ua());
	snprintf(invite, sizeof(invite), "%s", param(p, "\r\nVia: ", "branch="));
	stw_proxy_text(p, REQUEST(.uri = HOME, .method = "CANCEL"), ua());
	snprintf(cancel, sizeof(cancel), "%s", param(p, "\r\nVia: ", "branch="));
	assert_int_equal(strlen(invite), 31);
	assert_string_equal(invite, cancel);
	stw_proxy_text(p, REQUEST(.uri = HOME "0"), ua());
	assert_string_not_equal(invite + 23, param(p, "\r\nVia: ", "branch=") + 23);
}

static void rfc5393_s4_2_2_the_via_is_found_wherever_it_stands(void **state)
{
	struct stw_proxy *p = *state;
	static const char *const shapes[] = {
		UA_VIA ", %s",
		UA_VIA " ,\r\n SIP/2.0/UDP 198.51.100.9;branch=z9hG4bK1,%s",
		UA_VIA "\r\nv: SIP/2.0/UDP h.example.com:9;branch=z9hG4bK2\r\nVIA : %s",
		UA_VIA "\r\nSubject: s\r\nvia:%s;received=192.0.2.1;rport=5060;x=\"a,b\"",
	};

	stw_proxy_text(p, REQUEST(0), ua());
	const char *ours = hold(stw_proxy_line(p, "\r\nVia: "));
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		char via[1024];

		snprintf(via, sizeof(via), shapes[i], ours);
		stw_proxy_text(p, REQUEST(.via = via), ua());
		assert_answered(p, 482);
		stw_proxy_text(p, REQUEST(.via = via, .call_id = "another"), ua());
		assert_forwarded(p);
	}
}

static void rfc3261_s16_3_4_others_vias_are_no_sign_of_a_loop(void **state)
{
	struct stw_proxy *p = *state;
	char via[512];

	stw_proxy_text(p, REQUEST(0), ua());
	const char *branch = hold(param(p, "\r\nVia: ", "branch="));
	snprintf(via, sizeof(via), UA_VIA ", SIP/2.0/UDP 192.0.2.77;branch=%s", branch);
	stw_proxy_text(p, REQUEST(.via = via), ua());
	assert_forwarded(p);
	snprintf(via, sizeof(via), UA_VIA ", SIP/2.0/UDP 192.0.2.1:5061;branch=%s", branch);
	stw_proxy_text(p, REQUEST(.via = via), ua());
	assert_forwarded(p);
	snprintf(via, sizeof(via), UA_VIA ", SIP/2.0/UDP 192.0.2.1;branch=%.30s", branch);
	stw_proxy_text(p, REQUEST(.via = via), ua());
	assert_forwarded(p);
}

static void rfc3261_s16_3_4_looped_ack_is_dropped(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(.uri = HOME, .method = "ACK"), ua());
	go_on(p, NULL);
	assert_forwarded(p);
	go_on(p, NULL);
	assert_dropped(p, "ack_unroutable");
}

static void rfc3261_s16_11_response_is_known_whatever_the_digest(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(.uri = HOME), ua());
	const char *response = hold(respond(p, "200 OK"));
	stw_proxy_text(p, response, p->v.dst);
	assert_forwarded(p);
	/* the first part is what a response proves; without its second it is not ours */
	char cut[8192];
	const char *end = strstr(response, "branch=") + 7 + 23;
	snprintf(cut, sizeof(cut), "%.*s%s", (int)(end - response), response, end + 8);
	stw_proxy_text(p, cut, p->v.dst);
	assert_dropped(p, "response_forged");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROXY_TEST(rfc3261_s16_3_4_loop_is_answered_482),
		PROXY_TEST(rfc3261_s16_3_4_spiral_with_another_request_uri_passes),
		PROXY_TEST(rfc5393_s4_2_1_the_digest_knows_who_sends),
		PROXY_TEST(rfc5393_s4_2_1_the_digest_knows_the_route_values_used),
		PROXY_TEST(rfc5393_s4_2_1_the_digest_knows_the_cookie_used),
		PROXY_TEST(rfc5393_s4_2_1_the_digest_does_not_know_the_method),
		PROXY_TEST(rfc5393_s4_2_2_the_via_is_found_wherever_it_stands),
		PROXY_TEST(rfc3261_s16_3_4_others_vias_are_no_sign_of_a_loop),
		PROXY_TEST(rfc3261_s16_3_4_looped_ack_is_dropped),
		PROXY_TEST(rfc3261_s16_11_response_is_known_whatever_the_digest),
	};
	return cmocka_run_group_tests_name("proxy-loop", tests, NULL, NULL);
}
