/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The whole path of one worker: frames in, frames out, compared byte by byte with what the pure
 * functions and a slow writer of headers make. What the test_path*.c share.
 */

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

#define TO_US "sip:b@192.0.2.1"

static inline struct stw_endpoint caller(void)
{
	return stw_farm_v4(203, 0, 113, 9, 5060);
}

static inline struct rig_datagram from(struct stw_endpoint src, struct stw_endpoint dst,
				       const char *text, size_t len)
{
	struct rig_datagram d = {.src = src, .dst = dst, .text = text, .len = len, .ttl = 61};

	memcpy(d.dst_mac, rig.ports.port[0].mac, 6);
	memcpy(d.src_mac, "\2\0\0\0\0\1", 6);
	return d;
}

static inline struct rig_datagram from_caller(const char *text, size_t len)
{
	return from(caller(), stw_farm_v4(192, 0, 2, 1, 5060), text, len);
}

static inline void feed_turn(const uint8_t *bytes, size_t len)
{
	rig_feed(&rig, 0, 0, bytes, len);
	rig_turn(&rig, 0);
}

static inline void send_in(const struct rig_datagram *d)
{
	feed_turn(frame, rig_frame(d, frame));
}

/* What the pure functions make of a message: the verdict, and the text that leaves. */
static inline size_t foretell(const struct rig_datagram *d, uint16_t listener,
			      struct stw_verdict *v, char *out)
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

static inline void assert_frame(struct rte_mbuf *m, const uint8_t *want, size_t len)
{
	assert_non_null(m);
	assert_int_equal(m->nb_segs, 1);
	assert_int_equal(m->pkt_len, len);
	assert_int_equal(m->data_len, len);
	assert_memory_equal(rte_pktmbuf_mtod(m, void *), want, len);
	rte_pktmbuf_free(m);
}

/* The IPv4 id is the worker's to choose; take it from the frame. */
static inline uint16_t ip_id_of(const struct rte_mbuf *m)
{
	const uint8_t *at = rte_pktmbuf_mtod(m, const uint8_t *) + (m->pkt_len > 18 ? 18 : 0);

	if (rte_pktmbuf_mtod(m, const uint8_t *)[12] == 0x81)
		at += 4;
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* Compare what left with what the pure functions foretold, in headers written the slow way. */
static inline void assert_sent(unsigned port, const char *text, size_t len, struct stw_endpoint src,
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

static inline void assert_kernel_got(const uint8_t *bytes, size_t len)
{
	assert_frame(rig_kernel(&rig), bytes, len);
	assert_null(rig_sent(&rig, 0));
}

static inline uint8_t member_mac(const struct stw_verdict *v)
{
	return v->dst.ip.b[15];
}

static inline int with_tables(void **state)
{
	(void)state;
	rig_start(&rig, 1, 1);
	rig_publish_tables(&rig);
	return 0;
}

static inline int without_tables(void **state)
{
	(void)state;
	rig_start(&rig, 1, 1);
	return 0;
}

/* The ledger balances and every buffer is back, whatever the test did. */
static inline int teardown(void **state)
{
	(void)state;
	rig_stop(&rig);
	return 0;
}

#define WITH(f)	   cmocka_unit_test_setup_teardown(f, with_tables, teardown)
#define WITHOUT(f) cmocka_unit_test_setup_teardown(f, without_tables, teardown)

/** Run @tests under @name with the kernels of this CPU. @return what main() returns */
#define path_rig_run(name, tests)                         \
	(stw_sip_init(STW_KERNEL_AUTO), stw_cksum_init(), \
	 cmocka_run_group_tests_name(name, tests, NULL, NULL))
