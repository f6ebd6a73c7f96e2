/* SPDX-License-Identifier: BSD-3-Clause */

/* Requests for registered users as workers route them: by the location table, with no help. */

#include "tests/support/memory.h"
#include "tests/support/proxy.h"

#include "control/location/table.h"

#define AOR "sip:bob@example.com"

static struct stw_proxy *p;
static struct stw_location_table *table;
static struct stw_memory_rig *memory;
static char domains[][STW_DOMAIN_MAX] = {"example.com"};
static const struct stw_endpoint *caller, *bob;

static int start(void **state)
{
	static struct stw_endpoint ends[2];

	(void)state;
	ends[0] = stw_farm_v4(203, 0, 113, 5, 5062);
	ends[1] = stw_farm_v4(203, 0, 113, 77, 40123);
	caller = &ends[0];
	bob = &ends[1];
	p = stw_proxy_new(3);
	p->farm.model.registrar.domains = domains;
	p->farm.model.registrar.n_domains = 1;
	stw_proxy_publish(p);
	memory = stw_memory_new(1, 4096);
	p->known = &memory->memory;
	assert_int_equal(stw_location_table_new(64u << 20, 10, &table), STW_OK);
	stw_location_table_complete(table);
	p->location = stw_location_table_map(table);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	stw_location_table_free(table);
	stw_memory_free(memory);
	stw_proxy_free(p);
	return 0;
}

static struct stw_contact contact(const char *uri, const char *path, uint16_t q)
{
	return (struct stw_contact){.q = q,
				    .rest = {uri, (uint16_t)strlen(uri)},
				    .path = {path, (uint16_t)strlen(path)},
				    .source = *bob,
				    .listener = p->farm.listeners[0].address};
}

static void bind_many(const struct stw_contact *c, size_t n)
{
	assert_int_equal(stw_location_table_put(table, AOR, strlen(AOR), c, n, true, 100), STW_OK);
}

static void bind(const char *uri, const char *path)
{
	const struct stw_contact c = contact(uri, path, 1000);

	bind_many(&c, 1);
}

/* A request of the caller's, from where its Via says. */
static void ask(const char *method, const char *branch, const char *more)
{
	char text[2048];

	snprintf(text, sizeof(text),
		 "%s " AOR " SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.5:5062;branch=z9hG4bK%s\r\n"
		 "%sMax-Forwards: 70\r\nFrom: <sip:al@example.org>;tag=a\r\nTo: <" AOR ">\r\n"
		 "Call-ID: c\r\nCSeq: 1 %s\r\nContact: <sip:al@203.0.113.5:5062>\r\n\r\n",
		 method, branch, more, strcmp(method, "CANCEL") == 0 ? "INVITE" : method);
	if (strcmp(method, "CANCEL") == 0)
		memcpy(strstr(text, "1 INVITE"), "1 CANCEL", 8);
	stw_proxy_text(p, text, *caller);
}

static void expect_contact(const char *uri)
{
	assert_int_equal(p->v.action, STW_ACTION_FORWARD);
	assert_int_equal(p->err, STW_OK);
	const char *at = strchr(p->out, ' ') + 1;

	assert_int_equal(strncmp(at, uri, strlen(uri)), 0);
	assert_int_equal(at[strlen(uri)], ' ');
}

static void rfc3261_s16_5_the_best_contact_is_the_target(void **state)
{
	const struct stw_contact c[2] = {contact("sip:bob@203.0.113.77:40123", "", 900),
					 contact("sip:bob@203.0.113.78", "", 500)};

	(void)state;
	bind_many(c, 2);
	ask("INVITE", "1", "Route: <sip:192.0.2.1;lr>\r\nRoute: <sip:203.0.113.99;lr>\r\n");
	expect_contact("sip:bob@203.0.113.77:40123");
	assert_int_equal(p->v.how, STW_HOW_FLOW);
	assert_true(stw_endpoint_equal(&p->v.dst, bob));
	assert_int_equal(p->v.locating, STW_LOCATING_FOUND);
	/* ours is gone, and strangers have no say where it goes */
	assert_null(strstr(p->out, "\r\nRoute:"));
	assert_string_equal(stw_proxy_line(p, "Max-Forwards: "), "69");
	/* they reach each other by themselves */
	assert_null(strstr(p->out, "Record-Route:"));
}

static void rfc3261_s16_6_step_2_what_no_request_uri_has_is_removed(void **state)
{
	static const char *const ways[][2] = {
		{"sip:bob@203.0.113.77:40123?Subject=a%20b&Priority=urgent",
		 "sip:bob@203.0.113.77:40123"},
		{"sip:bob@203.0.113.77;ob;method=INVITE;x=1?a=b", "sip:bob@203.0.113.77;ob;x=1"},
		{"sip:bob@203.0.113.77;METHOD=", "sip:bob@203.0.113.77"},
		{"sip:bob@203.0.113.77;methods=a;maddr=203.0.113.77",
		 "sip:bob@203.0.113.77;methods=a;maddr=203.0.113.77"},
		/* in the user it stays, though it looks like a header */
		{"sip:bob?a@203.0.113.77", "sip:bob?a@203.0.113.77"},
		/* shares nothing, all or a part of the address-of-record */
		{"sip:203.0.113.77?a=b", "sip:203.0.113.77"},
		{AOR "?a=b", AOR},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		char branch[16];

		bind(ways[i][0], "");
		snprintf(branch, sizeof(branch), "target%zu", i);
		ask("MESSAGE", branch, "");
		expect_contact(ways[i][1]);
		/* what its phone left at a strict router is its target too */
		bind(ways[i][0], "<sip:203.0.113.78>");
		snprintf(branch, sizeof(branch), "strict%zu", i);
		ask("MESSAGE", branch, "");
		expect_contact("sip:203.0.113.78");
		char route[160];

		snprintf(route, sizeof(route), "<%s>", ways[i][1]);
		assert_string_equal(stw_proxy_line(p, "Route: "), route);
	}
}

static void rfc3261_s21_4_5_unknown_and_s21_4_18_absent_users(void **state)
{
	(void)state;
	ask("INVITE", "1", "");
	assert_int_equal(p->v.status, 404);
	assert_int_equal(p->v.locating, STW_LOCATING_UNKNOWN);
	assert_int_equal(stw_location_table_put(table, AOR, strlen(AOR), NULL, 0, true, 100),
			 STW_OK);
	ask("INVITE", "2", "");
	assert_int_equal(p->v.status, 480);
	assert_int_equal(p->v.locating, STW_LOCATING_ABSENT);
	/* an ACK is never answered */
	ask("ACK", "3", "");
	assert_string_equal(stw_proxy_drop(p), "ack_unroutable");
}

/* What only control can tell goes to control as it came, and so does all without a table. */
static void what_the_table_does_not_tell_is_for_control(void **state)
{
	static char path[700];

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	memcpy(path, "<sip:203.0.113.9;lr;x=", 22);
	memcpy(path + sizeof(path) - 2, ">", 2);
	bind("sip:bob@203.0.113.77", path);
	ask("INVITE", "1", ""); /* found, but a frame has no room for it */
	assert_int_equal(p->v.action, STW_ACTION_KERNEL);
	assert_int_equal(p->v.kernel_for, STW_KERNEL_FOR_LOCATION);
	assert_int_equal(p->v.note, STW_NOTE_NONE);
	p->location = NULL;
	ask("INVITE", "2", "");
	assert_int_equal(p->v.kernel_for, STW_KERNEL_FOR_LOCATION);
}

static void rfc3327_s5_2_by_path(void **state)
{
	(void)state;
	bind("sip:bob@10.0.0.7", "<sip:203.0.113.60:5080;lr>, <sip:203.0.113.61;lr>");
	ask("INVITE", "1", "");
	expect_contact("sip:bob@10.0.0.7");
	assert_int_equal(p->v.dst.port, 5080);
	assert_string_equal(stw_proxy_line(p, "\r\nRoute: "),
			    "<sip:203.0.113.60:5080;lr>, <sip:203.0.113.61;lr>");
	/* s16.6 step 6: one that routes strictly */
	bind("sip:bob@10.0.0.7", "<sip:203.0.113.60:5080>, <sip:203.0.113.61;lr>");
	ask("INVITE", "2", "");
	expect_contact("sip:203.0.113.60:5080");
	assert_string_equal(stw_proxy_line(p, "\r\nRoute: "),
			    "<sip:203.0.113.61;lr>, <sip:bob@10.0.0.7>");
	/* our own value is taken out */
	bind("sip:bob@10.0.0.7", "<sip:192.0.2.1;lr>, <sip:203.0.113.61;lr>");
	ask("INVITE", "3", "");
	assert_int_equal(p->v.dst.ip.b[15], 61);
	assert_string_equal(stw_proxy_line(p, "\r\nRoute: "), "<sip:203.0.113.61;lr>");
}

/* s9.1, s17.1.1.3: of one transaction all goes where the INVITE went, whatever was bound since. */
static void rfc3261_s9_1_what_follows_an_invite_goes_where_it_went(void **state)
{
	static const char *const methods[] = {"INVITE", "CANCEL", "ACK"};

	(void)state;
	bind("sip:bob@203.0.113.77", "");
	ask("INVITE", "1", "");
	const uint64_t branch = p->v.branch;

	bind("sip:bob@203.0.113.78", ""); /* moved */
	ask("INVITE", "2", "");
	expect_contact("sip:bob@203.0.113.78");
	for (size_t i = 0; i < 3; i++) {
		ask(methods[i], "1", "");
		expect_contact("sip:bob@203.0.113.77");
		assert_int_equal(p->v.branch, branch);
	}
	/* unregistered, and nobody's at all */
	for (int known = 1; known >= 0; known--) {
		stw_location_table_put(table, AOR, strlen(AOR), NULL, 0, known, 110);
		ask("INVITE", "3", "");
		assert_int_equal(p->v.status, known ? 480 : 404);
		ask("CANCEL", "1", "");
		expect_contact("sip:bob@203.0.113.77");
		ask("CANCEL", "2", "");
		expect_contact("sip:bob@203.0.113.78");
	}
}

static void rfc3261_s8_3_contacts_are_told(void **state)
{
	const struct stw_contact c[4] = {contact("sip:bob@203.0.113.77", "", 1000),
					 contact("sip:bob@127.0.0.1", "", 900),
					 contact("sip:bob@203.0.113.78;x=y", "", 250),
					 contact("sip:b@192.0.2.1", "", 100)};

	(void)state;
	p->farm.model.registrar.calls = STW_CALLS_REDIRECT;
	stw_proxy_publish(p);
	bind_many(c, 4);
	ask("INVITE", "1", "");
	assert_int_equal(p->v.status, 302);
	assert_int_equal(p->v.locating, STW_LOCATING_TOLD);
	assert_non_null(strstr(p->out, "\r\nContact: <sip:bob@203.0.113.77>;q=1.000\r\n"
				       "Contact: <sip:bob@203.0.113.78;x=y>;q=0.250\r\n"
				       "Content-Length: 0\r\n\r\n"));
	/* nothing is left to cancel, and nobody waits for the ACK */
	ask("CANCEL", "1", "");
	assert_int_equal(p->v.status, 200);
	/* only what leads elsewhere */
	bind("sip:bob@127.0.0.1", "");
	ask("INVITE", "2", "");
	assert_int_equal(p->v.status, 480);
}

/* As many as half as much again has room for, the best first. */
static void no_answer_is_longer_than_half_as_much_again(void **state)
{
	struct stw_contact c[10];
	char uri[10][64];

	(void)state;
	p->farm.model.registrar.calls = STW_CALLS_REDIRECT;
	stw_proxy_publish(p);
	for (int i = 0; i < 10; i++) {
		snprintf(uri[i], sizeof(uri[i]), "sip:bob@203.0.113.%d;a=some.more.text", i + 20);
		c[i] = contact(uri[i], "", (uint16_t)(1000 - i));
	}
	bind_many(c, 10);
	ask("INVITE", "1", "");
	assert_int_equal(p->v.status, 302);
	assert_int_equal(p->err, STW_OK);
	assert_non_null(strstr(p->out, uri[0]));
	assert_null(strstr(p->out, uri[9]));
	assert_true(p->out_len <= p->msg.len + p->msg.len / 2);
}

/* --- two phones, each behind a NAT --- */

#define BEHIND_NAT                                                                             \
	"Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bKn%s;rport\r\nMax-Forwards: 70\r\n"       \
	"From: <sip:al@example.org>;tag=a\r\nTo: <" AOR ">%s\r\nCall-ID: n\r\nCSeq: %d %s\r\n" \
	"Contact: <sip:al@10.0.0.9>\r\n%s\r\n"

static void talk(const char *method, const char *uri, const char *branch, const char *to_tag,
		 int cseq, const char *routes, struct stw_endpoint from)
{
	char text[2048];

	snprintf(text, sizeof(text), "%s %s SIP/2.0\r\n" BEHIND_NAT, method, uri, branch, to_tag,
		 cseq, method, routes);
	stw_proxy_text(p, text, from);
}

/* Our Record-Route values, from the top: towards the one called, towards the caller. */
static void take_routes(char top[300], char bottom[300])
{
	const char *first = strstr(p->out, "Record-Route: ");

	assert_non_null(first);
	const char *second = strstr(first + 1, "Record-Route: ");

	assert_non_null(second);
	snprintf(top, 300, "%.*s", (int)strcspn(first + 14, "\r"), first + 14);
	snprintf(bottom, 300, "%.*s", (int)strcspn(second + 14, "\r"), second + 14);
	assert_null(strstr(second + 1, "Record-Route: "));
}

static void rfc5626_s5_3_calls_between_two_flows_go_both_ways(void **state)
{
	char top[300], bottom[300], routes[700];

	(void)state;
	bind("sip:bob@192.168.1.7", "");
	talk("INVITE", AOR, "1", "", 1, "", *caller);
	expect_contact("sip:bob@192.168.1.7");
	assert_true(stw_endpoint_equal(&p->v.dst, bob));
	take_routes(top, bottom);
	/* the caller's ACK and BYE: its route set is the other way round (s12.1.2) */
	snprintf(routes, sizeof(routes), "Route: %s\r\nRoute: %s\r\n", bottom, top);
	for (int i = 0; i < 2; i++) {
		talk(i ? "BYE" : "ACK", "sip:bob@192.168.1.7", "2", ";tag=b", 1 + i, routes,
		     *caller);
		assert_int_equal(p->v.action, STW_ACTION_FORWARD);
		assert_true(stw_endpoint_equal(&p->v.dst, bob));
		assert_null(strstr(p->out, "\r\nRoute:"));
	}
	/* the other's BYE, and after its NAT has given it another port */
	snprintf(routes, sizeof(routes), "Route: %s, %s\r\n", top, bottom);
	struct stw_endpoint moved = *bob;

	for (int i = 0; i < 2; i++, moved.port++) {
		talk("BYE", "sip:al@10.0.0.9", "3", ";tag=b", 1, routes, moved);
		assert_int_equal(p->v.action, STW_ACTION_FORWARD);
		assert_true(stw_endpoint_equal(&p->v.dst, caller));
		assert_null(strstr(p->out, "\r\nRoute:"));
	}
}

/* The values are for that call: another's Call-ID opens nothing, nor does a token of one's own. */
static void flows_of_a_call_are_no_relay(void **state)
{
	char top[300], bottom[300], text[2048];

	(void)state;
	bind("sip:bob@192.168.1.7", "");
	talk("INVITE", AOR, "1", "", 1, "", *caller);
	take_routes(top, bottom);
	snprintf(text, sizeof(text),
		 "MESSAGE sip:bob@192.168.1.7 SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.5:5062;"
		 "branch=z9hG4bK9\r\nMax-Forwards: 70\r\nRoute: %s\r\nRoute: %s\r\n"
		 "From: <sip:al@example.org>;tag=a\r\nTo: <" AOR ">\r\nCall-ID: other\r\n"
		 "CSeq: 1 MESSAGE\r\n\r\n",
		 bottom, top);
	stw_proxy_text(p, text, *caller);
	assert_int_equal(p->v.how, STW_HOW_HASH); /* the farm's to judge */
	assert_int_equal(p->v.odd, STW_C_COOKIE_FORGED);
	/* the right call, but a token of another address */
	char *digit = strstr(top, "sip:stw") + 12;

	*digit = *digit == '1' ? '2' : '1';
	snprintf(text, sizeof(text), "Route: %s\r\nRoute: %s\r\n", bottom, top);
	talk("BYE", "sip:bob@192.168.1.7", "4", ";tag=b", 2, text, *caller);
	assert_int_equal(p->v.status, 403);
	assert_int_equal(p->v.odd, STW_C_FLOW_FORGED);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		T(rfc3261_s16_5_the_best_contact_is_the_target),
		T(rfc3261_s16_6_step_2_what_no_request_uri_has_is_removed),
		T(rfc3261_s21_4_5_unknown_and_s21_4_18_absent_users),
		T(what_the_table_does_not_tell_is_for_control),
		T(rfc3327_s5_2_by_path),
		T(rfc3261_s9_1_what_follows_an_invite_goes_where_it_went),
		T(rfc3261_s8_3_contacts_are_told),
		T(no_answer_is_longer_than_half_as_much_again),
		T(rfc5626_s5_3_calls_between_two_flows_go_both_ways),
		T(flows_of_a_call_are_no_relay),
	};

	return cmocka_run_group_tests_name("located", tests, NULL, NULL);
}
