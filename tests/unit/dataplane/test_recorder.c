/* SPDX-License-Identifier: BSD-3-Clause */
/* The flight recorder's rings, and what a worker puts into them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <strowger/errors.h>

#include "dataplane/recorder.h"
#include "dataplane/stats.h"
#include "tests/unit/dataplane/farm_tables.h"

static const struct stw_flight_shape shape = {.n = 8, .n_errors = 4, .text_bytes = 64};

static struct stw_flight *room(void)
{
	struct stw_flight *r = calloc(1, stw_flight_bytes(&shape));

	assert_non_null(r);
	return r;
}

static struct stw_flight_ring *new_ring(uint32_t n)
{
	size_t size = stw_flight_ring_bytes(&shape, n);
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	return p;
}

static void free_ring(struct stw_flight_ring *ring, uint32_t n)
{
	munmap(ring, stw_flight_ring_bytes(&shape, n));
}

static void the_last_ones_stay(void **state)
{
	struct stw_flight_ring *ring = new_ring(shape.n);
	struct stw_flight head = {.len = 5}, *got = room();

	(void)state;
	for (uint64_t i = 0; i < 20; i++) {
		char text[] = {'n', 'o', ' ', (char)('a' + i), '\0'};

		head.tsc = i;
		stw_flight_put(ring, &shape, shape.n, &head, text, sizeof(text));
	}
	assert_int_equal(ring->next, 20);
	for (uint64_t i = 0; i < 20; i++) {
		bool there = stw_flight_get(ring, &shape, shape.n, i, got);

		assert_int_equal(there, i >= 12);
		if (!there)
			continue;
		assert_int_equal(got->tsc, i);
		assert_int_equal(got->n_text, 5);
		assert_int_equal(got->text[3], 'a' + i);
	}
	assert_false(stw_flight_get(ring, &shape, shape.n, 20, got));
	free(got);
	free_ring(ring, shape.n);
}

static void long_text_is_cut(void **state)
{
	struct stw_flight_ring *ring = new_ring(shape.n);
	struct stw_flight head = {.len = 1000}, *got = room();
	char text[1000];

	(void)state;
	memset(text, 'x', sizeof(text));
	stw_flight_put(ring, &shape, shape.n, &head, text, sizeof(text));
	assert_true(stw_flight_get(ring, &shape, shape.n, 0, got));
	assert_int_equal(got->n_text, shape.text_bytes);
	assert_int_equal(got->len, 1000);
	/* What another process says of the length is not believed. */
	stw_flight_at(ring, &shape, shape.n, 0)->n_text = 60000;
	assert_true(stw_flight_get(ring, &shape, shape.n, 0, got));
	assert_int_equal(got->n_text, shape.text_bytes);
	free(got);
	free_ring(ring, shape.n);
}

static void one_being_written_is_not_read(void **state)
{
	struct stw_flight_ring *ring = new_ring(shape.n);
	struct stw_flight head = {0}, *got = room();

	(void)state;
	stw_flight_put(ring, &shape, shape.n, &head, "a", 1);
	assert_true(stw_flight_get(ring, &shape, shape.n, 0, got));
	stw_flight_at(ring, &shape, shape.n, 0)->seq = 2 * 8 + 1;
	assert_false(stw_flight_get(ring, &shape, shape.n, 0, got));
	assert_false(stw_flight_get(ring, &shape, shape.n, 8, got));
	free(got);
	free_ring(ring, shape.n);
}

/* Entries whose bytes are all the low byte of their place. */
static void write_many(struct stw_flight_ring *ring, uint64_t n)
{
	struct stw_flight head = {.len = 64};
	char text[64];

	for (uint64_t i = 0; i < n; i++) {
		head.tsc = i;
		memset(text, (int)(i & 0xff), sizeof(text));
		stw_flight_put(ring, &shape, shape.n, &head, text, sizeof(text));
	}
}

static void check_whole(const struct stw_flight *got, uint64_t place)
{
	assert_int_equal(got->tsc, place);
	for (unsigned i = 0; i < got->n_text; i++)
		assert_int_equal((uint8_t)got->text[i], place & 0xff);
}

static void what_is_read_while_written_is_whole(void **state)
{
	const uint64_t n = 2000000;
	struct stw_flight_ring *ring = new_ring(shape.n);
	struct stw_flight *got = room();
	uint64_t n_read = 0, seen;
	int status;

	(void)state;
	pid_t writer = fork();
	assert_true(writer >= 0);
	if (writer == 0) {
		write_many(ring, n);
		_exit(0);
	}
	do {
		seen = atomic_load_explicit(&ring->next, memory_order_acquire);
		for (uint64_t p = seen > 4 ? seen - 4 : 0; p < seen; p++)
			if (stw_flight_get(ring, &shape, shape.n, p, got)) {
				check_whole(got, p);
				n_read++;
			}
	} while (seen < n);
	assert_int_equal(waitpid(writer, &status, 0), writer);
	assert_int_equal(status, 0);
	assert_true(n_read > 0);
	free(got);
	free_ring(ring, shape.n);
}

/* ---- what a worker records ---- */

struct bench {
	struct stw_stats *stats;
	int fd;
	struct stw_recorder recorder;
	struct stw_snapshot snap;
	struct stw_burst *burst;
};

static void bench_start(struct bench *b)
{
	memset(b, 0, sizeof(*b));
	assert_int_equal(stw_stats_new(1, &shape, &b->stats, &b->fd), STW_OK);
	stw_recorder_init(&b->recorder, b->stats, 0);
	b->snap.tables = farm_tables(2);
	b->burst = calloc(1, sizeof(*b->burst));
	assert_non_null(b->burst);
	b->burst->snap = &b->snap;
}

static void bench_stop(struct bench *b)
{
	stw_tables_free((struct stw_tables *)(uintptr_t)b->snap.tables);
	stw_stats_free(b->stats, b->fd);
	free(b->burst);
}

static void put(struct bench *b, unsigned i, uint64_t call_hash, uint8_t action, uint8_t reject)
{
	static char text[] = "OPTIONS sip:x SIP/2.0\r\n";

	b->burst->text[i] = text;
	b->burst->text_len[i] = sizeof(text) - 1;
	b->burst->msg[i] = (struct stw_sip_msg){.kind = STW_SIP_REQUEST, .reject = reject};
	b->burst->verdict[i] = (struct stw_verdict){.call_hash = call_hash, .action = action};
	if (stw_recorder_wants(&b->recorder, b->burst, i))
		stw_flight_decided(&b->recorder, b->burst, i, 7);
}

static uint64_t n_all(const struct bench *b)
{
	return stw_stats_records(b->stats, 0)->next;
}

static uint64_t n_errors(const struct bench *b)
{
	return stw_stats_error_records(b->stats, 0)->next;
}

static void a_calm_worker_records_everything(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b);
	stw_recorder_begin(&b.recorder, STW_RECORD_CALM);
	for (unsigned i = 0; i < STW_RECORD_CALM; i++)
		put(&b, i, i, STW_ACTION_FORWARD, 0);
	assert_int_equal(n_all(&b), STW_RECORD_CALM);
	assert_int_equal(n_errors(&b), 0);
	bench_stop(&b);
}

static void a_busy_one_keeps_whole_calls(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b);
	stw_recorder_begin(&b.recorder, STW_RECORD_CALM + 1);
	for (unsigned i = 0; i < 32; i++)
		put(&b, i, i / 2, STW_ACTION_FORWARD, 0); /* two messages of each call */
	assert_int_equal(n_all(&b), 2);
	bench_stop(&b);
}

static void errors_are_kept_a_few_a_burst(void **state)
{
	struct stw_flight *got = room();
	struct bench b;

	(void)state;
	bench_start(&b);
	stw_recorder_begin(&b.recorder, 64);
	for (unsigned i = 0; i < 10; i++)
		put(&b, i, 1, STW_ACTION_ANSWER, STW_REJECT_CSEQ);
	assert_int_equal(n_all(&b), 0);
	assert_int_equal(n_errors(&b), STW_RECORD_ERRORS);
	stw_recorder_begin(&b.recorder, 64);
	put(&b, 0, 1, STW_ACTION_DROP, 0);
	stw_flight_dropped(&b.recorder, b.burst, 0, STW_C_DROP_NOT_SIP, 9);
	assert_int_equal(n_errors(&b), STW_RECORD_ERRORS + 2);
	assert_true(stw_flight_get(stw_stats_error_records(b.stats, 0), &shape, shape.n_errors,
				   STW_RECORD_ERRORS + 1, got));
	assert_int_equal(got->end, STW_C_DROP_NOT_SIP);
	assert_int_equal(got->to.port, 5060);
	assert_int_equal(got->tsc, 9);
	free(got);
	bench_stop(&b);
}

static void off_is_off(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b);
	memset(&b.stats->record_shape, 0, sizeof(b.stats->record_shape));
	stw_recorder_init(&b.recorder, b.stats, 0);
	stw_recorder_begin(&b.recorder, 1);
	put(&b, 0, 0, STW_ACTION_DROP, STW_REJECT_CSEQ);
	stw_flight_dropped(&b.recorder, b.burst, 0, STW_C_DROP_NOT_SIP, 9);
	b.stats->record_shape = shape;
	assert_int_equal(n_all(&b), 0);
	assert_int_equal(n_errors(&b), 0);
	bench_stop(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_ones_stay),
		cmocka_unit_test(long_text_is_cut),
		cmocka_unit_test(one_being_written_is_not_read),
		cmocka_unit_test(what_is_read_while_written_is_whole),
		cmocka_unit_test(a_calm_worker_records_everything),
		cmocka_unit_test(a_busy_one_keeps_whole_calls),
		cmocka_unit_test(errors_are_kept_a_few_a_burst),
		cmocka_unit_test(off_is_off),
	};

	return cmocka_run_group_tests_name("dataplane-recorder", tests, NULL, NULL);
}
