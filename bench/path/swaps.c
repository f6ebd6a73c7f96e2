/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stw-bench-swaps: what a swap of tables costs a worker, as JSON. One thread works as a worker
 * does: it reads the RCU root once a burst, parses, routes and rewrites the burst's messages, and
 * passes a quiescent state. Another swaps tables under it, by the installer's own code. Each turn
 * is timed from outside: a pause is the longest turn from the one in which new tables were
 * published to WINDOW turns after they were seen, cold caches of the new ones and the freeing of
 * the old ones within. As a measure of the machine's own noise, the longest of as many turns in
 * which nothing happened stands beside it.
 */
#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <strowger/errors.h>
#include <strowger/sip.h>
#include <strowger/urcu.h>

#include "bench/clock.h"
#include "bench/path/frame.h"
#include "bench/path/world.h"
#include "dataplane/snapshot.h"

#define BURST	  32u
#define WINDOW	  64u
#define SWAPS_MAX 200u

struct times {
	uint64_t longest; /* turn, in ticks */
	uint64_t total;	  /* of all turns in the window */
	uint32_t turns;
};

struct bench {
	struct stw_bench_world world;
	struct stw_snapshots snapshots;
	struct stw_bench_frame *frames;
	size_t n_frames;
	int core; /* the worker's */
	uint32_t n_swaps;
	struct times quiet[SWAPS_MAX], swapped[SWAPS_MAX]; /* the worker's until @done says so */
	_Atomic uint32_t ready;				   /* quiet windows that are over */
	_Atomic uint32_t done;				   /* swaps whose window is over */
	_Atomic bool stop;
	_Atomic uint64_t refused;
};

/* One burst from @first on. @return generation of the tables it was routed by */
static uint64_t turn(struct bench *b, size_t first, uint64_t *took)
{
	static struct stw_bench_sent sent;
	struct stw_bench_world world = b->world;
	uint64_t start = stw_bench_ticks(), generation;

	world.snapshot = (struct stw_snapshot *)(uintptr_t)stw_snapshot_rcu(&b->snapshots);
	world.tables = (struct stw_tables *)(uintptr_t)world.snapshot->tables;
	generation = stw_tables_generation(world.tables);
	for (size_t i = first; i < first + BURST; i++) {
		const struct stw_bench_frame *f = &b->frames[i];
		const struct stw_endpoint source = stw_bench_frame_source(f);
		const char *why;

		if (stw_bench_world_forward(&world,
					    (const char *)f->bytes + STW_BENCH_FRAME_HEADERS,
					    (size_t)f->len - STW_BENCH_FRAME_HEADERS, &source,
					    &sent, &why) != STW_OK)
			atomic_fetch_add(&b->refused, 1);
	}
	rcu_quiescent_state();
	*took = stw_bench_ticks() - start;
	return generation;
}

static void note(struct times *t, uint64_t took)
{
	t->longest = took > t->longest ? took : t->longest;
	t->total += took;
	t->turns++;
}

/*
 * A quiet window, then turns until other tables are seen, then the window after them; again and
 * again. Tables are only published between @ready and @done.
 */
static void work(struct bench *b)
{
	uint64_t seen = stw_tables_generation(b->snapshots.tables), before = 0, took;
	size_t first = 0;
	uint32_t swap = 0;

	while (!atomic_load(&b->stop)) {
		const uint64_t generation = turn(b, first, &took);

		first = first + 2 * BURST <= b->n_frames ? first + BURST : 0;
		if (swap == b->n_swaps)
			continue;
		if (generation != seen)
			note(&b->swapped[swap], before); /* published while it ran */
		seen = generation;
		before = took;
		if (b->swapped[swap].turns > 0) {
			note(&b->swapped[swap], took);
			if (b->swapped[swap].turns > WINDOW)
				atomic_store(&b->done, ++swap);
		} else if (b->quiet[swap].turns <= WINDOW) {
			note(&b->quiet[swap], took);
			if (b->quiet[swap].turns > WINDOW)
				atomic_store(&b->ready, swap + 1);
		}
	}
}

static void *worker(void *arg)
{
	struct bench *b = arg;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)b->core, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	rcu_register_thread();
	work(b);
	rcu_unregister_thread();
	return NULL;
}

/* The worker counts on for a few milliseconds; its core is its own. */
static void await(const _Atomic uint32_t *count, uint32_t wanted)
{
	const struct timespec nap = {.tv_nsec = 200000};

	while (atomic_load(count) < wanted)
		nanosleep(&nap, NULL);
}

static int swap_all(struct bench *b, const char *config)
{
	int err = STW_OK;

	for (uint32_t i = 0; err == STW_OK && i < b->n_swaps; i++) {
		struct stw_tables *t;

		err = stw_bench_world_tables(config, i + 2, (uint16_t)(1 + (i + 1) % 3), &t);
		if (err != STW_OK)
			break;
		await(&b->ready, i + 1);
		err = stw_snapshots_swap_tables(&b->snapshots, t, NULL);
		if (err == STW_OK)
			await(&b->done, i + 1);
		else
			stw_tables_free(t);
	}
	return err;
}

static int measure(struct bench *b, const char *config)
{
	pthread_t thread;
	int err;

	if (pthread_create(&thread, NULL, worker, b) != 0)
		return STW_ENOMEM;
	err = swap_all(b, config);
	atomic_store(&b->stop, true);
	pthread_join(thread, NULL);
	if (err == STW_OK && b->refused > 0) {
		fprintf(stderr, "stw-bench-swaps: %llu messages were not forwarded\n",
			(unsigned long long)b->refused);
		err = STW_EMALFORMED;
	}
	return err;
}

/* The world's tables and FIB go over to the snapshots, as the installer's do. */
static int load(struct bench *b, const char *config, const char *corpus)
{
	struct stw_iface_address address = {0};
	int err = stw_bench_pcap_read(corpus, &b->frames, &b->n_frames);

	if (err == STW_OK)
		err = b->n_frames >= BURST ? stw_bench_world_init(config, &b->world) : STW_ERANGE;
	if (err == STW_OK)
		err = stw_snapshots_init(&b->snapshots);
	if (err != STW_OK)
		return err;
	address.ip = stw_bench_world_listener(&b->world)->ip;
	err = stw_snapshots_swap_fib(&b->snapshots, b->world.fib, &address, 1, NULL);
	if (err == STW_OK) {
		b->world.fib = NULL;
		err = stw_snapshots_swap_tables(&b->snapshots, b->world.tables, NULL);
	}
	if (err == STW_OK)
		b->world.tables = NULL;
	return err;
}

static void print_list(const char *name, const struct times *t, uint32_t n, double hz)
{
	printf("\"%s\": [", name);
	for (uint32_t i = 0; i < n; i++)
		printf("%s%.2f", i ? ", " : "", (double)t[i].longest * 1e6 / hz);
	printf("]");
}

static void print(const struct bench *b, double hz)
{
	printf("{\"swaps\": %u, ", b->n_swaps);
	print_list("pause_us", b->swapped, b->n_swaps, hz);
	printf(", ");
	print_list("quiet_us", b->quiet, b->n_swaps, hz);
	printf(", \"turn_us\": [");
	for (uint32_t i = 0; i < b->n_swaps; i++)
		printf("%s%.2f", i ? ", " : "",
		       (double)b->quiet[i].total * 1e6 / hz / b->quiet[i].turns);
	printf("]}\n");
}

static int run(struct bench *b, const char *config, const char *corpus)
{
	int err = stw_sip_init(STW_KERNEL_AUTO);

	if (err == STW_OK)
		err = load(b, config, corpus);
	if (err == STW_OK)
		err = measure(b, config);
	if (err == STW_OK)
		print(b, stw_bench_ticks_hz());
	else
		fprintf(stderr, "stw-bench-swaps: failed: %s\n", stw_err_text(err));
	stw_snapshots_fini(&b->snapshots);
	stw_bench_world_fini(&b->world);
	stw_bench_frames_free(b->frames, b->n_frames);
	return err == STW_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {{"config", required_argument, NULL, 'c'},
					      {"corpus", required_argument, NULL, 'p'},
					      {"core", required_argument, NULL, 'w'},
					      {"swaps", required_argument, NULL, 's'},
					      {NULL, 0, NULL, 0}};
	static struct bench b = {.n_swaps = 10};
	const char *config = NULL, *corpus = NULL;

	for (int c; (c = getopt_long(argc, argv, "c:p:w:s:", longs, NULL)) != -1;) {
		switch (c) {
		case 'c': config = optarg; break;
		case 'p': corpus = optarg; break;
		case 'w': b.core = atoi(optarg); break;
		case 's': b.n_swaps = (uint32_t)strtoul(optarg, NULL, 10); break;
		default: return 2;
		}
	}
	if (!config || !corpus || b.core < 0 || b.core >= CPU_SETSIZE || b.n_swaps < 1 ||
	    b.n_swaps > SWAPS_MAX || optind != argc) {
		fprintf(stderr,
			"usage: %s --config FILE --corpus FILE.pcap [--core N] [--swaps 1..%u]\n",
			argv[0], SWAPS_MAX);
		return 2;
	}
	return run(&b, config, corpus);
}
