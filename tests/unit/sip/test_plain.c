/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The plain parsers against the careful ones: what they accept, those accept with the same result.
 * Values stand in memory of exactly their size, so that a sanitizer sees a byte too far.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include <strowger/errors.h>
#include <strowger/sip.h>

#include "dataplane/sip/plain.h"

enum kind { VIA, NAME_ADDR, URI, N_KINDS };

/* Any of the three results, compared as bytes. */
union result {
	struct stw_sip_via via;
	struct stw_sip_name_addr name_addr;
	struct stw_sip_uri uri;
};

static const struct {
	enum kind kind;
	const char *text;
	bool plain; /* must be settled without the careful parser */
} values[] = {
	{VIA, "SIP/2.0/UDP 192.0.2.1", true},
	{VIA, "SIP/2.0/UDP pc33.example.com:5061;branch=z9hG4bK776asdhds;rport", true},
	{VIA, "SIP/2.0/UDP 10.1.2.3:65535;rport=5060;received=203.0.113.9;branch=z9hG4bKx", true},
	{VIA, "SIP/2.0/UDP a;maddr=224.2.0.1;ttl=16;BRANCH=z9hG4bK.1", true},
	{VIA, "SIP/2.0/UDP a;branch=z9hG4bK1;branch=z9hG4bK2", false},
	{VIA, "SIP/2.0/UDP a;branch", false},
	{VIA, "SIP/2.0/UDP [2001:db8::1]:5060;branch=z9hG4bKx;received=[2001:db8::9]", false},
	{VIA, "SIP/2.0/UDP a:0;branch=x", false},
	{VIA, "SIP/2.0/UDP a:65536;branch=x", false},
	{VIA, "SIP/2.0/UDP a;rport=;branch=x", false},
	{VIA, "SIP/2.0/UDP a;branch=x, SIP/2.0/UDP b", false},
	{VIA, "SIP/2.0/TCP a;branch=x", false},
	{NAME_ADDR, "<sip:alice@example.com>", true},
	{NAME_ADDR, "\"Alice L.\" <sip:alice@example.com:5060;lr>;tag=1928301774", true},
	{NAME_ADDR, "Bob van der Berg <sip:bob@192.0.2.4>;TAG=a6c85cf", true},
	{NAME_ADDR, "<sip:p1.example.com;lr;stw=0123456789abcdef01234567>, <sip:p2;lr>", true},
	{NAME_ADDR, "<sip:p1.example.com;lr>,<sip:p2;lr>", true},
	{NAME_ADDR, "\"A \\\" B\" <sip:a@b>", false},
	{NAME_ADDR, "<tel:+49301234>;tag=1", false},
	{NAME_ADDR, "sip:alice@example.com;tag=1", false},
	{NAME_ADDR, "<sip:a@b>;tag=", false},
	{NAME_ADDR, "<sip:a@b>;x=1;tag=2", false},
	{NAME_ADDR, "<sip:a@b>,", false},
	{URI, "sip:example.com", true},
	{URI, "sip:alice@192.0.2.1:5060", true},
	{URI, "SIP:+4930;phone-context=x@10.0.0.1;lr;stw=0123;user=phone", true},
	{URI, "sip:a@1.2.3;LR=on", true},
	{URI, "sip:a@01.2.3.4", true},
	{URI, "sip:a:secret@b", false},
	{URI, "sip:a%20b@c", false},
	{URI, "sip:a@b;transport=tcp", false},
	{URI, "sip:a@b;maddr=10.0.0.1", false},
	{URI, "sip:a@b?Subject=x", false},
	{URI, "sip:a@[2001:db8::1]", false},
	{URI, "sip:@b", false},
	{URI, "tel:+4930", false},
};
#define N_VALUES (sizeof(values) / sizeof(values[0]))

static bool by_plain(enum kind kind, const char *buf, struct stw_span value, union result *out)
{
	const struct stw_plain *p = &stw_plain_avx512;

	switch (kind) {
	case VIA: return p->via(buf, value, &out->via);
	case NAME_ADDR: return p->name_addr(buf, value, &out->name_addr);
	default: return p->uri(buf, value, &out->uri);
	}
}

/* With the plain parsers switched off (see setup()). */
static int by_care(enum kind kind, const char *buf, struct stw_span value, union result *out)
{
	switch (kind) {
	case VIA: return stw_sip_via_parse(buf, value, &out->via);
	case NAME_ADDR: return stw_sip_name_addr_parse(buf, value, &out->name_addr);
	default: return stw_sip_uri_parse(buf, value, &out->uri);
	}
}

/* @return true when the plain parser settled it; fails when it should not have, or otherwise */
static bool compare(enum kind kind, const char *text, size_t len)
{
	struct stw_span value = {0, (uint16_t)len};
	union result plain, careful;
	char *exact = malloc(len);

	assert_non_null(exact);
	memcpy(exact, text, len);
	memset(&plain, 0, sizeof(plain));
	memset(&careful, 0, sizeof(careful));
	bool settled = by_plain(kind, exact, value, &plain);
	int err = by_care(kind, exact, value, &careful);
	free(exact);
	if (settled && (err != STW_OK || memcmp(&plain, &careful, sizeof(plain)) != 0))
		fail_msg("settled otherwise: %.*s", (int)len, text);
	return settled;
}

static int setup(void **state)
{
	(void)state;
	if (stw_sip_init(STW_KERNEL_AVX512) != STW_OK) {
		print_message("no AVX-512 here\n");
		return 0;
	}
	stw_plain = stw_plain_none;
	return 0;
}

static void need_avx512(void)
{
	if (stw_sip_kernel_in_use() != STW_KERNEL_AVX512)
		skip();
}

static void settles_what_is_plain_and_nothing_else(void **state)
{
	(void)state;
	need_avx512();
	for (size_t i = 0; i < N_VALUES; i++)
		if (compare(values[i].kind, values[i].text, strlen(values[i].text)) !=
		    values[i].plain)
			fail_msg("%s: %s", values[i].plain ? "not settled" : "settled",
				 values[i].text);
}

static void agrees_with_any_byte_anywhere(void **state)
{
	char text[160];

	(void)state;
	need_avx512();
	for (size_t i = 0; i < N_VALUES; i++) {
		size_t len = strlen(values[i].text);
		for (size_t at = 0; at < len; at++)
			for (int c = 0; c < 256; c++) {
				memcpy(text, values[i].text, len);
				text[at] = (char)c;
				compare(values[i].kind, text, len);
			}
	}
}

static void agrees_cut_after_every_byte(void **state)
{
	(void)state;
	need_avx512();
	for (size_t i = 0; i < N_VALUES; i++)
		for (size_t len = 1; len <= strlen(values[i].text); len++)
			compare(values[i].kind, values[i].text, len);
}

static void agrees_at_every_length_around_its_blocks(void **state)
{
	char text[200];

	(void)state;
	need_avx512();
	for (size_t i = 0; i < N_VALUES; i++) {
		size_t len = strlen(values[i].text);
		for (size_t pad = 0; len + pad < sizeof(text); pad++) {
			/* a longer run in the middle */
			size_t half = len / 2;
			memcpy(text, values[i].text, half);
			memset(text + half, 'a', pad);
			memcpy(text + half + pad, values[i].text + half, len - half);
			compare(values[i].kind, text, len + pad);
		}
	}
}

static void gives_up_on_an_empty_value(void **state)
{
	union result out;

	(void)state;
	need_avx512();
	for (enum kind k = VIA; k < N_KINDS; k++)
		assert_false(by_plain(k, "x", (struct stw_span){0, 0}, &out));
}

/* inet_pton() takes no leading zeros and no short forms either. */
static void ipv4_is_read_as_inet_pton_reads_it(void **state)
{
	static const char alphabet[] = "0123456789.........25";
	unsigned taken = 0;

	(void)state;
	srandom(7);
	for (int i = 0; i < 2000000; i++) {
		char text[17] = "";
		uint8_t v4[4];
		struct stw_ip got, want;
		size_t len = 6 + (size_t)random() % 11;

		for (size_t k = 0; k < len; k++)
			text[k] = alphabet[(size_t)random() % (sizeof(alphabet) - 1)];
		char *exact = malloc(len);
		assert_non_null(exact);
		memcpy(exact, text, len);
		bool ok = stw_ip_parse(exact, len, &got) == STW_OK;
		free(exact);
		if (ok != (inet_pton(AF_INET, text, v4) == 1))
			fail_msg("%s: %s", text, ok ? "taken" : "refused");
		if (!ok)
			continue;
		want = stw_ip_from_v4(v4);
		assert_true(stw_ip_equal(&got, &want));
		taken++;
	}
	assert_true(taken > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settles_what_is_plain_and_nothing_else),
		cmocka_unit_test(agrees_with_any_byte_anywhere),
		cmocka_unit_test(agrees_cut_after_every_byte),
		cmocka_unit_test(agrees_at_every_length_around_its_blocks),
		cmocka_unit_test(gives_up_on_an_empty_value),
		cmocka_unit_test(ipv4_is_read_as_inet_pton_reads_it),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
