/* SPDX-License-Identifier: BSD-3-Clause */
/* Record-Route and the cookie in it: RFC 3261 s16.6 step 4, s12.2; RFC 5658. */
#include "tests/rfc/proxy/messages.h"

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (; (text = strstr(text, what)) != NULL; text++)
		n++;
	return n;
}

static void rfc3261_s16_6_4_dialog_forming_requests_are_recorded(void **state)
{
	static const char *const methods[] = {"INVITE", "SUBSCRIBE", "NOTIFY", "REFER"};
	struct stw_proxy *p = *state;

	for (size_t i = 0; i < 4; i++) {
		stw_proxy_text(p, REQUEST(.method = methods[i]), ua());
		assert_forwarded(p);
		assert_int_equal(count(p->out, "\r\nRecord-Route: <sip:192.0.2.1:5060;lr;stw="), 1);
		assert_int_equal(strlen(param(p, "\r\nRecord-Route: ", "stw=")), 24);
	}
}

static void rfc3261_s16_6_4_others_are_not(void **state)
{
	static const char *const methods[] = {"REGISTER", "MESSAGE", "OPTIONS", "PUBLISH",
					      "BYE",	  "CANCEL",  "ACK",	"INFO"};
	struct stw_proxy *p = *state;

	for (size_t i = 0; i < 8; i++) {
		stw_proxy_text(p, REQUEST(.method = methods[i]), ua());
		assert_forwarded(p);
		assert_int_equal(count(p->out, "Record-Route"), 0);
	}
	stw_proxy_text(p, REQUEST(.to = "<sip:bob@example.com>;tag=8321234356"), ua());
	assert_int_equal(count(p->out, "Record-Route"), 0);
	stw_proxy_text(p, REQUEST(.to = "<sip:bob@example.com> ; p=\">\" ; TAG = 1 "), ua());
	assert_int_equal(count(p->out, "Record-Route"), 0);
}

static void rfc3261_s16_6_4_ours_stands_above_others(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(.extra = "Record-Route: <sip:p1.example.com;lr>\r\n"), ua());
	const char *ours = strstr(p->out, "Record-Route: <sip:192.0.2.1");
	const char *other = strstr(p->out, "Record-Route: <sip:p1.example.com;lr>");
	assert_true(ours != NULL && other > ours);
}

static void rfc3261_s16_6_4_only_where_the_pool_asks_for_it(void **state)
{
	struct stw_proxy *p = *state;

	p->farm.pool.record_route = false;
	stw_proxy_publish(p);
	stw_proxy_text(p, REQUEST(0), ua());
	assert_forwarded(p);
	assert_int_equal(count(p->out, "Record-Route"), 0);
	stw_proxy_text(p, REQUEST(.uri = "sip:alice@203.0.113.5:5062"), member(1));
	assert_forwarded(p);
	assert_int_equal(count(p->out, "Record-Route"), 0);
}

/* A second listener on the farm's side. */
static void two_sides(struct stw_proxy *p)
{
	p->farm.listeners[2].address = stw_farm_v4(198, 51, 100, 1, 5060);
	p->farm.model.n_listeners = 3;
	stw_proxy_publish(p);
}

static void rfc5658_s5_two_values_when_the_sides_differ(void **state)
{
	struct stw_proxy *p = *state;

	two_sides(p);
	stw_proxy_text(p, REQUEST(0), ua());
	assert_forwarded(p);
	assert_non_null(strstr(p->out, "\r\nVia: SIP/2.0/UDP 198.51.100.1:5060;branch="));
	const char *out = strstr(p->out, "\r\nRecord-Route: <sip:198.51.100.1:5060;lr;stw=");
	const char *in = strstr(p->out, "\r\nRecord-Route: <sip:192.0.2.1:5060;lr;stw=");
	assert_true(out != NULL && in > out);
	assert_memory_equal(strstr(out, "stw="), strstr(in, "stw="), 4 + 24);
}

static void rfc5658_s5_both_values_are_popped_on_the_way_back(void **state)
{
	struct stw_proxy *p = *state;
	char route[512], cookie[32];

	two_sides(p);
	stw_proxy_text(p, REQUEST(0), ua());
	uint16_t chosen = p->v.member;
	snprintf(cookie, sizeof(cookie), "%s", param(p, "\r\nRecord-Route: ", "stw="));
	snprintf(route, sizeof(route),
		 "Route: <sip:192.0.2.1:5060;lr;stw=%s>,<sip:198.51.100.1:5060;lr;stw=%s>\r\n",
		 cookie, cookie);
	stw_proxy_text(p, REQUEST(.method = "BYE", .to = "<sip:b@c>;tag=1", .extra = route), ua());
	assert_forwarded(p);
	assert_int_equal(p->v.how, STW_HOW_COOKIE);
	assert_int_equal(p->v.member, chosen);
	assert_null(strstr(p->out, "Route:"));
}

/* The dialog's request comes back with our Record-Route as Route. */
static const char *in_dialog(const struct stw_proxy *p, const char *method, const char *call_id)
{
	char route[4200];

	snprintf(route, sizeof(route), "Route: %s\r\n", stw_proxy_line(p, "\r\nRecord-Route: "));
	return REQUEST(.method = method, .to = "<sip:b@c>;tag=1", .extra = route,
		       .call_id = call_id);
}

static void rfc3261_s12_2_dialog_keeps_its_member_when_the_table_changes(void **state)
{
	struct stw_proxy *p = *state;
	size_t moved = 0;

	for (int i = 0; i < 64; i++) {
		char call_id[32];

		snprintf(call_id, sizeof(call_id), "call-%d", i);
		stw_proxy_text(p, REQUEST(.call_id = call_id), ua());
		assert_forwarded(p);
		assert_int_equal(p->v.how, STW_HOW_HASH);
		assert_true(p->v.new_call);
		uint16_t chosen = p->v.member;
		const char *bye = in_dialog(p, "BYE", call_id);

		p->farm.pool_members[chosen].asked = STW_ASKED_DRAIN;
		stw_proxy_publish(p);
		stw_proxy_text(p, bye, ua());
		assert_forwarded(p);
		assert_int_equal(p->v.how, STW_HOW_COOKIE);
		assert_int_equal(p->v.member, chosen);
		assert_false(p->v.new_call);
		stw_proxy_text(p, REQUEST(.call_id = call_id), ua());
		moved += p->v.member != chosen;
		p->farm.pool_members[chosen].asked = STW_ASKED_UP;
		stw_proxy_publish(p);
	}
	assert_int_equal(moved, 64); /* new calls do leave a drained member */
}

static void cookie_of_another_call_is_forged(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(.call_id = "one"), ua());
	stw_proxy_text(p, in_dialog(p, "BYE", "two"), ua());
	assert_forwarded(p);
	assert_int_equal(p->v.how, STW_HOW_HASH);
	assert_int_equal(p->v.odd, STW_C_COOKIE_FORGED);
	assert_null(strstr(p->out, "Route:"));
}

static void any_digit_of_a_cookie_changed_is_forged(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(0), ua());
	const char *good = hold(in_dialog(p, "BYE", NULL));
	for (size_t i = 0; i < 24; i++) {
		char text[2048];

		snprintf(text, sizeof(text), "%s", good);
		char *digit = strstr(text, "stw=") + 4 + i;
		*digit = *digit == 'f' ? '0' : *digit == '9' ? 'a' : (char)(*digit + 1);
		stw_proxy_text(p, text, ua());
		assert_forwarded(p);
		assert_int_equal(p->v.how, STW_HOW_HASH);
		assert_int_equal(p->v.odd, STW_C_COOKIE_FORGED);
	}
}

static void cookie_of_a_member_gone_is_unknown(void **state)
{
	struct stw_proxy *p = *state;
	char call_id[32];

	/* a call of the last member */
	for (int i = 0;; i++) {
		snprintf(call_id, sizeof(call_id), "call-%d", i);
		stw_proxy_text(p, REQUEST(.call_id = call_id), ua());
		if (p->v.member == 3)
			break;
	}
	const char *bye = in_dialog(p, "BYE", call_id);
	p->farm.model.n_members = 3;
	p->farm.pool.n_members = 3;
	stw_proxy_publish(p);
	stw_proxy_text(p, bye, ua());
	assert_forwarded(p);
	assert_int_equal(p->v.how, STW_HOW_HASH);
	assert_int_equal(p->v.odd, STW_C_COOKIE_UNKNOWN);
}

static void cookies_of_both_secrets_verify_and_the_first_signs(void **state)
{
	struct stw_proxy *p = *state;
	struct stw_model_secret *secrets = p->farm.model.secrets;

	stw_proxy_text(p, REQUEST(0), ua());
	uint16_t chosen = p->v.member;
	const char *bye = in_dialog(p, "BYE", NULL);
	assert_int_equal(*param(p, "\r\nRecord-Route: ", "stw="), '3');

	struct stw_model_secret old = secrets[0];
	secrets[0] = secrets[1];
	secrets[1] = old;
	p->farm.model.n_secrets = 2;
	stw_proxy_publish(p);
	stw_proxy_text(p, bye, ua());
	assert_int_equal(p->v.how, STW_HOW_COOKIE);
	assert_int_equal(p->v.member, chosen);
	stw_proxy_text(p, REQUEST(0), ua());
	assert_int_equal(*param(p, "\r\nRecord-Route: ", "stw="), '4');

	p->farm.model.n_secrets = 1;
	stw_proxy_publish(p);
	stw_proxy_text(p, bye, ua());
	assert_int_equal(p->v.odd, STW_C_COOKIE_FORGED);
}

static void rfc3261_s16_6_4_a_members_dialog_names_the_member(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(.uri = "sip:alice@203.0.113.5:5062"), member(2));
	assert_forwarded(p);
	assert_true(p->v.from_member);
	assert_int_equal(p->v.member_from, 2);
	assert_int_equal(p->v.how, STW_HOW_URI);
	assert_sent_to(p, ua());
	/* the phone's BYE finds that member again */
	stw_proxy_text(p, in_dialog(p, "BYE", NULL), ua());
	assert_forwarded(p);
	assert_int_equal(p->v.how, STW_HOW_COOKIE);
	assert_int_equal(p->v.member, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROXY_TEST(rfc3261_s16_6_4_dialog_forming_requests_are_recorded),
		PROXY_TEST(rfc3261_s16_6_4_others_are_not),
		PROXY_TEST(rfc3261_s16_6_4_ours_stands_above_others),
		PROXY_TEST(rfc3261_s16_6_4_only_where_the_pool_asks_for_it),
		PROXY_TEST(rfc5658_s5_two_values_when_the_sides_differ),
		PROXY_TEST(rfc5658_s5_both_values_are_popped_on_the_way_back),
		PROXY_TEST(rfc3261_s12_2_dialog_keeps_its_member_when_the_table_changes),
		PROXY_TEST(cookie_of_another_call_is_forged),
		PROXY_TEST(any_digit_of_a_cookie_changed_is_forged),
		PROXY_TEST(cookie_of_a_member_gone_is_unknown),
		PROXY_TEST(cookies_of_both_secrets_verify_and_the_first_signs),
		PROXY_TEST(rfc3261_s16_6_4_a_members_dialog_names_the_member),
	};
	return cmocka_run_group_tests_name("proxy-record-route", tests, NULL, NULL);
}
