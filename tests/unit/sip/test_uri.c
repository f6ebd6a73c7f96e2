/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/sip/values.h"

static char *parsed(const char *text, struct stw_sip_uri *uri)
{
	struct stw_span v;
	char *buf = value_of(text, &v);
	assert_int_equal(stw_sip_uri_parse(buf, v, uri), STW_OK);
	assert_int_equal(uri->all.len, v.len);
	return buf;
}

static void rfc3261_s19_1_1_all_parts(void **state)
{
	struct stw_sip_uri uri;
	(void)state;
	char *buf = parsed("sips:alice;day=tuesday:secret@[2001:db8::10]:5070;transport=TCP;LR"
			   ";maddr=239.255.255.1;x=%41?subject=a%20b&to=c",
			   &uri);
	assert_int_equal(uri.scheme, STW_SCHEME_SIPS);
	assert_true(uri.has_user);
	assert_part(buf, uri.user, "alice;day=tuesday");
	assert_part(buf, uri.password, "secret");
	assert_part(buf, uri.host, "[2001:db8::10]");
	assert_true(uri.host_is_ip);
	assert_int_equal(uri.ip.b[0], 0x20);
	assert_int_equal(uri.port, 5070);
	assert_true(uri.lr);
	assert_part(buf, uri.maddr, "239.255.255.1");
	assert_part(buf, uri.transport_text, "TCP");
	assert_int_equal(uri.transport, STW_TRANSPORT_TCP);
	assert_part(buf, uri.params, ";transport=TCP;LR;maddr=239.255.255.1;x=%41");
	assert_part(buf, uri.headers, "subject=a%20b&to=c");
	free(buf);
}

static void defaults_of_a_bare_uri(void **state)
{
	struct stw_sip_uri uri;
	(void)state;
	char *buf = parsed("sip:example.com", &uri);
	assert_false(uri.has_user || uri.lr || uri.host_is_ip);
	assert_int_equal(uri.port, 0);
	assert_int_equal(uri.transport, STW_TRANSPORT_UDP);
	assert_int_equal(uri.params.len, 0);
	free(buf);
}

static void rfc4475_s3_1_1_9_the_at_sign_ends_the_user(void **state)
{
	struct stw_sip_uri uri;
	(void)state;
	char *buf = parsed("sip:user;par=u%40example.net@example.com", &uri);
	assert_part(buf, uri.user, "user;par=u%40example.net");
	assert_part(buf, uri.host, "example.com");
	free(buf);
}

static void rfc3966_s3_tel(void **state)
{
	struct stw_sip_uri uri;
	(void)state;
	char *buf = parsed("tel:863-1234;phone-context=+1-914-555", &uri);
	assert_int_equal(uri.scheme, STW_SCHEME_TEL);
	assert_part(buf, uri.user, "863-1234");
	assert_part(buf, uri.params, ";phone-context=+1-914-555");
	free(buf);
}

static void rfc5031_s4_1_urn(void **state)
{
	struct stw_sip_uri uri;
	(void)state;
	char *buf = parsed("urn:service:sos.fire", &uri);
	assert_int_equal(uri.scheme, STW_SCHEME_URN);
	assert_part(buf, uri.user, "service:sos.fire");
	free(buf);
}

static void other_schemes_are_not_looked_into(void **state)
{
	struct stw_span v;
	struct stw_sip_uri uri;
	(void)state;
	char *buf = value_of("http://www.example.com/a?b=c", &v);
	assert_int_equal(stw_sip_uri_parse(buf, v, &uri), STW_ENOENT);
	assert_int_equal(uri.scheme, STW_SCHEME_OTHER);
	assert_int_equal(uri.all.len, v.len);
	free(buf);
}

static void malformed_ones(void **state)
{
	static const char *const bad[] = {
		"",
		"sip",
		"sip:",
		":x",
		"1sip:x",
		"sip:@h",
		"sip:a@",
		"sip:a@@h",
		"sip:a b@h",
		"sip:<a>@h",
		"sip:a@h:",
		"sip:a@h:0",
		"sip:a@h:99999",
		"sip:a@h:5060x",
		"sip:a@[::1",
		"sip:a@[]",
		"sip:a@h;",
		"sip:a@h;;x",
		"sip:a@h;=x",
		"sip:a@h;x=y=z",
		"sip:a@h;x=y z",
		"sip:a@h?",
		"sip:a@h?x",
		"sip:a@h?x=y&",
		"sip:%4@h",
		"sip:a%zz@h",
		"sip:a@h;x=%",
		"sip:2001:db8::10",
		"sip:a@h\r\n",
		"sip:a@h#f",
		"sip:\xc3\xa4@h",
		"tel:",
		"tel:;x",
		"tel:1 2",
		"http:",
		"http:a b",
		"sip:a@h,",
		"sip:a@h;x=\"y\"",
		"sip:a@%68ost",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct stw_span v;
		struct stw_sip_uri uri;
		char *buf = value_of(bad[i], &v);
		if (stw_sip_uri_parse(buf, v, &uri) != STW_EMALFORMED)
			fail_msg("%s was taken", bad[i]);
		free(buf);
	}
}

static void rfc5118_s4_10_three_colons_are_no_address(void **state)
{
	struct stw_sip_uri uri;
	(void)state;
	char *buf = parsed("sip:user@[2001:db8:::192.0.2.1]", &uri);
	assert_false(uri.host_is_ip);
	free(buf);
	buf = parsed("sip:user@[2001:db8::192.0.2.1]", &uri);
	assert_true(uri.host_is_ip);
	free(buf);
	/* Out of range: a name nobody will find, but no address. */
	buf = parsed("sip:user@256.0.0.1", &uri);
	assert_false(uri.host_is_ip);
	free(buf);
}

static void parameters_are_found_by_name(void **state)
{
	struct stw_sip_uri uri;
	struct stw_span value;
	(void)state;
	char *buf = parsed("sip:h;ab;a=1;LR=on;a=2;c=%3B", &uri);
	assert_int_equal(stw_sip_param_find(buf, uri.params, "A", 1, &value), STW_OK);
	assert_part(buf, value, "1");
	assert_int_equal(stw_sip_param_find(buf, uri.params, "lr", 2, &value), STW_OK);
	assert_part(buf, value, "on");
	assert_int_equal(stw_sip_param_find(buf, uri.params, "ab", 2, &value), STW_OK);
	assert_int_equal(value.len, 0);
	assert_int_equal(stw_sip_param_find(buf, uri.params, "c", 1, &value), STW_OK);
	assert_part(buf, value, "%3B");
	assert_int_equal(stw_sip_param_find(buf, uri.params, "b", 1, &value), STW_ENOENT);
	free(buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc3261_s19_1_1_all_parts),
		cmocka_unit_test(defaults_of_a_bare_uri),
		cmocka_unit_test(rfc4475_s3_1_1_9_the_at_sign_ends_the_user),
		cmocka_unit_test(rfc3966_s3_tel),
		cmocka_unit_test(rfc5031_s4_1_urn),
		cmocka_unit_test(other_schemes_are_not_looked_into),
		cmocka_unit_test(malformed_ones),
		cmocka_unit_test(rfc5118_s4_10_three_colons_are_no_address),
		cmocka_unit_test(parameters_are_found_by_name),
	};
	return cmocka_run_group_tests_name("sip-uri", tests, NULL, NULL);
}
