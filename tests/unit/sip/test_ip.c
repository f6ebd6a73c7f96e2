/* SPDX-License-Identifier: BSD-3-Clause */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <strowger/endpoint.h>
#include <strowger/errors.h>

static void assert_round_trip(const char *text, const char *canonical)
{
	struct stw_ip ip;
	char out[46];

	assert_int_equal(stw_ip_parse(text, strlen(text), &ip), STW_OK);
	size_t n = stw_ip_format(&ip, out);
	assert_int_equal(n, strlen(canonical));
	assert_memory_equal(out, canonical, n);
}

static void rfc5952_s4_canonical_text(void **state)
{
	(void)state;
	assert_round_trip("192.0.2.1", "192.0.2.1");
	assert_round_trip("2001:0DB8::0001", "2001:db8::1");
	assert_round_trip("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1");	   /* first of equal runs */
	assert_round_trip("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"); /* one group stays */
	assert_round_trip("::", "::");
	assert_round_trip("::1", "::1");
	assert_round_trip("1::", "1::");
	assert_round_trip("1:0:0:2:0:0:0:3", "1:0:0:2::3"); /* the longest */
	assert_round_trip("2001:db8::192.0.2.1", "2001:db8::c000:201");
}

static void rfc4291_s2_5_5_2_mapped_addresses_are_ipv4(void **state)
{
	struct stw_ip a, b;
	(void)state;
	assert_int_equal(stw_ip_parse("::ffff:192.0.2.10", 17, &a), STW_OK);
	assert_int_equal(stw_ip_parse("192.0.2.10", 10, &b), STW_OK);
	assert_true(stw_ip_equal(&a, &b));
	assert_true(stw_ip_is_v4(&a));
	assert_round_trip("::ffff:192.0.2.10", "192.0.2.10");
}

static void what_is_no_address_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		".",
		"1.2.3",
		"1.2.3.4.5",
		"256.1.1.1",
		"01.2.3.4",
		"1.2.3.4 ",
		"1..2.3",
		"1.2.3.",
		":",
		":::",
		"1:2",
		"1::2::3",
		"1:2:3:4:5:6:7:8:9",
		"1:2:3:4:5:6:7:",
		":1:2:3:4:5:6:7",
		"12345::",
		"g::",
		"::1.2.3",
		"1:2:3:4:5:6:7:1.2.3.4",
		"::1.2.3.4:5",
		"1:2:3:4:5:6:7::8",
		"2001:db8:::192.0.2.1",
		"[::1]",
		"::1%eth0",
		"1234",
	};
	struct stw_ip ip;
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(stw_ip_parse(bad[i], strlen(bad[i]), &ip), STW_EMALFORMED);
}

/* The C library as oracle, on text made of the right letters. */
static void parsing_agrees_with_the_c_library(void **state)
{
	static const char set[] = "0123456789abcf::::...";
	unsigned seed = 7, taken = 0;
	(void)state;

	for (int i = 0; i < 300000; i++) {
		char text[24];
		size_t n = 2 + (size_t)rand_r(&seed) % 14;
		for (size_t k = 0; k < n; k++)
			text[k] = set[(size_t)rand_r(&seed) % (sizeof(set) - 1)];
		text[n] = '\0';
		struct stw_ip ip;
		uint8_t want[16];
		bool v6 = strchr(text, ':') != NULL;
		bool is = inet_pton(v6 ? AF_INET6 : AF_INET, text, want) == 1;
		assert_int_equal(stw_ip_parse(text, n, &ip) == STW_OK, is);
		if (is) {
			assert_memory_equal(v6 ? ip.b : ip.b + 12, want, v6 ? 16 : 4);
			taken++;
		}
	}
	assert_true(taken > 100);
}

static void endpoints_both_ways(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{"192.0.2.1:5061", "192.0.2.1:5061"},
		{"192.0.2.1", "192.0.2.1:5060"},
		{"[2001:db8::1]:5070", "[2001:db8::1]:5070"},
		{"[2001:db8::1]", "[2001:db8::1]:5060"},
		{"2001:db8::1", "[2001:db8::1]:5060"},
	};
	char out[STW_ENDPOINT_TEXT];
	struct stw_endpoint ep;
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(stw_endpoint_parse(rows[i].in, strlen(rows[i].in), 5060, &ep),
				 STW_OK);
		assert_int_equal(stw_endpoint_format(&ep, out), strlen(rows[i].out));
		assert_string_equal(out, rows[i].out);
	}
}

static void bad_endpoints_are_refused(void **state)
{
	struct stw_endpoint ep;
	(void)state;
#define REFUSED(text, err) assert_int_equal(stw_endpoint_parse(text, sizeof(text) - 1, 1, &ep), err)
	REFUSED("", STW_EMALFORMED);
	REFUSED("host:5060", STW_EMALFORMED);
	REFUSED("192.0.2.1:", STW_EMALFORMED);
	REFUSED("192.0.2.1:x", STW_EMALFORMED);
	REFUSED("192.0.2.1:0", STW_ERANGE);
	REFUSED("192.0.2.1:65536", STW_ERANGE);
	REFUSED("192.0.2.1:99999999999999999999", STW_ERANGE);
	REFUSED("[192.0.2.1]:5060", STW_EMALFORMED);
	REFUSED("[2001:db8::1", STW_EMALFORMED);
	REFUSED("[2001:db8::1]5060", STW_EMALFORMED);
#undef REFUSED
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc5952_s4_canonical_text),
		cmocka_unit_test(rfc4291_s2_5_5_2_mapped_addresses_are_ipv4),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(parsing_agrees_with_the_c_library),
		cmocka_unit_test(endpoints_both_ways),
		cmocka_unit_test(bad_endpoints_are_refused),
	};
	return cmocka_run_group_tests_name("sip-ip", tests, NULL, NULL);
}
