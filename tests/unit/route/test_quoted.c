/* SPDX-License-Identifier: BSD-3-Clause */

/* ICMP errors: what they prove, and that nothing else is believed. */

#include "dataplane/route/quoted.h"
#include "tests/rfc/proxy/messages.h"

static uint8_t icmp[4096];

/* An ICMP error about what @p sent out, quoting @quoted bytes of the SIP in it. @return bytes */
static size_t quote(const struct stw_proxy *p, uint8_t type, uint8_t code, size_t quoted)
{
	static const uint8_t ours[4] = {192, 0, 2, 1};
	uint8_t *ip = icmp + 8, *udp = ip + 20;

	memset(icmp, 0, sizeof(icmp));
	icmp[0] = type;
	icmp[1] = code;
	ip[0] = 0x45;
	ip[9] = 17;
	memcpy(ip + 12, ours, 4);
	memcpy(ip + 16, p->v.dst.ip.b + 12, 4);
	udp[0] = udp[2] = 5060 >> 8;
	udp[1] = udp[3] = 5060 & 0xff;
	if (quoted > p->out_len)
		quoted = p->out_len;
	memcpy(udp + 8, p->out, quoted);
	return 8 + 20 + 8 + quoted;
}

static uint16_t told(const struct stw_proxy *p, size_t len)
{
	/* an exact copy: a sanitizer sees one byte too far */
	uint8_t *copy = malloc(len > 0 ? len : 1);

	memcpy(copy, icmp, len);
	uint16_t member = stw_quoted_member(&p->snap, copy, len, false);
	free(copy);
	return member;
}

static const char *invite_with_body(void)
{
	return REQUEST(.body = "v=0\r\no=- 1 1 IN IP4 203.0.113.5\r\ns=-\r\nc=IN IP4 "
			       "203.0.113.5\r\n");
}

static void a_quote_of_ours_tells_the_member(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, invite_with_body(), ua());
	assert_forwarded(p);
	for (uint8_t code = 0; code < 16; code++)
		assert_int_equal(told(p, quote(p, 3, code, SIZE_MAX)),
				 code == 4 ? STW_NO_MEMBER : p->v.member);
	assert_int_equal(told(p, quote(p, 11, 0, SIZE_MAX)), STW_NO_MEMBER);
	assert_int_equal(told(p, quote(p, 0, 0, SIZE_MAX)), STW_NO_MEMBER);
}

static void a_quote_that_ends_in_the_body_still_proves(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, invite_with_body(), ua());
	size_t headers = (size_t)(strstr(p->out, "\r\n\r\n") + 4 - p->out);
	assert_int_equal(told(p, quote(p, 3, 3, headers + 10)), p->v.member);
}

static void a_short_quote_proves_nothing_and_is_read_to_its_end_only(void **state)
{
	struct stw_proxy *p = *state;
	size_t proven = 0;

	stw_proxy_text(p, REQUEST(0), ua());
	for (size_t n = 0; n <= p->out_len; n++) {
		uint16_t member = told(p, quote(p, 3, 3, n));

		assert_true(member == STW_NO_MEMBER || member == p->v.member);
		proven += member != STW_NO_MEMBER;
	}
	assert_true(proven > 0);
	for (size_t n = 0; n < 36; n++)
		assert_int_equal(told(p, n), STW_NO_MEMBER);
}

static void what_is_changed_proves_nothing(void **state)
{
	static const char *const parts[] = {"branch=z9hG4bK",
					    "Call-ID: ", "CSeq: ", "Via: SIP/2.0/UDP 203"};
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(0), ua());
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		size_t len = quote(p, 3, 3, SIZE_MAX);
		char *at = memmem(icmp, len, parts[i], strlen(parts[i]));

		assert_non_null(at);
		at += strlen(parts[i]);
		*at = *at == '1' ? '2' : '1';
		assert_int_equal(told(p, len), STW_NO_MEMBER);
	}
}

static void others_datagrams_are_not_ours(void **state)
{
	struct stw_proxy *p = *state;
	size_t len;

	stw_proxy_text(p, REQUEST(0), ua());
	len = quote(p, 3, 3, SIZE_MAX);
	icmp[8 + 15] ^= 1; /* another source */
	assert_int_equal(told(p, len), STW_NO_MEMBER);
	len = quote(p, 3, 3, SIZE_MAX);
	icmp[8 + 19] = 99; /* to nobody we know */
	assert_int_equal(told(p, len), STW_NO_MEMBER);
	len = quote(p, 3, 3, SIZE_MAX);
	icmp[8 + 9] = 6; /* TCP */
	assert_int_equal(told(p, len), STW_NO_MEMBER);
	len = quote(p, 3, 3, SIZE_MAX);
	icmp[8 + 7] = 1; /* a later fragment */
	assert_int_equal(told(p, len), STW_NO_MEMBER);
	/* a response of a member's that we sent on proves nothing about anybody */
	stw_proxy_text(p, respond(p, "200 OK"), member((uint8_t)p->v.member));
	assert_int_equal(told(p, quote(p, 3, 3, SIZE_MAX)), STW_NO_MEMBER);
}

static void random_bytes_prove_nothing(void **state)
{
	struct stw_proxy *p = *state;
	uint64_t random = 1;

	for (int i = 0; i < 20000; i++) {
		stw_proxy_text(p, REQUEST(0), ua());
		size_t len = quote(p, 3, 3, SIZE_MAX);

		for (int k = 0; k < 4; k++) {
			random = random * 6364136223846793005u + 1442695040888963407u;
			icmp[(random >> 33) % len] = (uint8_t)(random >> 20);
		}
		uint16_t member = told(p, (random >> 40) % (len + 1));
		assert_true(member == STW_NO_MEMBER || member == p->v.member);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROXY_TEST(a_quote_of_ours_tells_the_member),
		PROXY_TEST(a_quote_that_ends_in_the_body_still_proves),
		PROXY_TEST(a_short_quote_proves_nothing_and_is_read_to_its_end_only),
		PROXY_TEST(what_is_changed_proves_nothing),
		PROXY_TEST(others_datagrams_are_not_ours),
		PROXY_TEST(random_bytes_prove_nothing),
	};
	return cmocka_run_group_tests_name("quoted", tests, NULL, NULL);
}
