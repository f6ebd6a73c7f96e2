/* SPDX-License-Identifier: BSD-3-Clause */
/* Phones behind NATs: flow tokens and Path, RFC 5626 s5; RFC 3327 s5; RFC 3608 s5. */
#include "dataplane/route/flow.h"
#include "tests/rfc/proxy/messages.h"

#define NAT_VIA	    "SIP/2.0/UDP 10.0.0.7:5060;branch=z9hG4bKnat;rport"
#define NAT_CONTACT "Contact: <sip:alice@10.0.0.7:5060>\r\n"
#define NATTED	    .via = NAT_VIA, .extra = NAT_CONTACT

/* The URI in the @n-th line that starts with @name, brackets taken off; "" without such a line. */
static const char *uri_of(const struct stw_proxy *p, const char *name, int n)
{
	const char *at = p->out;
	char text[256] = "";

	while (n-- >= 0 && at != NULL)
		at = (at = strstr(at, name)) != NULL ? at + strlen(name) : NULL;
	if (at != NULL)
		snprintf(text, sizeof(text), "%.*s", (int)strcspn(at, ">\r") - 1, at + 1);
	return hold(text);
}

#define RECORD_ROUTE(n) uri_of(p, "\r\nRecord-Route: ", n)
#define PATH(n)		uri_of(p, "\r\nPath: ", n)

static bool has_token(const char *uri)
{
	return strncmp(uri, "sip:stw", 7) == 0 && strchr(uri, '@') != NULL;
}

static const char *route(const char *uri)
{
	char text[512];

	snprintf(text, sizeof(text), "Route: <%s>\r\n", uri);
	return hold(text);
}

static struct stw_endpoint inside(void)
{
	return stw_farm_v4(198, 51, 100, 1, 5060);
}

/* A listener of its own for the farm: requests leave by another one than they came. */
static void two_sides(struct stw_proxy *p)
{
	p->farm.listeners[2].address = inside();
	p->farm.model.n_listeners = 3;
	stw_proxy_publish(p);
}

static void rfc5626_s5_2_record_route_tells_the_flow_of_a_phone_behind_nat(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(NATTED), ua());
	assert_forwarded(p);
	const char *uri = RECORD_ROUTE(0);
	assert_true(has_token(uri));
	assert_non_null(strstr(uri, "@192.0.2.1:5060;lr;stw="));
	assert_string_equal(RECORD_ROUTE(1), "");
	stw_proxy_text(p, REQUEST(0), ua());
	assert_false(has_token(RECORD_ROUTE(0)));
}

static void rfc5626_s5_3_the_farms_request_goes_to_the_flow(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(NATTED), ua());
	const char *uri = RECORD_ROUTE(0);
	uint8_t chosen = (uint8_t)p->v.member;
	static const char *const methods[] = {"BYE", "ACK", "INVITE", "INFO"};
	for (size_t i = 0; i < 4; i++) {
		stw_proxy_text(p,
			       REQUEST(.method = methods[i], .uri = "sip:alice@10.0.0.7:5060",
				       .to = "<sip:alice@example.com>;tag=1", .extra = route(uri)),
			       member(chosen));
		assert_forwarded(p);
		assert_int_equal(p->v.how, STW_HOW_FLOW);
		assert_sent_to(p, ua());
		assert_int_equal(p->v.listener_out, 0);
		assert_int_equal(p->v.member, STW_NO_MEMBER);
		assert_null(strstr(p->out, "\r\nRoute:"));
		assert_non_null(strstr(p->out, " sip:alice@10.0.0.7:5060 SIP/2.0\r\n"));
	}
}

/* One URI for both directions: for the phone it is the cookie that counts. */
static void rfc5626_s5_3_the_phones_request_goes_to_its_member(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(NATTED), ua());
	const char *uri = RECORD_ROUTE(0);
	uint16_t chosen = p->v.member;
	stw_proxy_text(p,
		       REQUEST(.method = "BYE", .via = NAT_VIA, .to = "<sip:b@c>;tag=1",
			       .extra = route(uri)),
		       ua());
	assert_forwarded(p);
	assert_int_equal(p->v.how, STW_HOW_COOKIE);
	assert_int_equal(p->v.member, chosen);
	assert_null(strstr(p->out, "\r\nRoute:"));
	/* nor can a stranger use another's token */
	stw_proxy_text(p, REQUEST(.method = "MESSAGE", .call_id = "other", .extra = route(uri)),
		       stw_farm_v4(203, 0, 113, 99, 5060));
	assert_forwarded(p);
	assert_int_equal(p->v.how, STW_HOW_HASH);
}

static void rfc5658_s5_of_two_values_the_outer_has_the_token(void **state)
{
	struct stw_proxy *p = *state;

	two_sides(p);
	stw_proxy_text(p, REQUEST(NATTED), ua());
	assert_forwarded(p);
	assert_int_equal(p->v.listener_out, 2);
	const char *top = RECORD_ROUTE(0), *below = RECORD_ROUTE(1);
	assert_memory_equal(top, "sip:198.51.100.1:5060;lr;stw=", 29);
	assert_true(has_token(below));
	assert_non_null(strstr(below, "@192.0.2.1:5060;lr;stw="));
	char both[512];
	snprintf(both, sizeof(both), "Route: <%s>, <%s>\r\n", top, below);
	const char *bye = REQUEST(.method = "BYE", .uri = "sip:alice@10.0.0.7", .extra = both);
	stw_proxy_handle(p, bye, strlen(bye), member((uint8_t)p->v.member), 2);
	assert_forwarded(p);
	assert_sent_to(p, ua());
	assert_int_equal(p->v.listener_out, 0);
	assert_int_equal(p->v.n_route_pops, 2);
}

static void rfc5626_s5_3_by_the_listener_the_flow_came_to(void **state)
{
	struct stw_proxy *p = *state;

	p->farm.listeners[2].address = stw_farm_v4(192, 0, 2, 1, 5070);
	p->farm.model.n_listeners = 3;
	stw_proxy_publish(p);
	const char *invite = REQUEST(NATTED);
	stw_proxy_handle(p, invite, strlen(invite), ua(), 2);
	assert_forwarded(p);
	const char *uri = RECORD_ROUTE(0);
	assert_non_null(strstr(uri, "@192.0.2.1:5070;lr"));
	stw_proxy_text(p, REQUEST(.method = "BYE", .uri = "sip:a@10.0.0.7", .extra = route(uri)),
		       member(0));
	assert_forwarded(p);
	assert_int_equal(p->v.listener_in, 0);
	assert_int_equal(p->v.listener_out, 2);
	assert_non_null(strstr(p->out, "Via: SIP/2.0/UDP 192.0.2.1:5070;branch="));
}

static void rfc5626_s5_3_forged_token_is_answered_403(void **state)
{
	struct stw_proxy *p = *state;
	char uri[256], good[256];

	stw_proxy_text(p, REQUEST(NATTED), ua());
	snprintf(good, sizeof(good), "%s", RECORD_ROUTE(0));
	size_t token = strcspn(good, "@");
	for (size_t i = 7; i < token; i++) {
		snprintf(uri, sizeof(uri), "%s", good);
		uri[i] = uri[i] == '7' ? '8' : '7';
		stw_proxy_text(p, REQUEST(.method = "BYE", .extra = route(uri)), member(0));
		assert_answered(p, 403);
		assert_int_equal(p->v.odd, STW_C_FLOW_FORGED);
		stw_proxy_text(p, REQUEST(.method = "ACK", .extra = route(uri)), member(0));
		assert_dropped(p, "ack_unroutable");
	}
	for (size_t i = 8; i < token; i++) { /* cut short */
		snprintf(uri, sizeof(uri), "%.*s%s", (int)i, good, good + token);
		stw_proxy_text(p, REQUEST(.method = "BYE", .extra = route(uri)), member(0));
		assert_answered(p, 403);
	}
	snprintf(uri, sizeof(uri), "%.*s0%s", (int)token, good, good + token); /* longer */
	stw_proxy_text(p, REQUEST(.method = "BYE", .extra = route(uri)), member(0));
	assert_answered(p, 403);
	snprintf(uri, sizeof(uri), "%.*s@[2001:db8::1];lr", (int)token, good); /* another's */
	stw_proxy_text(p, REQUEST(.method = "BYE", .extra = route(uri)), member(0));
	assert_answered(p, 403);
}

static void a_user_part_that_claims_nothing_is_borne(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p,
		       REQUEST(.uri = "sip:a@203.0.113.9", .extra = route("sip:lb@192.0.2.1;lr")),
		       member(0));
	assert_forwarded(p);
	assert_int_equal(p->v.how, STW_HOW_URI);
}

static void rfc5626_s5_2_tokens_outlive_a_change_of_keys(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(NATTED), ua());
	const char *uri = RECORD_ROUTE(0);
	p->farm.model.secrets[1] = p->farm.model.secrets[0];
	p->farm.model.secrets[0] = (struct stw_model_secret){.id = 9, .key = "another secret!"};
	p->farm.model.n_secrets = 2;
	stw_proxy_publish(p);
	stw_proxy_text(p, REQUEST(.method = "BYE", .extra = route(uri)), member(0));
	assert_forwarded(p);
	assert_int_equal(p->v.how, STW_HOW_FLOW);
	p->farm.model.n_secrets = 1;
	stw_proxy_publish(p);
	stw_proxy_text(p, REQUEST(.method = "BYE", .extra = route(uri)), member(0));
	assert_answered(p, 403);
}

static void rfc5626_s5_3_a_flow_we_cannot_have_is_answered_430(void **state)
{
	struct stw_proxy *p = *state;
	struct stw_endpoint peer = ua();
	char token[STW_FLOW_TEXT], uri[256];

	peer.transport = STW_TRANSPORT_TCP;
	size_t n = stw_flow_put(p->tables, 0, &peer, token);
	snprintf(uri, sizeof(uri), "sip:%.*s@192.0.2.1;lr", (int)n, token);
	stw_proxy_text(p, REQUEST(.method = "BYE", .extra = route(uri)), member(0));
	assert_answered(p, 430);
	assert_memory_equal(p->out, "SIP/2.0 430 Flow Failed\r\n", 25);
}

static void rfc5626_s5_3_from_the_flows_own_end_it_is_an_outgoing_request(void **state)
{
	struct stw_proxy *p = *state;
	const struct stw_endpoint self = member(2);
	char token[STW_FLOW_TEXT], uri[256];

	size_t n = stw_flow_put(p->tables, 0, &self, token);
	snprintf(uri, sizeof(uri), "sip:%.*s@192.0.2.1;lr", (int)n, token);
	stw_proxy_text(p, REQUEST(.uri = "sip:a@203.0.113.9", .extra = route(uri)), self);
	assert_forwarded(p);
	assert_sent_to(p, stw_farm_v4(203, 0, 113, 9, 5060));
	stw_proxy_text(p, REQUEST(.uri = "sip:a@203.0.113.9", .extra = route(uri)), member(1));
	assert_forwarded(p);
	assert_sent_to(p, self);
	assert_int_equal(p->v.member, 2);
}

/* A dialog of two phones: the nearer flow is the sender's, the farther one gets it, whether we find
 * them where we wrote them or, as another spelled the same URIs, by reading. */
static void rfc5626_s5_3_of_two_flows_the_farther_gets_it(void **state)
{
	static const char *const hosts[] = {"192.0.2.1:5060;lr", "192.0.2.1;lr",
					    "192.0.2.1:5060;LR"};
	struct stw_proxy *p = *state;
	const struct stw_endpoint near = ua(), far = stw_farm_v4(203, 0, 113, 50, 5070);
	char cookie[STW_COOKIE_DIGITS], a[STW_FLOW_TEXT], b[STW_FLOW_TEXT], lines[512];

	stw_proxy_text(p, REQUEST(NATTED), near);
	stw_cookie_put(cookie, &p->tables->secrets[0], STW_COOKIE_NOBODY, p->v.call);
	int n_a = (int)stw_flow_put(p->tables, 0, &near, a);
	int n_b = (int)stw_flow_put(p->tables, 0, &far, b);
	for (unsigned i = 0; i < 9; i++) {
		snprintf(lines, sizeof(lines),
			 "Route: <sip:%.*s@%s;stw=%.24s>\r\nRoute: <sip:%.*s@%s;stw=%.24s>\r\n",
			 n_a, a, hosts[i / 3], cookie, n_b, b, hosts[i % 3], cookie);
		stw_proxy_text(p, REQUEST(.method = "BYE", .extra = hold(lines)), near);
		assert_forwarded(p);
		assert_sent_to(p, far);
		assert_null(strstr(p->out, "\r\nRoute:"));
	}
}

static void rfc5626_s5_2_ipv6_flows(void **state)
{
	struct stw_proxy *p = *state;
	const struct stw_endpoint phone = stw_farm_v6(0x99, 41234);

	stw_proxy_text(p, REQUEST(.via = "SIP/2.0/UDP [fd00::5]:5060;branch=z9hG4bK6;rport"),
		       phone);
	assert_forwarded(p);
	/* out by the IPv4 listener, so two values */
	char uri[256];
	snprintf(uri, sizeof(uri), "%s", RECORD_ROUTE(1));
	assert_true(has_token(uri));
	assert_int_equal(strcspn(uri, "@"), 4 + STW_FLOW_TEXT);
	assert_non_null(strstr(uri, "@[2001:db8::1]:5060;lr;stw="));
	stw_proxy_text(p, REQUEST(.method = "BYE", .uri = "sip:a@[fd00::5]", .extra = route(uri)),
		       member(0));
	assert_forwarded(p);
	assert_sent_to(p, phone);
	assert_int_equal(p->v.listener_out, 1);
	for (size_t i = 7; i < 4 + STW_FLOW_TEXT; i++) {
		char forged[256];

		snprintf(forged, sizeof(forged), "%s", uri);
		forged[i] = forged[i] == '7' ? '8' : '7';
		stw_proxy_text(p, REQUEST(.method = "BYE", .extra = route(forged)), member(0));
		assert_answered(p, 403);
	}
}

/* A strict router puts our URI into the Request-URI (RFC 3261 s16.4). */
static void rfc3261_s16_4_the_token_is_known_in_the_request_uri(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(NATTED), ua());
	const char *uri = RECORD_ROUTE(0);
	stw_proxy_text(p,
		       REQUEST(.method = "BYE", .uri = uri,
			       .extra = "Route: <sip:alice@10.0.0.7>\r\n"),
		       member(0));
	assert_forwarded(p);
	assert_sent_to(p, ua());
	assert_memory_equal(p->out, "BYE sip:alice@10.0.0.7 SIP/2.0\r\n", 32);
}

/* The way of a flow is as narrow as any other. */
static void no_flow_leads_to_closed_ports_or_to_ourselves(void **state)
{
	struct stw_proxy *p = *state;
	const struct stw_endpoint peers[] = {
		stw_farm_v4(203, 0, 113, 5, 53),
		stw_farm_v4(127, 0, 0, 1, 5060),
		stw_farm_v4(192, 0, 2, 1, 5070),
	};

	for (size_t i = 0; i < sizeof(peers) / sizeof(peers[0]); i++) {
		char token[STW_FLOW_TEXT], uri[256];
		size_t n = stw_flow_put(p->tables, 0, &peers[i], token);

		snprintf(uri, sizeof(uri), "sip:%.*s@192.0.2.1;lr", (int)n, token);
		stw_proxy_text(p, REQUEST(.method = "BYE", .extra = route(uri)), member(0));
		assert_answered(p, 403);
	}
}

static void auto_mode_looks_at_via_and_contact(void **state)
{
	static const struct {
		const char *via, *extra;
		bool token;
	} rows[] = {
		{UA_VIA, "Contact: <sip:alice@203.0.113.5:5062>\r\n", false},
		{UA_VIA, "m: sip:alice@203.0.113.5\r\n", false},
		{UA_VIA, "Contact: \"A\" <sip:203.0.113.5>;expires=9\r\n", false},
		{UA_VIA, "Contact: <sip:alice@203.0.113.5:5062;transport=udp>\r\n", false},
		{UA_VIA, "Contact: <sip:alice@pc33.atlanta.example.com>\r\n", false},
		{UA_VIA, "Contact: <mailto:alice@203.0.113.5>\r\n", false},
		{UA_VIA, "Contact: <sip:alice@203.0.113.50>\r\n", true},
		{UA_VIA, "Contact: <sip:alice@10.0.0.7:5062>\r\n", true},
		{UA_VIA, "Contact: <sip:alice@203.0.113.5:5062;ob>\r\n", true},
		{UA_VIA, "Contact: <sip:alice@203.0.113.5;ob>\r\n", true},
		{UA_VIA, "Contact: <sip:alice@203.0.113.5;OB;x>;q=1\r\n", true},
		{UA_VIA, "Contact: <sip:alice@203.0.113.5:5062;obs>\r\n", false},
		{UA_VIA, "Contact: <sip:alice@203.0.113.5:5062>;ob\r\n", false},
		{UA_VIA, "Contact: <sip:alice@203.0.113.5:65536;ob>\r\n", false},
		{UA_VIA, "Contact: <sip:alice@203.0.113.5:;ob>\r\n", false},
		{UA_VIA, "Contact: sip:alice@[2001:db8::5]\r\n", true},
		{UA_VIA "\r\nVia: SIP/2.0/UDP 10.0.0.7", NAT_CONTACT, false},
		{UA_VIA ", SIP/2.0/UDP 10.0.0.7", "Contact: <sip:a@10.0.0.7;ob>\r\n", false},
		{NAT_VIA, "", true},
		{NAT_VIA ", SIP/2.0/UDP 10.0.0.8", "", true},
		{"SIP/2.0/UDP pc33.atlanta.example.com;branch=z9hG4bKn", "", false},
		{"SIP/2.0/UDP pc33.atlanta.example.com;branch=z9hG4bKn", NAT_CONTACT, true},
	};
	struct stw_proxy *p = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		stw_proxy_text(p, REQUEST(.via = rows[i].via, .extra = rows[i].extra), ua());
		assert_forwarded(p);
		if (has_token(RECORD_ROUTE(0)) != rows[i].token)
			fail_msg("row %zu", i);
	}
}

static void nat_mode_always_and_never(void **state)
{
	struct stw_proxy *p = *state;

	p->farm.listeners[0].nat = STW_NAT_ALWAYS;
	stw_proxy_publish(p);
	stw_proxy_text(p, REQUEST(0), ua());
	assert_true(has_token(RECORD_ROUTE(0)));
	stw_proxy_text(p, REQUEST(.method = "REGISTER"), ua());
	assert_true(has_token(PATH(0)));
	p->farm.listeners[0].nat = STW_NAT_NEVER;
	stw_proxy_publish(p);
	stw_proxy_text(p, REQUEST(NATTED), ua());
	assert_false(has_token(RECORD_ROUTE(0)));
	stw_proxy_text(p, REQUEST(.method = "REGISTER", .extra = "Supported: path\r\n"), ua());
	assert_forwarded(p);
	assert_string_equal(PATH(0), "");
}

static void rfc3327_s5_2_register_gets_path_when_the_phone_supports_it(void **state)
{
	static const struct {
		const char *extra;
		bool path;
	} rows[] = {
		{"Supported: path\r\n", true},
		{"k: 100rel, Path\r\n", true},
		{"Supported: gruu\r\nSupported: replaces,\r\n path\r\n", true},
		{"Supported: replaces, outbound\r\n", false}, /* linphone */
		{"Require: path\r\n", false},
		{"Supported: pathology, no-path\r\n", false},
		{"Supported:\r\n", false},
		{"", false},
	};
	struct stw_proxy *p = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		stw_proxy_text(p, REQUEST(.method = "REGISTER", .extra = rows[i].extra), ua());
		assert_forwarded(p);
		assert_string_equal(RECORD_ROUTE(0), "");
		if (has_token(PATH(0)) != rows[i].path)
			fail_msg("row %zu", i);
		/* s5.2: what the registrar must support is the phone's to say */
		assert_null(strstr(p->out, "\r\nRequire: path\r\nRequire"));
	}
	stw_proxy_text(p, REQUEST(.method = "REGISTER", .extra = "Supported: path\r\n"), member(0));
	assert_string_equal(PATH(0), "");
	stw_proxy_text(p, REQUEST(.method = "OPTIONS", .extra = "Supported: path\r\n"), ua());
	assert_string_equal(PATH(0), "");
}

static void rfc3327_s5_2_our_path_stands_above_others(void **state)
{
	struct stw_proxy *p = *state;

	two_sides(p);
	stw_proxy_text(p,
		       REQUEST(.method = "REGISTER",
			       .extra = "Path: <sip:p1.example.com;lr>\r\nSupported: path\r\n"),
		       ua());
	assert_forwarded(p);
	assert_string_equal(PATH(0), "sip:198.51.100.1:5060;lr");
	assert_true(has_token(PATH(1)));
	assert_non_null(strstr(PATH(1), "@192.0.2.1:5060;lr;ob"));
	assert_string_equal(PATH(2), "sip:p1.example.com;lr");
}

static void rfc5626_s5_1_ob_only_where_we_are_the_first_hop(void **state)
{
	struct stw_proxy *p = *state;
	static const char *const vias[] = {UA_VIA ", SIP/2.0/UDP 10.0.0.7",
					   UA_VIA "\r\nv: SIP/2.0/UDP 10.0.0.7"};

	stw_proxy_text(p, REQUEST(.method = "REGISTER", .extra = "Supported: path\r\n"), ua());
	const char *uri = PATH(0);
	assert_string_equal(uri + strlen(uri) - 6, ";lr;ob");
	for (size_t i = 0; i < 2; i++) {
		stw_proxy_text(p,
			       REQUEST(.method = "REGISTER", .via = vias[i],
				       .extra = "Supported: path\r\n"),
			       ua());
		uri = PATH(0);
		assert_true(has_token(uri));
		assert_string_equal(uri + strlen(uri) - 3, ";lr");
	}
}

/* Registration, a call to the phone, and the rest of it in both directions. */
static void rfc5626_s5_3_a_call_comes_back_by_path(void **state)
{
	struct stw_proxy *p = *state;

	two_sides(p);
	stw_proxy_text(p,
		       REQUEST(.method = "REGISTER", .via = NAT_VIA,
			       .extra = NAT_CONTACT "Supported: path, outbound\r\n"),
		       ua());
	assert_forwarded(p);
	char path[512];
	snprintf(path, sizeof(path), "Route: <%s>\r\nRoute: <%s>\r\n", PATH(0), PATH(1));
	const char *invite =
		REQUEST(.uri = "sip:alice@10.0.0.7:5060",
			.via = "SIP/2.0/UDP 198.51.100.11;branch=z9hG4bKm", .extra = path);
	stw_proxy_handle(p, invite, strlen(invite), member(1), 2);
	assert_forwarded(p);
	assert_sent_to(p, ua());
	assert_int_equal(p->v.listener_out, 0);
	assert_null(strstr(p->out, "\r\nRoute:"));
	/* the phone's side on top */
	const char *outer = RECORD_ROUTE(0), *inner = RECORD_ROUTE(1);
	assert_true(has_token(outer));
	assert_memory_equal(inner, "sip:198.51.100.1:5060;lr;stw=", 29);
	const char *ringing = hold(respond(p, "180 Ringing"));
	stw_proxy_text(p, ringing, ua());
	assert_forwarded(p);
	assert_sent_to(p, member(1));
	assert_int_equal(p->v.listener_out, 2);

	char routes[512];
	snprintf(routes, sizeof(routes), "Route: <%s>,<%s>\r\n", outer, inner);
	stw_proxy_text(p,
		       REQUEST(.method = "BYE", .via = NAT_VIA, .to = "<sip:x@y>;tag=2",
			       .extra = routes),
		       ua());
	assert_forwarded(p);
	assert_int_equal(p->v.how, STW_HOW_COOKIE);
	assert_sent_to(p, member(1));
	snprintf(routes, sizeof(routes), "Route: <%s>,<%s>\r\n", inner, outer);
	const char *bye = REQUEST(.method = "BYE", .uri = "sip:alice@10.0.0.7:5060",
				  .to = "<sip:x@y>;tag=2", .extra = routes);
	stw_proxy_handle(p, bye, strlen(bye), member(1), 2);
	assert_forwarded(p);
	assert_sent_to(p, ua());
}

static void rfc3608_s5_service_route_and_path_in_responses_pass(void **state)
{
	struct stw_proxy *p = *state;
	char text[8192];

	stw_proxy_text(p, REQUEST(.method = "REGISTER", .extra = "Supported: path\r\n"), ua());
	const char *ok = respond(p, "200 OK");
	snprintf(text, sizeof(text),
		 "%.*sService-Route: <sip:192.0.2.1;lr>, <sip:orig@scscf.example.com;lr>\r\n\r\n",
		 (int)strlen(ok) - 2, ok);
	stw_proxy_text(p, text, p->v.dst);
	assert_forwarded(p);
	assert_non_null(strstr(p->out, "\r\nService-Route: <sip:192.0.2.1;lr>, "
				       "<sip:orig@scscf.example.com;lr>\r\n"));
	assert_true(has_token(PATH(0)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROXY_TEST(rfc5626_s5_2_record_route_tells_the_flow_of_a_phone_behind_nat),
		PROXY_TEST(rfc5626_s5_3_the_farms_request_goes_to_the_flow),
		PROXY_TEST(rfc5626_s5_3_the_phones_request_goes_to_its_member),
		PROXY_TEST(rfc5658_s5_of_two_values_the_outer_has_the_token),
		PROXY_TEST(rfc5626_s5_3_by_the_listener_the_flow_came_to),
		PROXY_TEST(rfc5626_s5_3_forged_token_is_answered_403),
		PROXY_TEST(a_user_part_that_claims_nothing_is_borne),
		PROXY_TEST(rfc5626_s5_2_tokens_outlive_a_change_of_keys),
		PROXY_TEST(rfc5626_s5_3_a_flow_we_cannot_have_is_answered_430),
		PROXY_TEST(rfc5626_s5_3_from_the_flows_own_end_it_is_an_outgoing_request),
		PROXY_TEST(rfc5626_s5_3_of_two_flows_the_farther_gets_it),
		PROXY_TEST(rfc5626_s5_2_ipv6_flows),
		PROXY_TEST(rfc3261_s16_4_the_token_is_known_in_the_request_uri),
		PROXY_TEST(no_flow_leads_to_closed_ports_or_to_ourselves),
		PROXY_TEST(auto_mode_looks_at_via_and_contact),
		PROXY_TEST(nat_mode_always_and_never),
		PROXY_TEST(rfc3327_s5_2_register_gets_path_when_the_phone_supports_it),
		PROXY_TEST(rfc3327_s5_2_our_path_stands_above_others),
		PROXY_TEST(rfc5626_s5_1_ob_only_where_we_are_the_first_hop),
		PROXY_TEST(rfc5626_s5_3_a_call_comes_back_by_path),
		PROXY_TEST(rfc3608_s5_service_route_and_path_in_responses_pass),
	};
	return cmocka_run_group_tests_name("proxy-flow", tests, NULL, NULL);
}
