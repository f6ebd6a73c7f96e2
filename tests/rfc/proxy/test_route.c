/* SPDX-License-Identifier: BSD-3-Clause */
/* Route handling: RFC 3261 s16.4, s16.6 step 6, s16.12. */
#include "tests/rfc/proxy/messages.h"

#define OURS	"<sip:192.0.2.1;lr>"
#define WRITTEN "<sip:192.0.2.1;lr;stw=0123456789abcdef01234567>"

/* The result's headers from Route on, or "" without Route. */
static const char *routes(const struct stw_proxy *p)
{
	static char text[2048];
	const char *at = p->out;

	text[0] = '\0';
	while ((at = strstr(at, "\r\nRoute:")) != NULL) {
		size_t n = strcspn(at + 2, "\r");

		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%.*s",
			 *text ? "|" : "", (int)n, at + 2);
		at += 2;
	}
	return text;
}

static void rfc3261_s16_4_our_route_is_removed(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(.extra = "Route: " OURS "\r\n"), ua());
	assert_forwarded(p);
	assert_string_equal(routes(p), "");
	assert_int_equal(p->v.n_route_pops, 1);
}

static void rfc3261_s16_4_all_of_ours_from_the_top_are_removed(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(
		p,
		REQUEST(.extra = "Route: " OURS " , \"Us\" "
				 "<sip:192.0.2.1:5060;x=1;lr;stw=0123456789abcdef01234567>\r\n"
				 "Subject: between\r\n"
				 "route : <sip:[2001:DB8::1];stw=0123456789abcdef01234567;lr>,\r\n"
				 " <sip:ss1.example.com;lr>,<sip:192.0.2.1;lr>\r\n"),
		ua());
	assert_forwarded(p);
	assert_int_equal(p->v.n_route_pops, 3);
	assert_null(strstr(p->out, "2001:DB8"));
	assert_non_null(strstr(p->out, "\r\nSubject: between\r\nroute : <sip:ss1.example.com;lr>,"
				       "<sip:192.0.2.1;lr>\r\n"));
	assert_string_equal(routes(p), "");
}

static void rfc3261_s16_4_others_routes_stay(void **state)
{
	static const char *const others[] = {
		"Route: <sip:192.0.2.1:5070;lr>",
		"Route: <sip:192.0.2.2;lr>",
		"Route: <sips:192.0.2.1;lr>",
		"Route: <sip:192.0.2.1;transport=tcp;lr>",
		"Route: <sip:lb.example.com;lr>, " OURS,
	};
	struct stw_proxy *p = *state;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		char extra[256];

		snprintf(extra, sizeof(extra), "%s\r\n", others[i]);
		stw_proxy_text(p, REQUEST(.extra = extra), ua());
		assert_forwarded(p);
		assert_int_equal(p->v.n_route_pops, 0);
		assert_string_equal(routes(p), others[i]);
	}
}

static void rfc3261_s16_4_no_more_than_the_limit_are_removed(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p,
		       REQUEST(.extra = "Route: " WRITTEN "\r\nRoute: " WRITTEN "," WRITTEN
					"\r\nRoute: " WRITTEN "," WRITTEN "," WRITTEN "\r\n"),
		       ua());
	assert_forwarded(p);
	assert_int_equal(p->v.n_route_pops, STW_ROUTE_POPS_MAX);
	assert_string_equal(routes(p), "Route: " WRITTEN "," WRITTEN);
}

/* A member that advertises our address record-routes with it, and must find its value again. */
static void rfc3261_s16_4_a_later_value_that_we_did_not_write_stays(void **state)
{
	static const char *const above[] = {OURS, WRITTEN, WRITTEN ",\r\n " WRITTEN};
	struct stw_proxy *p = *state;

	for (size_t i = 0; i < sizeof(above) / sizeof(above[0]); i++) {
		char extra[512];

		snprintf(extra, sizeof(extra), "Route: %s\r\nRoute: " OURS "," WRITTEN "\r\n",
			 above[i]);
		stw_proxy_text(p, REQUEST(.to = "<sip:b@c>;tag=1", .extra = extra), ua());
		assert_forwarded(p);
		assert_string_equal(routes(p), "Route: " OURS "," WRITTEN);
	}
}

/* With the parameter that Kamailio's own value has, or what is nearly that; ours has its cookie. */
static void rfc3261_s16_4_a_members_value_behind_ours_stays(void **state)
{
	static const char *const others[] = {
		"<sip:192.0.2.11:5060;lr;did=7a8.1>", "<sip:192.0.2.11;lr;did=f07.1a2b>,<sip:p;lr>",
		"<sip:192.0.2.1:5060;lr;did=7a8.1>",  "<sip:192.0.2.1:5060;lr;did=>",
		"<sip:192.0.2.11;lr;did=7A8.1>",      "<sip:192.0.2.11;lr;did=7a8.1;x>",
	};
	struct stw_proxy *p = *state;
	char extra[512];

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		snprintf(extra, sizeof(extra), "Route: " WRITTEN ",%s\r\n", others[i]);
		stw_proxy_text(p, REQUEST(.to = "<sip:b@c>;tag=1", .extra = extra), ua());
		assert_forwarded(p);
		assert_int_equal(p->v.n_route_pops, 1);
		snprintf(extra, sizeof(extra), "Route: %s", others[i]);
		assert_string_equal(routes(p), extra);
	}
	stw_proxy_text(p,
		       REQUEST(.extra = "Route: " OURS ",<sip:192.0.2.1;lr;did=7a8.1"
					";stw=0123456789abcdef01234567>\r\n"),
		       ua());
	assert_forwarded(p);
	assert_int_equal(p->v.n_route_pops, 2);
	assert_string_equal(routes(p), "");
	stw_proxy_text(p, REQUEST(.extra = "Route: " OURS ",<sip:192.0.2.256;lr;did= 1>\r\n"),
		       ua());
	assert_answered(p, 400);
}

static void rfc3261_s16_3_1_malformed_later_route_is_answered_400(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(.extra = "Route: " OURS "\r\nRoute: <sip:\r\n"), ua());
	assert_answered(p, 400);
	stw_proxy_text(p, REQUEST(.extra = "Route: " OURS ", sip:nobrackets.example.com\r\n"),
		       ua());
	assert_answered(p, 400);
}

/* What a strict router makes of our Record-Route: it in the Request-URI, the target last. */
static void rfc3261_s16_4_strict_routers_request_uri_is_restored(void **state)
{
	struct stw_proxy *p = *state;
	char uri[128];

	stw_proxy_text(p, REQUEST(0), ua());
	uint16_t chosen = p->v.member;
	snprintf(uri, sizeof(uri), "sip:192.0.2.1:5060;lr;stw=%s",
		 param(p, "\r\nRecord-Route: ", "stw="));
	stw_proxy_text(
		p,
		REQUEST(.method = "BYE", .uri = uri, .to = "<sip:b@c>;tag=1",
			.extra = "Route: <sip:p3.example.com;lr>,<sip:bob@198.51.100.99>\r\n"),
		ua());
	assert_forwarded(p);
	assert_memory_equal(p->out, "BYE sip:bob@198.51.100.99 SIP/2.0\r\n", 35);
	assert_string_equal(routes(p), "Route: <sip:p3.example.com;lr>");
	assert_int_equal(p->v.how, STW_HOW_COOKIE);
	assert_int_equal(p->v.member, chosen);

	stw_proxy_text(p,
		       REQUEST(.method = "BYE", .uri = uri, .to = "<sip:b@c>;tag=1",
			       .extra = "Route: " OURS "\r\nRoute: <sip:bob@198.51.100.99>\r\n"),
		       ua());
	assert_forwarded(p);
	assert_memory_equal(p->out, "BYE sip:bob@198.51.100.99 SIP/2.0\r\n", 35);
	assert_string_equal(routes(p), "");

	stw_proxy_text(p,
		       REQUEST(.method = "BYE", .uri = uri, .to = "<sip:b@c>;tag=1",
			       .extra =
				       "Route: <sip:p1;lr>\r\nRoute: <sip:p2;lr>,<sip:b@p3;x>\r\n"),
		       ua());
	assert_forwarded(p);
	assert_memory_equal(p->out, "BYE sip:b@p3;x SIP/2.0\r\n", 24);
	assert_string_equal(routes(p), "Route: <sip:p1;lr>|Route: <sip:p2;lr>");
}

static void rfc3261_s16_6_6_strict_next_hop_gets_the_request_uri_last(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p,
		       REQUEST(.extra = "Route: " OURS ",<sip:strict.example.com>\r\n"
					"Route: <sip:p4.example.com;lr>\r\n"),
		       ua());
	assert_forwarded(p);
	assert_memory_equal(p->out, "INVITE sip:strict.example.com SIP/2.0\r\n", 39);
	assert_string_equal(routes(p),
			    "Route: <sip:p4.example.com;lr>|Route: <sip:bob@biloxi.example.com>");

	stw_proxy_text(p, REQUEST(.extra = "Route: <sip:strict.example.com>\r\n"), ua());
	assert_forwarded(p);
	assert_memory_equal(p->out, "INVITE sip:strict.example.com SIP/2.0\r\n", 39);
	assert_string_equal(routes(p), "Route: <sip:bob@biloxi.example.com>");
}

/* What strict routing would put first is judged like a first one. */
static void rfc3261_s20_34_a_route_moved_by_strict_routing_must_be_sound(void **state)
{
	struct stw_proxy *p = *state;
	static const char *const bad[] = {
		"Route: <sip:strict.example.com>\r\nRoute: <sip:12\x17.0.0.1:5080>\r\n",
		"Route: <sip:strict.example.com>,sip:no-brackets.example.com\r\n",
		"Route: <sip:strict.example.com>\r\nRoute: <sip:p:99999999>\r\n",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		stw_proxy_text(p, REQUEST(.extra = bad[i]), ua());
		assert_int_equal(p->v.action, STW_ACTION_ANSWER);
		assert_int_equal(p->v.status, 400);
	}
}

/* s16.6 step 6 and s16.4 make it the Request-URI, in which "?" is refused. */
static void rfc3261_s19_1_1_a_route_with_headers_becomes_no_request_uri(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(.extra = "Route: <sip:strict.example.com?Subject=x>\r\n"), ua());
	assert_int_equal(p->v.action, STW_ACTION_ANSWER);
	assert_int_equal(p->v.status, 400);
}

static void rfc3261_s16_6_6_a_members_strict_next_hop_is_the_target(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(.extra = "Route: " OURS ",<sip:203.0.113.77:5081>\r\n"),
		       member(0));
	assert_forwarded(p);
	assert_sent_to(p, stw_farm_v4(203, 0, 113, 77, 5081));
	assert_memory_equal(p->out, "INVITE sip:203.0.113.77:5081 SIP/2.0\r\n", 38);
	assert_string_equal(routes(p), "Route: <sip:bob@biloxi.example.com>");
}

/* Both ends strict: restored first, displaced again. */
static void rfc3261_s16_4_and_s16_6_6_together(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p,
		       REQUEST(.method = "BYE", .uri = "sip:192.0.2.1;stw=0",
			       .extra = "Route: <sip:strict.example.com>,<sip:p;lr>,<sip:b@c>\r\n"),
		       ua());
	assert_forwarded(p);
	assert_memory_equal(p->out, "BYE sip:strict.example.com SIP/2.0\r\n", 36);
	assert_string_equal(routes(p), "Route: <sip:p;lr>|Route: <sip:b@c>");
}

static void rfc3261_s16_12_1_lr_in_a_user_part_is_no_parameter(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(.extra = "Route: <sip:a;lr@strict.example.com>\r\n"), ua());
	assert_forwarded(p);
	assert_memory_equal(p->out, "INVITE sip:a;lr@strict.example.com SIP/2.0\r\n", 44);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROXY_TEST(rfc3261_s16_4_our_route_is_removed),
		PROXY_TEST(rfc3261_s16_4_all_of_ours_from_the_top_are_removed),
		PROXY_TEST(rfc3261_s16_4_others_routes_stay),
		PROXY_TEST(rfc3261_s16_4_no_more_than_the_limit_are_removed),
		PROXY_TEST(rfc3261_s16_4_a_later_value_that_we_did_not_write_stays),
		PROXY_TEST(rfc3261_s16_4_a_members_value_behind_ours_stays),
		PROXY_TEST(rfc3261_s16_3_1_malformed_later_route_is_answered_400),
		PROXY_TEST(rfc3261_s16_4_strict_routers_request_uri_is_restored),
		PROXY_TEST(rfc3261_s16_6_6_strict_next_hop_gets_the_request_uri_last),
		PROXY_TEST(rfc3261_s20_34_a_route_moved_by_strict_routing_must_be_sound),
		PROXY_TEST(rfc3261_s19_1_1_a_route_with_headers_becomes_no_request_uri),
		PROXY_TEST(rfc3261_s16_6_6_a_members_strict_next_hop_is_the_target),
		PROXY_TEST(rfc3261_s16_4_and_s16_6_6_together),
		PROXY_TEST(rfc3261_s16_12_1_lr_in_a_user_part_is_no_parameter),
	};
	return cmocka_run_group_tests_name("proxy-route", tests, NULL, NULL);
}
