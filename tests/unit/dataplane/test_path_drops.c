/* SPDX-License-Identifier: BSD-3-Clause */
/* Ends by a named reason, odd frames, and the order of what leaves. */
#include "tests/unit/dataplane/path_rig.h"

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
	size_t n = sip_invite(text, sizeof(text), TO_US, 70, 1, 0);

	(void)state;
	n = sip_answer(answer, sizeof(answer), "200 OK", text, n);
	drop_of(answer, n, STW_C_DROP_RESPONSE_NOT_OURS);
}

/* Every frame cut anywhere ends in one row, and none is read beyond its end. */
static void frames_cut_anywhere_end_in_the_ledger(void **state)
{
	char text[2048];
	struct rig_datagram d = from_caller(text, sip_invite(text, sizeof(text), TO_US, 70, 1, 0));
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
	struct rig_datagram d = from_caller(text, sip_invite(text, sizeof(text), TO_US, 70, 1, 0));
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
	struct rig_datagram d = from_caller(text, sip_invite(text, sizeof(text), TO_US, 70, 1, 0));
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
	struct rig_datagram d = from_caller(text, sip_invite(text, sizeof(text), TO_US, 70, 1, 0));
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
		from_caller(text, sip_invite(text, sizeof(text), TO_US, 70, 9, 300));
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
			from_caller(text, sip_invite(text, sizeof(text), TO_US, 70, call, call));

		if (call % 3 == 1) /* among them, what is dropped */
			d.len = 3;
		rig_feed(&rig, 0, 0, frame, rig_frame(&d, frame));
	}
	rig_turn(&rig, 0);
	for (unsigned call = 0; call < 30; call++) {
		struct rig_datagram d =
			from_caller(text, sip_invite(text, sizeof(text), TO_US, 70, call, call));
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

/* What one turn adds to each counter, cycles and turns apart. */
static void turn_adds(uint64_t added[STW_N_COUNTERS])
{
	for (unsigned c = 0; c < STW_N_COUNTERS; c++)
		added[c] = 0 - rig_count(&rig, (enum stw_counter)c);
	rig_turn(&rig, 0);
	for (unsigned c = 0; c < STW_N_COUNTERS; c++)
		added[c] += rig_count(&rig, (enum stw_counter)c);
	added[STW_C_CYCLES_BUSY] = added[STW_C_TURNS_BUSY] = added[STW_C_TURNS_IDLE] = 0;
	rig_clear(&rig);
	for (struct rte_mbuf *m; (m = rig_kernel(&rig)) != NULL;)
		rte_pktmbuf_free(m);
}

static bool is_fragment(const uint8_t *bytes)
{
	return bytes[14] >> 4 == 4 && ((bytes[20] << 8 | bytes[21]) & 0x3fff) != 0;
}

/* Noise to us, which is dropped by name and leaves nothing behind; then @odd: alone, and behind it.
 */
static void ends_as_alone(const uint8_t *noise, size_t noise_len, const uint8_t *odd, size_t len)
{
	const struct stw_burst *b = &rig.workers.worker[0]->burst;
	uint64_t alone[STW_N_COUNTERS], behind[STW_N_COUNTERS], first[STW_N_COUNTERS];
	struct stw_source src;
	uint32_t text_len;

	rig_feed(&rig, 0, 0, noise, noise_len);
	turn_adds(first);
	assert_int_equal(first[STW_C_DROP_NOT_SIP], 1);
	rig_feed(&rig, 0, 0, odd, len);
	turn_adds(alone);
	src = b->src[0];
	text_len = b->text_len[0];
	rig_feed(&rig, 0, 0, noise, noise_len);
	rig_feed(&rig, 0, 0, odd, len);
	turn_adds(behind);
	if (is_fragment(odd)) /* it waits, or was there before */
		assert_int_equal(behind[STW_C_DROP_NOT_SIP], 1);
	else
		for (unsigned c = 0; c < STW_N_COUNTERS; c++)
			assert_int_equal(behind[c], first[c] + alone[c]);
	if (alone[STW_C_DROP_NOT_SIP] == 0)
		return;
	assert_memory_equal(&b->src[1].peer, &src.peer, sizeof(src.peer));
	assert_int_equal(b->src[1].listener, src.listener);
	assert_int_equal(b->text_len[1], text_len);
}

/* Decap knows where the frame before was sent, and looks less closely at the next one. */
static void frames_end_behind_another_as_they_do_alone(void **state)
{
	static const uint8_t flips[] = {0x01, 0x02, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff};
	struct rig_datagram d = from_caller("GET / HTTP/1.1\r\n\r\n", 18);
	size_t len = rig_frame(&d, frame);
	uint8_t odd[256] = {0};

	(void)state;
	for (size_t at = 0; at < 42; at++)
		for (size_t i = 0; i < sizeof(flips); i++) {
			memcpy(odd, frame, len);
			odd[at] ^= flips[i];
			ends_as_alone(frame, len, odd, len);
		}
	memcpy(odd, frame, len);
	for (size_t cut = 0; cut <= len + 4; cut++) /* and some bytes of padding */
		ends_as_alone(frame, len, odd, cut);
	rig_assert_ledger(&rig);
}

/* 2001:db8::1 is a listener's; the last four bytes of it are an address as well, of nobody. */
static void nobody_is_found_by_what_another_family_left(void **state)
{
	struct rig_datagram v6 =
		from(stw_farm_v6(9, 5070), stw_farm_v6(1, 5060), "GET / HTTP/1.1\r\n\r\n", 18);
	struct rig_datagram v4 = from_caller("GET / HTTP/1.1\r\n\r\n", 18);
	uint64_t added[STW_N_COUNTERS];
	size_t len = rig_frame(&v6, frame);

	(void)state;
	rig_feed(&rig, 0, 0, frame, len);
	v4.dst = stw_farm_v4(0, 0, 0, 1, 5060);
	len = rig_frame(&v4, frame);
	rig_feed(&rig, 0, 0, frame, len);
	turn_adds(added);
	assert_int_equal(added[STW_C_DROP_NOT_SIP], 1);
	assert_int_equal(added[STW_C_KERNEL], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(keepalives_and_noise_are_dropped_by_name),
		WITH(stun_is_answered_from_where_it_was_asked),
		WITH(response_that_is_not_ours_is_dropped),
		WITH(frames_cut_anywhere_end_in_the_ledger),
		WITH(lying_lengths_are_truncated_frames),
		WITH(checksum_the_nic_found_wrong_is_a_drop),
		WITH(full_device_queue_is_a_drop),
		WITH(buffer_in_segments_is_joined),
		WITH(bursts_keep_the_order_of_arrival),
		WITH(frames_end_behind_another_as_they_do_alone),
		WITH(nobody_is_found_by_what_another_family_left),
	};

	return path_rig_run("dataplane-path-drops", tests);
}
