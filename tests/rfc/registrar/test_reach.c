/* SPDX-License-Identifier: BSD-3-Clause */

/* Which REGISTERs are the registrar's, and the form of its answers (RFC 3261 s10.3, s8.2.6). */

#include "tests/support/proxy.h"

#define REQUEST(method, uri, more)                                                            \
	method " " uri " SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.9:5062;branch=z9hG4bK1;rport\r\n" \
	       "Max-Forwards: 70\r\nFrom: <sip:bob@example.com>;tag=a\r\n"                    \
	       "To: <sip:bob@example.com>\r\nCall-ID: c\r\nCSeq: 1 " method "\r\n" more "\r\n"

static struct stw_proxy *p;
static char domains[][STW_DOMAIN_MAX] = {"example.com", "[2001:db8::7]"};

static int start(void **state)
{
	(void)state;
	p = stw_proxy_new(3);
	p->farm.model.registrar.domains = domains;
	p->farm.model.registrar.n_domains = 2;
	stw_proxy_publish(p);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	stw_proxy_free(p);
	return 0;
}

static uint8_t action(const char *text)
{
	stw_proxy_text(p, text, stw_farm_v4(203, 0, 113, 5, 5062));
	return p->v.action;
}

static void rfc3261_s10_3_step_1_domains_of_ours_go_to_the_registrar(void **state)
{
	static const char *const ours[] = {
		REQUEST("REGISTER", "sip:example.com", ""),
		REQUEST("REGISTER", "sip:EXAMPLE.com:5060", ""),
		REQUEST("REGISTER", "sips:example.com;transport=udp", ""),
		REQUEST("REGISTER", "sip:[2001:db8::7]", ""),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		assert_int_equal(action(ours[i]), STW_ACTION_KERNEL);
		assert_int_equal(p->v.kernel_for, STW_KERNEL_FOR_REGISTRAR);
	}
}

static void rfc3261_s10_3_step_1_others_are_proxied(void **state)
{
	(void)state;
	assert_int_equal(action(REQUEST("REGISTER", "sip:example.org", "")), STW_ACTION_FORWARD);
	assert_int_equal(action(REQUEST("REGISTER", "sip:xexample.com", "")), STW_ACTION_FORWARD);
	p->farm.model.registrar.calls = STW_CALLS_POOL;
	stw_proxy_publish(p);
	assert_int_equal(action(REQUEST("INVITE", "sip:bob@example.com", "")), STW_ACTION_FORWARD);
}

static void rfc3261_s16_5_users_of_ours_are_located(void **state)
{
	static const char *const ours[] = {
		REQUEST("INVITE", "sip:bob@example.com", ""),
		REQUEST("CANCEL", "sip:bob@EXAMPLE.com:5060", ""),
		REQUEST("MESSAGE", "sip:bob@example.com", "Route: <sip:192.0.2.1;lr>\r\n"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		assert_int_equal(action(ours[i]), STW_ACTION_KERNEL);
		assert_int_equal(p->v.kernel_for, STW_KERNEL_FOR_LOCATION);
	}
	/* The domain itself is nobody, and others' users are the farm's. */
	assert_int_equal(action(REQUEST("INVITE", "sip:example.com", "")), STW_ACTION_FORWARD);
	assert_int_equal(action(REQUEST("INVITE", "sip:bob@example.org", "")), STW_ACTION_FORWARD);
}

/* A member decided already what comes first: its Route goes before. */
static void rfc3261_s16_5_members_requests_are_located_without_a_route(void **state)
{
	struct stw_endpoint member = p->farm.members[0].address;

	(void)state;
	stw_proxy_text(p, REQUEST("INVITE", "sip:bob@example.com", ""), member);
	assert_int_equal(p->v.action, STW_ACTION_KERNEL);
	assert_int_equal(p->v.kernel_for, STW_KERNEL_FOR_LOCATION);
	stw_proxy_text(p,
		       REQUEST("INVITE", "sip:bob@example.com", "Route: <sip:203.0.113.77;lr>\r\n"),
		       member);
	assert_int_equal(p->v.action, STW_ACTION_FORWARD);
	assert_int_equal(p->v.how, STW_HOW_URI);
}

static void a_bad_one_is_refused_before(void **state)
{
	(void)state;
	assert_int_equal(action(REQUEST("REGISTER", "sip:example.com", "Max-Forwards: x\r\n")),
			 STW_ACTION_ANSWER);
}

static void rfc3261_s8_2_6_answers_carry_the_registrars_lines(void **state)
{
	static const char lines[] = "Contact: <sip:bob@10.0.0.9>;expires=60\r\nDate: x\r\n";
	const struct stw_answer_more more = {lines, sizeof(lines) - 1, true};
	char *buf = p->memory + STW_REWRITE_HEADROOM;
	struct stw_rewritten done;

	(void)state;
	action(REQUEST("REGISTER", "sip:example.com", ""));
	stw_route_refuse(&p->snap, buf, &p->msg, &p->src, &p->v, 200, "OK");
	assert_int_equal(stw_answer_with(&p->snap, &p->msg, &p->src, &p->v, &more, buf,
					 STW_PROXY_ROOM, &done),
			 STW_OK);
	buf[done.len] = '\0';
	assert_memory_equal(buf, "SIP/2.0 200 OK\r\n", 16);
	assert_non_null(strstr(buf, ";rport=5062;received=203.0.113.5\r\n"));
	assert_non_null(strstr(buf, "To: <sip:bob@example.com>;tag="));
	assert_non_null(strstr(buf, "\r\nContact: <sip:bob@10.0.0.9>;expires=60\r\nDate: x\r\n"
				    "Content-Length: 0\r\n\r\n"));
	assert_null(strstr(buf, "Allow:"));
}

/* Whoever did not prove who it is gets no more than half as much again. */
static void only_the_known_get_long_answers(void **state)
{
	static char lines[2000];
	struct stw_answer_more more = {lines, sizeof(lines), false};
	char *buf = p->memory + STW_REWRITE_HEADROOM;
	struct stw_rewritten done;

	(void)state;
	memset(lines, 'x', sizeof(lines));
	action(REQUEST("REGISTER", "sip:example.com", ""));
	stw_route_refuse(&p->snap, buf, &p->msg, &p->src, &p->v, 200, "OK");
	assert_int_equal(stw_answer_with(&p->snap, &p->msg, &p->src, &p->v, &more, buf,
					 STW_PROXY_ROOM, &done),
			 STW_ENOSPACE);
	more.sender_known = true;
	assert_int_equal(stw_answer_with(&p->snap, &p->msg, &p->src, &p->v, &more, buf,
					 STW_PROXY_ROOM, &done),
			 STW_OK);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		T(rfc3261_s10_3_step_1_domains_of_ours_go_to_the_registrar),
		T(rfc3261_s10_3_step_1_others_are_proxied),
		T(rfc3261_s16_5_users_of_ours_are_located),
		T(rfc3261_s16_5_members_requests_are_located_without_a_route),
		T(a_bad_one_is_refused_before),
		T(rfc3261_s8_2_6_answers_carry_the_registrars_lines),
		T(only_the_known_get_long_answers),
	};

	return cmocka_run_group_tests_name("reach", tests, NULL, NULL);
}
