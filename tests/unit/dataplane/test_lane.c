/* SPDX-License-Identifier: BSD-3-Clause */
/* A ring of a lane: order, wrap, full, half-written, damaged at any byte, two threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>

#include <strowger/lane.h>

#include "tests/support/farm.h"

struct fixture {
	struct stw_lane_ring *ring;
	struct stw_lane_writer w;
	struct stw_lane_reader r;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	f->ring = aligned_alloc(64, sizeof(*f->ring));
	if (!f->ring)
		return -1;
	memset(f->ring, 0, sizeof(*f->ring));
	f->w.ring = f->r.ring = f->ring;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	free(f->ring);
	free(f);
	return 0;
}

/* Message @i: its length and bytes follow from it. */
static size_t make(uint64_t i, char *out, size_t longest)
{
	const size_t len = (size_t)(i * 2654435761u % (longest + 1));

	memset(out, (int)(i % 251), len);
	return len;
}

static bool put(struct fixture *f, uint64_t i, size_t longest)
{
	static char bytes[STW_LANE_MESSAGE_MAX];
	const struct stw_endpoint local = stw_farm_v4(192, 0, 2, 1, 5060);
	const struct stw_endpoint peer = stw_farm_v4(203, 0, 113, 9, (uint16_t)i);
	const size_t len = make(i, bytes, longest);

	return stw_lane_put(&f->w, &local, &peer, bytes, len);
}

static void check(const struct stw_lane_message *m, uint64_t i, size_t longest)
{
	static char bytes[STW_LANE_MESSAGE_MAX];
	const size_t len = make(i, bytes, longest);

	assert_int_equal(m->len, len);
	assert_int_equal(m->peer.port, (uint16_t)i);
	assert_int_equal(m->local.port, 5060);
	assert_memory_equal(m->bytes, bytes, len);
}

static void messages_come_in_order_round_and_round(void **state)
{
	struct fixture *f = *state;
	struct stw_lane_message m = {0};
	uint64_t in = 0, out = 0;

	while (out < 5000) {
		while (in < 5000 && put(f, in, 3000))
			in++;
		stw_lane_show(&f->w);
		assert_false(stw_lane_show(&f->w));
		assert_true(stw_lane_has_more(&f->r));
		for (uint64_t last = out + 1 + out % 97;
		     out < last && stw_lane_get(&f->r, &m) == STW_OK; out++)
			check(&m, out, 3000);
		stw_lane_release(&f->r);
	}
	assert_int_equal(in, 5000);
	assert_int_equal(stw_lane_get(&f->r, &m), STW_EAGAIN);
	assert_false(stw_lane_has_more(&f->r));
}

static void what_is_not_shown_is_not_there(void **state)
{
	struct fixture *f = *state;
	struct stw_lane_message m = {0};

	assert_true(put(f, 7, 900));
	assert_false(stw_lane_has_more(&f->r));
	assert_int_equal(stw_lane_get(&f->r, &m), STW_EAGAIN);
	assert_true(stw_lane_show(&f->w));
	assert_int_equal(stw_lane_get(&f->r, &m), STW_OK);
	check(&m, 7, 900);
	/* The writer is killed in the middle of the next: the reader never sees of it. */
	assert_true(put(f, 8, 900));
	assert_int_equal(stw_lane_get(&f->r, &m), STW_EAGAIN);
}

static void a_full_ring_takes_nothing_and_loses_nothing(void **state)
{
	struct fixture *f = *state;
	struct stw_lane_message m = {0};
	uint64_t n = 0;

	while (put(f, n, 2000))
		n++;
	assert_true(n > 400);
	assert_false(put(f, n, 2000));
	stw_lane_show(&f->w);
	for (uint64_t i = 0; i < n; i++) {
		assert_int_equal(stw_lane_get(&f->r, &m), STW_OK);
		check(&m, i, 2000);
	}
	/* Room is given back by release alone. */
	assert_false(put(f, n, 2000));
	stw_lane_release(&f->r);
	assert_true(put(f, n, 2000));
}

static void the_longest_message_fits_and_no_longer_one(void **state)
{
	static char bytes[STW_LANE_MESSAGE_MAX + 1];
	struct fixture *f = *state;
	const struct stw_endpoint a = stw_farm_v6(1, 5060);
	struct stw_lane_message m = {0};

	assert_false(stw_lane_put(&f->w, &a, &a, bytes, sizeof(bytes)));
	for (unsigned i = 0; i < 50; i++) {
		assert_true(stw_lane_put(&f->w, &a, &a, bytes, STW_LANE_MESSAGE_MAX));
		stw_lane_show(&f->w);
		assert_int_equal(stw_lane_get(&f->r, &m), STW_OK);
		assert_int_equal(m.len, STW_LANE_MESSAGE_MAX);
		stw_lane_release(&f->r);
	}
}

/* What was read lies within the ring, whatever is in there. */
static void assert_inside(const struct fixture *f, const struct stw_lane_message *m)
{
	assert_true(m->bytes >= f->ring->bytes);
	assert_true(m->len <= STW_LANE_MESSAGE_MAX);
	assert_true((size_t)(m->bytes - f->ring->bytes) + m->len <= STW_LANE_BYTES);
}

/* @return messages read until the reader finds no more */
static unsigned drain(struct fixture *f)
{
	struct stw_lane_message m = {0};
	unsigned n = 0, n_bad = 0;
	int err;

	while ((err = stw_lane_get(&f->r, &m)) != STW_EAGAIN) {
		assert_true(err == STW_OK || err == STW_EMALFORMED);
		if (err == STW_OK) {
			assert_inside(f, &m);
			n++;
		} else {
			/* It gives up once for each look at the writer's position. */
			assert_true(++n_bad <= 2);
		}
	}
	assert_false(stw_lane_has_more(&f->r));
	stw_lane_release(&f->r);
	return n;
}

static void restart(struct fixture *f)
{
	memset(f->ring, 0, sizeof(*f->ring));
	f->w = (struct stw_lane_writer){.ring = f->ring};
	f->r = (struct stw_lane_reader){.ring = f->ring};
}

static void any_damaged_byte_of_a_record_is_survived(void **state)
{
	static const uint8_t values[] = {0x00, 0x01, 0x0f, 0x7f, 0x80, 0xff};
	struct fixture *f = *state;

	for (size_t at = 0; at < 200; at++)
		for (size_t v = 0; v < sizeof(values); v++) {
			restart(f);
			for (uint64_t i = 1; i < 4; i++)
				assert_true(put(f, i, 100));
			stw_lane_show(&f->w);
			f->ring->bytes[at] = (char)values[v];
			assert_true(drain(f) <= 8);
			/* And goes on: what is written behind it is read. */
			assert_true(put(f, 9, 100));
			stw_lane_show(&f->w);
			assert_int_equal(drain(f), 1);
		}
}

static void any_position_of_the_other_is_survived(void **state)
{
	static const uint64_t values[] = {1,
					  16,
					  15,
					  STW_LANE_BYTES,
					  STW_LANE_BYTES + 16,
					  UINT64_MAX,
					  UINT64_MAX - 15,
					  (uint64_t)1 << 63,
					  STW_LANE_BYTES - 16};
	struct fixture *f = *state;

	for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++)
		for (size_t k = 0; k < 20; k++) {
			restart(f);
			for (uint64_t i = 0; i < 100 * k && put(f, i, 2000); i++)
				;
			stw_lane_show(&f->w);
			if (k % 2)
				drain(f);
			atomic_store(&f->ring->head, values[v] + 16 * k);
			drain(f);
			/* The writer's: it writes within the ring, and not without end. */
			atomic_store(&f->ring->tail, values[v] - 16 * k);
			unsigned n = 0;
			while (n < 20000 && put(f, 7, 2000))
				n++;
			assert_true(n < 20000);
		}
}

/* Garbage all over, as a stray writer leaves it. */
static void random_rings_are_survived(void **state)
{
	struct fixture *f = *state;
	uint64_t x = 88172645463325252u;

	for (unsigned round = 0; round < 200; round++) {
		restart(f);
		for (size_t i = 0; i < 65536; i += 8) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			/* Lengths that are mostly near the truth get furthest. */
			uint64_t word = round % 2 && i % 16 == 0 ? x % 3000 : x;
			memcpy(f->ring->bytes + i, &word, sizeof(word));
		}
		atomic_store(&f->ring->head, (x % 65536) & ~(uint64_t)15);
		drain(f);
	}
}

/* ---- two threads ---- */

#define THREADED 60000u

static void *write_all(void *arg)
{
	struct fixture *f = arg;

	for (uint64_t i = 0; i < THREADED;) {
		if (put(f, i, 1500)) {
			i++;
			if (i % 7 == 0)
				stw_lane_show(&f->w);
		} else {
			stw_lane_show(&f->w);
			sched_yield();
		}
	}
	stw_lane_show(&f->w);
	return NULL;
}

static void one_writes_while_another_reads(void **state)
{
	struct fixture *f = *state;
	struct stw_lane_message m = {0};
	pthread_t writer;
	static char bytes[STW_LANE_MESSAGE_MAX];

	assert_int_equal(pthread_create(&writer, NULL, write_all, f), 0);
	for (uint64_t i = 0; i < THREADED;) {
		int err = stw_lane_get(&f->r, &m);

		if (err == STW_EAGAIN) {
			stw_lane_release(&f->r);
			sched_yield();
			continue;
		}
		assert_int_equal(err, STW_OK);
		assert_int_equal(m.peer.port, (uint16_t)i);
		assert_int_equal(m.len, make(i, bytes, 1500));
		assert_memory_equal(m.bytes, bytes, m.len);
		if (++i % 5 == 0)
			stw_lane_release(&f->r);
	}
	stw_lane_release(&f->r);
	assert_int_equal(pthread_join(writer, NULL), 0);
}

/* A writer rings once for each sleep, and a sleeper that found nothing is always rung for. */
static void who_sleeps_is_rung_for_once(void **state)
{
	static struct stw_lanes_header h;

	(void)state;
	assert_false(stw_lanes_must_ring(&h));
	atomic_store(&h.asleep, 1);
	assert_true(stw_lanes_must_ring(&h));
	assert_false(stw_lanes_must_ring(&h));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(messages_come_in_order_round_and_round),
		CASE(what_is_not_shown_is_not_there),
		CASE(a_full_ring_takes_nothing_and_loses_nothing),
		CASE(the_longest_message_fits_and_no_longer_one),
		CASE(any_damaged_byte_of_a_record_is_survived),
		CASE(any_position_of_the_other_is_survived),
		CASE(random_rings_are_survived),
		CASE(one_writes_while_another_reads),
		CASE(who_sleeps_is_rung_for_once),
	};

	return cmocka_run_group_tests_name("dataplane-lane", tests, NULL, NULL);
}
