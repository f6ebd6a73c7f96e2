/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages through the whole path. */
#include "tests/unit/dataplane/path_rig.h"

static void request_is_forwarded_to_a_member_byte_by_byte(void **state)
{
	char text[2048], out[4096];
	struct stw_verdict v;

	(void)state;
	for (unsigned call = 0; call < 40; call++) {
		size_t len = sip_invite(text, sizeof(text), TO_US, 70, call, call * 9);
		struct rig_datagram d = from_caller(text, len);
		size_t n = foretell(&d, 0, &v, out);

		assert_int_equal(v.action, STW_ACTION_FORWARD);
		send_in(&d);
		assert_sent(0, out, n, stw_farm_v4(192, 0, 2, 1, 5060), v.dst, 0, member_mac(&v));
		rig_assert_ledger(&rig);
	}
	assert_int_equal(rig_count(&rig, STW_C_SENT), 40);
	assert_int_equal(rig_count(&rig, STW_C_NEW_CALLS), 40);
	assert_int_equal(rig_count(&rig, STW_C_BY_HASH), 40);
	assert_int_equal(rig_listener_count(&rig, 0, STW_L_REQUESTS), 40);
	assert_int_equal(rig_listener_count(&rig, 0, STW_L_NEW_CALLS), 40);
	assert_int_equal(rig_listener_count(&rig, 1, STW_L_REQUESTS), 0);
	assert_int_equal(rig_member_count(&rig, 0, STW_M_REQUESTS) +
				 rig_member_count(&rig, 1, STW_M_REQUESTS),
			 40);
	assert_true(rig_member_count(&rig, 0, STW_M_NEW_CALLS) > 0);
	assert_true(rig_member_count(&rig, 1, STW_M_NEW_CALLS) > 0);
}

static void response_goes_back_by_via(void **state)
{
	char text[2048], forwarded[4096], answer[4096], out[4096];
	struct rig_datagram d = from_caller(text, sip_invite(text, sizeof(text), TO_US, 70, 1, 0));
	struct stw_verdict v;
	size_t n = foretell(&d, 0, &v, forwarded);

	(void)state;
	n = sip_answer(answer, sizeof(answer), "200 OK", forwarded, n);
	d = from(v.dst, stw_farm_v4(192, 0, 2, 1, 5060), answer, n);
	n = foretell(&d, 0, &v, out);
	assert_int_equal(v.action, STW_ACTION_FORWARD);
	send_in(&d);
	assert_sent(0, out, n, stw_farm_v4(192, 0, 2, 1, 5060), caller(), 0, 254);
	assert_int_equal(rig_member_count(&rig, v.member_from, STW_M_SUCCESS), 1);
	assert_int_equal(rig_count(&rig, STW_C_RESPONSES), 1);
	assert_int_equal(rig_listener_count(&rig, 0, STW_L_RESPONSES), 1);
	assert_int_equal(rig_listener_count(&rig, 0, STW_L_REQUESTS), 0);
}

static void ipv6_request_and_its_response(void **state)
{
	char text[2048], forwarded[4096], answer[4096], out[4096];
	struct rig_datagram d =
		from(stw_farm_v6(9, 5070), stw_farm_v6(1, 5060), text,
		     sip_invite(text, sizeof(text), "sip:b@[2001:db8::1]", 70, 2, 50));
	struct stw_verdict v;
	size_t n = foretell(&d, 1, &v, forwarded);

	(void)state;
	send_in(&d);
	assert_sent(0, forwarded, n, stw_farm_v4(192, 0, 2, 1, 5060), v.dst, 0, member_mac(&v));
	n = sip_answer(answer, sizeof(answer), "180 Ringing", forwarded, n);
	d = from(v.dst, stw_farm_v4(192, 0, 2, 1, 5060), answer, n);
	n = foretell(&d, 0, &v, out);
	assert_int_equal(v.action, STW_ACTION_FORWARD);
	send_in(&d);
	assert_sent(0, out, n, stw_farm_v6(1, 5060), stw_farm_v6(9, 5070), 0, 9);
}

static void answer_goes_to_the_sender(void **state)
{
	char text[2048], out[4096];
	struct rig_datagram d = from_caller(text, sip_invite(text, sizeof(text), TO_US, 0, 3, 100));
	struct stw_verdict v;
	size_t n = foretell(&d, 0, &v, out);

	(void)state;
	assert_int_equal(v.action, STW_ACTION_ANSWER);
	assert_int_equal(v.status, 483);
	send_in(&d);
	assert_sent(0, out, n, stw_farm_v4(192, 0, 2, 1, 5060), caller(), 0, 254);
	assert_int_equal(rig_count(&rig, STW_C_ANSWERED), 1);
	assert_int_equal(rig_count(&rig, STW_C_SENT), 0);
}

static void a_source_gets_its_share_of_answers_and_a_member_all(void **state)
{
	struct stw_worker *w = rig.workers.worker[0];
	char text[2048];
	struct rig_datagram d = from_caller(text, sip_invite(text, sizeof(text), TO_US, 0, 3, 100));
	struct rte_mbuf *sent;
	unsigned n = 0;

	(void)state;
	stw_budget_free(w->budget);
	w->budget = stw_budget_new(2, w->tsc_hz, 1);
	assert_non_null(w->budget);
	for (unsigned i = 0; i < 5; i++)
		send_in(&d);
	assert_int_equal(rig_count(&rig, STW_C_ANSWERED), 2);
	assert_int_equal(rig_count(&rig, STW_C_DROP_ANSWER_BUDGET), 3);
	d.src = rig.farm.model.members[0].address;
	for (unsigned i = 0; i < 5; i++)
		send_in(&d);
	assert_int_equal(rig_count(&rig, STW_C_ANSWERED), 7);
	for (; (sent = rig_sent(&rig, 0)) != NULL; n++)
		rte_pktmbuf_free(sent);
	assert_int_equal(n, 7);
}

static void vlan_comes_in_and_goes_out(void **state)
{
	char text[2048], out[4096];
	struct rig_datagram d = from_caller(text, sip_invite(text, sizeof(text), TO_US, 0, 4, 0));
	struct stw_verdict v;
	size_t n;

	(void)state;
	d.vlan = 42;
	d.src = stw_farm_v4(10, 42, 0, 7, 5060);
	n = foretell(&d, 0, &v, out);
	send_in(&d);
	assert_sent(0, out, n, stw_farm_v4(192, 0, 2, 1, 5060), d.src, 42, 7);
}

static void message_leaves_by_the_port_of_its_route(void **state)
{
	char text[2048], out[4096];
	struct rig_datagram d = from_caller(text, sip_invite(text, sizeof(text), TO_US, 0, 5, 0));
	struct stw_verdict v;
	size_t n;

	(void)state;
	d.src = stw_farm_v4(10, 1, 0, 7, 5099);
	n = foretell(&d, 0, &v, out);
	send_in(&d);
	assert_sent(1, out, n, stw_farm_v4(192, 0, 2, 1, 5060), d.src, 0, 17);
}

static void trailing_bytes_of_a_frame_are_not_sip(void **state)
{
	char text[2048], out[4096];
	struct rig_datagram d = from_caller(text, sip_invite(text, sizeof(text), TO_US, 70, 6, 0));
	struct stw_verdict v;
	size_t n = foretell(&d, 0, &v, out), len = rig_frame(&d, frame);

	(void)state;
	memset(frame + len, 0xee, 40);
	feed_turn(frame, len + 40);
	assert_sent(0, out, n, stw_farm_v4(192, 0, 2, 1, 5060), v.dst, 0, member_mac(&v));
}

static void ipv4_options_are_skipped(void **state)
{
	char text[2048], out[4096];
	struct rig_datagram d = from_caller(text, sip_invite(text, sizeof(text), TO_US, 70, 7, 9));
	struct stw_verdict v;
	size_t n = foretell(&d, 0, &v, out), len = rig_frame(&d, frame);

	(void)state;
	memmove(frame + 14 + 24, frame + 14 + 20, len - 34);
	memset(frame + 34, 1, 4);
	frame[14] = 0x46;
	frame[16] = (uint8_t)((len - 10) >> 8);
	frame[17] = (uint8_t)(len - 10);
	feed_turn(frame, len + 4);
	assert_sent(0, out, n, stw_farm_v4(192, 0, 2, 1, 5060), v.dst, 0, member_mac(&v));
}

static void longest_growth_fits_a_full_frame(void **state)
{
	char text[2048], out[4096];
	size_t head = sip_invite(text, sizeof(text), TO_US, 70, 8, 0);
	struct rig_datagram d;
	struct stw_verdict v;
	size_t n;

	(void)state;
	/* As long as the outgoing message may be without fragments: what leaves has 1500 bytes. */
	for (size_t body = 1472 - head - 4;; body--) {
		d = from_caller(text, sip_invite(text, sizeof(text), TO_US, 70, 8, body));
		n = foretell(&d, 0, &v, out);
		if (n <= 1472)
			break;
	}
	assert_int_equal(n, 1472);
	send_in(&d);
	assert_sent(0, out, n, stw_farm_v4(192, 0, 2, 1, 5060), v.dst, 0, member_mac(&v));
	assert_int_equal(rig_count(&rig, STW_C_FRAGMENTS_SENT), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(request_is_forwarded_to_a_member_byte_by_byte),
		WITH(response_goes_back_by_via),
		WITH(ipv6_request_and_its_response),
		WITH(answer_goes_to_the_sender),
		WITH(a_source_gets_its_share_of_answers_and_a_member_all),
		WITH(vlan_comes_in_and_goes_out),
		WITH(message_leaves_by_the_port_of_its_route),
		WITH(trailing_bytes_of_a_frame_are_not_sip),
		WITH(ipv4_options_are_skipped),
		WITH(longest_growth_fits_a_full_frame),
	};

	return path_rig_run("dataplane-path", tests);
}
