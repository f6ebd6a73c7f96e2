/* SPDX-License-Identifier: BSD-3-Clause */
/* Control's ends of the lanes, with workers played by the test on the memory it passes on. */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ev.h>

#include <strowger/errors.h>

#include "control/slow/handover.h"
#include "tests/support/farm.h"
#include "tests/support/lanes.h"
#include "tests/support/turn.h"

#define WORKERS 3u

struct rig {
	struct ev_loop *loop;
	struct stw_handover *h;
	uint64_t damaged;
	struct lanes_memory lanes;
	struct stw_lane_writer up[WORKERS];
	struct stw_lane_reader down[WORKERS];
	uint64_t n_messages, n_batches;
	size_t most;
	bool echo;		 /* what comes is sent back */
	struct ev_prepare after; /* the last thing before the loop waits */
	bool slept;		 /* it was asleep then */
	bool wake;		 /* a worker has something then */
	char last[64];
};

static void received(void *ctx, struct stw_datagram *d, size_t n)
{
	struct rig *r = ctx;

	r->n_batches++;
	r->n_messages += n;
	if (n > r->most)
		r->most = n;
	for (size_t i = 0; i < n; i++) {
		/* Writable before and behind, as a rewrite does. */
		memset(d[i].bytes - STW_SLOW_HEADROOM, 'h', STW_SLOW_HEADROOM);
		memset(d[i].bytes + d[i].len, 't', d[i].room - d[i].len);
		snprintf(r->last, sizeof(r->last), "%.*s", (int)d[i].len, d[i].bytes);
		if (r->echo)
			assert_true(stw_handover_send(r->h, &d[i]));
	}
}

static void open_lanes(struct rig *r)
{
	r->lanes.size = stw_lanes_size(WORKERS);
	assert_int_equal(stw_handover_open(r->h, WORKERS, &r->lanes.memory, &r->lanes.doorbell),
			 STW_OK);
	r->lanes.h =
		mmap(NULL, r->lanes.size, PROT_READ | PROT_WRITE, MAP_SHARED, r->lanes.memory, 0);
	assert_true(r->lanes.h != MAP_FAILED);
	for (unsigned i = 0; i < WORKERS; i++) {
		r->up[i] = (struct stw_lane_writer){.ring = &r->lanes.h->lane[i].up};
		r->down[i] = (struct stw_lane_reader){.ring = &r->lanes.h->lane[i].down};
	}
	atomic_store(&r->lanes.h->taken, 1);
}

static void before_it_waits(struct ev_loop *loop, struct ev_prepare *prepare, int revents);

static int set_up(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	r->loop = ev_loop_new(EVFLAG_AUTO);
	/* Of one priority the first started comes last. */
	ev_prepare_init(&r->after, before_it_waits);
	ev_set_priority(&r->after, EV_MINPRI);
	r->after.data = r;
	ev_prepare_start(r->loop, &r->after);
	r->h = stw_handover_new(r->loop, received, r, &r->damaged);
	assert_non_null(r->h);
	open_lanes(r);
	*state = r;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *r = *state;

	munmap(r->lanes.h, r->lanes.size);
	ev_prepare_stop(r->loop, &r->after);
	stw_handover_free(r->h);
	ev_loop_destroy(r->loop);
	free(r);
	return 0;
}

/* As a worker does at the end of a turn. */
static void show(struct rig *r, unsigned worker)
{
	const uint64_t one = 1;

	if (stw_lane_show(&r->up[worker]) && stw_lanes_must_ring(r->lanes.h))
		assert_int_equal(write(r->lanes.doorbell, &one, sizeof(one)), sizeof(one));
}

/* One for a peer, of @len bytes. */
static struct stw_datagram datagram(char *text, uint32_t len)
{
	return (struct stw_datagram){.local = stw_farm_v4(192, 0, 2, 1, 5060),
				     .peer = stw_farm_v4(203, 0, 113, 1, 5060),
				     .bytes = text,
				     .len = len};
}

static void hand_over(struct rig *r, unsigned worker, const char *text)
{
	const struct stw_endpoint us = stw_farm_v4(192, 0, 2, 1, 5060);
	const struct stw_endpoint peer = stw_farm_v4(203, 0, 113, 9, 5060);

	assert_true(stw_lane_put(&r->up[worker], &us, &peer, text, strlen(text)));
}

static bool has_come(void *arg, const void *value)
{
	return ((struct rig *)arg)->n_messages >= *(const uint64_t *)value;
}

static void until(struct rig *r, uint64_t n)
{
	turn_until(r->loop, has_come, r, &n);
	assert_int_equal(r->n_messages, n);
}

static void before_it_waits(struct ev_loop *loop, struct ev_prepare *prepare, int revents)
{
	struct rig *r = prepare->data;

	(void)loop;
	(void)revents;
	r->slept = stw_handover_is_open(r->h) && atomic_load(&r->lanes.h->asleep) != 0;
	if (!r->wake)
		return;
	r->wake = false;
	hand_over(r, 1, "wake up");
	show(r, 1);
}

static void workers_messages_come_in_batches(void **state)
{
	struct rig *r = *state;

	for (unsigned i = 0; i < 200; i++)
		hand_over(r, i % WORKERS, "message");
	for (unsigned w = 0; w < WORKERS; w++)
		show(r, w);
	until(r, 200);
	assert_int_equal(r->most, STW_SLOW_BATCH);
	assert_string_equal(r->last, "message");
}

static void it_sleeps_and_is_woken(void **state)
{
	struct rig *r = *state;

	for (uint64_t n = 1; n < 20; n++) {
		/* Nothing else is in the loop: it waits for the doorbell alone. */
		r->wake = true;
		until(r, n);
		assert_true(r->slept);
		assert_int_equal(atomic_load(&r->lanes.h->asleep), 0);
	}
}

static void what_came_before_it_slept_keeps_it_awake(void **state)
{
	struct rig *r = *state;

	hand_over(r, 1, "early");
	stw_lane_show(&r->up[1]); /* nobody rings */
	ev_run(r->loop, EVRUN_ONCE);
	assert_int_equal(r->n_messages, 1);
}

static void what_is_sent_is_shown_at_the_end_of_a_turn(void **state)
{
	struct rig *r = *state;
	struct stw_lane_message m = {0};
	unsigned found = 0;

	r->echo = true;
	hand_over(r, 0, "hello");
	show(r, 0);
	until(r, 1);
	ev_run(r->loop, EVRUN_NOWAIT);
	for (unsigned w = 0; w < WORKERS; w++)
		while (stw_lane_get(&r->down[w], &m) == STW_OK) {
			assert_int_equal(m.len, 5);
			assert_memory_equal(m.bytes, "hello", 5);
			assert_int_equal(m.peer.port, 5060);
			found++;
		}
	assert_int_equal(found, 1);
}

static void a_peer_s_messages_go_by_one_worker(void **state)
{
	struct rig *r = *state;
	char text[] = "x";
	unsigned used[WORKERS] = {0}, n_used = 0;

	for (unsigned p = 0; p < 60; p++) {
		struct stw_datagram d = {.local = stw_farm_v4(192, 0, 2, 1, 5060),
					 .peer = stw_farm_v4(203, 0, 113, (uint8_t)p, 5060),
					 .bytes = text,
					 .len = 1};
		unsigned n_lanes = 0;

		for (unsigned i = 0; i < 4; i++)
			assert_true(stw_handover_send(r->h, &d));
		ev_run(r->loop, EVRUN_NOWAIT);
		for (unsigned w = 0; w < WORKERS; w++) {
			struct stw_lane_message m = {0};
			unsigned n = 0;

			while (stw_lane_get(&r->down[w], &m) == STW_OK)
				n++;
			stw_lane_release(&r->down[w]);
			n_lanes += n > 0;
			used[w] += n;
		}
		assert_int_equal(n_lanes, 1);
	}
	for (unsigned w = 0; w < WORKERS; w++)
		n_used += used[w] > 0;
	assert_int_equal(n_used, WORKERS);
}

static void a_worker_that_does_not_read_blocks_nobody(void **state)
{
	struct rig *r = *state;
	static char text[1000];
	struct stw_datagram d = datagram(text, sizeof(text));
	unsigned n = 0;

	while (n <= STW_LANE_BYTES / sizeof(text) && stw_handover_send(r->h, &d))
		n++;
	assert_in_range(n, 400, STW_LANE_BYTES / sizeof(text));
	ev_run(r->loop, EVRUN_NOWAIT);
}

/* The data plane did not want them: what goes there nobody would see. */
static void nothing_goes_to_workers_that_did_not_take_them(void **state)
{
	struct rig *r = *state;
	struct stw_datagram d = datagram((char[]){"x"}, 1);

	assert_true(stw_handover_is_open(r->h));
	atomic_store(&r->lanes.h->taken, 0);
	assert_false(stw_handover_is_open(r->h));
	assert_false(stw_handover_send(r->h, &d));
	ev_run(r->loop, EVRUN_NOWAIT);
	for (unsigned w = 0; w < WORKERS; w++)
		assert_false(stw_lane_has_more(&r->down[w]));
}

/* By this a worker on the same core knows whom it holds up. */
static void control_says_where_it_runs(void **state)
{
	struct rig *r = *state;
	cpu_set_t all, one;

	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
		ev_run(r->loop, EVRUN_NOWAIT);
		assert_int_equal(atomic_load(&r->lanes.h->runs_on), 1 + cpu);
	}
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
}

static void damage_is_left_out_and_counted(void **state)
{
	struct rig *r = *state;

	hand_over(r, 0, "lost");
	memset(r->lanes.h->lane[0].up.bytes, 0x7f, 4);
	show(r, 0);
	hand_over(r, 1, "kept");
	show(r, 1);
	until(r, 1);
	assert_string_equal(r->last, "kept");
	assert_int_equal(r->damaged, 1);
	hand_over(r, 0, "after");
	show(r, 0);
	until(r, 2);
	assert_string_equal(r->last, "after");
	/* A position nobody was ever at: seen once, and not again and again. */
	atomic_store(&r->lanes.h->lane[2].up.head, UINT64_MAX - 5);
	for (unsigned i = 0; i < 5; i++)
		ev_run(r->loop, EVRUN_NOWAIT);
	assert_int_equal(r->damaged, 2);
	assert_true(r->slept);
}

static void each_data_plane_has_its_own(void **state)
{
	struct rig *r = *state;
	struct stw_datagram d = datagram((char[]){"x"}, 1);

	hand_over(r, 0, "of the one before");
	show(r, 0);
	assert_true(stw_handover_send(r->h, &d));
	munmap(r->lanes.h, r->lanes.size);
	open_lanes(r);
	for (unsigned i = 0; i < 3; i++)
		ev_run(r->loop, EVRUN_NOWAIT);
	assert_int_equal(r->n_messages, 0);
	for (unsigned w = 0; w < WORKERS; w++)
		assert_false(stw_lane_has_more(&r->down[w]));
	stw_handover_close(r->h);
	assert_false(stw_handover_is_open(r->h));
	assert_false(stw_handover_send(r->h, &d));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(workers_messages_come_in_batches),
		CASE(it_sleeps_and_is_woken),
		CASE(what_came_before_it_slept_keeps_it_awake),
		CASE(what_is_sent_is_shown_at_the_end_of_a_turn),
		CASE(a_peer_s_messages_go_by_one_worker),
		CASE(a_worker_that_does_not_read_blocks_nobody),
		CASE(nothing_goes_to_workers_that_did_not_take_them),
		CASE(control_says_where_it_runs),
		CASE(damage_is_left_out_and_counted),
		CASE(each_data_plane_has_its_own),
	};

	return cmocka_run_group_tests_name("slow-handover", tests, NULL, NULL);
}
