/* SPDX-License-Identifier: BSD-3-Clause */
/* Who may be sent where: RFC 3261 s16.5, s16.6 step 7; and where nobody may. */
#include "tests/rfc/proxy/messages.h"

static void rfc3261_s16_5_requests_from_outside_go_to_members_only(void **state)
{
	struct stw_proxy *p = *state;
	size_t seen[4] = {0};

	for (int i = 0; i < 200; i++) {
		char call_id[32];

		snprintf(call_id, sizeof(call_id), "%d@example.com", i);
		stw_proxy_text(p,
			       REQUEST(.uri = "sip:victim@198.18.0.1", .call_id = call_id,
				       .extra = "Route: <sip:198.18.0.2;lr>\r\n"),
			       ua());
		assert_forwarded(p);
		assert_int_equal(p->v.how, STW_HOW_HASH);
		assert_sent_to(p, member((uint8_t)p->v.member));
		seen[p->v.member]++;
	}
	for (size_t i = 0; i < 4; i++)
		assert_in_range(seen[i], 20, 80);
}

static void rfc3261_s16_5_all_of_one_call_goes_to_one_member(void **state)
{
	static const char *const methods[] = {"ACK", "CANCEL", "PRACK", "INFO", "BYE"};
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(0), ua());
	uint16_t chosen = p->v.member;
	for (size_t i = 0; i < 5; i++) {
		stw_proxy_text(p, REQUEST(.method = methods[i], .to = "<sip:b@c>;tag=9"), ua());
		assert_forwarded(p);
		assert_int_equal(p->v.member, chosen);
	}
}

static void rfc3261_s16_5_listener_without_pool_answers_503(void **state)
{
	struct stw_proxy *p = *state;

	p->farm.listeners[0].pool = UINT32_MAX;
	stw_proxy_publish(p);
	stw_proxy_text(p, REQUEST(0), ua());
	assert_answered(p, 503);
	stw_proxy_text(p, REQUEST(.uri = "sip:alice@203.0.113.5"), member(0));
	assert_forwarded(p);
}

static void rfc3261_s16_6_7_a_members_request_goes_to_its_uri(void **state)
{
	static const struct {
		const char *uri, *to;
	} rows[] = {
		{"sip:203.0.113.9", "203.0.113.9:5060"},
		{"sip:alice@203.0.113.9:5099;x=y", "203.0.113.9:5099"},
		{"sip:a@[2001:db8::42]:5062;transport=udp", "[2001:db8::42]:5062"},
		{"sip:a@example.com;maddr=203.0.113.10", "203.0.113.10:5060"},
	};
	struct stw_proxy *p = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[STW_ENDPOINT_TEXT];

		stw_proxy_text(p, REQUEST(.uri = rows[i].uri), member(1));
		assert_forwarded(p);
		assert_int_equal(p->v.how, STW_HOW_URI);
		assert_int_equal(p->v.member, STW_NO_MEMBER);
		assert_false(p->v.new_call);
		stw_endpoint_format(&p->v.dst, text);
		assert_string_equal(text, rows[i].to);
	}
}

static void rfc3261_s16_6_7_a_members_route_outranks_its_uri(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p,
		       REQUEST(.uri = "sip:alice@203.0.113.9",
			       .extra = "Route: <sip:192.0.2.1;lr>\r\n"
					"Route: <sip:203.0.113.50:5070;lr>\r\n"),
		       member(1));
	assert_forwarded(p);
	assert_sent_to(p, stw_farm_v4(203, 0, 113, 50, 5070));
	assert_non_null(strstr(p->out, "\r\nRoute: <sip:203.0.113.50:5070;lr>\r\n"));
}

static void rfc3261_s16_6_7_only_sip_by_udp_is_sent(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(.uri = "sips:alice@203.0.113.9"), member(1));
	assert_answered(p, 416);
	stw_proxy_text(p, REQUEST(.uri = "sip:alice@203.0.113.9;transport=tcp"), member(1));
	assert_answered(p, 416);
	stw_proxy_text(p, REQUEST(.uri = "sip:alice@example.com;transport=tcp"), member(1));
	assert_answered(p, 416);
	stw_proxy_text(p, REQUEST(.uri = "tel:+1234"), member(1));
	assert_answered(p, 416);
}

/* Publish @p with what names stand for. */
static void know(struct stw_proxy *p, const struct stw_image_resolved *names, size_t n)
{
	p->names = names;
	p->n_names = n;
	stw_proxy_publish(p);
}

static void rfc3263_s4_an_unknown_name_goes_to_the_kernel_as_it_came(void **state)
{
	static const char *const methods[] = {"INVITE", "ACK", "BYE", "MESSAGE"};
	static const char *const uris[] = {"sip:alice@example.com", "sip:EXAMPLE.org.:5070",
					   "sip:a@192.0.2.9;maddr=example.net"};
	struct stw_proxy *p = *state;

	for (size_t i = 0; i < 4; i++)
		for (size_t k = 0; k < 3; k++) {
			stw_proxy_text(p, REQUEST(.method = methods[i], .uri = uris[k]), member(1));
			assert_int_equal(p->v.action, STW_ACTION_KERNEL);
			assert_true(p->v.from_member);
		}
	stw_proxy_text(p, REQUEST(.uri = uris[1]), member(1));
	assert_int_equal(p->v.name_port, 5070);
	assert_memory_equal(p->memory + STW_REWRITE_HEADROOM + p->v.name.off, "EXAMPLE.org.",
			    p->v.name.len);
	stw_proxy_text(p, REQUEST(.uri = "sip:a@b", .extra = "Route: <sip:edge.example;lr>\r\n"),
		       member(1));
	assert_int_equal(p->v.action, STW_ACTION_KERNEL);
}

static void rfc3263_s4_strangers_have_no_name_resolved(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(.uri = "sip:alice@example.com"), ua());
	assert_forwarded(p);
	assert_int_equal(p->v.how, STW_HOW_HASH);
}

static void rfc3263_s4_1_a_known_name_is_its_address(void **state)
{
	const struct stw_image_target to[] = {
		{.address = stw_farm_v4(203, 0, 113, 20, 5080), .weight = 1}};
	const struct stw_image_resolved names[] = {
		{.name = "example.com", .len = 11, .targets = to, .n_targets = 1},
	};
	static const char *const uris[] = {"sip:alice@example.com", "sip:EXAMPLE.com.",
					   "sip:a@b.example;maddr=Example.COM"};
	struct stw_proxy *p = *state;

	know(p, names, 1);
	for (size_t i = 0; i < 3; i++) {
		stw_proxy_text(p, REQUEST(.uri = uris[i]), member(1));
		assert_forwarded(p);
		assert_int_equal(p->v.how, STW_HOW_URI);
		assert_sent_to(p, to[0].address);
	}
	/* s4.1: a port in the URI names another place */
	stw_proxy_text(p, REQUEST(.uri = "sip:alice@example.com:5060"), member(1));
	assert_int_equal(p->v.action, STW_ACTION_KERNEL);
}

static void rfc3263_s4_4_all_of_one_call_goes_to_one_target_by_weight(void **state)
{
	const struct stw_image_target to[] = {
		{.address = stw_farm_v4(203, 0, 113, 20, 5080), .priority = 1, .weight = 30},
		{.address = stw_farm_v4(203, 0, 113, 21, 5080), .priority = 1, .weight = 10},
		{.address = stw_farm_v4(203, 0, 113, 22, 5080), .priority = 1, .weight = 0},
		{.address = stw_farm_v4(203, 0, 113, 23, 5080), .priority = 2, .weight = 900},
	};
	const struct stw_image_resolved names[] = {
		{.name = "example.com", .len = 11, .targets = to, .n_targets = 4},
	};
	struct stw_proxy *p = *state;
	size_t seen[256] = {0};

	know(p, names, 1);
	for (int i = 0; i < 2000; i++) {
		const char *uri = "sip:example.com";
		char call_id[32];

		snprintf(call_id, sizeof(call_id), "%d@example.com", i);
		stw_proxy_text(p, REQUEST(.uri = uri, .call_id = call_id), member(1));
		assert_forwarded(p);
		struct stw_endpoint chosen = p->v.dst;
		stw_proxy_text(p, REQUEST(.method = "CANCEL", .uri = uri, .call_id = call_id),
			       member(1));
		assert_sent_to(p, chosen);
		seen[chosen.ip.b[15]]++;
	}
	assert_in_range(seen[20], 1400, 1600);
	assert_in_range(seen[21], 400, 600);
	assert_in_range(seen[22], 0, 20);
	assert_int_equal(seen[23], 0);
}

static void rfc3263_s4_2_a_name_that_stands_for_nothing_is_503(void **state)
{
	const struct stw_image_resolved names[] = {{.name = "example.com", .len = 11}};
	struct stw_proxy *p = *state;

	know(p, names, 1);
	stw_proxy_text(p, REQUEST(.uri = "sip:alice@example.com"), member(1));
	assert_answered(p, 503);
	stw_proxy_text(p, REQUEST(.method = "ACK", .uri = "sip:alice@example.com"), member(1));
	assert_string_equal(stw_proxy_drop(p), "ack_unroutable");
}

static void a_name_reaches_nothing_that_its_address_would_not(void **state)
{
	const struct stw_image_target to[] = {
		{.address = stw_farm_v4(127, 0, 0, 1, 5060)},
		{.address = stw_farm_v4(192, 0, 2, 1, 5060)},
	};
	const struct stw_image_resolved names[] = {
		{.name = "inside.example", .len = 14, .targets = to, .n_targets = 1},
		{.name = "ourselves.example", .len = 17, .targets = to + 1, .n_targets = 1},
	};
	struct stw_proxy *p = *state;

	know(p, names, 2);
	stw_proxy_text(p, REQUEST(.uri = "sip:inside.example"), member(1));
	assert_answered(p, 403);
	/* a spiral: as if from outside */
	stw_proxy_text(p, REQUEST(.uri = "sip:alice@ourselves.example"), member(1));
	assert_forwarded(p);
	assert_int_equal(p->v.how, STW_HOW_HASH);
}

static void nobody_reaches_loopback_multicast_or_link_local_by_us(void **state)
{
	static const char *const uris[] = {
		"sip:127.0.0.1:5080",
		"sip:a@0.0.0.0",
		"sip:169.254.169.254:80",
		"sip:a@224.0.1.75",
		"sip:a@255.255.255.255",
		"sip:[::1]",
		"sip:[::]",
		"sip:[fe80::1]",
		"sip:[ff02::1]",
		"sip:[::ffff:127.0.0.1]",
		"sip:a@203.0.113.9;maddr=239.255.255.1",
	};
	struct stw_proxy *p = *state;

	for (size_t i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
		stw_proxy_text(p, REQUEST(.uri = uris[i]), member(1));
		assert_answered(p, 403);
		stw_proxy_text(p, REQUEST(.method = "ACK", .uri = uris[i]), member(1));
		assert_dropped(p, "forbidden_target");
	}
}

static void rfc3261_s16_6_7_our_own_address_as_target_spirals_into_the_pool(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(.uri = "sip:bob@192.0.2.1"), member(1));
	assert_forwarded(p);
	assert_int_equal(p->v.how, STW_HOW_HASH);
	assert_true(p->v.from_member);
	assert_true(p->v.new_call);
	assert_true(p->v.member < 4);
	stw_proxy_text(p, REQUEST(.uri = "sip:bob@h;maddr=192.0.2.1"), member(1));
	assert_answered(p, 403);
}

static void of_listeners_on_one_address_the_one_used_goes_on(void **state)
{
	struct stw_proxy *p = *state;

	p->farm.listeners[2].address = stw_farm_v4(192, 0, 2, 1, 5070);
	p->farm.model.n_listeners = 3;
	stw_proxy_publish(p);
	stw_proxy_handle(p, REQUEST(0), strlen(REQUEST(0)), ua(), 2);
	assert_forwarded(p);
	assert_int_equal(p->v.listener_out, 2);
	assert_non_null(strstr(p->out, "Via: SIP/2.0/UDP 192.0.2.1:5070;"));
	/* and the response leaves from there too, as RFC 3581 s4 wants it */
	stw_proxy_text(p, respond(p, "200 OK"), p->v.dst);
	assert_forwarded(p);
	assert_int_equal(p->v.listener_out, 2);
}

static void no_route_and_no_listener_are_told_apart(void **state)
{
	struct stw_proxy *p = *state;
	struct stw_fib *whole = p->fib;

	p->fib = stw_fib_build(NULL, 0, NULL, 0, NULL, 0);
	p->snap.fib = p->fib;
	stw_proxy_text(p, REQUEST(0), ua());
	assert_dropped(p, "no_route");
	stw_fib_free(p->fib);
	p->fib = whole;

	p->farm.model.n_listeners = 1;
	stw_proxy_publish(p);
	stw_proxy_text(p, REQUEST(.uri = "sip:a@[2001:db8::42]"), member(1));
	assert_dropped(p, "no_listener");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROXY_TEST(rfc3261_s16_5_requests_from_outside_go_to_members_only),
		PROXY_TEST(rfc3261_s16_5_all_of_one_call_goes_to_one_member),
		PROXY_TEST(rfc3261_s16_5_listener_without_pool_answers_503),
		PROXY_TEST(rfc3261_s16_6_7_a_members_request_goes_to_its_uri),
		PROXY_TEST(rfc3261_s16_6_7_a_members_route_outranks_its_uri),
		PROXY_TEST(rfc3261_s16_6_7_only_sip_by_udp_is_sent),
		PROXY_TEST(rfc3263_s4_an_unknown_name_goes_to_the_kernel_as_it_came),
		PROXY_TEST(rfc3263_s4_strangers_have_no_name_resolved),
		PROXY_TEST(rfc3263_s4_1_a_known_name_is_its_address),
		PROXY_TEST(rfc3263_s4_4_all_of_one_call_goes_to_one_target_by_weight),
		PROXY_TEST(rfc3263_s4_2_a_name_that_stands_for_nothing_is_503),
		PROXY_TEST(a_name_reaches_nothing_that_its_address_would_not),
		PROXY_TEST(nobody_reaches_loopback_multicast_or_link_local_by_us),
		PROXY_TEST(rfc3261_s16_6_7_our_own_address_as_target_spirals_into_the_pool),
		PROXY_TEST(of_listeners_on_one_address_the_one_used_goes_on),
		PROXY_TEST(no_route_and_no_listener_are_told_apart),
	};
	return cmocka_run_group_tests_name("proxy-target", tests, NULL, NULL);
}
