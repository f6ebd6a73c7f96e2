/* SPDX-License-Identifier: BSD-3-Clause */
#include <strowger/sip_number.h>

#include "tests/unit/sip/values.h"

static void uri_has(const char *text, const char *number)
{
	struct stw_sip_uri uri;
	struct stw_number got;
	struct stw_span v;
	char *buf = value_of(text, &v);

	assert_int_equal(stw_sip_uri_parse(buf, v, &uri), STW_OK);
	bool found = stw_sip_uri_number(buf, &uri, &got);
	if (found != (number != NULL))
		fail_msg("%s: %s", text, found ? "a number" : "no number");
	if (found && (got.len != strlen(number) || memcmp(got.text, number, got.len) != 0))
		fail_msg("%s: %.*s, not %s", text, got.len, got.text, number);
	free(buf);
}

static void rfc3966_s5_1_1_separators_mean_nothing(void **state)
{
	(void)state;
	uri_has("tel:+49-30-1234", "+49301234");
	uri_has("tel:+49301234", "+49301234");
	uri_has("tel:+1.(201).555-0123", "+12015550123");
	uri_has("tel:+-49-30-1234-", "+49301234");
	uri_has("tel:010-62281234;phone-context=+86", "01062281234");
}

static void rfc3966_s3_local_numbers_have_more_digits(void **state)
{
	(void)state;
	uri_has("tel:*69;phone-context=example.com", "*69");
	uri_has("tel:%2369;phone-context=example.com", "#69");
	uri_has("tel:0AbC;phone-context=example.com", "0abc");
	uri_has("tel:+49*30", NULL);
	uri_has("tel:+49ab", NULL);
	uri_has("tel:phone", NULL);
	uri_has("tel:-.-", NULL);
	uri_has("tel:+", NULL);
	uri_has("tel:4+9", NULL);
}

static void rfc3966_s5_1_5_the_context_is_no_part_of_the_number(void **state)
{
	(void)state;
	uri_has("tel:7042;phone-context=+1201555", "7042");
	uri_has("tel:7042;ext=12;isub=3;phone-context=example.com", "7042");
	uri_has("tel:+49301234;ext=99", "+49301234");
}

static void rfc3261_s19_1_6_a_sip_uri_may_be_of_a_number(void **state)
{
	(void)state;
	uri_has("sip:+49-30-1234@example.net;user=phone", "+49301234");
	uri_has("sips:010-62281234@example.net;transport=udp;USER=Phone", "01062281234");
	uri_has("sip:7042;phone-context=+1201555@example.net;user=phone", "7042");
	uri_has("sip:%2b4930%31234:secret@example.net;user=phone", "+49301234");
	uri_has("sip:alice@example.net;user=phone", NULL);
	uri_has("sip:example.net;user=phone", NULL);
}

/* Without the parameter a user of digits may be anybody's name; a global number is one. */
static void a_user_that_is_a_global_number_counts(void **state)
{
	(void)state;
	uri_has("sip:+4930-1234@example.net", "+49301234");
	uri_has("sip:%2B49301234@example.net;user=ip", "+49301234");
	uri_has("sip:7042@example.net", NULL);
	uri_has("sip:7042@example.net;user=ip", NULL);
	uri_has("sip:+alice@example.net", NULL);
	uri_has("urn:service:sos", NULL);
}

static void long_numbers_keep_their_beginning(void **state)
{
	(void)state;
	uri_has("tel:+1234567890123456789012345678901234567890",
		"+1234567890123456789012345678901");
}

static void texts_are_read(void **state)
{
	struct stw_number n;

	(void)state;
	assert_true(stw_number_read("+49 30 (1234)", 13, &n));
	assert_int_equal(n.len, 9);
	assert_false(stw_number_read("", 0, &n));
	assert_false(stw_number_read("%3", 2, &n));
	assert_false(stw_number_read("%zz", 3, &n));
	assert_false(stw_number_read(";1", 2, &n));
	assert_false(stw_number_read("1%3b2", 5, &n));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc3966_s5_1_1_separators_mean_nothing),
		cmocka_unit_test(rfc3966_s3_local_numbers_have_more_digits),
		cmocka_unit_test(rfc3966_s5_1_5_the_context_is_no_part_of_the_number),
		cmocka_unit_test(rfc3261_s19_1_6_a_sip_uri_may_be_of_a_number),
		cmocka_unit_test(a_user_that_is_a_global_number_counts),
		cmocka_unit_test(long_numbers_keep_their_beginning),
		cmocka_unit_test(texts_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
