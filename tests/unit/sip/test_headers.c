/* SPDX-License-Identifier: BSD-3-Clause */
#include <strowger/sip_headers.h>

#include "tests/unit/sip/values.h"

static void rfc3261_s7_3_3_registered_compact_names(void **state)
{
	static const char all[] = "abcdefijklmnorstuvxy";
	struct stw_span name;
	(void)state;
	for (int c = 0; c < 256; c++) {
		bool is = c != 0 && strchr(all, c >= 'A' && c <= 'Z' ? c + 32 : c);
		assert_int_equal(stw_sip_long_name((char)c) != NULL, is);
	}
	assert_string_equal(stw_sip_long_name('O'), "Event");
	char *buf = value_of("X", &name);
	assert_true(stw_sip_name_is(buf, name, "session-expires"));
	assert_false(stw_sip_name_is(buf, name, "Event"));
	free(buf);
	buf = value_of("refer-TO", &name);
	assert_true(stw_sip_name_is(buf, name, "Refer-To"));
	assert_false(stw_sip_name_is(buf, name, "Refer-T"));
	free(buf);
}

static int count_tokens(const char *text)
{
	struct stw_span rest, token;
	char *buf = value_of(text, &rest);
	int n = 0, err;

	while ((err = stw_sip_token_next(buf, &rest, &token)) == STW_OK)
		n++;
	free(buf);
	return err == STW_ENOENT ? n : err;
}

static void rfc3261_s20_32_option_tags(void **state)
{
	(void)state;
	assert_int_equal(count_tokens("100rel , timer,\r\n replaces"), 3);
	assert_int_equal(count_tokens(""), 0);
	assert_int_equal(count_tokens("one "), 1);
	assert_int_equal(count_tokens("a,,b"), STW_EMALFORMED);
	assert_int_equal(count_tokens("a,"), STW_EMALFORMED);
	assert_int_equal(count_tokens("a b"), STW_EMALFORMED);
	assert_int_equal(count_tokens("a;b"), STW_EMALFORMED);
}

static void rfc3261_s20_19_seconds(void **state)
{
	static const struct {
		const char *text;
		int err;
		uint32_t seconds;
	} rows[] = {{"3600", STW_OK, 3600},	   {"4294967295", STW_OK, 4294967295u},
		    {"4294967296", STW_ERANGE, 0}, {"99999999999999999999999999", STW_ERANGE, 0},
		    {"-1", STW_EMALFORMED, 0},	   {"", STW_EMALFORMED, 0},
		    {"1 2", STW_EMALFORMED, 0}};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct stw_span v;
		uint32_t seconds = 0;
		char *buf = value_of(rows[i].text, &v);
		assert_int_equal(stw_sip_seconds_parse(buf, v, &seconds), rows[i].err);
		assert_int_equal(seconds, rows[i].seconds);
		free(buf);
	}
}

static void rfc3261_s20_33_retry_after(void **state)
{
	struct stw_sip_retry_after retry;
	struct stw_span v;
	(void)state;
	char *buf = value_of("120 (in a (\\)) meeting);duration=3600;x", &v);
	assert_int_equal(stw_sip_retry_after_parse(buf, v, &retry), STW_OK);
	assert_int_equal(retry.seconds, 120);
	assert_part(buf, retry.comment, "(in a (\\)) meeting)");
	assert_part(buf, retry.params, ";duration=3600;x");
	free(buf);
	static const char *const bad[] = {"",	  "x",	 "12 (open", "12 (open\\",
					  "12 x", "12;", "12;;x"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		buf = value_of(bad[i], &v);
		assert_int_equal(stw_sip_retry_after_parse(buf, v, &retry), STW_EMALFORMED);
		free(buf);
	}
	buf = value_of("949302838503028349304023988", &v);
	assert_int_equal(stw_sip_retry_after_parse(buf, v, &retry), STW_ERANGE);
	free(buf);
}

static void rfc6665_s8_2_1_event(void **state)
{
	struct stw_sip_event event;
	struct stw_span v;
	(void)state;
	char *buf = value_of("presence.winfo ; ID=7 ; x=\"y;z\"", &v);
	assert_int_equal(stw_sip_event_parse(buf, v, &event), STW_OK);
	assert_part(buf, event.type, "presence.winfo");
	assert_part(buf, event.id, "7");
	free(buf);
	buf = value_of("presence id=7", &v);
	assert_int_equal(stw_sip_event_parse(buf, v, &event), STW_EMALFORMED);
	free(buf);
}

static void rfc6665_s8_2_3_subscription_state(void **state)
{
	struct stw_sip_subscription_state s;
	struct stw_span v;
	(void)state;
	char *buf = value_of("terminated;reason=timeout;Retry-After=30", &v);
	assert_int_equal(stw_sip_subscription_state_parse(buf, v, &s), STW_OK);
	assert_part(buf, s.state, "terminated");
	assert_part(buf, s.reason, "timeout");
	assert_int_equal(s.retry_after, 30);
	assert_int_equal(s.expires, -1);
	free(buf);
	buf = value_of("active;expires=9999999999", &v);
	assert_int_equal(stw_sip_subscription_state_parse(buf, v, &s), STW_EMALFORMED);
	free(buf);
}

static void rfc3891_s6_1_replaces(void **state)
{
	struct stw_sip_replaces r;
	struct stw_span v;
	(void)state;
	char *buf = value_of("425928@phone.example.org;from-tag=7743;to-tag=r6472;early-only", &v);
	assert_int_equal(stw_sip_replaces_parse(buf, v, &r), STW_OK);
	assert_part(buf, r.call_id, "425928@phone.example.org");
	assert_part(buf, r.to_tag, "r6472");
	assert_part(buf, r.from_tag, "7743");
	assert_true(r.early_only);
	free(buf);
	static const char *const bad[] = {"",
					  ";to-tag=a;from-tag=b",
					  "x;to-tag=a",
					  "x;from-tag=a",
					  "x;to-tag=a;to-tag=b;from-tag=c",
					  "x;to-tag;from-tag=c",
					  "x y;to-tag=a;from-tag=b"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		buf = value_of(bad[i], &v);
		assert_int_equal(stw_sip_replaces_parse(buf, v, &r), STW_EMALFORMED);
		free(buf);
	}
}

static void rfc3261_s20_7_authorization(void **state)
{
	static const char *const want[][2] = {{"username", "\"a, b\""},
					      {"qop", "auth"},
					      {"nc", "00000001"},
					      {"uri", "\"sip:h\""}};
	struct stw_span v, scheme, rest;
	struct stw_sip_param param;
	size_t n = 0;
	int err;
	(void)state;
	char *buf =
		value_of("Digest username=\"a, b\",\r\n qop = auth, nc=00000001,uri=\"sip:h\"", &v);
	assert_int_equal(stw_sip_auth_scheme(buf, v, &scheme, &rest), STW_OK);
	assert_part(buf, scheme, "Digest");
	for (; (err = stw_sip_auth_param_next(buf, &rest, &param)) == STW_OK; n++) {
		assert_part(buf, param.name, want[n][0]);
		assert_part(buf, param.value, want[n][1]);
	}
	assert_int_equal(err, STW_ENOENT);
	assert_int_equal(n, 4);
	free(buf);
	buf = value_of("NoOneKnows opaque-data", &v);
	assert_int_equal(stw_sip_auth_scheme(buf, v, &scheme, &rest), STW_OK);
	assert_int_equal(stw_sip_auth_param_next(buf, &rest, &param), STW_EMALFORMED);
	free(buf);
}

static void rfc4412_s3_1_resource_priority(void **state)
{
	struct stw_sip_resource_priority r;
	struct stw_span rest;
	(void)state;
	char *buf = value_of("ets.0, dsn.flash-override", &rest);
	assert_int_equal(stw_sip_resource_priority_next(buf, &rest, &r), STW_OK);
	assert_part(buf, r.space, "ets");
	assert_part(buf, r.priority, "0");
	assert_int_equal(stw_sip_resource_priority_next(buf, &rest, &r), STW_OK);
	assert_part(buf, r.priority, "flash-override");
	assert_int_equal(stw_sip_resource_priority_next(buf, &rest, &r), STW_ENOENT);
	free(buf);
	static const char *const bad[] = {"ets", ".0", "ets.", "a.b.c", "a.b,"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		buf = value_of(bad[i], &rest);
		assert_int_equal(stw_sip_resource_priority_next(buf, &rest, &r), STW_EMALFORMED);
		free(buf);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc3261_s7_3_3_registered_compact_names),
		cmocka_unit_test(rfc3261_s20_32_option_tags),
		cmocka_unit_test(rfc3261_s20_19_seconds),
		cmocka_unit_test(rfc3261_s20_33_retry_after),
		cmocka_unit_test(rfc6665_s8_2_1_event),
		cmocka_unit_test(rfc6665_s8_2_3_subscription_state),
		cmocka_unit_test(rfc3891_s6_1_replaces),
		cmocka_unit_test(rfc3261_s20_7_authorization),
		cmocka_unit_test(rfc4412_s3_1_resource_priority),
	};
	return cmocka_run_group_tests_name("sip-headers", tests, NULL, NULL);
}
