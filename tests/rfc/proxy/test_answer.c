/* SPDX-License-Identifier: BSD-3-Clause */
/* Answers of our own: RFC 3261 s8.2.6, s8.2.7, s16.11, s18.2.2; RFC 3581 s4. */
#include "tests/rfc/proxy/messages.h"

static void rfc3261_s8_2_6_2_answer_echoes_what_it_must(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(
		p,
		"INVITE sip:bob@example.com SIP/2.0\r\n"
		"i: 98asjd8@atlanta.example.com\r\n"
		"v: SIP/2.0/UDP 10.0.0.1:5062;branch=z9hG4bKa;rport, SIP/2.0/TCP b.example\r\n"
		"Max-Forwards: 0\r\n"
		"f: \"A\"\r\n <sip:a@example.com>;tag=88\r\n"
		"CSeq:  7   INVITE\r\n"
		"Subject: long enough that the answer is no more than half as long again\r\n"
		"VIA: SIP/2.0/UDP c.example\r\n"
		"t: <sip:bob@example.com>\r\n"
		"\r\n",
		ua());
	assert_answered(p, 483);
	char *tag = strstr(p->out, "<sip:bob@example.com>;tag=") + 26;
	assert_int_equal(strspn(tag, "0123456789abcdef"), 16);
	memset(tag, 'x', 16);
	assert_string_equal(
		p->out,
		"SIP/2.0 483 Too Many Hops\r\n"
		"Via: SIP/2.0/UDP 10.0.0.1:5062;branch=z9hG4bKa;rport=5062;received=203.0.113.5"
		", SIP/2.0/TCP b.example\r\n"
		"Via: SIP/2.0/UDP c.example\r\n"
		"From: \"A\"\r\n <sip:a@example.com>;tag=88\r\n"
		"To: <sip:bob@example.com>;tag=xxxxxxxxxxxxxxxx\r\n"
		"Call-ID: 98asjd8@atlanta.example.com\r\n"
		"CSeq: 7   INVITE\r\n"
		"Content-Length: 0\r\n\r\n");
}

static void rfc3261_s8_2_6_2_to_tag_of_the_request_is_kept(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(.max_forwards = "0", .to = "<sip:b@c>;tag=42"), ua());
	assert_answered(p, 483);
	assert_string_equal(stw_proxy_line(p, "\r\nTo: "), "<sip:b@c>;tag=42");
}

static void rfc3261_s8_2_7_retransmission_gets_the_same_tag(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(.max_forwards = "0"), ua());
	const char *tag = hold(param(p, "\r\nTo: ", ";tag="));
	assert_int_equal(strlen(tag), 16);
	stw_proxy_text(p, REQUEST(.max_forwards = "0"), ua());
	assert_string_equal(param(p, "\r\nTo: ", ";tag="), tag);
	stw_proxy_text(p, REQUEST(.max_forwards = "0", .call_id = "other"), ua());
	assert_string_not_equal(param(p, "\r\nTo: ", ";tag="), tag);
	stw_proxy_text(p, REQUEST(.max_forwards = "0", .cseq = "1 INVITE"), ua());
	assert_string_not_equal(param(p, "\r\nTo: ", ";tag="), tag);
	stw_proxy_text(p, REQUEST(.max_forwards = "0", .via = UA_VIA "1"), ua());
	assert_string_not_equal(param(p, "\r\nTo: ", ";tag="), tag);
}

static void rfc3261_s16_11_ack_to_our_answer_is_absorbed(void **state)
{
	struct stw_proxy *p = *state;
	char to[128];

	stw_proxy_text(p, REQUEST(.max_forwards = "0"), ua());
	snprintf(to, sizeof(to), "Bob <sip:bob@biloxi.example.com>;tag=%s",
		 param(p, "\r\nTo: ", ";tag="));
	stw_proxy_text(p, REQUEST(.method = "ACK", .to = to), ua());
	assert_dropped(p, "ack_absorbed");
	/* the same tag in another call is nobody's answer */
	stw_proxy_text(p, REQUEST(.method = "ACK", .to = to, .call_id = "other"), ua());
	assert_forwarded(p);
	to[strlen(to) - 1] = to[strlen(to) - 1] == '0' ? '1' : '0';
	stw_proxy_text(p, REQUEST(.method = "ACK", .to = to), ua());
	assert_forwarded(p);
}

static void rfc3261_s18_2_2_answer_goes_to_the_source_and_sent_by_port(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(
		p,
		REQUEST(.max_forwards = "0",
			.via = "SIP/2.0/UDP 198.18.0.9:5099;maddr=198.18.0.1;branch=z9hG4bK1"),
		stw_farm_v4(203, 0, 113, 5, 4444));
	assert_answered(p, 483);
	assert_sent_to(p, stw_farm_v4(203, 0, 113, 5, 5099));
	assert_int_equal(p->v.listener_out, 0);
	stw_proxy_text(p, REQUEST(.max_forwards = "0", .via = "SIP/2.0/UDP h;branch=z9hG4bK1"),
		       stw_farm_v4(203, 0, 113, 5, 4444));
	assert_sent_to(p, stw_farm_v4(203, 0, 113, 5, 5060));
}

static void rfc3581_s4_answer_goes_to_the_source_port(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p,
		       REQUEST(.max_forwards = "0", .via = "SIP/2.0/UDP h;rport;branch=z9hG4bK1"),
		       stw_farm_v4(203, 0, 113, 5, 4444));
	assert_answered(p, 483);
	assert_sent_to(p, stw_farm_v4(203, 0, 113, 5, 4444));
}

static void rfc3261_s17_no_answer_to_ack_or_response(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(.method = "ACK", .max_forwards = "0"), ua());
	assert_int_equal(p->v.action, STW_ACTION_DROP);
	stw_proxy_text(p, "SIP/2.0 999 What\r\nVia: " UA_VIA "\r\n\r\n", ua());
	assert_int_equal(p->v.action, STW_ACTION_DROP);
}

static void an_answer_never_outgrows_its_request_by_more_than_half(void **state)
{
	struct stw_proxy *p = *state;
	static const char small[] = "OPTIONS sip:192.0.2.1 SIP/2.0\r\nv:SIP/2.0/UDP h\r\n"
				    "f:<sip:a>\r\nt:<sip:b>\r\ni:1\r\nCSeq:1 OPTIONS\r\n\r\n";

	stw_proxy_text(p, small, ua());
	assert_int_equal(p->v.action, STW_ACTION_ANSWER);
	assert_int_equal(p->err, STW_ENOSPACE);
	/* with room for the answer, but not for the abilities */
	stw_proxy_text(p, REQUEST(.method = "OPTIONS", .uri = "sip:192.0.2.1"), ua());
	assert_answered(p, 200);
	assert_true(p->out_len <=
		    strlen(REQUEST(.method = "OPTIONS", .uri = "sip:192.0.2.1")) * 3 / 2);
}

static void an_answer_respects_the_room_it_has(void **state)
{
	struct stw_proxy *p = *state;
	struct stw_rewritten out;
	char buf[1024];

	stw_proxy_text(p, REQUEST(.max_forwards = "0"), ua());
	assert_answered(p, 483);
	size_t need = p->out_len;
	for (size_t room = 0; room <= need; room++) {
		snprintf(buf, sizeof(buf), "%s", REQUEST(.max_forwards = "0"));
		int err = stw_answer(&p->snap, &p->msg, &p->src, &p->v, buf, room, &out);
		assert_int_equal(err, room < need ? STW_ENOSPACE : STW_OK);
	}
	assert_int_equal(out.len, need);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROXY_TEST(rfc3261_s8_2_6_2_answer_echoes_what_it_must),
		PROXY_TEST(rfc3261_s8_2_6_2_to_tag_of_the_request_is_kept),
		PROXY_TEST(rfc3261_s8_2_7_retransmission_gets_the_same_tag),
		PROXY_TEST(rfc3261_s16_11_ack_to_our_answer_is_absorbed),
		PROXY_TEST(rfc3261_s18_2_2_answer_goes_to_the_source_and_sent_by_port),
		PROXY_TEST(rfc3581_s4_answer_goes_to_the_source_port),
		PROXY_TEST(rfc3261_s17_no_answer_to_ack_or_response),
		PROXY_TEST(an_answer_never_outgrows_its_request_by_more_than_half),
		PROXY_TEST(an_answer_respects_the_room_it_has),
	};
	return cmocka_run_group_tests_name("proxy-answer", tests, NULL, NULL);
}
