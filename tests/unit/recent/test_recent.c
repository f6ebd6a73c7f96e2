/* SPDX-License-Identifier: BSD-3-Clause */

/* The recent-call table by itself: what it finds, what it gives up, and two threads at it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <pthread.h>

#include "dataplane/recent/recent.h"

#define HZ     1000000000ull
#define SECOND HZ

static struct stw_recent table;
static void *bytes;

static int setup(void **state)
{
	(void)state;
	bytes = aligned_alloc(128, stw_recent_size(0));
	memset(bytes, 0, stw_recent_size(0));
	stw_recent_init(&table, bytes, 0, HZ);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(bytes);
	return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static uint64_t state_of(uint32_t member, uint64_t now, uint32_t flags)
{
	return stw_recent_state(&table, member, now, flags);
}

static uint64_t add(uint64_t hash, uint64_t tag, uint32_t member, uint64_t now, uint32_t flags)
{
	uint64_t evicted;

	assert_true(stw_recent_add(&table, hash, tag, state_of(member, now, flags), now, &evicted));
	return evicted;
}

static void finds_what_was_added(void **state)
{
	struct stw_recent_hit hit = {0};

	(void)state;
	assert_false(stw_recent_find(&table, 77, 5, &hit));
	assert_int_equal(add(77, 5, 0xdeadbeef, SECOND, STW_RECENT_INVITE), 0);
	assert_true(stw_recent_find(&table, 77, 5, &hit));
	assert_int_equal(stw_recent_member(hit.state), 0xdeadbeef);
	assert_int_equal(hit.state & STW_RECENT_INVITE, STW_RECENT_INVITE);
	assert_int_equal(hit.state & (STW_RECENT_ANSWERED | STW_RECENT_DONE), 0);
	assert_int_equal(stw_recent_repeats(hit.state), 0);
	assert_false(stw_recent_find(&table, 77, 6, &hit));
	assert_false(stw_recent_find(&table, 78, 5, &hit)); /* in another bucket */
}

static void sizes_are_powers_of_two_within_limits(void **state)
{
	struct stw_recent r;

	(void)state;
	assert_int_equal(stw_recent_size(0), STW_RECENT_LEAST * 16);
	assert_int_equal(stw_recent_size(STW_RECENT_LEAST + 1), STW_RECENT_LEAST * 32);
	assert_int_equal(stw_recent_size(UINT32_MAX), STW_RECENT_MOST * 16ull);
	stw_recent_init(&r, bytes, 0, 2300000000u);
	assert_int_equal(r.mask + 1, STW_RECENT_LEAST / STW_RECENT_WAYS);
	/* longer than any transaction lives before ages wrap */
	assert_true((STW_RECENT_WHEN_MASK + 1ull) / (r.ticks_per_s + 1) > STW_RECENT_EXPIRE_S);
}

static void repeats_stop_at_their_most(void **state)
{
	uint64_t s = state_of(1, 0, 0);

	(void)state;
	for (unsigned i = 1; i < 20; i++) {
		s = stw_recent_repeat(s);
		assert_int_equal(stw_recent_repeats(s), i < 7 ? i : 7);
	}
	assert_int_equal(stw_recent_member(s), 1);
}

static void change_tells_what_came_first(void **state)
{
	struct stw_recent_hit hit = {0};
	uint64_t seen;

	(void)state;
	add(1, 9, 3, 0, 0);
	assert_true(stw_recent_find(&table, 1, 9, &hit));
	seen = hit.state;
	assert_true(stw_recent_change(&table, hit.at, &seen, seen | STW_RECENT_ANSWERED));
	assert_false(stw_recent_change(&table, hit.at, &seen, seen | STW_RECENT_DONE));
	assert_int_equal(seen, hit.state | STW_RECENT_ANSWERED);
}

static void gives_up_the_oldest(void **state)
{
	struct stw_recent_hit hit = {0};

	(void)state;
	for (uint64_t i = 0; i < STW_RECENT_WAYS; i++)
		assert_int_equal(add(5, 10 + i, (uint32_t)i, (i ^ 2) * SECOND, 0), 0);
	uint64_t gone = add(5, 99, 99, 9 * SECOND, 0); /* the third came first */
	assert_int_equal(stw_recent_member(gone), 2);
	assert_false(stw_recent_find(&table, 5, 12, &hit));
	assert_true(stw_recent_find(&table, 5, 99, &hit));
	assert_true(stw_recent_find(&table, 5, 10, &hit));
}

static void gives_up_what_is_done_for_long_before_what_is_open(void **state)
{
	(void)state;
	add(5, 10, 0, 0, 0);
	add(5, 11, 1, 10 * SECOND, STW_RECENT_ANSWERED | STW_RECENT_DONE);
	add(5, 12, 2, 20 * SECOND, STW_RECENT_ANSWERED | STW_RECENT_DONE);
	for (uint64_t i = 3; i < STW_RECENT_WAYS; i++)
		add(5, 10 + i, (uint32_t)i, 30 * SECOND, 0);
	/* done, but its ACK may still come: the oldest goes */
	assert_int_equal(stw_recent_member(add(5, 94, 4, 40 * SECOND, 0)), 0);
	assert_int_equal(stw_recent_member(add(5, 95, 5, 60 * SECOND, 0)), 1);
	assert_int_equal(stw_recent_member(add(5, 96, 6, 61 * SECOND, 0)), 2);
}

static void sweep_forgets_the_old_and_tells_the_open(void **state)
{
	uint64_t open[STW_RECENT_WAYS];
	struct stw_recent_hit hit = {0};

	(void)state;
	add(5, 10, 1, 0, 0);
	add(5, 11, 2, 0, STW_RECENT_ANSWERED | STW_RECENT_DONE);
	add(5, 12, 3, 0, STW_RECENT_CALL);
	add(5, 13, 4, 200 * SECOND, 0);
	assert_int_equal(stw_recent_sweep(&table, 5, 239 * SECOND, open), 0);
	assert_true(stw_recent_find(&table, 5, 10, &hit));
	assert_int_equal(stw_recent_sweep(&table, 5 + table.mask + 1, 242 * SECOND, open), 1);
	assert_int_equal(stw_recent_member(open[0]), 1);
	assert_false(stw_recent_find(&table, 5, 10, &hit));
	assert_false(stw_recent_find(&table, 5, 11, &hit));
	assert_true(stw_recent_find(&table, 5, 12, &hit)); /* calls last */
	assert_true(stw_recent_find(&table, 5, 13, &hit));
	assert_int_equal(stw_recent_sweep(&table, 5, 242 * SECOND, open), 0);
}

static void no_tag_is_taken_for_free_or_busy(void **state)
{
	(void)state;
	assert_int_equal(stw_recent_branch_tag(0), 1);
	assert_int_equal(stw_recent_branch_tag(STW_RECENT_BUSY), 1);
	assert_int_equal(stw_recent_call_tag(0), 1);
	assert_int_equal(stw_recent_call_tag(UINT64_MAX), 1);
	assert_int_equal(stw_recent_branch_tag(42), 42);
	assert_int_equal(stw_recent_call_tag(42), ~42ull);
}

/* ---- threads: the member of an entry is always its tag's, and each is closed once ---- */

#define ROUNDS	20000u
#define THREADS 3u

struct tally {
	uint32_t index;
	uint64_t opened, closed, wrong;
};

static void look(struct tally *t, uint64_t tag)
{
	struct stw_recent_hit hit = {0};

	if (!stw_recent_find(&table, tag & 3, tag, &hit))
		return;
	t->wrong += stw_recent_member(hit.state) != (uint32_t)tag;
	uint64_t was = hit.state;
	if (!(was & STW_RECENT_DONE) &&
	    stw_recent_change(&table, hit.at, &was, was | STW_RECENT_ANSWERED | STW_RECENT_DONE))
		t->closed++;
}

static void *work(void *arg)
{
	struct tally *t = arg;
	uint64_t evicted, random = t->index + 1, open[STW_RECENT_WAYS];

	for (uint32_t i = 1; i <= ROUNDS; i++) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		uint64_t tag = 2 + (random >> 60);
		uint64_t now = i * (SECOND / 4);

		if (stw_recent_add(&table, tag & 3, tag, state_of((uint32_t)tag, now, 0), now,
				   &evicted)) {
			t->opened++;
			t->closed += evicted != 0 && !(evicted & STW_RECENT_DONE);
		}
		look(t, 2 + (random >> 40 & 15));
		t->closed += stw_recent_sweep(&table, i, now, open);
	}
	return NULL;
}

static void threads_see_whole_entries_and_close_each_once(void **state)
{
	struct tally tally[THREADS] = {{0}};
	pthread_t thread[THREADS];
	uint64_t opened = 0, closed = 0, left = 0;

	(void)state;
	for (uint32_t i = 0; i < THREADS; i++) {
		tally[i].index = i;
		assert_int_equal(pthread_create(&thread[i], NULL, work, &tally[i]), 0);
	}
	for (uint32_t i = 0; i < THREADS; i++) {
		pthread_join(thread[i], NULL);
		assert_int_equal(tally[i].wrong, 0);
		opened += tally[i].opened;
		closed += tally[i].closed;
	}
	for (uint32_t b = 0; b < 4; b++)
		for (uint32_t i = 0; i < STW_RECENT_WAYS; i++) {
			const struct stw_recent_entry *e = &table.buckets[b].entry[i];

			left += e->tag != 0 && !(e->state & STW_RECENT_DONE);
		}
	assert_int_equal(opened, closed + left);
	assert_true(opened > ROUNDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(finds_what_was_added),
		TEST(sizes_are_powers_of_two_within_limits),
		TEST(repeats_stop_at_their_most),
		TEST(change_tells_what_came_first),
		TEST(gives_up_the_oldest),
		TEST(gives_up_what_is_done_for_long_before_what_is_open),
		TEST(sweep_forgets_the_old_and_tells_the_open),
		TEST(no_tag_is_taken_for_free_or_busy),
		TEST(threads_see_whole_entries_and_close_each_once),
	};
	return cmocka_run_group_tests_name("recent", tests, NULL, NULL);
}
