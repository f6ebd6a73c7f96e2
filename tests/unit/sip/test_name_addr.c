/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/sip/values.h"

static char *parsed(const char *text, struct stw_sip_name_addr *na)
{
	struct stw_span v;
	char *buf = value_of(text, &v);
	assert_int_equal(stw_sip_name_addr_parse(buf, v, na), STW_OK);
	return buf;
}

static void rfc3261_s20_10_forms_of_an_address(void **state)
{
	static const struct {
		const char *text, *display, *uri, *params;
		bool bracketed;
	} rows[] = {
		{"<sip:a@b>", "", "sip:a@b", "", true},
		{"<sip:a@b;x>;tag=1", "", "sip:a@b;x", ";tag=1", true},
		{"Bob  B. <sip:a@b> ; q = 0.7", "Bob  B.", "sip:a@b", "; q = 0.7", true},
		{"bob<sip:a@b>", "bob", "sip:a@b", "", true},
		{"\"Q \\\"x\\\\\" <sip:a,c@b?d=e>;p=\"a,;\"", "\"Q \\\"x\\\\\"", "sip:a,c@b?d=e",
		 ";p=\"a,;\"", true},
		{"sip:a@b;tag=1", "", "sip:a@b", ";tag=1", false},
		{"sip:a@b", "", "sip:a@b", "", false},
		{"tel:+1-201-555;x", "", "tel:+1-201-555", ";x", false},
		{"<isbn:2983792873>", "", "isbn:2983792873", "", true},
	};
	struct stw_sip_name_addr na;
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *buf = parsed(rows[i].text, &na);
		assert_part(buf, na.display, rows[i].display);
		assert_part(buf, na.uri, rows[i].uri);
		assert_part(buf, na.params, rows[i].params);
		assert_part(buf, na.all, rows[i].text);
		assert_int_equal(na.bracketed, rows[i].bracketed);
		assert_false(na.more);
		free(buf);
	}
}

static void rfc3261_s7_3_1_lists(void **state)
{
	struct stw_sip_name_addr na;
	(void)state;
	char *buf = parsed("\"a, b\" <sip:a,b@c>;x , <sip:d>,sip:e", &na);
	assert_part(buf, na.all, "\"a, b\" <sip:a,b@c>;x");
	assert_true(na.more);
	size_t len = strlen("\"a, b\" <sip:a,b@c>;x , <sip:d>,sip:e");
	struct stw_span rest = {na.next, (uint16_t)(len - na.next)};
	assert_int_equal(stw_sip_name_addr_parse(buf, rest, &na), STW_OK);
	assert_part(buf, na.all, "<sip:d>");
	rest = (struct stw_span){na.next, (uint16_t)(len - na.next)};
	assert_int_equal(stw_sip_name_addr_parse(buf, rest, &na), STW_OK);
	assert_part(buf, na.all, "sip:e");
	assert_false(na.more);
	free(buf);
}

static void malformed_ones(void **state)
{
	static const char *const bad[] = {
		"",
		"bob",
		"<>",
		"<sip:>",
		"<sip:a@b",
		"sip:a@b>",
		"< sip:a@b>",
		"<sip:a@b >",
		"\"x <sip:a@b>",
		"\"x\" sip:a@b",
		"a, b <sip:a@b>",
		"a@b <sip:a@b>",
		"<sip:a@b>x",
		"<sip:a@b>;",
		"<sip:a@b>;;x",
		"<sip:a@b>;x=",
		"<sip:a@b>,",
		"sip:a@b?x=y",
		"sip:a b",
		"<sip:a\"b>",
		"<sip:a<b>>",
		"*",
		"\"x\\\r\n\" <sip:a@b>",
		"<sip:a%zb@c>",
		"\"a\x01\" <sip:a@b>",
		"\"a\\\xff\" <sip:a@b>",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct stw_span v;
		struct stw_sip_name_addr na;
		char *buf = value_of(bad[i], &v);
		if (stw_sip_name_addr_parse(buf, v, &na) != STW_EMALFORMED)
			fail_msg("%s was taken", bad[i]);
		free(buf);
	}
}

static void rfc3261_s19_3_tags(void **state)
{
	static const struct {
		const char *text, *tag;
		int err;
	} rows[] = {
		{"<sip:a@b>;x=y;Tag=1*a", "1*a", STW_OK},
		{"sip:a@b;tag=q", "q", STW_OK},
		{"<sip:a@b;tag=no>", "", STW_ENOENT},
		{"\";tag=no\" <sip:a@b>", "", STW_ENOENT},
		{"<sip:a@b>;xtag=1", "", STW_ENOENT},
		{"<sip:a@b>;tag", "", STW_EMALFORMED},
		{"<sip:a@b>, <sip:c@d>;tag=1", "", STW_EMALFORMED},
		{"\"open;tag=1", "", STW_EMALFORMED},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct stw_span v, tag = {0, 0};
		char *buf = value_of(rows[i].text, &v);
		assert_int_equal(stw_sip_tag_find(buf, v, &tag), rows[i].err);
		assert_part(buf, tag, rows[i].tag);
		free(buf);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc3261_s20_10_forms_of_an_address),
		cmocka_unit_test(rfc3261_s7_3_1_lists),
		cmocka_unit_test(malformed_ones),
		cmocka_unit_test(rfc3261_s19_3_tags),
	};
	return cmocka_run_group_tests_name("sip-name-addr", tests, NULL, NULL);
}
