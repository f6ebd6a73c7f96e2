/* SPDX-License-Identifier: BSD-3-Clause */

/* The fast readers against the careful ones of sip/: where they read at all, they read the same. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <strowger/errors.h>

#include "dataplane/route/quick.h"
#include "tests/support/random_sip.h"

/* Elsewhere the careful reader does it all. */
#if defined(__SSE2__)
#define HAVE_QUICK_VIA 1
#else
#define HAVE_QUICK_VIA 0
#endif

static void assert_span(struct stw_span a, struct stw_span b)
{
	assert_int_equal(a.len, b.len);
	if (a.len > 0)
		assert_int_equal(a.off, b.off);
}

static void assert_same_via(const struct stw_sip_via *a, const struct stw_sip_via *b)
{
	assert_span(a->all, b->all);
	assert_span(a->protocol, b->protocol);
	assert_span(a->host, b->host);
	assert_span(a->branch, b->branch);
	assert_span(a->received, b->received);
	assert_span(a->maddr, b->maddr);
	assert_span(a->rport, b->rport);
	assert_span(a->received_param, b->received_param);
	assert_span(a->rport_param, b->rport_param);
	assert_int_equal(a->port, b->port);
	assert_int_equal(a->rport_value, b->rport_value);
	assert_int_equal(a->transport, b->transport);
	assert_int_equal(a->more, b->more);
}

/* What a response needs of it (struct stw_next_hop). */
static void assert_same_hop(const struct stw_sip_via *a, const struct stw_sip_via *b)
{
	assert_span(a->all, b->all);
	assert_span(a->host, b->host);
	assert_span(a->branch, b->branch);
	assert_span(a->received, b->received);
	assert_span(a->maddr, b->maddr);
	assert_int_equal(a->port, b->port);
	assert_int_equal(a->rport_value, b->rport_value);
	assert_int_equal(a->transport, b->transport);
	assert_int_equal(a->more, b->more);
}

static bool has_avx512(void)
{
	return stw_sip_kernel_in_use() == STW_KERNEL_AVX512;
}

static const char *const via_names[] = {"Via: ", "v: ", "via: ", "VIA: ", "V: ", "vIa: "};

/* The same on a line of its own. @return whether the quick one read it */
static bool compare_via_line(const char *name, const char *text)
{
	static char buf[1024];
	struct stw_span value = {8, (uint16_t)strlen(text)};
	struct stw_sip_via quick, careful;

	memset(buf, 'x', sizeof(buf));
	snprintf(buf, sizeof(buf) / 2, "1\r\n%s%s\r\nTo: x", name, text);
	value.off = (uint16_t)(3 + strlen(name));
	assert_int_equal(stw_sip_via_parse(buf, value, &careful), STW_OK);
	if (stw_next_hop.via_line(buf, 3, &quick))
		assert_same_hop(&quick, &careful);
	if (!stw_quick_via_line(buf, sizeof(buf), 3, &quick))
		return false;
	assert_same_via(&quick, &careful);
	return true;
}

/* Put @text where bytes may be read behind it, and compare. @return whether the quick one read it
 */
static bool compare_via(const char *text)
{
	static char buf[1024];
	struct stw_span value = {7, (uint16_t)strlen(text)};
	struct stw_sip_via quick, careful;

	memset(buf, ';', sizeof(buf));
	memcpy(buf + 7, text, value.len);
	bool read = stw_quick_via(buf, sizeof(buf), value, &quick);
	int err = stw_sip_via_parse(buf, value, &careful);
	if (read && err == STW_OK)
		assert_same_via(&quick, &careful);
	if (err == STW_OK && strlen(text) < 128)
		for (size_t i = 0; i < sizeof(via_names) / sizeof(via_names[0]); i++)
			assert_int_equal(compare_via_line(via_names[i], text), read);
	return read;
}

static void reads_the_usual_vias(void **state)
{
	static const char *const vias[] = {
		"SIP/2.0/UDP 192.0.2.1",
		"SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK74bf9",
		"SIP/2.0/UDP host.example.com;rport;branch=z9hG4bK1;alias",
		"SIP/2.0/UDP "
		"h;RPORT=5060;Received=10.0.0.1;BRANCH=z9hG4bK-524287-1---0123456789abcdef",
		"SIP/2.0/UDP "
		"10.20.30.40:65535;received=2001:db8::1;rport=1;branch=z9hG4bKnashds8abcdef"
		";x-long-parameter=0123456789012345678901234567890",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vias) / sizeof(vias[0]); i++)
		assert_int_equal(compare_via(vias[i]), HAVE_QUICK_VIA);
}

/* Each of them read by AVX-512, where this machine has it: whatever it has of what it may have, and
 * in whatever order. */
static void reads_all_of_what_a_via_may_have(void **state)
{
	static const char *const hosts[] = {
		"h", "192.0.2.1", "ua.a-host-of-the-usual-length.example.com",
		"one.of.the.longest.names.that.a.host.in.a.window.may.have.example"};
	static const char *const ports[] = {"", ":1", ":99", ":507", ":5060", ":65535"};
	static const char *const params[] = {"",
					     ";branch=z9hG4bK1",
					     ";rport=1",
					     ";rport=65535",
					     ";rport",
					     ";received=10.0.0.1",
					     ";received=2001:db8::1",
					     ";x",
					     ";received=1.2.3.4",
					     ";keep=120",
					     ";RpOrT=123",
					     ";BRANCH=a-1.b_2"};
	const size_t n = sizeof(params) / sizeof(params[0]);
	struct stw_sip_via quick, careful;
	char buf[512];

	(void)state;
	for (size_t i = 0; i < 4 * 6 * n * n * n; i++) {
		size_t rest = i / 24;
		int len;

		memset(buf, 'x', sizeof(buf));
		len = snprintf(buf, 300, "v: SIP/2.0/UDP %s%s%s%s%s", hosts[i % 4],
			       ports[i / 4 % 6], params[rest % n], params[rest / n % n],
			       params[rest / n / n]);
		struct stw_span value = {3, (uint16_t)(len - 3)};
		int err = stw_sip_via_parse(buf, value, &careful);
		memcpy(buf + len, "\r\n", 2);
		bool read = stw_next_hop.via_line(buf, 0, &quick);
		if (err == STW_OK && read)
			assert_same_hop(&quick, &careful);
		/* the last host is longer than it takes, and a parameter may be there twice */
		assert_int_equal(read, has_avx512() && err == STW_OK && i % 4 != 3);
	}
}

static void leaves_the_unusual_to_the_careful_reader(void **state)
{
	static const char *const vias[] = {
		"SIP/2.0/TCP 192.0.2.1",
		"SIP/2.0/UDP [2001:db8::1]",
		"SIP/2.0/UDP h;branch=z9hG4bK1, SIP/2.0/UDP i",
		"SIP/2.0/UDP h ;branch=1",
		"SIP/2.0/UDP h;x=\"a;branch=2\"",
		"SIP/2.0/UDP h;received=[2001:db8::1]",
		"SIP/2.0/UDP h;maddr=224.0.0.1",
		"SIP/2.0/UDP h;branch=1;branch=2",
		"SIP/2.0/UDP h;rport=0",
		"SIP/2.0/UDP h;rport=70000",
		"SIP/2.0/UDP h:",
		"SIP/2.0/UDP h:0",
		"SIP/2.0/UDP h:66000",
		"SIP/2.0/UDP h;;",
		"SIP/2.0/UDP h;",
		"SIP/2.0/UDP :5060",
		"SIP/2.0/UDP ",
		"SIP/2.0/UDP",
		"SIP / 2.0 / UDP h",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vias) / sizeof(vias[0]); i++)
		if (compare_via(vias[i]))
			fail_msg("read: %s", vias[i]);
}

static void agrees_on_random_vias(void **state)
{
	static struct stw_random_sip r;
	size_t read = 0;

	(void)state;
	for (unsigned int i = 0; i < 50000; i++) {
		char via[200];

		r.seed = i;
		stw_random_via(&r, via, sizeof(via),
			       STW_ONE_OF(&r, "203.0.113.5", "ua.example.com", "[2001:db8::7]"));
		read += compare_via(via);
	}
	assert_int_equal(read > 1000, HAVE_QUICK_VIA);
}

/* A Via that ends with the message is read through a window that begins before it. */
static void reads_a_via_wherever_it_stands(void **state)
{
	static const char *const vias[] = {
		"SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK74bf9;rport",
		"SIP/2.0/UDP ua.example.com;rport=5060;branch=z9hG4bK74bf9c0ffee00c0ffee00.0;x;"
		"received=198.51.100.200",
	};
	struct stw_sip_via quick, careful;
	char text[400];

	(void)state;
	for (size_t i = 0; i < sizeof(vias) / sizeof(vias[0]); i++)
		for (uint16_t off = 0; off < 200; off++) {
			struct stw_span value = {off, (uint16_t)strlen(vias[i])};
			uint32_t end = stw_span_end(value);

			memset(text, ';', sizeof(text));
			memcpy(text + off, vias[i], value.len);
			assert_int_equal(stw_sip_via_parse(text, value, &careful), STW_OK);
			for (uint32_t behind = 0; behind < 150; behind += 5)
				if (stw_quick_via(text, end + behind, value, &quick))
					assert_same_via(&quick, &careful);
				else
					assert_true(end + behind < 130 || !HAVE_QUICK_VIA);
		}
}

static void never_reads_beyond_what_it_may(void **state)
{
	static const char via[] = "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK74bf9";
	struct stw_sip_via out, careful;

	(void)state;
	for (uint32_t readable = sizeof(via) - 1; readable < 200; readable++) {
		char *exact = malloc(readable);

		memset(exact, 'x', readable);
		memcpy(exact, via, sizeof(via) - 1);
		struct stw_span value = {0, sizeof(via) - 1};
		/* an exact copy, so that a sanitizer sees one byte too far */
		stw_quick_via(exact, readable, value, &out);
		assert_int_equal(stw_via_read(exact, readable, value, &out), STW_OK);
		assert_int_equal(stw_sip_via_parse(exact, value, &careful), STW_OK);
		assert_same_via(&out, &careful);
		free(exact);
	}
}

/* Folded, ended by LF alone, not a Via, cut by the end of the message: each for the careful one. */
static void leaves_unusual_lines_to_the_careful_reader(void **state)
{
	static const char *const lines[] = {
		"Via: SIP/2.0/UDP h;branch=1\r\n ;rport\r\nTo: x",
		"Via: SIP/2.0/UDP h;branch=1\r\n\t;rport\r\nTo: x",
		"Via: SIP/2.0/UDP h;branch=1\nTo: x",
		"Via: SIP/2.0/UDP h;branch=1\rTo: x",
		"Via: SIP/2.0/UDP h;branch=1, SIP/2.0/UDP i\r\nTo: x",
		"v : SIP/2.0/UDP h;branch=1\r\nTo: x",
		"v:SIP/2.0/UDP h;branch=1\r\nTo: x",
		"v:  SIP/2.0/UDP h;branch=1\r\nTo: x",
		"Via:SIP/2.0/UDP h;branch=1\r\nTo: x",
		"w: SIP/2.0/UDP h;branch=1\r\nTo: x",
		"Vib: SIP/2.0/UDP h;branch=1\r\nTo: x",
		"Via\x1a SIP/2.0/UDP h;branch=1\r\nTo: x",
		"Vary: SIP/2.0/UDP h;branch=1\r\nTo: x",
		"\r\nVia: SIP/2.0/UDP h",
	};
	const char usual[] = "Via: SIP/2.0/UDP h;branch=1\r\nTo: x";
	struct stw_sip_via out;
	char buf[300];

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		memset(buf, 'x', sizeof(buf));
		memcpy(buf, lines[i], strlen(lines[i]));
		assert_false(stw_quick_via_line(buf, sizeof(buf), 0, &out));
		assert_false(stw_next_hop.via_line(buf, 0, &out));
	}
	for (uint32_t readable = sizeof(usual); readable < 200; readable++) {
		char *exact = malloc(readable);

		memset(exact, 'x', readable);
		memcpy(exact, usual, sizeof(usual) - 1);
		if (stw_via_line(exact, readable, 0, &out))
			assert_int_equal(stw_span_end(out.all),
					 sizeof("Via: SIP/2.0/UDP h;branch=1") - 1);
		else
			assert_true(readable < 160 || !HAVE_QUICK_VIA);
		free(exact);
	}
}

static void reads_ipv4_as_the_careful_reader_does(void **state)
{
	static const char alphabet[] = "0123456789..1225.x";

	(void)state;
	srandom(3);
	for (int i = 0; i < 300000; i++) {
		struct stw_ip quick, careful;
		char text[20];
		size_t n = 7 + (size_t)random() % 10;

		if (i % 2 == 0) {
			n = (size_t)snprintf(text, sizeof(text), "%ld.%ld.%ld.%ld", random() % 300,
					     random() % 260, random() % 30, random() % 256);
		} else {
			for (size_t k = 0; k < n; k++)
				text[k] = alphabet[(size_t)random() % (sizeof(alphabet) - 1)];
		}
		bool read = stw_quick_ipv4(text, n, &quick);
		bool right = stw_ip_parse(text, n, &careful) == STW_OK;
		assert_int_equal(read, right);
		struct stw_ip wide;
		assert_int_equal(stw_next_hop.ipv4(text, n, &wide), right && has_avx512());
		if (right && has_avx512())
			assert_memory_equal(&wide, &careful, sizeof(wide));
		if (read)
			assert_memory_equal(&quick, &careful, sizeof(quick));
	}
}

static void finds_the_next_line_of_a_kind(void **state)
{
	static const char text[] =
		"INVITE sip:b@c SIP/2.0\r\n"
		"Via: SIP/2.0/UDP a\r\n"
		"Vary: no\r\n"
		"X: 1\r\n"
		" via: folded, not a line\r\n"
		"v : SIP/2.0/UDP b\r\n"
		"VIA:\tSIP/2.0/UDP c  \r\n"
		"via: SIP/2.0/UDP\r\n d\r\n"
		"Call-ID: 1\r\n"
		"Via: SIP/2.0/UDP e\r\n"
		"From: <sip:a@b>;tag=1\r\nTo: <sip:b@c>\r\nCSeq: 1 INVITE\r\n\r\n"
		"Via: body\r\n";
	static const char *const values[] = {"SIP/2.0/UDP b", "SIP/2.0/UDP c", "SIP/2.0/UDP\r\n d",
					     "SIP/2.0/UDP e"};
	struct stw_sip_line line;
	struct stw_sip_msg m;

	(void)state;
	assert_int_equal(stw_sip_parse(text, sizeof(text) - 1, &m), STW_SIP_ACCEPTED);
	line.end = m.line_end[STW_HDR_VIA];
	for (size_t i = 0; i < 4; i++) {
		assert_true(stw_line_of(text, &m, STW_HDR_VIA, STW_SIP_LETTER('v'), &line));
		assert_true(stw_span_is(text, line.value, values[i], strlen(values[i])));
	}
	assert_false(stw_line_of(text, &m, STW_HDR_VIA, STW_SIP_LETTER('v'), &line));
}

/* In a copy of the exact size, so that a sanitizer sees one byte too far. */
static void finds_eight_bytes_at_each_place(void **state)
{
	static const char word[] = "0a1b2c3d";

	(void)state;
	for (size_t len = 0; len <= 80; len++) {
		char *text = malloc(len > 0 ? len : 1);

		assert_non_null(text);
		for (size_t at = 0; at + 8 <= len; at++) {
			memset(text, '0', len);
			memcpy(text + at, word, 8);
			assert_true(stw_quick_has8(text, len, word));
			text[at + 4] = 'x'; /* its ends alone */
			assert_false(stw_quick_has8(text, len, word));
		}
		memset(text, '0', len);
		memcpy(text, word, len < 7 ? len : 7);
		assert_false(stw_quick_has8(text, len, word));
		free(text);
	}
}

static int setup(void **state)
{
	(void)state;
	return stw_sip_init(STW_KERNEL_AUTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_the_usual_vias),
		cmocka_unit_test(reads_all_of_what_a_via_may_have),
		cmocka_unit_test(leaves_the_unusual_to_the_careful_reader),
		cmocka_unit_test(agrees_on_random_vias),
		cmocka_unit_test(reads_a_via_wherever_it_stands),
		cmocka_unit_test(never_reads_beyond_what_it_may),
		cmocka_unit_test(leaves_unusual_lines_to_the_careful_reader),
		cmocka_unit_test(reads_ipv4_as_the_careful_reader_does),
		cmocka_unit_test(finds_the_next_line_of_a_kind),
		cmocka_unit_test(finds_eight_bytes_at_each_place),
	};
	return cmocka_run_group_tests_name("quick", tests, setup, NULL);
}
