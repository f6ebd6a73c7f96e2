/* SPDX-License-Identifier: BSD-3-Clause */
#include <strowger/sip_headers.h>

#include "tests/unit/sip/values.h"

static bool equal(const char *a, const char *b)
{
	struct stw_span x, y;
	struct stw_sip_uri u, v;
	char *p = value_of(a, &x), *q = value_of(b, &y);

	assert_int_not_equal(stw_sip_uri_parse(p, x, &u), STW_EMALFORMED);
	assert_int_not_equal(stw_sip_uri_parse(q, y, &v), STW_EMALFORMED);
	bool yes = stw_sip_uri_equal(p, &u, q, &v);
	assert_int_equal(stw_sip_uri_equal(q, &v, p, &u), yes); /* either way round */
	free(p);
	free(q);
	return yes;
}

/* The examples of the section, with names of our own. */
static void rfc3261_s19_1_4_equal(void **state)
{
	(void)state;
	assert_true(
		equal("sip:%61nn@example.com;transport=TCP", "sip:ann@Example.com;Transport=tcp"));
	assert_true(equal("sip:carol@example.org", "sip:carol@example.org;newparam=5"));
	assert_true(equal("sip:carol@example.org", "sip:carol@example.org;security=on"));
	assert_true(
		equal("sip:example.net;transport=tcp;method=REGISTER?to=sip:bob%40example.net",
		      "sip:example.net;method=REGISTER;transport=tcp?to=sip:bob%40example.net"));
	assert_true(
		equal("sip:a@h?subject=x&priority=urgent", "sip:a@h?priority=urgent&subject=x"));
	assert_true(equal("sip:a@[2001:DB8::1]", "sip:a@[2001:db8:0::1]"));
	assert_true(equal("SIP:a@h", "sip:a@h"));
}

static void rfc3261_s19_1_4_different(void **state)
{
	(void)state;
	assert_false(
		equal("sip:ANN@example.com;Transport=udp", "sip:ann@example.com;Transport=UDP"));
	assert_false(equal("sip:bob@example.net", "sip:bob@example.net:5060"));
	assert_false(equal("sip:bob@example.net", "sip:bob@example.net;transport=udp"));
	assert_false(equal("sip:bob@example.net", "sip:bob@example.net:6000;transport=tcp"));
	assert_false(
		equal("sip:carol@example.org", "sip:carol@example.org?Subject=next%20meeting"));
	assert_false(equal("sip:bob@phone.example.org", "sip:bob@192.0.2.4"));
	assert_false(equal("sip:a@h", "sips:a@h"));
	assert_false(equal("sip:a@h", "sip:h"));
	assert_false(equal("sip:a:x@h", "sip:a:y@h"));
	assert_false(equal("sip:a%40b@h", "sip:a%41b@h"));
	assert_false(equal("sip:a%2Cb@h", "sip:a,b@h")); /* reserved: not the same escaped */
	assert_false(equal("sip:h;security=on", "sip:h;security=off"));
	assert_false(equal("sip:h", "sip:h;maddr=192.0.2.1"));
	assert_false(equal("sip:h", "sip:h;user=phone"));
}

static void rfc3261_s19_1_4_equality_is_not_transitive(void **state)
{
	(void)state;
	assert_true(equal("sip:carol@example.org;security=on", "sip:carol@example.org"));
	assert_true(equal("sip:carol@example.org", "sip:carol@example.org;security=off"));
	assert_false(
		equal("sip:carol@example.org;security=on", "sip:carol@example.org;security=off"));
}

static void rfc3966_s4_telephone_numbers(void **state)
{
	(void)state;
	assert_true(equal("tel:+1-201-555-0123", "tel:+1(201)555.0123"));
	assert_true(
		equal("tel:7042;phone-context=Example.com", "tel:70-42;phone-context=example.com"));
	assert_true(equal("tel:+1;ext=2;isub=x", "tel:+1;isub=x;ext=2"));
	assert_false(equal("tel:+1-201-555-0123", "tel:+1-201-555-0124"));
	assert_false(equal("tel:+1-201-555-0123", "tel:+1-201-555-0123;ext=3"));
}

static void other_schemes_are_compared_as_they_are(void **state)
{
	(void)state;
	assert_true(equal("urn:service:sos", "URN:service:sos"));
	assert_false(equal("urn:service:sos", "urn:service:SOS"));
	assert_false(equal("http://a", "http://ab"));
	assert_false(equal("http://a", "mailto:a"));
}

static void assert_aor(const char *uri, const char *want)
{
	struct stw_span v;
	struct stw_sip_uri u;
	char out[128];
	size_t len;
	char *buf = value_of(uri, &v);

	assert_int_equal(stw_sip_uri_parse(buf, v, &u), STW_OK);
	assert_int_equal(stw_sip_uri_aor(buf, &u, out, sizeof(out), &len), STW_OK);
	assert_int_equal(len, strlen(want));
	assert_memory_equal(out, want, len);
	for (size_t room = 0; room < len; room++)
		assert_int_equal(stw_sip_uri_aor(buf, &u, out, room, &len), STW_ENOSPACE);
	free(buf);
}

static void rfc3261_s10_3_canonical_address_of_record(void **state)
{
	(void)state;
	assert_aor("SIP:%61nn:secret@EXAMPLE.com.:5070;transport=tcp?a=b", "sip:ann@example.com");
	assert_aor("sips:Ann@h", "sips:Ann@h");
	assert_aor("sip:H", "sip:h");
	assert_aor("sip:a%2cb%00c%25@h", "sip:a%2Cb%00c%25@h");
	assert_aor("sip:a@[2001:DB8:0:0::1]:5070", "sip:a@[2001:db8::1]");
	assert_aor("sip:a@[::ffff:192.0.2.1]", "sip:a@192.0.2.1");
	assert_aor("tel:+1-(201)-555.0123;ext=3", "tel:+12015550123");
	assert_aor("tel:70-42;phone-context=Example.com", "tel:7042;phone-context=example.com");
	assert_aor("tel:70-42;phone-context=+1-201", "tel:7042;phone-context=+1201");
}

static void what_has_no_address_of_record(void **state)
{
	static const char *const bad[] = {"urn:service:sos", "tel:7042", "tel:7042;phone-context="};
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct stw_span v;
		struct stw_sip_uri u;
		char out[64];
		size_t len;
		char *buf = value_of(bad[i], &v);
		assert_int_equal(stw_sip_uri_parse(buf, v, &u), STW_OK);
		assert_int_equal(stw_sip_uri_aor(buf, &u, out, sizeof(out), &len), STW_EMALFORMED);
		free(buf);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc3261_s19_1_4_equal),
		cmocka_unit_test(rfc3261_s19_1_4_different),
		cmocka_unit_test(rfc3261_s19_1_4_equality_is_not_transitive),
		cmocka_unit_test(rfc3966_s4_telephone_numbers),
		cmocka_unit_test(other_schemes_are_compared_as_they_are),
		cmocka_unit_test(rfc3261_s10_3_canonical_address_of_record),
		cmocka_unit_test(what_has_no_address_of_record),
	};
	return cmocka_run_group_tests_name("sip-uri-equal", tests, NULL, NULL);
}
