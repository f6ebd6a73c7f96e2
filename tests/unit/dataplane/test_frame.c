/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/path/cksum.h"
#include "dataplane/path/frame.h"
#include "tests/support/farm.h"

#define ROOM 4096u

/* A buffer that needs no pool. */
static struct rte_mbuf *buffer(void)
{
	static struct rte_mbuf m;
	static char room[ROOM];

	memset(&m, 0, sizeof(m));
	m.buf_addr = room + 512;
	m.buf_len = ROOM - 512;
	return &m;
}

static uint16_t be16(const char *p)
{
	return (uint16_t)((uint8_t)p[0] << 8 | (uint8_t)p[1]);
}

/* One text in 65536 has the sum that would read "no checksum"; it is sent as all ones. */
static void check_zero(struct stw_endpoint src, struct stw_endpoint dst, size_t ip_len)
{
	struct rte_mbuf *m = buffer();
	char *text = (char *)m->buf_addr + 600;
	unsigned n_ones = 0;

	for (unsigned v = 0; v < 65536; v++) {
		uint16_t sum;
		char *ip;

		text[0] = (char)(v >> 8);
		text[1] = (char)v;
		ip = stw_frame_ip(m, text, 2, &src, &dst, 1, false);
		assert_true(stw_frame_settle(m, ip, (uint32_t)ip_len + 10));
		stw_frame_sum(m);
		sum = be16(ip + ip_len + 6);
		assert_int_not_equal(sum, 0);
		n_ones += sum == 0xffff;
	}
	/* The two texts whose words sum to zero in one's complement. */
	assert_in_range(n_ones, 1, 2);
}

static void rfc768_zero_checksum_is_sent_as_ones(void **state)
{
	(void)state;
	check_zero(stw_farm_v4(192, 0, 2, 1, 5060), stw_farm_v4(192, 0, 2, 2, 5060), 20);
}

static void rfc8200_s8_1_zero_checksum_is_sent_as_ones(void **state)
{
	(void)state;
	check_zero(stw_farm_v6(1, 5060), stw_farm_v6(2, 5060), 40);
}

/* A device that sums gets the sum of the pseudo header, and lengths that tell it where. */
static void offload_leaves_the_sums_to_the_device(void **state)
{
	const struct stw_endpoint src = stw_farm_v4(192, 0, 2, 1, 5060);
	const struct stw_endpoint dst = stw_farm_v4(198, 51, 100, 7, 5070);
	const struct stw_iface iface = {.vlan = 7, .mac = {2, 0, 0, 0, 0, 9}};
	struct rte_mbuf *m = buffer();
	char *text = (char *)m->buf_addr + 600, *ip, *start;
	uint32_t pseudo = 0xc000 + 0x0201 + 0xc633 + 0x6407 + 17 + 108;

	(void)state;
	memset(text, 'x', 100);
	ip = stw_frame_ip(m, text, 100, &src, &dst, 1, true);
	start = stw_frame_ethernet(m, ip, &iface);
	assert_true(stw_frame_settle(m, start, 18 + 28 + 100));
	stw_frame_sum(m);
	assert_int_equal(be16(ip + 10), 0);
	assert_int_equal(be16(ip + 26), (pseudo & 0xffff) + (pseudo >> 16));
	assert_int_equal(m->ol_flags,
			 RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_UDP_CKSUM);
	assert_int_equal(m->l2_len, 18);
	assert_int_equal(m->l3_len, 20);
	assert_ptr_equal(ip - start, 18);
}

static void frame_in_the_private_area_moves_up_once(void **state)
{
	struct rte_mbuf *m = buffer();
	char *base = m->buf_addr;

	(void)state;
	for (int i = 0; i < 300; i++)
		base[i - 100] = (char)i;
	assert_true(stw_frame_settle(m, base - 100, 300));
	assert_true(rte_pktmbuf_headroom(m) >= 4);
	for (int i = 0; i < 300; i++)
		assert_int_equal(rte_pktmbuf_mtod(m, char *)[i], (char)i);
	assert_int_equal(m->pkt_len, 300);
	/* In its place: not touched. */
	assert_true(stw_frame_settle(m, base + 10, 50));
	assert_int_equal(m->data_off, 10);
}

static void frame_that_does_not_fit_is_refused(void **state)
{
	struct rte_mbuf *m = buffer();
	char *base = m->buf_addr;

	(void)state;
	assert_false(stw_frame_settle(m, base - 1, m->buf_len));
	assert_false(stw_frame_settle(m, base + 10, m->buf_len - 9u));
	assert_true(stw_frame_settle(m, base + 10, m->buf_len - 10u));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc768_zero_checksum_is_sent_as_ones),
		cmocka_unit_test(rfc8200_s8_1_zero_checksum_is_sent_as_ones),
		cmocka_unit_test(offload_leaves_the_sums_to_the_device),
		cmocka_unit_test(frame_in_the_private_area_moves_up_once),
		cmocka_unit_test(frame_that_does_not_fit_is_refused),
	};

	stw_cksum_init();
	return cmocka_run_group_tests_name("dataplane-frame", tests, NULL, NULL);
}
