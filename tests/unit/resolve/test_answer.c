/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <strowger/errors.h>

#include "tests/unit/resolve/fake_dns.h"

/* What the server would say to a question for @type of "x.example". */
static struct fake_out say(const struct fake_row *rows, size_t n, uint16_t type)
{
	struct fake_dns f = {.n_rows = n};
	struct fake_out o = {.n = 0};

	memcpy(f.rows, rows, n * sizeof(*rows));
	fake_answer(&f, 7, "x.example", type, &o);
	return o;
}

static const struct fake_row rows[] = {
	{"x.example", STW_DNS_A, 300, "192.0.2.1"},
	{"x.example", STW_DNS_A, 200, "192.0.2.2"},
	{"x.example", STW_DNS_AAAA, 60, "2001:db8::1"},
	{"x.example", STW_DNS_AAAA, 60, "::ffff:192.0.2.9"},
	{"x.example", STW_DNS_SRV, 30, "10 20 5070 Host.Example"},
	{"x.example", STW_DNS_SRV, 30, "1 0 0 ."},
	{"x.example", STW_DNS_NAPTR, 90, "5 6 S sip+d2u _sip._udp.x.example"},
	{"x.example", STW_DNS_NAPTR, 90,
	 "7 8 s a-service-with-far-too-long-a-name.example y.example"},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void reads_each_type_with_the_least_ttl(void **state)
{
	struct stw_dns_answer a;
	struct fake_out o = say(rows, ROWS, STW_DNS_A);
	const struct stw_ip first = stw_ip_from_v4("\xc0\x00\x02\x01");

	(void)state;
	assert_int_equal(stw_dns_read(o.bytes, o.n, STW_DNS_A, &a), STW_OK);
	assert_int_equal(a.n, 2);
	assert_int_equal(a.ttl_s, 200);
	assert_memory_equal(&a.records[0].ip, &first, sizeof(first));
	o = say(rows, ROWS, STW_DNS_AAAA);
	assert_int_equal(stw_dns_read(o.bytes, o.n, STW_DNS_AAAA, &a), STW_OK);
	assert_int_equal(a.n, 1);
	o = say(rows, ROWS, STW_DNS_SRV);
	assert_int_equal(stw_dns_read(o.bytes, o.n, STW_DNS_SRV, &a), STW_OK);
	assert_int_equal(a.n, 2);
	assert_int_equal(a.records[0].order, 10);
	assert_int_equal(a.records[0].preference, 20);
	assert_int_equal(a.records[0].port, 5070);
	assert_string_equal(a.records[0].target, "host.example");
	assert_string_equal(a.records[1].target, "");
	o = say(rows, ROWS, STW_DNS_NAPTR);
	assert_int_equal(stw_dns_read(o.bytes, o.n, STW_DNS_NAPTR, &a), STW_OK);
	assert_int_equal(a.n, 2);
	assert_int_equal(a.records[0].order, 5);
	assert_int_equal(a.records[0].preference, 6);
	assert_string_equal(a.records[0].flags, "s");
	assert_string_equal(a.records[0].service, "SIP+D2U");
	assert_string_equal(a.records[0].target, "_sip._udp.x.example");
	assert_string_equal(a.records[1].service, "");
}

static void rfc2308_s5_absence_is_kept_as_the_soa_says(void **state)
{
	struct stw_dns_answer a;
	struct fake_out o = say(rows, 0, STW_DNS_A);

	(void)state;
	assert_int_equal(stw_dns_read(o.bytes, o.n, STW_DNS_A, &a), STW_OK);
	assert_int_equal(a.n, 0);
	assert_int_equal(a.ttl_s, 7);
}

/* An alias, its name compressed, and the address it leads to (RFC 1035 s4.1.4). */
static void follows_an_alias_and_compression(void **state)
{
	static const uint8_t message[] = "\0\7\x81\x80\0\1\0\2\0\0\0\0"
					 "\1x\7example\0\0\1\0\1"
					 "\xc0\x0c\0\5\0\1\0\0\0\x0a\0\4\1y\xc0\x0e"
					 "\xc0\x29\0\1\0\1\0\0\1\0\0\4\xc0\0\2\5";
	struct stw_dns_answer a;

	(void)state;
	assert_int_equal(stw_dns_read(message, sizeof(message) - 1, STW_DNS_A, &a), STW_OK);
	assert_int_equal(a.n, 1);
	assert_int_equal(a.ttl_s, 10);
	assert_int_equal(a.records[0].ip.b[15], 5);
}

/* From memory of just that size, so that a sanitizer sees one byte too far. */
static int read_copy(const uint8_t *bytes, size_t n, uint16_t type)
{
	struct stw_dns_answer a;
	uint8_t *copy = malloc(n + (n == 0));

	assert_non_null(copy);
	memcpy(copy, bytes, n);
	int err = stw_dns_read(copy, n, type, &a);
	free(copy);
	return err;
}

static void survives_every_cut_and_every_byte_changed(void **state)
{
	static const uint16_t types[] = {STW_DNS_A, STW_DNS_AAAA, STW_DNS_SRV, STW_DNS_NAPTR};
	static const uint8_t flips[] = {0x01, 0x3f, 0x80, 0xc0, 0xff};

	(void)state;
	for (size_t k = 0; k < 4; k++) {
		struct fake_out o = say(rows, ROWS, types[k]);

		for (size_t i = 0; i < o.n; i++)
			assert_int_equal(read_copy(o.bytes, i, types[k]), STW_EMALFORMED);
		for (size_t i = 0; i < o.n; i++)
			for (size_t f = 0; f < sizeof(flips); f++) {
				o.bytes[i] ^= flips[f];
				read_copy(o.bytes, o.n, types[k]);
				o.bytes[i] ^= flips[f];
			}
		assert_int_equal(read_copy(o.bytes, o.n, types[k]), STW_OK);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_each_type_with_the_least_ttl),
		cmocka_unit_test(rfc2308_s5_absence_is_kept_as_the_soa_says),
		cmocka_unit_test(follows_an_alias_and_compression),
		cmocka_unit_test(survives_every_cut_and_every_byte_changed),
	};
	return cmocka_run_group_tests_name("answer", tests, NULL, NULL);
}
