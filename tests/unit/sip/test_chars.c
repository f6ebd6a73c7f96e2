/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of classes against the grammar, written out; the sets of the kernels against the table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/sip/chars.h"
#include "dataplane/sip/sets.h"

#define DIGITS	   "0123456789"
#define LOWER	   "abcdefghijklmnopqrstuvwxyz"
#define UPPER	   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define ALPHANUM   DIGITS LOWER UPPER
#define UNRESERVED ALPHANUM "-_.!~*'()"

static void assert_class(unsigned class, const char *members)
{
	for (int c = 0; c < 256; c++) {
		bool member = c != 0 && strchr(members, c) != NULL;
		assert_int_equal(stw_is((char)c, class), member);
	}
}

static void classes_are_those_of_rfc3261_s25_1(void **state)
{
	(void)state;
	assert_class(STW_C_DIGIT, DIGITS);
	assert_class(STW_C_ALPHA, LOWER UPPER);
	assert_class(STW_C_HEX, DIGITS "abcdefABCDEF");
	assert_class(STW_C_TOKEN, ALPHANUM "-.!%*_+`'~");
	assert_class(STW_C_WORD, ALPHANUM "-.!%*_+`'~()<>:\\\"/[]?{}");
	assert_class(STW_C_LWS, " \t\r\n");
	assert_class(STW_C_USER, UNRESERVED "&=+$,;?/");
	assert_class(STW_C_PASS, UNRESERVED "&=+$,");
	assert_class(STW_C_HOST, ALPHANUM "-._");
	assert_class(STW_C_PARAM, UNRESERVED "[]/:&+$");
	assert_class(STW_C_HEADER, UNRESERVED "[]/?:+$");
	assert_class(STW_C_URIC, UNRESERVED ";/?:@&=+$,");
	assert_class(STW_C_SCHEME, ALPHANUM "+-.");
	assert_class(STW_C_V6, DIGITS "abcdefABCDEF:.");
	for (int c = 0; c < 256; c++) {
		const bool text = c == '\t' || (c >= ' ' && c != 127);

		assert_int_equal(stw_is((char)c, STW_C_TEXT), text);
		assert_int_equal(stw_is((char)c, STW_C_QDTEXT),
				 (text || c == '\r' || c == '\n') && c != '"' && c != '\\');
	}
}

static void assert_set(const uint8_t set[16], unsigned class, const char *more)
{
	for (int c = 0; c < 128; c++) {
		bool in_class = stw_is((char)c, class) || (c != 0 && strchr(more, c));
		assert_int_equal(set[c & 15] >> (c >> 4) & 1, in_class);
	}
}

static void kernel_sets_agree_with_the_classes(void **state)
{
	(void)state;
	assert_set(stw_sets[STW_SET_TOKEN], STW_C_TOKEN, "");
	assert_set(stw_sets[STW_SET_CALLID], STW_C_WORD, "@");
	assert_set(stw_sets[STW_SET_USER], STW_C_USER, "");
	assert_set(stw_sets[STW_SET_HOST], STW_C_HOST, "");
	assert_set(stw_sets[STW_SET_PARAM], STW_C_PARAM, "");
	assert_set(stw_sets[STW_SET_URI], STW_C_URIC | STW_C_PARAM | STW_C_HEADER, "");
	assert_set(stw_sets[STW_SET_DIGIT], STW_C_DIGIT, "");
}

static void escapes_need_two_hex_digits(void **state)
{
	(void)state;
	static const char text[] = "a%41%4z";
	const char *end = text + strlen(text);
	assert_ptr_equal(stw_span_escaped(text, end, STW_C_ALPHA), text + 4);
	assert_ptr_equal(stw_span_escaped(text, text + 3, STW_C_ALPHA), text + 1);
}

static void words_compare_in_any_case(void **state)
{
	(void)state;
	assert_true(STW_CASE_IS("SIP", 3, "sip"));
	assert_false(STW_CASE_IS("SIPS", 4, "sip"));
	assert_false(STW_CASE_IS("S\x09P", 3, "sip")); /* 'i' without bit 5 and 6 */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classes_are_those_of_rfc3261_s25_1),
		cmocka_unit_test(kernel_sets_agree_with_the_classes),
		cmocka_unit_test(escapes_need_two_hex_digits),
		cmocka_unit_test(words_compare_in_any_case),
	};
	return cmocka_run_group_tests_name("sip-chars", tests, NULL, NULL);
}
