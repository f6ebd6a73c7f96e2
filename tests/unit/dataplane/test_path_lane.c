/* SPDX-License-Identifier: BSD-3-Clause */
/* Between a worker and control by its lane: both ways, and all that control may have damaged. */
#include <sys/syscall.h>
#include <unistd.h>

#include <rte_pause.h>

#include "tests/support/lanes.h"
#include "tests/unit/dataplane/path_rig.h"

#include "dataplane/lane/lanes.h"

static struct lanes_memory lanes;
static _Atomic uint64_t given_way;

/* In place of libc's: how often workers, and nobody else here, offered their core. */
int sched_yield(void)
{
	if (gettid() != getpid())
		atomic_fetch_add(&given_way, 1);
	return (int)syscall(SYS_sched_yield);
}
static struct stw_lane_reader up;
static struct stw_lane_writer down;

static int with_lanes(void **state)
{
	struct stw_lanes *taken;
	const char *why;

	with_tables(state);
	assert_int_equal(lanes_make(&lanes, rig.workers.n), 0);
	assert_int_equal(lanes_seal(lanes.memory), 0);
	assert_int_equal(stw_lanes_map(lanes.memory, dup(lanes.doorbell), rig.workers.n, &taken,
				       &why),
			 STW_OK);
	assert_int_equal(stw_snapshots_swap_lanes(&rig.snapshots, taken), STW_OK);
	up = (struct stw_lane_reader){.ring = &lanes.h->lane[0].up};
	down = (struct stw_lane_writer){.ring = &lanes.h->lane[0].down};
	return 0;
}

static int without_lanes(void **state)
{
	lanes_drop(&lanes);
	return teardown(state);
}

/* A member's request to a name that no table has. */
static struct rig_datagram for_control(char *text, size_t room)
{
	return from(stw_farm_v4(198, 51, 100, 10, 5060), stw_farm_v4(192, 0, 2, 1, 5060), text,
		    sip_invite(text, room, "sip:b@somewhere.example", 70, 1, 0));
}

static const struct stw_endpoint *us(void)
{
	return &rig.farm.listeners[0].address;
}

static void a_message_for_control_goes_by_the_lane(void **state)
{
	char text[2048];
	struct rig_datagram d = for_control(text, sizeof(text));
	struct stw_lane_message m = {0};

	(void)state;
	send_in(&d);
	assert_int_equal(stw_lane_get(&up, &m), STW_OK);
	assert_int_equal(m.len, d.len);
	assert_memory_equal(m.bytes, d.text, d.len);
	assert_true(stw_endpoint_equal(&m.peer, &d.src));
	assert_true(stw_endpoint_equal(&m.local, us()));
	assert_int_equal(stw_lane_get(&up, &m), STW_EAGAIN);
	assert_null(rig_kernel(&rig));
	assert_int_equal(rig_count(&rig, STW_C_CONTROL), 1);
	assert_int_equal(lanes_rings(&lanes), 0);
}

/* When a turn brought no more, or four in a row did: it is woken once for all of that. */
static void a_sleeping_control_is_rung_for_once_a_burst(void **state)
{
	char text[2048];
	struct rig_datagram d = for_control(text, sizeof(text));
	size_t len = rig_frame(&d, frame);

	(void)state;
	atomic_store(&lanes.h->asleep, 1);
	rig_turn(&rig, 0);
	assert_int_equal(lanes_rings(&lanes), 0);
	for (unsigned i = 0; i < 5; i++)
		rig_feed(&rig, 0, 0, frame, len);
	rig_turn(&rig, 0);
	assert_true(stw_lane_has_more(&up));
	assert_int_equal(lanes_rings(&lanes), 0);
	rig_turn(&rig, 0);
	assert_int_equal(lanes_rings(&lanes), 1);
	assert_int_equal(atomic_load(&lanes.h->asleep), 0);
	send_in(&d);
	rig_turn(&rig, 0);
	assert_int_equal(lanes_rings(&lanes), 0);
	atomic_store(&lanes.h->asleep, 1);
	for (unsigned turn = 1; turn <= 4; turn++) {
		assert_int_equal(lanes_rings(&lanes), 0);
		feed_turn(frame, len);
	}
	assert_int_equal(lanes_rings(&lanes), 1);
}

static void a_worker_gives_way_to_an_awake_control_on_its_core(void **state)
{
	struct stw_worker *w = rig.workers.worker[0];
	const uint32_t core = w->stats->core;

	(void)state;
	rig_turn(&rig, 0);
	assert_false(w->gives_way);
	atomic_store(&lanes.h->runs_on, core + 1);
	rig_turn(&rig, 0);
	assert_true(w->gives_way);
	atomic_store(&lanes.h->runs_on, core + 2);
	rig_turn(&rig, 0);
	assert_false(w->gives_way);
	atomic_store(&lanes.h->runs_on, core + 1);
	atomic_store(&lanes.h->asleep, 1);
	rig_turn(&rig, 0);
	assert_false(w->gives_way);
}

static void await_idle_turns(uint64_t n)
{
	const uint64_t before = rig_count(&rig, STW_C_TURNS_IDLE);

	while (rig_count(&rig, STW_C_TURNS_IDLE) - before < n)
		rte_pause();
}

static void an_idle_worker_offers_its_core_to_it_alone(void **state)
{
	struct stw_worker *w = rig.workers.worker[0];

	(void)state;
	w->idle_sleep_us = 0;
	assert_int_equal(stw_workers_launch(&rig.workers), 0);
	await_idle_turns(100);
	assert_int_equal(atomic_load(&given_way), 0);
	atomic_store(&lanes.h->runs_on, w->stats->core + 1);
	while (atomic_load(&given_way) < 10)
		rte_pause();
	atomic_store(&lanes.h->asleep, 1);
	await_idle_turns(2); /* the one it is in does not know yet */
	const uint64_t until_then = atomic_load(&given_way);
	await_idle_turns(100);
	assert_int_equal(atomic_load(&given_way), until_then);
	rcu_thread_offline();
	stw_workers_stop(&rig.workers);
	rcu_thread_online();
}

/* Not to the kernel, where it would overtake those before it. */
static void without_room_it_is_dropped(void **state)
{
	char text[2048];
	struct rig_datagram d = for_control(text, sizeof(text));
	size_t len = rig_frame(&d, frame);
	struct stw_lane_message m = {0};

	(void)state;
	/* Control reads nothing. */
	for (unsigned i = 0; rig_count(&rig, STW_C_DROP_CONTROL_FULL) == 0; i++) {
		assert_true(i < 2 * STW_LANE_BYTES / d.len);
		feed_turn(frame, len);
	}
	const uint64_t n = rig_count(&rig, STW_C_CONTROL);
	assert_true(n > 300);
	assert_null(rig_kernel(&rig));
	/* It reads again. */
	for (uint64_t i = 0; i < n; i++)
		assert_int_equal(stw_lane_get(&up, &m), STW_OK);
	assert_int_equal(stw_lane_get(&up, &m), STW_EAGAIN);
	stw_lane_release(&up);
	feed_turn(frame, len);
	assert_int_equal(stw_lane_get(&up, &m), STW_OK);
	assert_int_equal(rig_count(&rig, STW_C_DROP_CONTROL_FULL), 1);
}

static void a_port_without_a_kernel_side_has_its_slow_path(void **state)
{
	char text[2048];
	struct rig_datagram d = for_control(text, sizeof(text));
	struct stw_lane_message m = {0};

	(void)state;
	memcpy(d.dst_mac, rig.ports.port[1].mac, 6);
	rig_feed(&rig, 1, 0, frame, rig_frame(&d, frame));
	rig_turn(&rig, 0);
	assert_int_equal(stw_lane_get(&up, &m), STW_OK);
	assert_int_equal(rig_count(&rig, STW_C_DROP_NO_KERNEL), 0);
	assert_int_equal(stw_snapshots_swap_lanes(&rig.snapshots, NULL), STW_OK);
	rig_feed(&rig, 1, 0, frame, rig_frame(&d, frame));
	rig_turn(&rig, 0);
	assert_int_equal(rig_count(&rig, STW_C_DROP_NO_KERNEL), 1);
}

/* ---- from control ---- */

static void have_sent(const struct stw_endpoint *local, struct stw_endpoint peer, const char *bytes,
		      size_t len)
{
	assert_true(stw_lane_put(&down, local, &peer, bytes, len));
	assert_true(stw_lane_show(&down));
	rig_turn(&rig, 0);
}

static void an_answer_of_control_s_leaves_by_our_routes(void **state)
{
	const char text[] = "SIP/2.0 200 OK\r\n\r\n";

	(void)state;
	have_sent(us(), caller(), text, sizeof(text) - 1);
	assert_sent(0, text, sizeof(text) - 1, *us(), caller(), 0, 254);
	have_sent(us(), stw_farm_v4(10, 1, 0, 7, 5062), text, sizeof(text) - 1);
	assert_sent(1, text, sizeof(text) - 1, *us(), stw_farm_v4(10, 1, 0, 7, 5062), 0, 17);
	have_sent(us(), stw_farm_v4(10, 42, 0, 7, 5062), text, sizeof(text) - 1);
	assert_sent(0, text, sizeof(text) - 1, *us(), stw_farm_v4(10, 42, 0, 7, 5062), 42, 7);
	have_sent(&rig.farm.listeners[1].address, stw_farm_v6(9, 5070), text, sizeof(text) - 1);
	assert_sent(0, text, sizeof(text) - 1, rig.farm.listeners[1].address, stw_farm_v6(9, 5070),
		    0, 9);
	assert_int_equal(rig_count(&rig, STW_C_CONTROL_RECEIVED), 4);
	assert_int_equal(rig_count(&rig, STW_C_CONTROL_SENT), 4);
	assert_int_equal(rig_count(&rig, STW_C_SENT), 0);
}

static void a_long_answer_leaves_in_fragments(void **state)
{
	static char text[60000];
	unsigned n = 0;
	struct rte_mbuf *m;

	(void)state;
	memset(text, 'x', sizeof(text));
	have_sent(us(), caller(), text, sizeof(text));
	for (; (m = rig_sent(&rig, 0)) != NULL; n++) {
		assert_true(m->pkt_len <= 1514);
		rte_pktmbuf_free(m);
	}
	assert_int_equal(n, (sizeof(text) + 8 + 1479) / 1480);
	assert_int_equal(rig_count(&rig, STW_C_CONTROL_SENT), 1);
	assert_int_equal(rig_count(&rig, STW_C_FRAGMENTS_SENT), n);
}

static void what_cannot_be_sent_is_refused(void **state)
{
	const struct stw_endpoint stranger = stw_farm_v4(192, 0, 2, 99, 5060);
	struct stw_endpoint nowhere = stw_farm_v4(172, 16, 0, 1, 5060), zero = caller();
	static char longest[STW_LANE_MESSAGE_MAX];

	(void)state;
	zero.port = 0;
	have_sent(&stranger, caller(), "x", 1);
	have_sent(us(), zero, "x", 1);
	have_sent(us(), nowhere, "x", 1);
	have_sent(us(), stw_farm_v6(9, 5070), "x", 1);
	have_sent(us(), caller(), longest, sizeof(longest));
	assert_null(rig_sent(&rig, 0));
	assert_int_equal(rig_count(&rig, STW_C_CONTROL_RECEIVED), 5);
	assert_int_equal(rig_count(&rig, STW_C_CONTROL_REFUSED), 5);
	assert_int_equal(rig_count(&rig, STW_C_CONTROL_SENT), 0);
}

static void an_answer_waits_for_its_neighbour(void **state)
{
	struct stw_endpoint member = stw_farm_v4(198, 51, 100, 10, 5060);

	(void)state;
	rig_publish_fib(&rig, RIG_WITHOUT_NEIGHBOURS);
	have_sent(us(), member, "hello", 5);
	assert_null(rig_sent(&rig, 0));
	/* Not in the ledger, so it waits in none of its rows. */
	assert_int_equal(rig_count(&rig, STW_C_WAITING), 0);
	rig_publish_fib(&rig, RIG_WITH_NEIGHBOURS);
	rig_turn(&rig, 0);
	assert_sent(0, "hello", 5, *us(), member, 0, 10);
	assert_int_equal(rig_count(&rig, STW_C_CONTROL_SENT), 1);
	rig_publish_fib(&rig, RIG_WITHOUT_NEIGHBOURS);
	have_sent(us(), member, "again", 5);
	stw_worker_drain(rig.workers.worker[0]);
	assert_int_equal(rig_count(&rig, STW_C_CONTROL_REFUSED), 1);
	assert_int_equal(rig_count(&rig, STW_C_DROP_STOPPED), 0);
}

/* Whatever control leaves in the ring, the worker goes on, and what comes after is sent. */
static void damage_ends_nothing_but_itself(void **state)
{
	static const uint8_t values[] = {0x00, 0x11, 0x7f, 0xff};
	uint64_t n = 0;

	(void)state;
	for (size_t at = 0; at < 128; at++)
		for (size_t v = 0; v < sizeof(values); v++) {
			const uint64_t begin = down.head;
			struct stw_endpoint peer = caller();

			assert_true(stw_lane_put(&down, us(), &peer, "one", 3));
			assert_true(stw_lane_put(&down, us(), &peer, "two", 3));
			down.ring->bytes[(begin + at) % STW_LANE_BYTES] = (char)values[v];
			stw_lane_show(&down);
			rig_turn(&rig, 0);
			rig_turn(&rig, 0);
			rig_clear(&rig);
			n = rig_count(&rig, STW_C_CONTROL_SENT);
			have_sent(us(), caller(), "after", 5);
			assert_int_equal(rig_count(&rig, STW_C_CONTROL_SENT), n + 1);
			rig_clear(&rig);
		}
	assert_true(rig_count(&rig, STW_C_LANE_DAMAGED) > 0);
	assert_int_equal(rig_count(&rig, STW_C_CONTROL_RECEIVED),
			 rig_count(&rig, STW_C_CONTROL_SENT) +
				 rig_count(&rig, STW_C_CONTROL_REFUSED));
	/* Positions that nobody was ever at. */
	for (unsigned bit = 0; bit < 64; bit++) {
		atomic_store(&down.ring->head, down.head ^ (uint64_t)1 << bit);
		atomic_store(&up.ring->tail, (uint64_t)1 << bit);
		rig_turn(&rig, 0);
		rig_turn(&rig, 0);
		rig_clear(&rig);
	}
}

static void lanes_that_are_none_are_refused(void **state)
{
	struct lanes_memory l = {0};
	struct stw_lanes *taken;
	const char *why;

	(void)state;
	assert_int_equal(lanes_make(&l, 2), 0);
	assert_int_equal(stw_lanes_map(l.memory, l.doorbell, 2, &taken, &why), STW_EMALFORMED);
	assert_non_null(strstr(why, "sealed"));
	assert_int_equal(lanes_seal(l.memory), 0);
	assert_int_equal(stw_lanes_map(l.memory, l.doorbell, 3, &taken, &why), STW_EMALFORMED);
	l.h->version++;
	assert_int_equal(stw_lanes_map(l.memory, l.doorbell, 2, &taken, &why), STW_EVERSION);
	l.h->version--;
	l.h->n = 1;
	assert_int_equal(stw_lanes_map(l.memory, l.doorbell, 2, &taken, &why), STW_EVERSION);
	l.h->n = 2;
	assert_int_equal(stw_lanes_map(l.memory, -1, 2, &taken, &why), STW_EIO);
	/* A hole in it would kill the worker that writes there when memory is out. */
	assert_int_equal(fallocate(l.memory, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
				   1 << 20),
			 0);
	assert_int_equal(stw_lanes_map(l.memory, l.doorbell, 2, &taken, &why), STW_EMALFORMED);
	assert_non_null(strstr(why, "allocated"));
	lanes_drop(&l);
}

#define LANE(f) cmocka_unit_test_setup_teardown(f, with_lanes, without_lanes)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LANE(a_message_for_control_goes_by_the_lane),
		LANE(a_sleeping_control_is_rung_for_once_a_burst),
		LANE(a_worker_gives_way_to_an_awake_control_on_its_core),
		LANE(an_idle_worker_offers_its_core_to_it_alone),
		LANE(without_room_it_is_dropped),
		LANE(a_port_without_a_kernel_side_has_its_slow_path),
		LANE(an_answer_of_control_s_leaves_by_our_routes),
		LANE(a_long_answer_leaves_in_fragments),
		LANE(what_cannot_be_sent_is_refused),
		LANE(an_answer_waits_for_its_neighbour),
		LANE(damage_ends_nothing_but_itself),
		cmocka_unit_test(lanes_that_are_none_are_refused),
	};

	return path_rig_run("dataplane-path-lane", tests);
}
