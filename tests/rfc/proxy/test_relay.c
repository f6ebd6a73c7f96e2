/* SPDX-License-Identifier: BSD-3-Clause */
/* Nobody's relay: what strangers, trusted peers and members may have us send, and where. */
#include "tests/rfc/proxy/messages.h"

static struct stw_endpoint carrier(void)
{
	return stw_farm_v4(198, 18, 7, 9, 5060);
}

#define CARRIER_VIA "SIP/2.0/UDP 198.18.7.9;branch=z9hG4bKc"

static void trust(struct stw_proxy *p)
{
	p->farm.trusted[0] = (struct stw_model_prefix){stw_farm_v4(198, 18, 7, 0, 0).ip, 24};
	p->farm.listeners[0].trusted = p->farm.trusted;
	p->farm.listeners[0].n_trusted = 1;
	stw_proxy_publish(p);
}

static void a_trusted_peer_sends_where_its_route_or_uri_says(void **state)
{
	struct stw_proxy *p = *state;
	const char *request = REQUEST(.via = CARRIER_VIA, .uri = "sip:bob@203.0.113.77:5080");

	stw_proxy_text(p, request, carrier());
	assert_forwarded(p);
	assert_int_equal(p->v.how, STW_HOW_HASH);
	trust(p);
	stw_proxy_text(p, request, carrier());
	assert_forwarded(p);
	assert_true(p->v.trusted);
	assert_int_equal(p->v.how, STW_HOW_URI);
	assert_sent_to(p, stw_farm_v4(203, 0, 113, 77, 5080));
	/* no member is in this dialog: it needs no way back through us */
	assert_null(strstr(p->out, "\r\nRecord-Route:"));
	stw_proxy_text(p,
		       REQUEST(.via = CARRIER_VIA, .extra = "Route: <sip:192.0.2.1;lr>\r\n"
							    "Route: <sip:203.0.113.8;lr>\r\n"),
		       carrier());
	assert_forwarded(p);
	assert_sent_to(p, stw_farm_v4(203, 0, 113, 8, 5060));
}

static void a_trusted_peers_calls_to_us_go_to_the_pool(void **state)
{
	struct stw_proxy *p = *state;
	char route[128];

	trust(p);
	stw_proxy_text(p, REQUEST(.via = CARRIER_VIA, .uri = "sip:+4930123@192.0.2.1"), carrier());
	assert_forwarded(p);
	assert_int_equal(p->v.how, STW_HOW_HASH);
	uint16_t chosen = p->v.member;
	snprintf(route, sizeof(route), "Route: <sip:192.0.2.1;lr;stw=%s>\r\n",
		 param(p, "\r\nRecord-Route: ", "stw="));
	stw_proxy_text(p,
		       REQUEST(.method = "BYE", .via = CARRIER_VIA, .uri = "sip:b@10.1.1.1",
			       .to = "<sip:b@c>;tag=1", .extra = route),
		       carrier());
	assert_forwarded(p);
	assert_int_equal(p->v.how, STW_HOW_COOKIE);
	assert_int_equal(p->v.member, chosen);
}

static void trust_is_a_listeners_own(void **state)
{
	struct stw_proxy *p = *state;
	const char *request = REQUEST(.via = CARRIER_VIA, .uri = "sip:bob@203.0.113.77");

	p->farm.listeners[2].address = stw_farm_v4(192, 0, 2, 1, 5070);
	p->farm.model.n_listeners = 3;
	trust(p);
	stw_proxy_handle(p, request, strlen(request), carrier(), 2);
	assert_forwarded(p);
	assert_false(p->v.trusted);
	assert_int_equal(p->v.how, STW_HOW_HASH);
	stw_proxy_text(p, request, stw_farm_v4(198, 18, 8, 9, 5060));
	assert_int_equal(p->v.how, STW_HOW_HASH);
}

static void a_trusted_peer_reaches_nothing_that_members_may_not(void **state)
{
	struct stw_proxy *p = *state;
	static const char *const uris[] = {"sip:127.0.0.1", "sip:203.0.113.9:53",
					   "sip:192.0.2.1:22"};

	trust(p);
	for (size_t i = 0; i < 3; i++) {
		stw_proxy_text(p, REQUEST(.via = CARRIER_VIA, .uri = uris[i]), carrier());
		assert_answered(p, 403);
	}
}

static void nothing_is_sent_to_closed_ports(void **state)
{
	static const char *const uris[] = {"sip:a@203.0.113.9:53", "sip:203.0.113.9:1023",
					   "sip:a@[2001:db8::42]:123"};
	struct stw_proxy *p = *state;

	for (size_t i = 0; i < 3; i++) {
		stw_proxy_text(p, REQUEST(.uri = uris[i]), member(1));
		assert_answered(p, 403);
		assert_memory_equal(p->out, "SIP/2.0 403 Forbidden Port\r\n", 28);
		stw_proxy_text(p, REQUEST(.method = "ACK", .uri = uris[i]), member(1));
		assert_dropped(p, "closed_port");
	}
	stw_proxy_text(p, REQUEST(.uri = "sip:a@203.0.113.9:1024"), member(1));
	assert_forwarded(p);
}

static void no_answer_goes_to_a_closed_port(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(.via = UA_VIA ";rport", .max_forwards = "0"),
		       stw_farm_v4(203, 0, 113, 5, 53));
	assert_dropped(p, "closed_port");
	/* nor where Via's port alone says so */
	stw_proxy_text(p,
		       REQUEST(.via = "SIP/2.0/UDP 203.0.113.5:19;branch=z9hG4bKx",
			       .max_forwards = "0"),
		       ua());
	assert_dropped(p, "closed_port");
}

static void no_response_goes_to_a_closed_port(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(.via = "SIP/2.0/UDP 203.0.113.5:123;branch=z9hG4bKx"), ua());
	assert_forwarded(p); /* the member has it; its response ends here */
	stw_proxy_text(p, respond(p, "200 OK"), p->v.dst);
	assert_dropped(p, "closed_port");
}

static void a_member_may_live_behind_a_closed_port(void **state)
{
	struct stw_proxy *p = *state;

	for (size_t i = 0; i < 4; i++)
		p->farm.members[i].address.port = 443;
	stw_proxy_publish(p);
	stw_proxy_text(p, REQUEST(0), ua());
	assert_forwarded(p);
	assert_int_equal(p->v.dst.port, 443);
	stw_proxy_text(p, respond(p, "200 OK"), p->v.dst);
	assert_forwarded(p);
	stw_proxy_text(p, REQUEST(.uri = "sip:a@198.51.100.11:443"), p->farm.members[0].address);
	assert_forwarded(p);
	assert_int_equal(p->v.member, 1);
	stw_proxy_text(p, REQUEST(.via = UA_VIA ";rport", .max_forwards = "0"),
		       p->farm.members[0].address);
	assert_answered(p, 483);
}

static void nobody_reaches_other_ports_of_our_own_addresses(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(.uri = "sip:a@192.0.2.1:5070"), member(1));
	assert_answered(p, 403);
	stw_proxy_text(p, REQUEST(.method = "ACK", .uri = "sip:a@[2001:db8::1]:9999"), member(1));
	assert_dropped(p, "forbidden_target");
	stw_proxy_text(p, REQUEST(.via = "SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKx"),
		       stw_farm_v4(192, 0, 2, 1, 5070));
	assert_forwarded(p);
	stw_proxy_text(p, respond(p, "200 OK"), p->v.dst);
	assert_dropped(p, "forbidden_target");
}

/* A subnet's broadcast address multiplies what is sent to it (RFC 2644). */
static void nobody_reaches_a_broadcast_address_of_our_subnets(void **state)
{
	static const char *const uris[] = {"sip:a@192.0.2.255", "sip:a@192.0.2.0",
					   "sip:a@198.51.100.255:5080"};
	struct stw_proxy *p = *state;

	for (size_t i = 0; i < 3; i++) {
		stw_proxy_text(p, REQUEST(.uri = uris[i]), member(1));
		assert_dropped(p, "no_route");
	}
	stw_proxy_text(p, REQUEST(.uri = "sip:a@203.0.113.255"), member(1));
	assert_forwarded(p);
}

static void a_strangers_request_reaches_members_only(void **state)
{
	static const char *const extras[] = {
		"Route: <sip:203.0.113.99;lr>\r\n",
		"Route: <sip:192.0.2.1;lr>, <sip:203.0.113.99;lr>\r\n",
		"Route: <sip:192.0.2.1;lr;stw=300000000000000000000000>\r\n",
		"Route: <sip:203.0.113.99>\r\n",
		"Route: <sip:stw30aa13c6cb7113050123456789abcdef@192.0.2.1;lr>\r\n",
	};
	static const char *const methods[] = {"INVITE", "ACK",	   "BYE",
					      "CANCEL", "MESSAGE", "REGISTER"};
	struct stw_proxy *p = *state;

	for (size_t i = 0; i < sizeof(extras) / sizeof(extras[0]); i++)
		for (size_t k = 0; k < sizeof(methods) / sizeof(methods[0]); k++) {
			stw_proxy_text(p,
				       REQUEST(.method = methods[k], .uri = "sip:v@203.0.113.98",
					       .extra = extras[i]),
				       ua());
			assert_forwarded(p);
			assert_true(p->v.member < 4);
			assert_sent_to(p, member((uint8_t)p->v.member));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROXY_TEST(a_trusted_peer_sends_where_its_route_or_uri_says),
		PROXY_TEST(a_trusted_peers_calls_to_us_go_to_the_pool),
		PROXY_TEST(trust_is_a_listeners_own),
		PROXY_TEST(a_trusted_peer_reaches_nothing_that_members_may_not),
		PROXY_TEST(nothing_is_sent_to_closed_ports),
		PROXY_TEST(no_answer_goes_to_a_closed_port),
		PROXY_TEST(no_response_goes_to_a_closed_port),
		PROXY_TEST(a_member_may_live_behind_a_closed_port),
		PROXY_TEST(nobody_reaches_other_ports_of_our_own_addresses),
		PROXY_TEST(nobody_reaches_a_broadcast_address_of_our_subnets),
		PROXY_TEST(a_strangers_request_reaches_members_only),
	};
	return cmocka_run_group_tests_name("proxy-relay", tests, NULL, NULL);
}
