/* SPDX-License-Identifier: BSD-3-Clause */
/* Max-Breadth at a proxy that never forks: RFC 5393 s5.3. */
#include "tests/rfc/proxy/messages.h"

static int limited(void **state)
{
	struct stw_proxy *p = stw_proxy_new(4);

	p->farm.model.proxy.max_breadth = 60;
	stw_proxy_publish(p);
	*state = p;
	return 0;
}

static const char *breadth(struct stw_proxy *p, const char *extra)
{
	stw_proxy_text(p, REQUEST(.extra = extra), ua());
	assert_forwarded(p);
	return hold(stw_proxy_line(p, "\r\nMax-Breadth"));
}

static void rfc5393_s5_3_3_added_when_absent(void **state)
{
	struct stw_proxy *p = *state;
	static const char *const methods[] = {"INVITE", "ACK", "CANCEL", "BYE", "REGISTER"};

	for (size_t i = 0; i < 5; i++) {
		stw_proxy_text(p, REQUEST(.method = methods[i]), ua());
		assert_forwarded(p);
		assert_string_equal(stw_proxy_line(p, "\r\nMax-Breadth: "), "60");
	}
}

static void rfc5393_s5_3_3_kept_as_it_came(void **state)
{
	struct stw_proxy *p = *state;

	assert_string_equal(breadth(p, "Max-Breadth: 1\r\n"), ": 1");
	assert_string_equal(breadth(p, "Max-Breadth : 60\r\n"), " : 60");
	assert_string_equal(breadth(p, "Max-Breadth:\t007\r\n"), ":\t007");
	/* and a response is none of its business */
	stw_proxy_text(p, respond(p, "200 OK"), p->v.dst);
	assert_forwarded(p);
}

static void rfc5393_s5_3_3_more_than_ours_is_overwritten(void **state)
{
	struct stw_proxy *p = *state;

	assert_string_equal(breadth(p, "Max-Breadth: 61\r\n"), ": 60");
	assert_string_equal(breadth(p, "max-breadth:  99999999999999999999 \r\nX: y\r\n"), "");
	assert_non_null(strstr(p->out, "\r\nmax-breadth:  60 \r\nX: y\r\n"));
	assert_string_equal(breadth(p, "Max-Breadth: 65535\r\nMax-Breadths: 7\r\n"), ": 60");
}

static void rfc5393_s5_3_3_nothing_left_is_answered_440(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(.extra = "Max-Breadth: 0\r\n"), ua());
	assert_answered(p, 440);
	assert_memory_equal(p->out, "SIP/2.0 440 Max-Breadth Exceeded\r\n", 34);
	stw_proxy_text(p, REQUEST(.method = "ACK", .extra = "Max-Breadth: 00\r\n"), ua());
	assert_dropped(p, "ack_unroutable");
}

static void rfc5393_s5_3_1_a_single_positive_integer(void **state)
{
	static const char *const bad[] = {
		"Max-Breadth: x\r\n",	  "Max-Breadth:\r\n",
		"Max-Breadth: 7;a=b\r\n", "Max-Breadth: -1\r\n",
		"Max-Breadth: 1, 2\r\n",  "Max-Breadth: 7\r\nmax-breadth: 7\r\n",
	};
	struct stw_proxy *p = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		stw_proxy_text(p, REQUEST(.extra = bad[i]), ua());
		assert_answered(p, 400);
	}
}

static void left_alone_unless_configured(void **state)
{
	struct stw_proxy *p = *state;

	p->farm.model.proxy.max_breadth = 0;
	stw_proxy_publish(p);
	assert_string_equal(breadth(p, ""), "");
	assert_string_equal(breadth(p, "Max-Breadth: 99\r\n"), ": 99");
	assert_string_equal(breadth(p, "Max-Breadth: 0\r\n"), ": 0");
}

#define LIMITED_TEST(f) cmocka_unit_test_setup_teardown(f, limited, proxy_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIMITED_TEST(rfc5393_s5_3_3_added_when_absent),
		LIMITED_TEST(rfc5393_s5_3_3_kept_as_it_came),
		LIMITED_TEST(rfc5393_s5_3_3_more_than_ours_is_overwritten),
		LIMITED_TEST(rfc5393_s5_3_3_nothing_left_is_answered_440),
		LIMITED_TEST(rfc5393_s5_3_1_a_single_positive_integer),
		LIMITED_TEST(left_alone_unless_configured),
	};
	return cmocka_run_group_tests_name("proxy-breadth", tests, NULL, NULL);
}
