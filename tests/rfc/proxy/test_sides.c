/* SPDX-License-Identifier: BSD-3-Clause */
/* Several listeners, both families, and what a URI says of the way: RFC 3261 s16.6 step 7, s18.1.1,
 * s19.1.1; RFC 5658; RFC 5923. */
#include "tests/rfc/proxy/messages.h"

/* Members at [2001:db8::a0], ::a1, ... */
static void farm_in_ipv6(struct stw_proxy *p)
{
	for (uint8_t i = 0; i < 4; i++) {
		p->farm.members[i].address = stw_farm_v6((uint8_t)(0xa0 + i), 5060);
		p->farm.members[i].id = stw_member_id(&p->farm.members[i].address);
	}
	stw_proxy_publish(p);
}

static void to_listener(struct stw_proxy *p, const char *text, struct stw_endpoint from, uint16_t l)
{
	stw_proxy_handle(p, text, strlen(text), from, l);
}

/* A dialog from @caller at listener @outer, the farm facing listener @inner. */
static void dialog(struct stw_proxy *p, const char *via, struct stw_endpoint caller, uint16_t outer,
		   uint16_t inner)
{
	char routes[512], reversed[512], uri[STW_ENDPOINT_TEXT + 8], at[STW_ENDPOINT_TEXT];

	to_listener(p, REQUEST(.via = via), caller, outer);
	assert_forwarded(p);
	assert_int_equal(p->v.listener_out, inner);
	struct stw_endpoint to = p->v.dst;
	const char *top = hold(stw_proxy_line(p, "\r\nRecord-Route: "));
	const char *below =
		hold(strstr(strstr(p->out, "\r\nRecord-Route: ") + 4, "\r\nRecord-Route: "));
	snprintf(reversed, sizeof(reversed), "Route: %.*s, %s\r\n", (int)strcspn(below + 16, "\r"),
		 below + 16, top);
	snprintf(routes, sizeof(routes), "Route: %s,%.*s\r\n", top, (int)strcspn(below + 16, "\r"),
		 below + 16);

	const char *ok = respond(p, "200 OK");
	to_listener(p, ok, to, inner);
	assert_forwarded(p);
	assert_int_equal(p->v.listener_out, outer);
	assert_sent_to(p, caller);

	to_listener(p,
		    REQUEST(.method = "BYE", .via = via, .to = "<sip:b@c>;tag=1",
			    .extra = reversed),
		    caller, outer);
	assert_forwarded(p);
	assert_sent_to(p, to);
	assert_int_equal(p->v.listener_out, inner);

	stw_endpoint_format(&caller, at);
	snprintf(uri, sizeof(uri), "sip:a@%s", at);
	to_listener(p,
		    REQUEST(.method = "BYE", .uri = uri, .to = "<sip:b@c>;tag=1", .extra = routes),
		    to, inner);
	assert_forwarded(p);
	assert_sent_to(p, caller);
	assert_int_equal(p->v.listener_out, outer);
	assert_null(strstr(p->out, "\r\nRoute:"));
}

static void rfc5658_s5_ipv4_caller_ipv6_farm(void **state)
{
	farm_in_ipv6(*state);
	dialog(*state, UA_VIA, ua(), 0, 1);
}

static void rfc5658_s5_ipv6_caller_ipv4_farm(void **state)
{
	dialog(*state, "SIP/2.0/UDP [2001:db8::99]:5062;branch=z9hG4bK6", stw_farm_v6(0x99, 5062),
	       1, 0);
}

static void rfc5658_s5_outside_and_inside_of_one_family(void **state)
{
	struct stw_proxy *p = *state;

	p->farm.listeners[2].address = stw_farm_v4(198, 51, 100, 1, 5080);
	p->farm.model.n_listeners = 3;
	stw_proxy_publish(p);
	dialog(p, UA_VIA, ua(), 0, 2);
}

static void rfc3261_s18_1_1_sent_by_is_the_listener_that_faces_the_next_hop(void **state)
{
	static const struct {
		const char *uri, *via;
		uint16_t listener;
	} rows[] = {
		{"sip:a@203.0.113.9", "SIP/2.0/UDP 192.0.2.1:5060;", 0},
		{"sip:a@[2001:db8::42]", "SIP/2.0/UDP [2001:db8::1]:5060;", 1},
		{"sip:a@198.51.100.77", "SIP/2.0/UDP 198.51.100.1:5080;", 2},
	};
	struct stw_proxy *p = *state;

	p->farm.listeners[2].address = stw_farm_v4(198, 51, 100, 1, 5080);
	p->farm.model.n_listeners = 3;
	stw_proxy_publish(p);
	for (size_t i = 0; i < 3; i++)
		for (uint16_t in = 0; in < 3; in += 2) {
			to_listener(p, REQUEST(.uri = rows[i].uri), member(0), in);
			assert_forwarded(p);
			assert_int_equal(p->v.listener_out, rows[i].listener);
			assert_memory_equal(stw_proxy_line(p, "\r\nVia: "), rows[i].via,
					    strlen(rows[i].via));
		}
}

static void rfc3261_s19_1_1_default_port_transport_and_maddr(void **state)
{
	static const struct {
		const char *uri, *to;
	} rows[] = {
		{"sip:a@203.0.113.9", "203.0.113.9:5060"},
		{"sip:a@203.0.113.9:5061", "203.0.113.9:5061"},
		{"sip:a@203.0.113.9;transport=UDP", "203.0.113.9:5060"},
		{"sip:a@203.0.113.9;maddr=203.0.113.7", "203.0.113.7:5060"},
		{"sip:a@203.0.113.9:5070;maddr=203.0.113.7", "203.0.113.7:5070"},
		{"sip:a@h.example.com;maddr=[2001:db8::7]", "[2001:db8::7]:5060"},
		{"sip:a@[2001:DB8::9]:65535;user=phone", "[2001:db8::9]:65535"},
	};
	static const char *const refused[] = {"sip:a@203.0.113.9;transport=tls",
					      "sip:a@203.0.113.9;transport=sctp",
					      "sip:a@203.0.113.9;transport=ws",
					      "sip:a@203.0.113.9;transport=pigeon"};
	struct stw_proxy *p = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[STW_ENDPOINT_TEXT];

		stw_proxy_text(p, REQUEST(.uri = rows[i].uri), member(1));
		assert_forwarded(p);
		stw_endpoint_format(&p->v.dst, text);
		assert_string_equal(text, rows[i].to);
		/* the Request-URI stays as it is (s16.6 step 6, 7) */
		assert_non_null(strstr(p->out, rows[i].uri));
	}
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		stw_proxy_text(p, REQUEST(.uri = refused[i]), member(1));
		assert_answered(p, 416);
	}
}

/* Connections are reused on streams only; the wish for it goes on to whom it concerns. */
static void rfc5923_s5_alias_of_a_via_is_kept(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(.via = "SIP/2.0/UDP 203.0.113.5:5062;branch=z9hG4bKa;alias"),
		       ua());
	assert_forwarded(p);
	assert_non_null(
		strstr(p->out, "\r\nVia: SIP/2.0/UDP 203.0.113.5:5062;branch=z9hG4bKa;alias\r\n"));
	assert_null(strstr(stw_proxy_line(p, "\r\nVia: "), "alias"));
	stw_proxy_text(p, respond(p, "200 OK"), p->v.dst);
	assert_forwarded(p);
	assert_non_null(strstr(p->out, ";branch=z9hG4bKa;alias\r\n"));
}

/* The longest of all we may add, all at once, still fits before the message. */
static void the_longest_growth_fits_the_headroom(void **state)
{
	struct stw_proxy *p = *state;
	static const uint8_t long_a[16] = {0x20, 0x01, 0xd,  0xb8, 0x11, 0x11, 0x22, 0x22,
					   0x33, 0x33, 0x44, 0x44, 0x55, 0x55, 0x66, 0x66};
	struct stw_endpoint a = {.ip = stw_ip_from_v6(long_a), .port = 65535}, b = a, phone = a;

	b.ip.b[15] = 0x67;
	phone.ip.b[15] = 0x68;
	phone.port = 65534;
	p->farm.listeners[1].address = a;
	p->farm.listeners[2].address = b;
	p->farm.model.n_listeners = 3;
	p->farm.listeners[1].nat = STW_NAT_ALWAYS;
	p->farm.model.proxy.max_breadth = 1000;
	farm_in_ipv6(p);
	for (size_t iface = 0; iface < STW_FIB_IFACES_MAX; iface++)
		p->snap.facing[iface][1] = 2;
	static const char *const methods[] = {"INVITE", "REGISTER"};
	for (size_t i = 0; i < 2; i++) {
		char text[1024];

		snprintf(text, sizeof(text),
			 "%s sip:b@c SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK\r\n"
			 "f: <sip:a@b>;tag=1\r\nt: <sip:b@c>\r\ni: x\r\nCSeq: 1 %s\r\n\r\n",
			 methods[i], methods[i]);
		char *rport = strstr(text, ";branch");
		memmove(rport + 6, rport, strlen(rport) + 1);
		memcpy(rport, ";rport", 6);
		to_listener(p, text, phone, 1);
		assert_forwarded(p);
		assert_int_equal(p->v.listener_out, 2);
		assert_non_null(
			strstr(p->out, "@[2001:db8:1111:2222:3333:4444:5555:6666]:65535;lr"));
		assert_non_null(
			strstr(p->out, "<sip:[2001:db8:1111:2222:3333:4444:5555:6667]:65535;lr"));
		assert_true(p->out_len - strlen(text) <= STW_REWRITE_HEADROOM);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROXY_TEST(rfc5658_s5_ipv4_caller_ipv6_farm),
		PROXY_TEST(rfc5658_s5_ipv6_caller_ipv4_farm),
		PROXY_TEST(rfc5658_s5_outside_and_inside_of_one_family),
		PROXY_TEST(rfc3261_s18_1_1_sent_by_is_the_listener_that_faces_the_next_hop),
		PROXY_TEST(rfc3261_s19_1_1_default_port_transport_and_maddr),
		PROXY_TEST(rfc5923_s5_alias_of_a_via_is_kept),
		PROXY_TEST(the_longest_growth_fits_the_headroom),
	};
	return cmocka_run_group_tests_name("proxy-sides", tests, NULL, NULL);
}
