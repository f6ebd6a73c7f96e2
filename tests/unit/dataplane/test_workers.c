/* SPDX-License-Identifier: BSD-3-Clause */
/* Two workers: fragments find their owner, frames the worker that has the queue, and nothing is
 * lost between them; first turned by hand, then on threads of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rte_pause.h>

#include <strowger/sip.h>

#include "dataplane/path/cksum.h"
#include "tests/unit/dataplane/rig.h"
#include "tests/unit/dataplane/sip_text.h"

static struct rig rig;
static uint8_t frame[RIG_FRAME_MAX];
static uint8_t parts[64][1600];
static size_t part_lens[64];

static struct rig_datagram invite(char *text, size_t room, unsigned call, size_t body)
{
	struct rig_datagram d = {
		.src = stw_farm_v4(203, 0, 113, 9, 5060),
		.dst = stw_farm_v4(192, 0, 2, 1, 5060),
		.text = text,
		.len = sip_invite(text, room, "sip:b@192.0.2.1", 70, call, body),
		.ttl = 61,
		.ip_id = (uint16_t)call,
	};

	memcpy(d.dst_mac, rig.ports.port[0].mac, 6);
	return d;
}

static int two_queues(void **state)
{
	(void)state;
	rig_start(&rig, 2, 2);
	rig_publish_tables(&rig);
	return 0;
}

static int one_tx_queue(void **state)
{
	(void)state;
	rig_start(&rig, 2, 1);
	rig_publish_tables(&rig);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_stop(&rig);
	return 0;
}

static uint64_t worker_count(unsigned w, enum stw_counter c)
{
	return stw_stats_worker(rig.stats, w)->c[c];
}

static void each_worker_serves_its_own_queues(void **state)
{
	char text[2048];
	struct rig_datagram d = invite(text, sizeof(text), 1, 0);
	size_t len = rig_frame(&d, frame);

	(void)state;
	rig_feed(&rig, 0, 0, frame, len);
	rig_feed(&rig, 0, 1, frame, len);
	rig_feed(&rig, 0, 1, frame, len);
	rig_turn(&rig, 0);
	assert_int_equal(worker_count(0, STW_C_SENT), 1);
	assert_int_equal(worker_count(1, STW_C_SENT), 0);
	rig_turn(&rig, 1);
	assert_int_equal(worker_count(0, STW_C_SENT), 1);
	assert_int_equal(worker_count(1, STW_C_SENT), 2);
	assert_int_equal(rte_ring_count(rig.tx[0][0]), 1);
	assert_int_equal(rte_ring_count(rig.tx[0][1]), 2);
}

/* RSS spreads fragments otherwise than first fragments; they meet all the same. */
static void fragments_meet_at_their_owner(void **state)
{
	static char text[8192];

	(void)state;
	for (unsigned call = 0; call < 64; call++) {
		struct rig_datagram d = invite(text, sizeof(text), call, 3500);
		size_t n = rig_fragments(frame, rig_frame(&d, frame), 1500, parts, part_lens);

		for (size_t i = 0; i < n; i++)
			rig_feed(&rig, 0, (unsigned)(i + call) % 2, parts[i], part_lens[i]);
		/* Each takes from its queue, then from its inbox. */
		for (unsigned k = 0; k < 4; k++)
			rig_turn(&rig, k % 2);
		rig_clear(&rig);
		rig_assert_ledger(&rig);
	}
	assert_int_equal(rig_count(&rig, STW_C_SENT), 64);
	assert_int_equal(rig_count(&rig, STW_C_WAITING), 0);
	assert_int_equal(rig_count(&rig, STW_C_FRAGMENTS_RECEIVED), 64 * 3);
	assert_int_equal(rig_count(&rig, STW_C_HANDED_OVER), rig_count(&rig, STW_C_INJECTED));
	assert_in_range(rig_count(&rig, STW_C_HANDED_OVER), 64, 128);
	assert_true(worker_count(0, STW_C_SENT) > 10 && worker_count(1, STW_C_SENT) > 10);
}

static void worker_without_a_queue_hands_its_frames_over(void **state)
{
	char text[2048];
	struct rig_datagram d = invite(text, sizeof(text), 1, 0);
	size_t len = rig_frame(&d, frame);

	(void)state;
	rig_feed(&rig, 0, 1, frame, len);
	rig_turn(&rig, 1);
	assert_int_equal(worker_count(1, STW_C_HANDED_OVER), 1);
	assert_int_equal(worker_count(1, STW_C_SENT), 0);
	assert_int_equal(rte_ring_count(rig.tx[0][0]), 0);
	rig_turn(&rig, 0);
	assert_int_equal(worker_count(0, STW_C_INJECTED), 1);
	assert_int_equal(worker_count(0, STW_C_SENT), 1);
	assert_int_equal(rte_ring_count(rig.tx[0][0]), 1);
	assert_int_equal(rig_member_count(&rig, 0, STW_M_REQUESTS) +
				 rig_member_count(&rig, 1, STW_M_REQUESTS),
			 1);
}

static void frames_for_the_kernel_go_through_the_owner_of_its_queue(void **state)
{
	struct rig_datagram d = invite((char[2048]){0}, 2048, 1, 0);
	size_t len;
	struct rte_mbuf *m;

	(void)state;
	d.dst.port = 53;
	len = rig_frame(&d, frame);
	rig_feed(&rig, 0, 1, frame, len);
	rig_turn(&rig, 1);
	assert_int_equal(worker_count(1, STW_C_KERNEL), 0);
	rig_turn(&rig, 0);
	assert_int_equal(worker_count(0, STW_C_KERNEL), 1);
	m = rig_kernel(&rig);
	assert_non_null(m);
	assert_memory_equal(rte_pktmbuf_mtod(m, void *), frame, len);
	rte_pktmbuf_free(m);
}

static void long_message_is_handed_over_in_its_fragments(void **state)
{
	static char text[8192];
	struct rig_datagram d = invite(text, sizeof(text), 7, 4000);
	size_t n = rig_fragments(frame, rig_frame(&d, frame), 1500, parts, part_lens);

	(void)state;
	for (size_t i = 0; i < n; i++)
		rig_feed(&rig, 0, 1, parts[i], part_lens[i]);
	for (unsigned k = 0; k < 6; k++)
		rig_turn(&rig, k % 2);
	assert_int_equal(rig_count(&rig, STW_C_SENT), 1);
	assert_int_equal(rig_count(&rig, STW_C_FRAGMENTS_SENT), 3);
	assert_int_equal(rte_ring_count(rig.tx[0][0]), 3);
}

static void full_inbox_is_a_drop(void **state)
{
	char text[2048];
	struct rig_datagram d = invite(text, sizeof(text), 1, 0);
	size_t len = rig_frame(&d, frame);
	unsigned n_room = rte_ring_free_count(rig.workers.inboxes[0]);

	(void)state;
	for (unsigned i = 0; i < n_room + 9; i++) {
		rig_feed(&rig, 0, 1, frame, len);
		rig_turn(&rig, 1);
	}
	assert_int_equal(worker_count(1, STW_C_HANDED_OVER), n_room);
	assert_int_equal(worker_count(1, STW_C_DROP_HANDOVER_FULL), 9);
	rig_assert_ledger(&rig);
	while (worker_count(0, STW_C_INJECTED) < n_room)
		rig_turn(&rig, 0);
	assert_int_equal(worker_count(0, STW_C_SENT), n_room);
}

static uint64_t all_sent(void)
{
	return rig_count(&rig, STW_C_SENT);
}

static uint64_t all_dropped(void)
{
	uint64_t n = 0;

	for (unsigned c = STW_C_FIRST_DROP; c <= STW_C_LAST_DROP; c++)
		n += rig_count(&rig, c);
	return n;
}

/* Wait until all but @behind of @n_fed messages were sent, or one was lost. */
static void await_sent(uint64_t n_fed, uint64_t behind)
{
	while (all_sent() + behind < n_fed && all_dropped() == 0)
		rte_pause();
}

/* On threads, tables and FIB swapped all the while; what was fed is sent, and all buffers are back.
 */
static void threads_lose_nothing_while_tables_change(void **state)
{
	static char text[8192];
	unsigned n_fed = 0;

	(void)state;
	assert_int_equal(stw_workers_launch(&rig.workers), 0);
	for (unsigned call = 0; call < 3000; call++) {
		struct rig_datagram d =
			invite(text, sizeof(text), call, call % 5 == 0 ? 3500 : 100);
		size_t len = rig_frame(&d, frame), n;

		n = d.len < 1400 ? 0 : rig_fragments(frame, len, 1500, parts, part_lens);
		for (size_t i = 0; i < n; i++)
			rig_feed(&rig, 0, (unsigned)i % 2, parts[i], part_lens[i]);
		if (n == 0)
			rig_feed(&rig, 0, call % 2, frame, len);
		n_fed++;
		if (call % 50 == 0)
			rig_publish_tables(&rig);
		if (call % 70 == 0)
			rig_publish_fib(&rig, RIG_WITH_NEIGHBOURS);
		await_sent(n_fed, 100);
		rig_clear(&rig);
	}
	await_sent(n_fed, 0);
	rcu_thread_offline();
	stw_workers_stop(&rig.workers);
	rcu_thread_online();
	assert_int_equal(all_sent(), n_fed);
	assert_int_equal(rig_count(&rig, STW_C_FRAGMENTS_RECEIVED), 600 * 3);
	assert_int_equal(all_dropped(), 0);
	assert_int_equal(stw_stats_worker(rig.stats, 0)->running, 0);
}

static void idle_workers_sleep_and_wake(void **state)
{
	char text[2048];
	struct rig_datagram d = invite(text, sizeof(text), 1, 0);
	size_t len = rig_frame(&d, frame);

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		rig.workers.worker[i]->idle_sleep_us = 200;
	assert_true(stw_workers_awake(&rig.workers));
	assert_int_equal(stw_workers_launch(&rig.workers), 0);
	while (stw_workers_awake(&rig.workers))
		rte_pause();
	assert_true(worker_count(0, STW_C_SLEEPS) > 0 && worker_count(1, STW_C_SLEEPS) > 0);
	/* They sleep offline: nobody waits for them. */
	rig_publish_tables(&rig);
	rig_feed(&rig, 0, 1, frame, len);
	await_sent(1, 0);
	rcu_thread_offline();
	stw_workers_stop(&rig.workers);
	rcu_thread_online();
}

/* A stop ends what is still waiting, and what one worker gave another that had stopped. */
static void stop_ends_what_is_held(void **state)
{
	static char text[8192];
	struct rig_datagram d = invite(text, sizeof(text), 3, 3500);
	size_t n = rig_fragments(frame, rig_frame(&d, frame), 1500, parts, part_lens);

	(void)state;
	assert_int_equal(n, 3);
	rig_publish_fib(&rig, RIG_WITHOUT_NEIGHBOURS);
	for (unsigned w = 0; w < 2; w++) {
		struct rig_datagram whole = invite(text, sizeof(text), w, 0);

		rig_feed(&rig, 0, w, parts[w], part_lens[w]);
		rig_feed(&rig, 0, w, frame, rig_frame(&whole, frame));
		rig_turn(&rig, w);
	}
	/* Neither fragment may have reached its owner's table yet; both messages wait. */
	assert_true(rig_count(&rig, STW_C_WAITING) >= 2);
	assert_int_equal(stw_workers_launch(&rig.workers), 0);
	rcu_thread_offline();
	stw_workers_stop(&rig.workers);
	rcu_thread_online();
	assert_int_equal(rig_count(&rig, STW_C_WAITING), 0);
	assert_int_equal(rig_count(&rig, STW_C_DROP_STOPPED), 4);
}

/* The owner of the queue had stopped when the frame came. */
static void stop_ends_what_is_in_an_inbox(void **state)
{
	char text[2048];
	struct rig_datagram d = invite(text, sizeof(text), 1, 0);

	(void)state;
	rig_feed(&rig, 0, 1, frame, rig_frame(&d, frame));
	rig_turn(&rig, 1);
	assert_int_equal(worker_count(1, STW_C_HANDED_OVER), 1);
	stw_workers_stop(&rig.workers);
	assert_int_equal(worker_count(0, STW_C_INJECTED), 1);
	assert_int_equal(worker_count(0, STW_C_DROP_STOPPED), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_worker_serves_its_own_queues, two_queues,
						teardown),
		cmocka_unit_test_setup_teardown(fragments_meet_at_their_owner, two_queues,
						teardown),
		cmocka_unit_test_setup_teardown(worker_without_a_queue_hands_its_frames_over,
						one_tx_queue, teardown),
		cmocka_unit_test_setup_teardown(
			frames_for_the_kernel_go_through_the_owner_of_its_queue, one_tx_queue,
			teardown),
		cmocka_unit_test_setup_teardown(long_message_is_handed_over_in_its_fragments,
						one_tx_queue, teardown),
		cmocka_unit_test_setup_teardown(full_inbox_is_a_drop, one_tx_queue, teardown),
		cmocka_unit_test_setup_teardown(threads_lose_nothing_while_tables_change,
						two_queues, teardown),
		cmocka_unit_test_setup_teardown(idle_workers_sleep_and_wake, two_queues, teardown),
		cmocka_unit_test_setup_teardown(stop_ends_what_is_held, two_queues, teardown),
		cmocka_unit_test_setup_teardown(stop_ends_what_is_in_an_inbox, one_tx_queue,
						teardown),
	};

	stw_sip_init(STW_KERNEL_AUTO);
	stw_cksum_init();
	return cmocka_run_group_tests_name("dataplane-workers", tests, NULL, NULL);
}
