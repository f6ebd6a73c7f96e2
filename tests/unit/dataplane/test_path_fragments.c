/* SPDX-License-Identifier: BSD-3-Clause */
/* Datagrams in fragments: in, out and for the kernel. */
#include "tests/unit/dataplane/path_rig.h"

static uint8_t parts[64][1600];
static size_t part_lens[64];

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
			from_caller(text, sip_invite(text, sizeof(text), TO_US, 70, k, 3600));
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
		from_caller(text, sip_invite(text, sizeof(text), TO_US, 70, 1, 5000));
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
		     sip_invite(text, sizeof(text), TO_US, 70, 3, 0));
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
		from_caller(text, sip_invite(text, sizeof(text), TO_US, 70, 1, 64000));
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
		from_caller(text, sip_invite(text, sizeof(text), TO_US, 70, 1, 3000));
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
		from_caller(text, sip_invite(text, sizeof(text), TO_US, 70, 1, 3000));

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
		from_caller(text, sip_invite(text, sizeof(text), TO_US, 70, 1, 3600));

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
		from_caller(text, sip_invite(text, sizeof(text), TO_US, 70, 1, 3600));
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
		from_caller(text, sip_invite(text, sizeof(text), TO_US, 70, 1, 3600));

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
	d = from_caller(text, sip_invite(text, sizeof(text), TO_US, 70, 1, 0));
	send_in(&d);
	assert_int_equal(rig_count(&rig, STW_C_SENT), 1);
	rig_assert_ledger(&rig);
	/* rig_stop() drains: what waits ends as STOPPED. */
	stw_worker_drain(rig.workers.worker[0]);
	assert_int_equal(rig_count(&rig, STW_C_DROP_STOPPED), STW_JUMBO_HELD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
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
	};

	return path_rig_run("dataplane-path-fragments", tests);
}
