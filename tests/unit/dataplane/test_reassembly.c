/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/path/reassembly.h"
#include "tests/support/farm.h"

#define MAX_LEN 60000u
#define N_ROWS	100u
#define TIMEOUT 1000u

static struct stw_reassembly *r;
static uint8_t bytes[MAX_LEN + 8];
static unsigned n_lent;

static int setup(void **state)
{
	(void)state;
	r = stw_reassembly_new(N_ROWS, MAX_LEN, TIMEOUT, 42);
	n_lent = 0;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 31 + i / 251);
	return r == NULL;
}

static void give_back(struct stw_reassembly_buffer *b)
{
	if (b->handle == NULL)
		return;
	free(b->handle);
	b->handle = NULL;
	n_lent--;
}

static int teardown(void **state)
{
	struct stw_reassembled out;

	(void)state;
	while (stw_reassembly_expire(r, UINT64_MAX, &out))
		give_back(&out.buffer);
	stw_reassembly_free(r);
	assert_int_equal(n_lent, 0);
	return 0;
}

static struct stw_fragment part(uint32_t id, uint32_t off, uint32_t len, bool more)
{
	return (struct stw_fragment){.src = stw_farm_v4(10, 0, 0, 1, 0).ip,
				     .dst = stw_farm_v4(10, 0, 0, 2, 0).ip,
				     .id = id,
				     .off = off,
				     .more = more,
				     .data = off < MAX_LEN ? bytes + off : bytes,
				     .len = len};
}

/* As a worker does: with a spare buffer; what comes out is freed, and checked when it is whole. */
static enum stw_reassembly_result add(const struct stw_fragment *f, uint64_t now, uint32_t *n_left)
{
	struct stw_reassembly_buffer spare;
	struct stw_reassembled out = {0};
	enum stw_reassembly_result got;

	spare.handle = malloc(MAX_LEN);
	spare.data = spare.handle;
	n_lent++;
	got = stw_reassembly_add(r, f, now, &spare, &out);
	give_back(&spare);
	if (got == STW_FRAGMENT_COMPLETE)
		assert_memory_equal(out.buffer.data, bytes, out.len);
	if (n_left != NULL)
		*n_left = out.n_fragments;
	give_back(&out.buffer);
	return got;
}

static enum stw_reassembly_result put(uint32_t id, uint32_t off, uint32_t len, bool more)
{
	struct stw_fragment f = part(id, off, len, more);

	return add(&f, 0, NULL);
}

static void whole_in_any_order(void **state)
{
	static const uint32_t cuts[] = {0, 8, 72, 520, 1024, 4096, 4104, 30000, 59999};
	const unsigned n = sizeof(cuts) / sizeof(cuts[0]) - 1;
	uint32_t x = 88172645;

	(void)state;
	for (uint32_t round = 0; round < 500; round++) {
		unsigned order[8];

		for (unsigned i = 0; i < n; i++)
			order[i] = i;
		for (unsigned i = n - 1; i > 0; i--) {
			unsigned k, swap = order[i];

			x ^= x << 13;
			x ^= x >> 17;
			x ^= x << 5;
			k = x % (i + 1);
			order[i] = order[k];
			order[k] = swap;
		}
		for (unsigned i = 0; i < n; i++) {
			uint32_t off = cuts[order[i]], end = cuts[order[i] + 1];

			assert_int_equal(put(round, off, end - off, order[i] + 1 < n),
					 i + 1 < n ? STW_FRAGMENT_HELD : STW_FRAGMENT_COMPLETE);
		}
	}
}

static void datagrams_of_several_senders_do_not_mix(void **state)
{
	struct stw_fragment a = part(1, 0, 800, true), b = a, c = a, end;

	(void)state;
	b.src = stw_farm_v4(10, 0, 0, 3, 0).ip;
	c.dst = stw_farm_v4(10, 0, 0, 4, 0).ip;
	assert_int_equal(add(&a, 0, NULL), STW_FRAGMENT_HELD);
	assert_int_equal(add(&b, 0, NULL), STW_FRAGMENT_HELD);
	assert_int_equal(add(&c, 0, NULL), STW_FRAGMENT_HELD);
	end = part(1, 800, 100, false);
	assert_int_equal(add(&end, 0, NULL), STW_FRAGMENT_COMPLETE);
	end = part(2, 800, 100, false);
	assert_int_equal(add(&end, 0, NULL), STW_FRAGMENT_HELD);
}

static void lengths_no_sender_may_choose(void **state)
{
	(void)state;
	assert_int_equal(put(1, 0, 0, true), STW_FRAGMENT_BAD);
	assert_int_equal(put(1, 8, 0, false), STW_FRAGMENT_BAD);
	assert_int_equal(put(1, 0, 12, true), STW_FRAGMENT_BAD);
	assert_int_equal(put(1, MAX_LEN, 8, false), STW_FRAGMENT_BAD);
	assert_int_equal(put(1, MAX_LEN - 8, 16, false), STW_FRAGMENT_BAD);
	assert_int_equal(put(1, 65528, 65535, false), STW_FRAGMENT_BAD);
	assert_int_equal(put(1, MAX_LEN - 8, 8, false), STW_FRAGMENT_HELD);
}

static void rfc5722_overlap_discards_the_datagram(void **state)
{
	struct stw_fragment f = part(1, 400, 800, true);
	uint32_t n_left;

	(void)state;
	assert_int_equal(put(1, 0, 800, true), STW_FRAGMENT_HELD);
	assert_int_equal(put(1, 1600, 80, false), STW_FRAGMENT_HELD);
	assert_int_equal(add(&f, 0, &n_left), STW_FRAGMENT_OVERLAP);
	assert_int_equal(n_left, 2);
	/* Gone: what comes now begins anew. */
	assert_int_equal(put(1, 800, 800, true), STW_FRAGMENT_HELD);
}

static void one_that_came_twice_is_dropped_alone(void **state)
{
	(void)state;
	assert_int_equal(put(1, 0, 800, true), STW_FRAGMENT_HELD);
	assert_int_equal(put(1, 0, 800, true), STW_FRAGMENT_BAD);
	assert_int_equal(put(1, 800, 83, false), STW_FRAGMENT_COMPLETE);
}

static void two_ends_contradict(void **state)
{
	(void)state;
	assert_int_equal(put(1, 800, 80, false), STW_FRAGMENT_HELD);
	assert_int_equal(put(1, 1600, 80, false), STW_FRAGMENT_OVERLAP);
	assert_int_equal(put(2, 800, 80, true), STW_FRAGMENT_HELD);
	assert_int_equal(put(2, 80, 40, false), STW_FRAGMENT_OVERLAP);
	assert_int_equal(put(3, 80, 40, false), STW_FRAGMENT_HELD);
	assert_int_equal(put(3, 800, 80, true), STW_FRAGMENT_OVERLAP);
}

static void bounded_for_one_source_and_for_all(void **state)
{
	struct stw_fragment f;
	uint32_t n_held = STW_REASSEMBLY_PER_SOURCE;

	(void)state;
	for (uint32_t id = 0; id < STW_REASSEMBLY_PER_SOURCE; id++)
		assert_int_equal(put(id, 0, 8, true), STW_FRAGMENT_HELD);
	assert_int_equal(put(99, 0, 8, true), STW_FRAGMENT_BUDGET);
	assert_int_equal(put(3, 8, 8, true), STW_FRAGMENT_HELD);
	for (uint32_t i = 0; i < N_ROWS; i++) {
		f = part(1, 0, 8, true);
		f.src = stw_farm_v4(10, 9, (uint8_t)i, 1, 0).ip;
		assert_int_equal(add(&f, 0, NULL),
				 n_held < N_ROWS ? STW_FRAGMENT_HELD : STW_FRAGMENT_BUDGET);
		n_held += n_held < N_ROWS;
	}
}

static void no_buffer_no_datagram(void **state)
{
	struct stw_fragment f = part(1, 0, 8, true);
	struct stw_reassembly_buffer none = {0};
	struct stw_reassembled out;

	(void)state;
	assert_int_equal(stw_reassembly_add(r, &f, 0, &none, &out), STW_FRAGMENT_NO_BUFFER);
}

static void expires_in_time_and_not_before(void **state)
{
	struct stw_fragment first = part(1, 0, 80, true), second = part(2, 0, 80, true);
	struct stw_reassembled out;

	(void)state;
	assert_int_equal(add(&first, 100, NULL), STW_FRAGMENT_HELD);
	first.off = 80;
	assert_int_equal(add(&first, 600, NULL), STW_FRAGMENT_HELD);
	assert_int_equal(add(&second, 700, NULL), STW_FRAGMENT_HELD);
	assert_false(stw_reassembly_expire(r, 100 + TIMEOUT - 1, &out));
	assert_true(stw_reassembly_expire(r, 100 + TIMEOUT, &out));
	assert_int_equal(out.n_fragments, 2);
	give_back(&out.buffer);
	assert_false(stw_reassembly_expire(r, 700 + TIMEOUT - 1, &out));
	assert_true(stw_reassembly_expire(r, 700 + TIMEOUT, &out));
	assert_int_equal(out.n_fragments, 1);
	give_back(&out.buffer);
	assert_false(stw_reassembly_expire(r, 1u << 30, &out));
}

/* The naive reassembler: a byte map. Random fragments of few datagrams, each result compared. */
struct naive {
	bool used;
	bool there[512];
	uint32_t total;
	uint32_t end;
};

static enum stw_reassembly_result naive_add(struct naive *n, const struct stw_fragment *f)
{
	uint32_t n_there = 0, end = f->off + f->len, have = 0;

	n->used = true;
	for (uint32_t i = f->off; i < end; i++)
		n_there += n->there[i];
	if (n_there == f->len)
		return STW_FRAGMENT_BAD;
	if (n_there > 0 || (f->more && n->total != 0 && end > n->total) ||
	    (!f->more && (n->end > end || (n->total != 0 && n->total != end)))) {
		memset(n, 0, sizeof(*n));
		return STW_FRAGMENT_OVERLAP;
	}
	memset(n->there + f->off, 1, f->len);
	n->end = end > n->end ? end : n->end;
	n->total = f->more ? n->total : end;
	for (uint32_t i = 0; i < 512; i++)
		have += n->there[i];
	if (have != n->total)
		return STW_FRAGMENT_HELD;
	memset(n, 0, sizeof(*n));
	return STW_FRAGMENT_COMPLETE;
}

static void agrees_with_a_naive_one(void **state)
{
	static struct naive naive[8];
	unsigned n[STW_FRAGMENT_NO_BUFFER + 1] = {0};
	uint32_t x = 521288629;

	(void)state;
	for (unsigned round = 0; round < 200000; round++) {
		struct stw_fragment f;
		uint32_t units, off, id;
		enum stw_reassembly_result got;

		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		id = x % 8;
		units = 1 + (x >> 8) % 2;
		off = (x >> 12) % 6;
		/* Past the middle only ends, or a datagram might stay without one. */
		f = part(id, off * 8, units * 8, off < 4 && (x >> 20) % 4 != 0);
		got = add(&f, 0, NULL);
		assert_int_equal(got, naive_add(&naive[id], &f));
		n[got]++;
	}
	assert_true(n[STW_FRAGMENT_COMPLETE] > 1000);
	assert_true(n[STW_FRAGMENT_OVERLAP] > 1000);
	assert_true(n[STW_FRAGMENT_BAD] > 1000);
}

static void hash_spreads_over_workers(void **state)
{
	unsigned n[4] = {0};
	struct stw_ip a = stw_farm_v4(10, 0, 0, 1, 0).ip, b = stw_farm_v4(10, 0, 0, 2, 0).ip;

	(void)state;
	for (uint32_t id = 0; id < 4000; id++)
		n[stw_reassembly_hash(7, &a, &b, id) % 4]++;
	for (unsigned i = 0; i < 4; i++)
		assert_in_range(n[i], 850, 1150);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(whole_in_any_order),
		TEST(datagrams_of_several_senders_do_not_mix),
		TEST(lengths_no_sender_may_choose),
		TEST(rfc5722_overlap_discards_the_datagram),
		TEST(one_that_came_twice_is_dropped_alone),
		TEST(two_ends_contradict),
		TEST(bounded_for_one_source_and_for_all),
		TEST(no_buffer_no_datagram),
		TEST(expires_in_time_and_not_before),
		TEST(agrees_with_a_naive_one),
		TEST(hash_spreads_over_workers),
	};

	return cmocka_run_group_tests_name("dataplane-reassembly", tests, NULL, NULL);
}
