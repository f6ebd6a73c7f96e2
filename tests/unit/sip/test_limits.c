/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>

#include "tests/unit/sip/values.h"

#define FIVE "v: SIP/2.0/UDP a\r\nf: <sip:a@b>\r\nt: <sip:a@b>\r\ni: x\r\nCSeq: 1 OPTIONS\r\n"

static int restore(void **state)
{
	const struct stw_sip_limits limits = {STW_SIP_HEADERS_DEFAULT, STW_SIP_VIAS_DEFAULT};
	(void)state;
	return stw_sip_set_limits(&limits);
}

static void limits_are_obeyed_by_every_kernel(void **state)
{
	const struct stw_sip_limits limits = {6, 2};
	static const struct {
		const char *text;
		enum stw_sip_reject want;
	} rows[] = {
		{"OPTIONS sip:h SIP/2.0\r\n" FIVE "a: 1\r\n\r\n", STW_SIP_ACCEPTED},
		{"OPTIONS sip:h SIP/2.0\r\n" FIVE "a: 1\r\nb: 2\r\n\r\n",
		 STW_REJECT_TOO_MANY_HEADERS},
		{"OPTIONS sip:h SIP/2.0\r\n" FIVE "v: SIP/2.0/UDP b\r\n\r\n", STW_SIP_ACCEPTED},
		{"OPTIONS sip:h SIP/2.0\r\n" FIVE "v: SIP/2.0/UDP b, SIP/2.0/UDP c\r\n\r\n",
		 STW_REJECT_TOO_MANY_VIAS},
	};
	struct stw_sip_msg m;
	(void)state;
	assert_int_equal(stw_sip_set_limits(&limits), STW_OK);
	for (int k = STW_KERNEL_SCALAR; k < STW_N_KERNELS; k++) {
		if (stw_sip_init((enum stw_sip_kernel)k) != STW_OK)
			continue;
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			assert_int_equal(stw_sip_parse(rows[i].text, strlen(rows[i].text), &m),
					 rows[i].want);
	}
}

static void absurd_limits_are_refused(void **state)
{
	static const struct stw_sip_limits bad[] = {{4, 1},
						    {STW_SIP_HEADERS_MAX + 1, 1},
						    {5, 0},
						    {5, STW_SIP_VIAS_MAX + 1}};
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(stw_sip_set_limits(&bad[i]), STW_ERANGE);
}

static void names_of_rejects_are_the_enum_in_lower_case(void **state)
{
	static const char *const upper[] = {"ACCEPTED",
#define X(name, status, phrase, section) #name,
					    STW_SIP_REJECTS(X)
#undef X
	};
	(void)state;
	for (size_t i = 0; i < STW_N_SIP_REJECTS; i++) {
		const char *name = stw_sip_reject_rows[i].name;
		assert_int_equal(strlen(name), strlen(upper[i]));
		for (size_t k = 0; name[k]; k++)
			assert_int_equal(name[k], tolower(upper[i][k]));
	}
}

static void methods_have_their_names(void **state)
{
	(void)state;
	assert_string_equal(stw_sip_method_text(STW_METHOD_SUBSCRIBE), "SUBSCRIBE");
	assert_string_equal(stw_sip_method_text(STW_METHOD_OTHER), "other");
	assert_string_equal(stw_sip_method_text(STW_N_METHODS), "other");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(limits_are_obeyed_by_every_kernel, restore),
		cmocka_unit_test(absurd_limits_are_refused),
		cmocka_unit_test(names_of_rejects_are_the_enum_in_lower_case),
		cmocka_unit_test(methods_have_their_names),
	};
	return cmocka_run_group_tests_name("sip-limits", tests, NULL, NULL);
}
