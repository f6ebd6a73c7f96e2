/* SPDX-License-Identifier: BSD-3-Clause */
/* STUN keep-alives: RFC 5626 s4.4.2, s8; RFC 5389 s6, s7.3.1, s15. */
#include "tests/rfc/proxy/messages.h"

#define COOKIE "\x21\x12\xa4\x42"
#define ID     "abcdefghijkl"

/* A message of @type with these attributes. */
static void stun(struct stw_proxy *p, uint16_t type, const char *attributes, size_t n,
		 struct stw_endpoint from)
{
	char text[512] = {(char)(type >> 8), (char)type, (char)(n >> 8), (char)n};

	memcpy(text + 4, COOKIE ID, 16);
	memcpy(text + 20, attributes, n);
	stw_proxy_handle(p, text, 20 + n, from, stw_ip_is_v4(&from.ip) ? 0 : 1);
}

#define STUN(type, attributes, from) stun(p, type, attributes, sizeof(attributes) - 1, from)

static void rfc5626_s8_binding_request_is_answered_with_its_source(void **state)
{
	struct stw_proxy *p = *state;
	/* port and address, each with the cookie's bits turned: 5062, 203.0.113.5 */
	static const char want[] = "\x01\x01\x00\x0c" COOKIE ID "\x00\x20\x00\x08\x00\x01"
				   "\x32\xd4\xea\x12\xd5\x47";

	STUN(0x0001, "", ua());
	assert_int_equal(p->v.action, STW_ACTION_ANSWER);
	assert_int_equal(p->out_len, sizeof(want) - 1);
	assert_memory_equal(p->out, want, sizeof(want) - 1);
	assert_sent_to(p, ua());
	assert_int_equal(p->v.listener_out, 0);
}

static void rfc5389_s15_2_ipv6_address_is_mixed_with_the_transaction_too(void **state)
{
	struct stw_proxy *p = *state;
	const struct stw_endpoint from = stw_farm_v6(0x99, 5060);

	STUN(0x0001, "", from);
	assert_int_equal(p->out_len, 44);
	assert_memory_equal(p->out, "\x01\x01\x00\x18" COOKIE ID "\x00\x20\x00\x14\x00\x02", 26);
	for (size_t i = 0; i < 16; i++)
		assert_int_equal((uint8_t)p->out[28 + i] ^ (uint8_t)p->out[4 + i], from.ip.b[i]);
}

static void rfc5389_s7_3_1_optional_and_known_attributes_are_borne(void **state)
{
	struct stw_proxy *p = *state;

	STUN(0x0001, "\x80\x22\x00\x05hello\0\0\0", ua()); /* SOFTWARE */
	assert_int_equal(p->v.status, 200);
	STUN(0x0001,
	     "\x80\x28\x00\x04"
	     "abcd",
	     ua()); /* FINGERPRINT */
	assert_int_equal(p->v.status, 200);
	STUN(0x0001,
	     "\x00\x06\x00\x03"
	     "abc\0\x00\x15\x00\x00",
	     ua()); /* USERNAME, NONCE */
	assert_int_equal(p->v.status, 200);
	assert_int_equal(p->out_len, 32);
}

static void rfc5389_s7_3_1_unknown_attributes_are_answered_420(void **state)
{
	struct stw_proxy *p = *state;
	static const char one[] = "\x01\x11\x00\x10" COOKIE ID "\x00\x09\x00\x04\x00\x00\x04\x14"
				  "\x00\x0a\x00\x02\x00\x03\x00\x03";
	static const char two[] = "\x01\x11\x00\x10" COOKIE ID "\x00\x09\x00\x04\x00\x00\x04\x14"
				  "\x00\x0a\x00\x04\x00\x24\x7f\xff";
	char many[200];

	STUN(0x0001, "\x00\x03\x00\x04\0\0\0\6", ua()); /* CHANGE-REQUEST */
	assert_int_equal(p->v.status, 420);
	assert_int_equal(p->out_len, sizeof(one) - 1);
	assert_memory_equal(p->out, one, sizeof(one) - 1);
	STUN(0x0001, "\x00\x24\x00\x00\x80\x01\x00\x00\x7f\xff\x00\x00", ua());
	assert_int_equal(p->out_len, sizeof(two) - 1);
	assert_memory_equal(p->out, two, sizeof(two) - 1);
	for (size_t i = 0; i < sizeof(many); i += 4)
		memcpy(many + i, "\x00\x24\x00\x00", 4);
	stun(p, 0x0001, many, sizeof(many), ua());
	assert_int_equal(p->v.status, 420);
	assert_true(p->out_len < 100);
}

static void rfc5626_s8_all_else_is_absorbed(void **state)
{
	struct stw_proxy *p = *state;
	static const uint16_t types[] = {0x0011, 0x0101, 0x0111, 0x0003, 0x0000, 0x3fff};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		stun(p, types[i], "", 0, ua());
		assert_dropped(p, "keepalive");
	}
}

static void rfc5389_s6_what_does_not_fill_its_length_is_absorbed(void **state)
{
	struct stw_proxy *p = *state;
	static const char *const texts[] = {
		"\x00\x01\x00\x04" COOKIE ID,			 /* too short */
		"\x00\x01\x00\x00" COOKIE ID "\x80\x22\x00\x00", /* too long */
	};

	stw_proxy_handle(p, texts[0], 20, ua(), 0);
	assert_dropped(p, "keepalive");
	stw_proxy_handle(p, texts[1], 24, ua(), 0);
	assert_dropped(p, "keepalive");
	STUN(0x0001, "\x80\x22\x00", ua());
	assert_dropped(p, "keepalive");
	STUN(0x0001, "\x80\x22\x00\x05hello", ua()); /* not padded */
	assert_dropped(p, "keepalive");
	STUN(0x0001, "\x80\x22\xff\xff", ua());
	assert_dropped(p, "keepalive");
}

/* Of IP packets, which is what a victim's line carries. */
static void an_answer_never_outgrows_its_request_by_more_than_half(void **state)
{
	struct stw_proxy *p = *state;

	STUN(0x0001, "", ua());
	assert_true(2 * (28 + p->out_len) <= 3 * (28 + 20));
	STUN(0x0001, "", stw_farm_v6(9, 5060));
	assert_true(2 * (48 + p->out_len) <= 3 * (48 + 20));
	STUN(0x0001, "\x00\x24\x00\x00", ua());
	assert_true(2 * (28 + p->out_len) <= 3 * (28 + 24));
}

static void nobody_behind_a_closed_port_is_answered(void **state)
{
	struct stw_proxy *p = *state;

	STUN(0x0001, "", stw_farm_v4(203, 0, 113, 5, 53));
	assert_dropped(p, "closed_port");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROXY_TEST(rfc5626_s8_binding_request_is_answered_with_its_source),
		PROXY_TEST(rfc5389_s15_2_ipv6_address_is_mixed_with_the_transaction_too),
		PROXY_TEST(rfc5389_s7_3_1_optional_and_known_attributes_are_borne),
		PROXY_TEST(rfc5389_s7_3_1_unknown_attributes_are_answered_420),
		PROXY_TEST(rfc5626_s8_all_else_is_absorbed),
		PROXY_TEST(rfc5389_s6_what_does_not_fill_its_length_is_absorbed),
		PROXY_TEST(an_answer_never_outgrows_its_request_by_more_than_half),
		PROXY_TEST(nobody_behind_a_closed_port_is_answered),
	};
	return cmocka_run_group_tests_name("proxy-stun", tests, NULL, NULL);
}
