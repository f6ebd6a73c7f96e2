/* SPDX-License-Identifier: BSD-3-Clause */
/* One queue for two workers: calls stay in order while it is so, when it begins and when it ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <strowger/sip.h>

#include "dataplane/path/spread.h"
#include "tests/unit/dataplane/rig.h"
#include "tests/unit/dataplane/sip_text.h"

#define CALLS 40u

static struct rig rig;
static uint8_t frame[RIG_FRAME_MAX];
static uint64_t seed;
static unsigned fed[CALLS], sent[CALLS], n_out_of_order;

static unsigned chance(unsigned n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)((seed >> 33) % n);
}

static int start(unsigned n_tx)
{
	rig_start(&rig, 2, (uint16_t)n_tx);
	rig_publish_tables(&rig);
	seed = 4711;
	n_out_of_order = 0;
	memset(fed, 0, sizeof(fed));
	memset(sent, 0, sizeof(sent));
	return 0;
}

static int two_queues(void **state)
{
	(void)state;
	return start(2);
}

static int one_tx_queue(void **state)
{
	(void)state;
	return start(1);
}

static int tear_down(void **state)
{
	(void)state;
	rig_stop(&rig);
	return 0;
}

static struct stw_worker *worker(unsigned i)
{
	return rig.workers.worker[i];
}

/* ---- order ---- */

/* The next message of a call: the longer its body, the later. */
static void feed(unsigned call)
{
	static char text[4096];
	struct rig_datagram d = {
		.src = stw_farm_v4(203, 0, 113, 9, 5060),
		.dst = stw_farm_v4(192, 0, 2, 1, 5060),
		.text = text,
		.len = sip_invite(text, sizeof(text), "sip:b@192.0.2.1", 70, call,
				  100 + fed[call]++),
		.ttl = 61,
	};

	memcpy(d.dst_mac, rig.ports.port[0].mac, 6);
	rig_feed(&rig, 0, 0, frame, rig_frame(&d, frame));
}

/* What went out since the last look, in the order in which it did. */
static void look(void)
{
	struct rte_mbuf *m;

	while ((m = rig_sent(&rig, 0)) != NULL) {
		const char *text = rte_pktmbuf_mtod(m, const char *) + 42;
		uint32_t len = m->data_len - 42;
		const char *body = memmem(text, len, "\r\n\r\n", 4);
		struct stw_span id;
		unsigned call, number;

		assert_non_null(body);
		number = (unsigned)(len - (size_t)(body + 4 - text)) - 100;
		assert_true(stw_sip_find_call_id(text, len, &id));
		assert_int_equal(sscanf(text + id.off, "%*[^0-9]%u", &call), 1);
		assert_true(call < CALLS);
		n_out_of_order += number != sent[call];
		sent[call] = number + 1;
		rte_pktmbuf_free(m);
	}
}

static void turn_someone(void)
{
	rig_turn(&rig, chance(3) != 0); /* the other one is slower */
	look();
}

static void finish(void)
{
	for (unsigned i = 0; i < 400; i++)
		turn_someone();
	for (unsigned c = 0; c < CALLS; c++)
		assert_int_equal(sent[c], fed[c]);
	rig_assert_ledger(&rig);
	assert_int_equal(rig_count(&rig, STW_C_HANDED_OVER), rig_count(&rig, STW_C_INJECTED));
}

static uint64_t worker_count(unsigned w, enum stw_counter c)
{
	return stw_stats_worker(rig.stats, w)->c[c];
}

static void play(unsigned rounds, void (*change)(unsigned round))
{
	for (unsigned round = 0; round < rounds; round++) {
		for (unsigned k = chance(8); k > 0; k--)
			feed(chance(CALLS));
		if (change != NULL)
			change(round);
		turn_someone();
	}
	finish();
}

static void calls_of_one_queue_are_done_by_both_in_order(void **state)
{
	(void)state;
	stw_spread_init(&worker(0)->spread, STW_SPREADING_ALWAYS, 2, 4711);
	play(600, NULL);
	assert_int_equal(n_out_of_order, 0);
	uint64_t given = worker_count(1, STW_C_REQUESTS), kept = worker_count(0, STW_C_REQUESTS);

	assert_true(kept > 100 && given > 100);
	assert_int_equal(worker_count(1, STW_C_RECEIVED), 0);
	assert_int_equal(worker_count(0, STW_C_RECEIVED), given + kept);
	assert_int_equal(worker(0)->spread.times, 1);
}

static void keep(struct stw_spread *s, uint32_t n)
{
	s->wanted = n;
	s->draining = true;
}

/* To and fro. How it ends is the worker's; that it shall is chance's. */
static void switch_it(unsigned round)
{
	struct stw_spread *s = &worker(0)->spread;

	s->how = round % 20 < 10 ? STW_SPREADING_ALWAYS : STW_SPREADING_AUTO;
	s->window_tsc = UINT64_MAX;
	if (s->how == STW_SPREADING_AUTO && s->on)
		keep(s, STW_SPREAD_ALL);
}

static void switching_keeps_the_order(void **state)
{
	(void)state;
	play(3000, switch_it);
	assert_int_equal(n_out_of_order, 0);
	assert_true(worker(0)->spread.times > 20);
	assert_true(worker_count(1, STW_C_REQUESTS) > 100);
}

static void switch_it_at_once(unsigned round)
{
	switch_it(round);
	if (worker(0)->spread.draining)
		worker(0)->spread.on = worker(0)->spread.draining = false;
}

static void switched_at_once_it_would_be_noticed(void **state)
{
	(void)state;
	play(3000, switch_it_at_once);
	assert_true(n_out_of_order > 0);
}

/* Of what is its own it gives away at once, and takes back when it may. */
static void change_share(unsigned round)
{
	struct stw_spread *s = &worker(0)->spread;

	s->window_tsc = UINT64_MAX;
	if (round % 20 == 0)
		s->kept = 40;
	else if (round % 20 == 10)
		keep(s, 200);
}

static void calls_that_change_hands_stay_in_order(void **state)
{
	(void)state;
	stw_spread_init(&worker(0)->spread, STW_SPREADING_ALWAYS, 2, 4711);
	play(3000, change_share);
	assert_int_equal(n_out_of_order, 0);
	assert_int_equal(worker(0)->spread.times, 1);
}

static void change_share_at_once(unsigned round)
{
	change_share(round);
	if (worker(0)->spread.draining) {
		worker(0)->spread.draining = false;
		worker(0)->spread.kept = worker(0)->spread.wanted;
	}
}

static void taken_back_at_once_it_would_be_noticed(void **state)
{
	(void)state;
	stw_spread_init(&worker(0)->spread, STW_SPREADING_ALWAYS, 2, 4711);
	play(3000, change_share_at_once);
	assert_true(n_out_of_order > 0);
}

static void off_nothing_is_given(void **state)
{
	(void)state;
	stw_spread_init(&worker(0)->spread, STW_SPREADING_OFF, 2, 4711);
	play(200, NULL);
	assert_int_equal(rig_count(&rig, STW_C_HANDED_OVER), 0);
	stw_spread_init(&worker(0)->spread, STW_SPREADING_ALWAYS, 1, 4711);
	assert_int_equal(worker(0)->spread.how, STW_SPREADING_OFF);
}

/* ---- by load ---- */

/* @n windows in which each turn of worker @w finds so many messages. */
static void windows(unsigned w, unsigned n, uint32_t came, bool full)
{
	for (unsigned i = 0; i < n; i++) {
		struct stw_worker *x = worker(w);

		for (unsigned turn = 0; turn < 100; turn++)
			stw_spread_look(x, came, 0, full);
		x->now_tsc = x->spread.window_tsc;
		stw_spread_look(x, came, 0, full);
		stw_spread_may_take(x);
	}
}

static void load_begins_it_and_ends_it(void **state)
{
	struct stw_spread *s = &worker(0)->spread;

	(void)state;
	stw_spread_init(s, STW_SPREADING_AUTO, 2, 4711);
	stw_spread_init(&worker(1)->spread, STW_SPREADING_AUTO, 2, 4711);
	windows(0, 50, 20, false);
	assert_false(s->on);
	windows(0, 4, 32, true);
	windows(0, 1, 32, false); /* it was a moment only */
	windows(0, 4, 32, true);
	assert_false(s->on);
	windows(0, 20, 32, true);
	assert_true(s->on);
	windows(0, 300, 20, false); /* more than one could do in peace */
	assert_true(s->on);
	windows(0, 50, 10, false);
	windows(0, 1, 20, false);
	windows(0, 50, 10, false);
	assert_true(s->on);
	windows(0, 60, 10, false);
	assert_false(s->on);
	assert_int_equal(s->times, 1);
}

static void the_share_follows_what_the_others_can_do(void **state)
{
	struct stw_spread *s = &worker(0)->spread;

	(void)state;
	stw_spread_init(s, STW_SPREADING_ALWAYS, 2, 4711);
	windows(0, 1, 64, true);
	const uint32_t first = s->kept;

	assert_true(first > 0 && first < STW_SPREAD_ALL);
	windows(0, 40, 20, false); /* there is time left: it stays */
	assert_int_equal(s->kept, first);
	windows(0, 40, 64, true); /* nothing waits for the other */
	const uint32_t less = s->kept;

	assert_true(less < first);
	windows(0, 2000, 64, true);
	assert_true(s->on && s->kept < 2);
	for (unsigned i = 0; i < 4000; i++) { /* there is no room, mostly */
		s->n_blocked = s->n_turns = 1000;
		windows(0, 1, 64, true);
	}
	assert_true(s->on && s->kept > less && s->kept < STW_SPREAD_ALL);
}

static void who_is_full_himself_is_given_nothing(void **state)
{
	struct stw_spread *s = &worker(0)->spread;

	(void)state;
	stw_spread_init(s, STW_SPREADING_AUTO, 2, 4711);
	stw_spread_init(&worker(1)->spread, STW_SPREADING_AUTO, 2, 4711);
	windows(1, 2, 32, true);
	windows(0, 50, 32, true);
	assert_false(s->on);
	windows(1, 2, 3, false);
	windows(0, 10, 32, true);
	assert_true(s->on);
	windows(1, 2, 32, true); /* and when it comes to be so, no longer */
	windows(0, 110, 32, true);
	assert_false(s->on);
}

static void who_has_no_room_is_waited_for(void **state)
{
	(void)state;
	stw_spread_init(&worker(0)->spread, STW_SPREADING_ALWAYS, 2, 4711);
	for (unsigned i = 0; i < 600; i++) { /* the other one stands still */
		for (unsigned k = 0; k < 5; k++)
			feed(chance(CALLS));
		rig_turn(&rig, 0);
		look();
	}
	assert_true(worker_count(0, STW_C_RECEIVED) < 3000);
	assert_true(worker(0)->spread.n_blocked > 0);
	finish();
	assert_int_equal(worker_count(0, STW_C_RECEIVED), 3000);
	assert_int_equal(rig_count(&rig, STW_C_DROP_HANDOVER_FULL), 0);
	assert_int_equal(n_out_of_order, 0);
}

/* Waiting more than working, and less is done than before. */
static void what_brings_nothing_ends(void **state)
{
	struct stw_spread *s = &worker(0)->spread;

	(void)state;
	stw_spread_init(s, STW_SPREADING_AUTO, 2, 4711);
	stw_spread_init(&worker(1)->spread, STW_SPREADING_AUTO, 2, 4711);
	windows(0, 20, 32, true);
	assert_true(s->on);
	for (unsigned i = 0; i < 20; i++) {
		s->n_blocked = 90;
		windows(0, 1, 20, false);
	}
	assert_false(s->on);
	windows(0, 500, 32, true);
	assert_false(s->on);
	windows(0, 1000, 32, true); /* it is tried again, some time */
	assert_true(s->on);
}

#define CASE(name, set_up) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(calls_of_one_queue_are_done_by_both_in_order, two_queues),
		CASE(calls_of_one_queue_are_done_by_both_in_order, one_tx_queue),
		CASE(switching_keeps_the_order, two_queues),
		CASE(switching_keeps_the_order, one_tx_queue),
		CASE(switched_at_once_it_would_be_noticed, two_queues),
		CASE(calls_that_change_hands_stay_in_order, two_queues),
		CASE(calls_that_change_hands_stay_in_order, one_tx_queue),
		CASE(taken_back_at_once_it_would_be_noticed, two_queues),
		CASE(off_nothing_is_given, two_queues),
		CASE(load_begins_it_and_ends_it, two_queues),
		CASE(the_share_follows_what_the_others_can_do, two_queues),
		CASE(who_is_full_himself_is_given_nothing, two_queues),
		CASE(who_has_no_room_is_waited_for, two_queues),
		CASE(who_has_no_room_is_waited_for, one_tx_queue),
		CASE(what_brings_nothing_ends, two_queues),
	};

	return cmocka_run_group_tests_name("spread", tests, NULL, NULL);
}
