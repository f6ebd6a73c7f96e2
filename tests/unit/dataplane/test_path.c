/* SPDX-License-Identifier: BSD-3-Clause */
/* The whole path of one worker: frames in, frames out, compared byte by byte with what the pure
 * functions and a slow writer of headers make. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <strowger/errors.h>
#include <strowger/sip.h>

#include "dataplane/path/cksum.h"
#include "dataplane/pool.h"
#include "tests/unit/dataplane/rig.h"
#include "tests/unit/dataplane/sip_text.h"

static struct rig rig;
static uint8_t frame[RIG_FRAME_MAX];
static uint8_t expected[RIG_FRAME_MAX];
static uint8_t parts[64][1600];
static size_t part_lens[64];

static const char to_us[] = "sip:b@192.0.2.1";

/* ---- helpers ---- */

static struct stw_endpoint caller(void)
{
	return stw_farm_v4(203, 0, 113, 9, 5060);
}

static struct rig_datagram from(struct stw_endpoint src, struct stw_endpoint dst, const char *text,
				size_t len)
{
	struct rig_datagram d = {.src = src, .dst = dst, .text = text, .len = len, .ttl = 61};

	memcpy(d.dst_mac, rig.ports.port[0].mac, 6);
	memcpy(d.src_mac, "\2\0\0\0\0\1", 6);
	return d;
}

static struct rig_datagram from_caller(const char *text, size_t len)
{
	return from(caller(), stw_farm_v4(192, 0, 2, 1, 5060), text, len);
}

static void feed_turn(const uint8_t *bytes, size_t len)
{
	rig_feed(&rig, 0, 0, bytes, len);
	rig_turn(&rig, 0);
}

static void send_in(const struct rig_datagram *d)
{
	feed_turn(frame, rig_frame(d, frame));
}

/* What the pure functions make of a message: the verdict, and the text that leaves. */
static size_t foretell(const struct rig_datagram *d, uint16_t listener, struct stw_verdict *v,
		       char *out)
{
	static char room[STW_REWRITE_HEADROOM + RIG_FRAME_MAX];
	const struct stw_source src = {.peer = d->src, .listener = listener};
	char *text = room + STW_REWRITE_HEADROOM;
	struct stw_rewritten r;
	struct stw_sip_msg m;

	memcpy(text, d->text, d->len);
	stw_sip_parse(text, d->len, &m);
	stw_route(rig.snapshots.current, text, &m, &src, v);
	if (v->action == STW_ACTION_FORWARD)
		assert_int_equal(stw_rewrite(rig.snapshots.current, &m, &src, v, text, &r), STW_OK);
	else if (v->action == STW_ACTION_ANSWER)
		assert_int_equal(stw_answer(rig.snapshots.current, &m, &src, v, text, RIG_FRAME_MAX,
					    &r),
				 STW_OK);
	else
		return 0;
	memcpy(out, text + r.start, r.len);
	return r.len;
}

static void assert_frame(struct rte_mbuf *m, const uint8_t *want, size_t len)
{
	assert_non_null(m);
	assert_int_equal(m->nb_segs, 1);
	assert_int_equal(m->pkt_len, len);
	assert_int_equal(m->data_len, len);
	assert_memory_equal(rte_pktmbuf_mtod(m, void *), want, len);
	rte_pktmbuf_free(m);
}

/* The IPv4 id is the worker's to choose; take it from the frame. */
static uint16_t ip_id_of(const struct rte_mbuf *m)
{
	const uint8_t *at = rte_pktmbuf_mtod(m, const uint8_t *) + (m->pkt_len > 18 ? 18 : 0);

	if (rte_pktmbuf_mtod(m, const uint8_t *)[12] == 0x81)
		at += 4;
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* Compare what left with what the pure functions foretold, in headers written the slow way. */
static void assert_sent(unsigned port, const char *text, size_t len, struct stw_endpoint src,
			struct stw_endpoint dst, uint16_t vlan, uint8_t mac)
{
	struct rig_datagram d = from(src, dst, text, len);
	struct rte_mbuf *m = rig_sent(&rig, port);

	assert_non_null(m);
	d.vlan = vlan;
	d.ttl = 64;
	d.ip_id = ip_id_of(m);
	memcpy(d.src_mac, rig.ports.port[port].mac, 6);
	memcpy(d.dst_mac, (uint8_t[]){0x02, 0, 0, 0, 0xaa, mac}, 6);
	assert_frame(m, expected, rig_frame(&d, expected));
	assert_null(rig_sent(&rig, port));
}

static uint8_t member_mac(const struct stw_verdict *v)
{
	return v->dst.ip.b[15];
}

static int with_tables(void **state)
{
	(void)state;
	rig_start(&rig, 1, 1);
	rig_publish_tables(&rig);
	return 0;
}

static int without_tables(void **state)
{
	(void)state;
	rig_start(&rig, 1, 1);
	return 0;
}

/* The ledger balances and every buffer is back, whatever the test did. */
static int teardown(void **state)
{
	(void)state;
	rig_stop(&rig);
	return 0;
}

/* ---- messages ---- */

static void request_is_forwarded_to_a_member_byte_by_byte(void **state)
{
	char text[2048], out[4096];
	struct stw_verdict v;

	(void)state;
	for (unsigned call = 0; call < 40; call++) {
		size_t len = sip_invite(text, sizeof(text), to_us, 70, call, call * 9);
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
	assert_int_equal(rig_member_count(&rig, 0, STW_M_REQUESTS) +
				 rig_member_count(&rig, 1, STW_M_REQUESTS),
			 40);
	assert_true(rig_member_count(&rig, 0, STW_M_NEW_CALLS) > 0);
	assert_true(rig_member_count(&rig, 1, STW_M_NEW_CALLS) > 0);
}

static void response_goes_back_by_via(void **state)
{
	char text[2048], forwarded[4096], answer[4096], out[4096];
	struct rig_datagram d = from_caller(text, sip_invite(text, sizeof(text), to_us, 70, 1, 0));
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
	struct rig_datagram d = from_caller(text, sip_invite(text, sizeof(text), to_us, 0, 3, 100));
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
	struct rig_datagram d = from_caller(text, sip_invite(text, sizeof(text), to_us, 0, 3, 100));
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
	struct rig_datagram d = from_caller(text, sip_invite(text, sizeof(text), to_us, 0, 4, 0));
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
	struct rig_datagram d = from_caller(text, sip_invite(text, sizeof(text), to_us, 0, 5, 0));
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
	struct rig_datagram d = from_caller(text, sip_invite(text, sizeof(text), to_us, 70, 6, 0));
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
	struct rig_datagram d = from_caller(text, sip_invite(text, sizeof(text), to_us, 70, 7, 9));
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
	size_t head = sip_invite(text, sizeof(text), to_us, 70, 8, 0);
	struct rig_datagram d;
	struct stw_verdict v;
	size_t n;

	(void)state;
	/* As long as the outgoing message may be without fragments: what leaves has 1500 bytes. */
	for (size_t body = 1472 - head - 4;; body--) {
		d = from_caller(text, sip_invite(text, sizeof(text), to_us, 70, 8, body));
		n = foretell(&d, 0, &v, out);
		if (n <= 1472)
			break;
	}
	assert_int_equal(n, 1472);
	send_in(&d);
	assert_sent(0, out, n, stw_farm_v4(192, 0, 2, 1, 5060), v.dst, 0, member_mac(&v));
	assert_int_equal(rig_count(&rig, STW_C_FRAGMENTS_SENT), 0);
}

/* ---- what is not ours ---- */

static void assert_kernel_got(const uint8_t *bytes, size_t len)
{
	assert_frame(rig_kernel(&rig), bytes, len);
	assert_null(rig_sent(&rig, 0));
}

static void frames_for_the_kernel_go_up_as_they_came(void **state)
{
	char text[] = "hello";
	struct rig_datagram d = from_caller(text, 5);
	size_t len;

	(void)state;
	d.dst.port = 53;
	len = rig_frame(&d, frame);
	feed_turn(frame, len);
	assert_kernel_got(frame, len);

	d.dst = stw_farm_v4(192, 0, 2, 77, 5060);
	len = rig_frame(&d, frame);
	feed_turn(frame, len);
	assert_kernel_got(frame, len);

	d = from_caller(text, 5);
	len = rig_frame(&d, frame);
	frame[14 + 9] = 6; /* TCP */
	feed_turn(frame, len);
	assert_kernel_got(frame, len);

	frame[12] = 0x08, frame[13] = 0x06; /* ARP */
	feed_turn(frame, 60);
	assert_kernel_got(frame, 60);

	d = from(stw_farm_v6(9, 5070), stw_farm_v6(1, 5060), text, 5);
	len = rig_frame(&d, frame);
	frame[14 + 6] = 0; /* hop-by-hop options */
	feed_turn(frame, len);
	assert_kernel_got(frame, len);

	d = from_caller(text, 5);
	d.dst_mac[5] ^= 1; /* another station's */
	len = rig_frame(&d, frame);
	feed_turn(frame, len);
	assert_kernel_got(frame, len);
	assert_int_equal(rig_count(&rig, STW_C_KERNEL), 6);
}

static void frames_of_the_kernel_go_out_as_they_are(void **state)
{
	struct rte_mbuf *m = rig_buffer(&rig, 0);

	(void)state;
	memset(rte_pktmbuf_append(m, 60), 0x5a, 60);
	memset(frame, 0x5a, 60);
	assert_int_equal(rte_ring_enqueue(rig.from_kernel, m), 0);
	rig_turn(&rig, 0);
	assert_frame(rig_sent(&rig, 0), frame, 60);
	assert_int_equal(rig_count(&rig, STW_C_KERNEL_RECEIVED), 1);
	assert_int_equal(rig_count(&rig, STW_C_KERNEL_SENT), 1);
	assert_int_equal(rig_count(&rig, STW_C_RECEIVED), 0);
}

static void port_without_a_kernel_drops_what_is_not_ours(void **state)
{
	struct rig_datagram d = from_caller("x", 1);

	(void)state;
	d.dst.port = 53;
	rig_feed(&rig, 1, 0, frame, rig_frame(&d, frame));
	rig_turn(&rig, 0);
	assert_int_equal(rig_count(&rig, STW_C_DROP_NO_KERNEL), 1);
}

static void no_tables_drops_datagrams_and_keeps_the_rest(void **state)
{
	char text[2048];
	struct rig_datagram d = from_caller(text, sip_invite(text, sizeof(text), to_us, 70, 1, 0));
	size_t len;

	(void)state;
	send_in(&d);
	assert_int_equal(rig_count(&rig, STW_C_DROP_NO_TABLES), 1);
	len = rig_frame(&d, frame);
	frame[14 + 9] = 6;
	feed_turn(frame, len);
	assert_kernel_got(frame, len);
	rig_publish_tables(&rig);
	send_in(&d);
	assert_int_equal(rig_count(&rig, STW_C_SENT), 1);
}

/* ---- drops ---- */

static void drop_of(const char *text, size_t len, enum stw_counter reason)
{
	struct rig_datagram d = from_caller(text, len);
	uint64_t before = rig_count(&rig, reason);

	send_in(&d);
	assert_int_equal(rig_count(&rig, reason), before + 1);
	assert_null(rig_sent(&rig, 0));
	rig_assert_ledger(&rig);
}

static void keepalives_and_noise_are_dropped_by_name(void **state)
{
	static const char stun[20] = "\0\x11\0\0\x21\x12\xa4\x42"
				     "abcdefghijk"; /* an indication */

	(void)state;
	drop_of("\r\n\r\n", 4, STW_C_DROP_KEEPALIVE);
	drop_of("", 0, STW_C_DROP_KEEPALIVE);
	drop_of(stun, sizeof(stun), STW_C_DROP_KEEPALIVE);
	drop_of("GET / HTTP/1.1\r\n\r\n", 18, STW_C_DROP_NOT_SIP);
	drop_of("\xff\xfe\xfd", 3, STW_C_DROP_NOT_SIP);
}

static void stun_is_answered_from_where_it_was_asked(void **state)
{
	static const char stun[20] = "\0\1\0\0\x21\x12\xa4\x42"
				     "abcdefghijk";
	struct rig_datagram d = from_caller(stun, sizeof(stun));
	char out[4096];
	struct stw_verdict v;
	size_t n = foretell(&d, 0, &v, out);

	(void)state;
	assert_int_equal(v.action, STW_ACTION_ANSWER);
	assert_int_equal(n, 32);
	send_in(&d);
	assert_sent(0, out, n, stw_farm_v4(192, 0, 2, 1, 5060), caller(), 0, 254);
	assert_int_equal(rig_count(&rig, STW_C_ANSWERED), 1);
	rig_assert_ledger(&rig);
}

static void response_that_is_not_ours_is_dropped(void **state)
{
	char text[2048], answer[2048];
	size_t n = sip_invite(text, sizeof(text), to_us, 70, 1, 0);

	(void)state;
	n = sip_answer(answer, sizeof(answer), "200 OK", text, n);
	drop_of(answer, n, STW_C_DROP_RESPONSE_NOT_OURS);
}

/* Every frame cut anywhere ends in one row, and none is read beyond its end. */
static void frames_cut_anywhere_end_in_the_ledger(void **state)
{
	char text[2048];
	struct rig_datagram d = from_caller(text, sip_invite(text, sizeof(text), to_us, 70, 1, 0));
	size_t len = rig_frame(&d, frame);

	(void)state;
	for (size_t cut = 0; cut < len; cut++)
		feed_turn(frame, cut);
	assert_int_equal(rig_count(&rig, STW_C_DROP_FRAME_TRUNCATED), len);
	d = from(stw_farm_v6(9, 5070), stw_farm_v6(1, 5060), text, d.len);
	d.vlan = 7;
	len = rig_frame(&d, frame);
	for (size_t cut = 0; cut < len; cut++)
		feed_turn(frame, cut);
	rig_assert_ledger(&rig);
	assert_int_equal(rig_count(&rig, STW_C_SENT), 0);
}

static void lying_lengths_are_truncated_frames(void **state)
{
	char text[2048];
	struct rig_datagram d = from_caller(text, sip_invite(text, sizeof(text), to_us, 70, 1, 0));
	size_t len = rig_frame(&d, frame);

	(void)state;
	frame[14 + 20 + 5]++; /* UDP longer than IP */
	feed_turn(frame, len);
	frame[14 + 20 + 4] = 0, frame[14 + 20 + 5] = 7; /* shorter than its header */
	feed_turn(frame, len);
	rig_frame(&d, frame);
	frame[14 + 20 + 5]++; /* longer than IP, though the frame has that byte */
	feed_turn(frame, len + 1);
	rig_frame(&d, frame);
	frame[14] = 0x44; /* IPv4 header of 16 bytes */
	feed_turn(frame, len);
	rig_frame(&d, frame);
	frame[14] = 0x4f, frame[16] = 0, frame[17] = 40; /* options beyond the total length */
	feed_turn(frame, len);
	assert_int_equal(rig_count(&rig, STW_C_DROP_FRAME_TRUNCATED), 5);
}

static void checksum_the_nic_found_wrong_is_a_drop(void **state)
{
	static const uint64_t flags[] = {RTE_MBUF_F_RX_IP_CKSUM_BAD, RTE_MBUF_F_RX_L4_CKSUM_BAD};
	char text[2048];
	struct rig_datagram d = from_caller(text, sip_invite(text, sizeof(text), to_us, 70, 1, 0));
	size_t len = rig_frame(&d, frame);

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct rte_mbuf *m = rig_buffer(&rig, 0);

		memcpy(rte_pktmbuf_append(m, (uint16_t)len), frame, len);
		m->ol_flags = flags[i];
		assert_int_equal(rte_ring_enqueue(rig.rx[0][0], m), 0);
	}
	rig_turn(&rig, 0);
	assert_int_equal(rig_count(&rig, STW_C_DROP_BAD_CHECKSUM), 2);
}

static void full_device_queue_is_a_drop(void **state)
{
	char text[2048];
	struct rig_datagram d = from_caller(text, sip_invite(text, sizeof(text), to_us, 70, 1, 0));
	size_t len = rig_frame(&d, frame);
	unsigned n_room = rte_ring_free_count(rig.tx[0][0]), n_fed = n_room + 10;

	(void)state;
	for (unsigned i = 0; i < n_fed; i++)
		feed_turn(frame, len);
	assert_int_equal(rig_count(&rig, STW_C_DROP_TX_FULL), 10);
	assert_int_equal(rig_count(&rig, STW_C_SENT), n_room);
	assert_int_equal(rig_member_count(&rig, 0, STW_M_UNSENT) +
				 rig_member_count(&rig, 1, STW_M_UNSENT),
			 10);
}

static void buffer_in_segments_is_joined(void **state)
{
	char text[2048], out[4096];
	struct rig_datagram d =
		from_caller(text, sip_invite(text, sizeof(text), to_us, 70, 9, 300));
	struct rte_mbuf *head = rig_buffer(&rig, 0), *tail = rig_buffer(&rig, 0);
	struct stw_verdict v;
	size_t n = foretell(&d, 0, &v, out), len = rig_frame(&d, frame);

	(void)state;
	memcpy(rte_pktmbuf_append(head, 100), frame, 100);
	memcpy(rte_pktmbuf_append(tail, (uint16_t)(len - 100)), frame + 100, len - 100);
	assert_int_equal(rte_pktmbuf_chain(head, tail), 0);
	assert_int_equal(rte_ring_enqueue(rig.rx[0][0], head), 0);
	rig_turn(&rig, 0);
	assert_sent(0, out, n, stw_farm_v4(192, 0, 2, 1, 5060), v.dst, 0, member_mac(&v));
}

static void bursts_keep_the_order_of_arrival(void **state)
{
	char text[2048], out[4096];
	struct stw_verdict v;

	(void)state;
	for (unsigned call = 0; call < 30; call++) {
		struct rig_datagram d =
			from_caller(text, sip_invite(text, sizeof(text), to_us, 70, call, call));

		if (call % 3 == 1) /* among them, what is dropped */
			d.len = 3;
		rig_feed(&rig, 0, 0, frame, rig_frame(&d, frame));
	}
	rig_turn(&rig, 0);
	for (unsigned call = 0; call < 30; call++) {
		struct rig_datagram d =
			from_caller(text, sip_invite(text, sizeof(text), to_us, 70, call, call));
		struct rte_mbuf *m;
		size_t n;

		if (call % 3 == 1)
			continue;
		n = foretell(&d, 0, &v, out);
		m = rig_sent(&rig, 0);
		assert_non_null(m);
		assert_int_equal(m->pkt_len, 42 + n);
		assert_memory_equal(rte_pktmbuf_mtod_offset(m, char *, 42), out, n);
		rte_pktmbuf_free(m);
	}
	assert_int_equal(rig_count(&rig, STW_C_DROP_NOT_SIP), 10);
}

/* ---- fragments ---- */

/* Put what left together again, by the book. @return bytes of the datagram's payload */
static size_t collect(struct rte_mbuf *(*next)(struct rig *), uint8_t *out, unsigned *n_parts)
{
	size_t whole = 0, end = 0;
	struct rte_mbuf *m;

	*n_parts = 0;
	while ((m = next(&rig)) != NULL) {
		const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, 14);
		bool v4 = ip[0] >> 4 == 4;
		size_t front = v4 ? 20 : 48;
		size_t len = v4 ? (size_t)(ip[2] << 8 | ip[3]) : 40 + (size_t)(ip[4] << 8 | ip[5]);
		size_t off = v4 ? (size_t)((ip[6] & 0x1f) << 8 | ip[7]) * 8
				: (size_t)(ip[42] << 8 | (ip[43] & 0xf8));

		bool more = v4 ? (ip[6] & 0x20) != 0 : (ip[43] & 1) != 0;

		assert_true(len <= 1500);
		assert_int_equal(v4 ? ip[9] : ip[40], 17);
		if (!more)
			end = off + len - front;
		assert_int_equal(m->pkt_len, 14 + len);
		if (v4)
			assert_int_equal(stw_cksum_fold(stw_cksum_sum(ip, 20)), 0xffff);
		memcpy(out + off, ip + front, len - front);
		if (off + len - front > whole)
			whole = off + len - front;
		(*n_parts)++;
		rte_pktmbuf_free(m);
	}
	/* Only the last one says that it is. */
	assert_int_equal(end, whole);
	return whole;
}

static struct rte_mbuf *sent_on_port0(struct rig *r)
{
	return rig_sent(r, 0);
}

static size_t cut_up(const struct rig_datagram *d, uint16_t mtu)
{
	return rig_fragments(frame, rig_frame(d, frame), mtu, parts, part_lens);
}

/* In each order of three fragments, and each way round for more. */
static void fragments_in_and_out_ipv4(void **state)
{
	static const uint8_t orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
					    {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
	static char text[8192], out[8192];
	static uint8_t payload[RIG_FRAME_MAX];
	struct stw_verdict v;
	unsigned n_parts;

	(void)state;
	for (unsigned k = 0; k < 6; k++) {
		struct rig_datagram d =
			from_caller(text, sip_invite(text, sizeof(text), to_us, 70, k, 3600));
		size_t n = foretell(&d, 0, &v, out), whole;

		d.ip_id = (uint16_t)(100 + k);
		assert_int_equal(cut_up(&d, 1500), 3);
		for (unsigned i = 0; i < 3; i++)
			feed_turn(parts[orders[k][i]], part_lens[orders[k][i]]);
		whole = collect(sent_on_port0, payload, &n_parts);
		assert_int_equal(whole, n + 8);
		assert_memory_equal(payload + 8, out, n);
		assert_int_equal(n_parts, 3);
		rig_assert_ledger(&rig);
	}
	assert_int_equal(rig_count(&rig, STW_C_FRAGMENTS_RECEIVED), 18);
	assert_int_equal(rig_count(&rig, STW_C_MERGED), 12);
	assert_int_equal(rig_count(&rig, STW_C_SENT), 6);
	assert_int_equal(rig_count(&rig, STW_C_FRAGMENTS_SENT), 18);
	assert_int_equal(rig_count(&rig, STW_C_WAITING), 0);
}

static void udp_checksum_covers_all_fragments(void **state)
{
	static char text[8192], out[8192];
	static uint8_t payload[RIG_FRAME_MAX];
	struct rig_datagram d =
		from_caller(text, sip_invite(text, sizeof(text), to_us, 70, 1, 5000));
	struct stw_verdict v;
	unsigned n_parts;
	size_t n = foretell(&d, 0, &v, out), n_in = cut_up(&d, 1500), whole;

	(void)state;
	for (size_t i = 0; i < n_in; i++)
		feed_turn(parts[i], part_lens[i]);
	whole = collect(sent_on_port0, payload, &n_parts);
	d = from(stw_farm_v4(192, 0, 2, 1, 5060), v.dst, out, n);
	assert_int_equal(rig_frame(&d, expected), 34 + whole);
	assert_memory_equal(payload, expected + 34, whole);
}

static void fragments_in_and_out_ipv6(void **state)
{
	static char text[16384], forwarded[16384], answer[16384], out[16384];
	static uint8_t payload[RIG_FRAME_MAX];
	struct rig_datagram d =
		from(stw_farm_v6(9, 5070), stw_farm_v6(1, 5060), text,
		     sip_invite(text, sizeof(text), "sip:b@[2001:db8::1]", 70, 2, 9000));
	struct stw_verdict v;
	unsigned n_parts;
	size_t n = foretell(&d, 1, &v, forwarded), n_in = cut_up(&d, 1280);

	(void)state;
	for (size_t i = n_in; i-- > 0;)
		feed_turn(parts[i], part_lens[i]);
	assert_int_equal(collect(sent_on_port0, payload, &n_parts), n + 8);
	assert_memory_equal(payload + 8, forwarded, n);
	/* And out to IPv6: a long response. */
	n = sip_answer(answer, sizeof(answer), "200 OK", forwarded, n);
	memset(answer + n - 21, ' ', 21);
	n = n - 21 + (size_t)sprintf(answer + n - 21, "Content-Length: 3000\r\n\r\n");
	memset(answer + n, 'b', 3000);
	d = from(v.dst, stw_farm_v4(192, 0, 2, 1, 5060), answer, n + 3000);
	n = foretell(&d, 0, &v, out);
	assert_int_equal(v.action, STW_ACTION_FORWARD);
	n_in = cut_up(&d, 1500);
	for (size_t i = 0; i < n_in; i++)
		feed_turn(parts[i], part_lens[i]);
	assert_int_equal(collect(sent_on_port0, payload, &n_parts), n + 8);
	assert_memory_equal(payload + 8, out, n);
	assert_true(n_parts >= 3);
}

/* A long response to a caller on a VLAN: each fragment carries the tag. */
static void fragments_out_on_a_vlan(void **state)
{
	static char text[2048], forwarded[4096], answer[8192], out[8192];
	struct rig_datagram d =
		from(stw_farm_v4(10, 42, 0, 7, 5060), stw_farm_v4(192, 0, 2, 1, 5060), text,
		     sip_invite(text, sizeof(text), to_us, 70, 3, 0));
	struct stw_verdict v;
	size_t n = foretell(&d, 0, &v, forwarded), n_in, whole = 0;
	struct rte_mbuf *m;

	(void)state;
	n = sip_answer(answer, sizeof(answer), "200 OK", forwarded, n);
	n = n - 21 + (size_t)sprintf(answer + n - 21, "Content-Length: 3000\r\n\r\n");
	memset(answer + n, 'b', 3000);
	d = from(v.dst, stw_farm_v4(192, 0, 2, 1, 5060), answer, n + 3000);
	n = foretell(&d, 0, &v, out);
	n_in = cut_up(&d, 1500);
	for (size_t i = 0; i < n_in; i++)
		feed_turn(parts[i], part_lens[i]);
	while ((m = rig_sent(&rig, 0)) != NULL) {
		const uint8_t *f = rte_pktmbuf_mtod(m, const uint8_t *);
		size_t len = (size_t)(f[20] << 8 | f[21]);

		assert_memory_equal(f, "\2\0\0\0\xaa\7", 6);
		assert_memory_equal(f + 12, "\x81\0\0\x2a\x08\0\x45", 7);
		assert_int_equal(m->pkt_len, 18 + len);
		assert_in_range(len, 21, 1500);
		whole += len - 20;
		rte_pktmbuf_free(m);
	}
	assert_int_equal(whole, n + 8);
}

static void longest_datagram_in_and_out(void **state)
{
	static char text[66000], out[66000];
	static uint8_t payload[RIG_FRAME_MAX + 2000];
	struct rig_datagram d =
		from_caller(text, sip_invite(text, sizeof(text), to_us, 70, 1, 64000));
	struct stw_verdict v;
	unsigned n_parts;
	size_t n = foretell(&d, 0, &v, out), n_in = cut_up(&d, 1500);

	(void)state;
	for (size_t i = 0; i < n_in; i++)
		feed_turn(parts[i], part_lens[i]);
	assert_int_equal(collect(sent_on_port0, payload, &n_parts), n + 8);
	assert_memory_equal(payload + 8, out, n);
	assert_true(n_parts > 40);
}

static struct rte_mbuf *kernel_side(struct rig *r)
{
	return rig_kernel(r);
}

static void whole_datagram_for_the_kernel_goes_up_in_fragments(void **state)
{
	static char text[8192];
	static uint8_t payload[RIG_FRAME_MAX];
	struct rig_datagram d =
		from_caller(text, sip_invite(text, sizeof(text), to_us, 70, 1, 3000));
	unsigned n_parts;
	size_t n_in, whole;

	(void)state;
	d.dst.port = 5999;
	n_in = cut_up(&d, 1500);
	for (size_t i = 0; i < n_in; i++)
		feed_turn(parts[i], part_lens[i]);
	whole = collect(kernel_side, payload, &n_parts);
	assert_int_equal(whole, d.len + 8);
	assert_memory_equal(payload, frame + 34, whole);
	assert_int_equal(rig_count(&rig, STW_C_KERNEL), 1);
	assert_int_equal(rig_count(&rig, STW_C_MERGED), n_in - 1);
}

static void fragments_for_others_go_up_as_they_came(void **state)
{
	static char text[8192];
	struct rig_datagram d =
		from_caller(text, sip_invite(text, sizeof(text), to_us, 70, 1, 3000));

	(void)state;
	d.dst = stw_farm_v4(192, 0, 2, 77, 5060);
	cut_up(&d, 1500);
	feed_turn(parts[1], part_lens[1]);
	assert_kernel_got(parts[1], part_lens[1]);
	assert_int_equal(rig_count(&rig, STW_C_FRAGMENTS_RECEIVED), 0);
}

static void overlapping_fragments_drop_their_datagram(void **state)
{
	static char text[8192];
	struct rig_datagram d =
		from_caller(text, sip_invite(text, sizeof(text), to_us, 70, 1, 3600));

	(void)state;
	cut_up(&d, 1500);
	feed_turn(parts[0], part_lens[0]);
	feed_turn(parts[0], part_lens[0]); /* twice the same: only itself */
	assert_int_equal(rig_count(&rig, STW_C_DROP_FRAGMENT_BAD), 1);
	assert_int_equal(rig_count(&rig, STW_C_WAITING), 1);
	parts[0][200] ^= 1; /* twice, and not the same */
	feed_turn(parts[0], part_lens[0]);
	assert_int_equal(rig_count(&rig, STW_C_DROP_FRAGMENT_BAD), 3);
	assert_int_equal(rig_count(&rig, STW_C_WAITING), 0);
	rig_assert_ledger(&rig);
}

static void missing_fragment_times_out(void **state)
{
	static char text[8192];
	struct rig_datagram d =
		from_caller(text, sip_invite(text, sizeof(text), to_us, 70, 1, 3600));
	struct stw_worker *w = rig.workers.worker[0];

	(void)state;
	cut_up(&d, 1500);
	feed_turn(parts[0], part_lens[0]);
	feed_turn(parts[2], part_lens[2]);
	w->now_tsc += 2 * w->tsc_hz - 1;
	rig_turn(&rig, 0);
	assert_int_equal(rig_count(&rig, STW_C_WAITING), 2);
	w->now_tsc += 2;
	rig_turn(&rig, 0);
	assert_int_equal(rig_count(&rig, STW_C_WAITING), 0);
	assert_int_equal(rig_count(&rig, STW_C_DROP_FRAGMENT_TIMEOUT), 2);
}

/* A source may hold its share of the table, and whole datagrams pass meanwhile. */
static void fragment_flood_meets_a_budget(void **state)
{
	static char text[8192];
	struct rig_datagram d =
		from_caller(text, sip_invite(text, sizeof(text), to_us, 70, 1, 3600));

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		d.ip_id = (uint16_t)i;
		cut_up(&d, 1500);
		feed_turn(parts[0], part_lens[0]);
	}
	assert_int_equal(rig_count(&rig, STW_C_WAITING), STW_REASSEMBLY_PER_SOURCE);
	for (unsigned i = 0; i < 300; i++) {
		d.src = stw_farm_v4(203, 0, (uint8_t)(i / 10), (uint8_t)i, 5060);
		cut_up(&d, 1500);
		feed_turn(parts[0], part_lens[0]);
	}
	assert_int_equal(rig_count(&rig, STW_C_WAITING), STW_JUMBO_HELD);
	assert_int_equal(rig_count(&rig, STW_C_DROP_FRAGMENT_BUDGET) + STW_JUMBO_HELD, 400);
	d = from_caller(text, sip_invite(text, sizeof(text), to_us, 70, 1, 0));
	send_in(&d);
	assert_int_equal(rig_count(&rig, STW_C_SENT), 1);
	rig_assert_ledger(&rig);
	/* rig_stop() drains: what waits ends as STOPPED. */
	stw_worker_drain(rig.workers.worker[0]);
	assert_int_equal(rig_count(&rig, STW_C_DROP_STOPPED), STW_JUMBO_HELD);
}

/* ---- neighbours ---- */

static void message_waits_for_its_neighbour(void **state)
{
	char text[2048], out[4096];
	struct rig_datagram d = from_caller(text, sip_invite(text, sizeof(text), to_us, 70, 1, 10));
	struct stw_neighbour_request asked[4];
	struct stw_verdict v;
	size_t n = foretell(&d, 0, &v, out);

	(void)state;
	rig_publish_fib(&rig, RIG_WITHOUT_NEIGHBOURS);
	send_in(&d);
	send_in(&d);
	assert_null(rig_sent(&rig, 0));
	assert_int_equal(rig_count(&rig, STW_C_WAITING), 2);
	assert_int_equal(stw_workers_take_requests(&rig.workers, asked, 4), 1);
	assert_true(stw_ip_equal(&asked[0].ip, &v.dst.ip));
	assert_int_equal(asked[0].iface, 0);
	rig_publish_fib(&rig, RIG_WITH_NEIGHBOURS);
	rig_turn(&rig, 0);
	assert_int_equal(rig_count(&rig, STW_C_WAITING), 0);
	assert_int_equal(rig_count(&rig, STW_C_SENT), 2);
	rte_pktmbuf_free(rig_sent(&rig, 0));
	assert_sent(0, out, n, stw_farm_v4(192, 0, 2, 1, 5060), v.dst, 0, member_mac(&v));
}

static void neighbour_is_asked_for_again_then_given_up(void **state)
{
	char text[2048];
	struct rig_datagram d = from_caller(text, sip_invite(text, sizeof(text), to_us, 70, 1, 10));
	struct stw_worker *w = rig.workers.worker[0];
	struct stw_neighbour_request asked[4];

	(void)state;
	rig_publish_fib(&rig, RIG_WITHOUT_NEIGHBOURS);
	send_in(&d);
	assert_int_equal(stw_workers_take_requests(&rig.workers, asked, 4), 1);
	w->now_tsc += w->tsc_hz / 3;
	rig_turn(&rig, 0);
	assert_int_equal(stw_workers_take_requests(&rig.workers, asked, 4), 1);
	assert_int_equal(rig_count(&rig, STW_C_WAITING), 1);
	w->now_tsc += w->tsc_hz;
	rig_turn(&rig, 0);
	assert_int_equal(rig_count(&rig, STW_C_WAITING), 0);
	assert_int_equal(rig_count(&rig, STW_C_DROP_NEIGHBOUR_TIMEOUT), 1);
	assert_int_equal(rig_member_count(&rig, 0, STW_M_UNSENT) +
				 rig_member_count(&rig, 1, STW_M_UNSENT),
			 1);
}

/* One next hop becomes known, the other does not: only its message goes on waiting. */
static void each_waits_for_its_own_neighbour(void **state)
{
	char text[2048];
	struct rig_datagram d = from_caller(text, sip_invite(text, sizeof(text), to_us, 70, 1, 10));
	struct stw_neighbour_request asked[4];
	struct stw_worker *w = rig.workers.worker[0];

	(void)state;
	rig_publish_fib(&rig, RIG_WITHOUT_NEIGHBOURS);
	send_in(&d);
	d = from_caller(text, sip_invite(text, sizeof(text), to_us, 0, 2, 10));
	d.src = stw_farm_v4(10, 42, 0, 8, 5060);
	send_in(&d);
	assert_int_equal(stw_workers_take_requests(&rig.workers, asked, 4), 2);
	assert_int_equal(asked[1].iface, 1);
	rig_publish_fib(&rig, RIG_WITH_NEIGHBOURS);
	rig_turn(&rig, 0);
	assert_int_equal(rig_count(&rig, STW_C_SENT), 1);
	assert_int_equal(rig_count(&rig, STW_C_WAITING), 1);
	w->now_tsc += w->tsc_hz / 2;
	rig_turn(&rig, 0);
	assert_int_equal(stw_workers_take_requests(&rig.workers, asked, 4), 1);
	assert_true(stw_ip_equal(&asked[0].ip, &d.src.ip));
	w->now_tsc += w->tsc_hz;
	rig_turn(&rig, 0);
	assert_int_equal(rig_count(&rig, STW_C_DROP_NEIGHBOUR_TIMEOUT), 1);
	assert_int_equal(rig_count(&rig, STW_C_ANSWERED), 0);
}

static void only_so_many_wait_for_neighbours(void **state)
{
	char text[2048];
	struct rig_datagram d = from_caller(text, sip_invite(text, sizeof(text), to_us, 70, 1, 10));

	(void)state;
	rig_publish_fib(&rig, RIG_WITHOUT_NEIGHBOURS);
	for (unsigned i = 0; i < STW_HELD_MAX + 5; i++)
		send_in(&d);
	assert_int_equal(rig_count(&rig, STW_C_WAITING), STW_HELD_MAX);
	assert_int_equal(rig_count(&rig, STW_C_DROP_NEIGHBOUR_FULL), 5);
}

int main(void)
{
#define WITH(f)	   cmocka_unit_test_setup_teardown(f, with_tables, teardown)
#define WITHOUT(f) cmocka_unit_test_setup_teardown(f, without_tables, teardown)
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
		WITH(frames_for_the_kernel_go_up_as_they_came),
		WITH(frames_of_the_kernel_go_out_as_they_are),
		WITH(port_without_a_kernel_drops_what_is_not_ours),
		WITHOUT(no_tables_drops_datagrams_and_keeps_the_rest),
		WITH(keepalives_and_noise_are_dropped_by_name),
		WITH(stun_is_answered_from_where_it_was_asked),
		WITH(response_that_is_not_ours_is_dropped),
		WITH(frames_cut_anywhere_end_in_the_ledger),
		WITH(lying_lengths_are_truncated_frames),
		WITH(checksum_the_nic_found_wrong_is_a_drop),
		WITH(full_device_queue_is_a_drop),
		WITH(buffer_in_segments_is_joined),
		WITH(bursts_keep_the_order_of_arrival),
		WITH(fragments_in_and_out_ipv4),
		WITH(udp_checksum_covers_all_fragments),
		WITH(fragments_in_and_out_ipv6),
		WITH(fragments_out_on_a_vlan),
		WITH(longest_datagram_in_and_out),
		WITH(whole_datagram_for_the_kernel_goes_up_in_fragments),
		WITH(fragments_for_others_go_up_as_they_came),
		WITH(overlapping_fragments_drop_their_datagram),
		WITH(missing_fragment_times_out),
		WITH(fragment_flood_meets_a_budget),
		WITH(message_waits_for_its_neighbour),
		WITH(neighbour_is_asked_for_again_then_given_up),
		WITH(each_waits_for_its_own_neighbour),
		WITH(only_so_many_wait_for_neighbours),
	};

	stw_sip_init(STW_KERNEL_AUTO);
	stw_cksum_init();
	return cmocka_run_group_tests_name("dataplane-path", tests, NULL, NULL);
}
