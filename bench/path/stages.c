/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stw-bench-stages: where the time of one message goes, without a NIC around it. The stages of the
 * path run over the corpus burst by burst, each between two reads of the TSC; messages are first
 * copied into buffers of a worker's kind, as net_pcap does. Every frame's answer is checked before
 * anything is timed.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>
#include <strowger/sip.h>

#include "bench/clock.h"
#include "bench/path/frame.h"
#include "bench/path/world.h"
#include "dataplane/path/cksum.h"

#define BURST_MAX  64u
#define ROUNDS_MAX 1000u

/* X(NAME, "name") in the order of the path; ALL is the sum, taken over the whole loop. */
#define STAGES(X)               \
	X(COPY, "copy")         \
	X(PARSE, "parse")       \
	X(ROUTE, "route")       \
	X(REWRITE, "rewrite")   \
	X(CHECKSUM, "checksum") \
	X(ALL, "all")

enum stage {
#define X(name, text) STAGE_##name,
	STAGES(X)
#undef X
		N_STAGES,
};

static const char *const stage_names[N_STAGES] = {
#define X(name, text) [STAGE_##name] = text,
	STAGES(X)
#undef X
};

struct options {
	const char *config;
	const char *corpus;
	uint32_t burst;
	uint32_t rounds;
};

struct bench {
	struct stw_bench_world world;
	struct stw_bench_frame *frames;
	size_t n_frames;
	struct stw_source *sources; /* [n_frames] */
	/* Buffers as a worker has them: headroom, message, room behind. */
	char *slots; /* [BURST_MAX] of slot_bytes */
	size_t slot_bytes;
	struct stw_sip_msg parsed[BURST_MAX];
	struct stw_verdict verdicts[BURST_MAX];
	struct stw_rewritten moved[BURST_MAX];
	uint64_t ticks[N_STAGES];
	uint64_t bytes_out;
	uint64_t sums; /* with bytes_out: so that no stage's work can be left out by the compiler */
	double ns[N_STAGES][ROUNDS_MAX];
};

/* As large as the largest frame asks for, as a port's MTU sizes a worker's. */
static int make_slots(struct bench *b)
{
	size_t largest = 0;

	for (size_t i = 0; i < b->n_frames; i++)
		largest = b->frames[i].len > largest ? b->frames[i].len : largest;
	b->slot_bytes = (STW_REWRITE_HEADROOM + largest + STW_REWRITE_TAILROOM + 63) & ~(size_t)63;
	b->slots = aligned_alloc(64, BURST_MAX * b->slot_bytes);
	return b->slots ? STW_OK : STW_ENOMEM;
}

static int load(struct bench *b, const struct options *o)
{
	int err = stw_bench_world_init(o->config, &b->world);

	if (err == STW_OK)
		err = stw_bench_pcap_read(o->corpus, &b->frames, &b->n_frames);
	if (err != STW_OK)
		return err;
	b->sources = calloc(b->n_frames, sizeof(*b->sources));
	if (!b->sources)
		return STW_ENOMEM;
	for (size_t i = 0; i < b->n_frames; i++)
		b->sources[i].peer = stw_bench_frame_source(&b->frames[i]);
	return b->n_frames >= o->burst ? make_slots(b) : STW_ERANGE;
}

static size_t text_len(const struct stw_bench_frame *f)
{
	return (size_t)f->len - STW_BENCH_FRAME_HEADERS;
}

/* The answer before the time: every frame must be forwarded. */
static int check(struct bench *b, uint64_t *bytes_out)
{
	static struct stw_bench_sent sent;
	const char *why = "";

	*bytes_out = 0;
	for (size_t i = 0; i < b->n_frames; i++) {
		const struct stw_bench_frame *f = &b->frames[i];
		int err = stw_bench_world_forward(&b->world,
						  (const char *)f->bytes + STW_BENCH_FRAME_HEADERS,
						  text_len(f), &b->sources[i].peer, &sent, &why);
		if (err != STW_OK) {
			fprintf(stderr, "stw-bench-stages: frame %zu: %s\n", i, why);
			return err;
		}
		*bytes_out += sent.len;
	}
	return STW_OK;
}

static char *text_of(struct bench *b, uint32_t i)
{
	return b->slots + i * b->slot_bytes + STW_REWRITE_HEADROOM;
}

static void copy(struct bench *b, size_t first, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		const struct stw_bench_frame *f = &b->frames[first + i];
		memcpy(text_of(b, i) - STW_BENCH_FRAME_HEADERS, f->bytes, f->len);
	}
}

static void parse(struct bench *b, size_t first, uint32_t n)
{
	struct stw_sip_job jobs[BURST_MAX];

	for (uint32_t i = 0; i < n; i++)
		jobs[i] = (struct stw_sip_job){text_of(b, i),
					       (uint32_t)text_len(&b->frames[first + i]),
					       &b->parsed[i]};
	stw_sip_parse_burst(jobs, n);
}

static void route(struct bench *b, size_t first, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		stw_route_begin(b->world.snapshot, text_of(b, i), &b->parsed[i],
				&b->sources[first + i], &b->verdicts[i]);
	for (uint32_t i = 0; i < n; i++)
		stw_route_finish(b->world.snapshot, text_of(b, i), &b->parsed[i],
				 &b->sources[first + i], &b->verdicts[i]);
}

static void rewrite(struct bench *b, size_t first, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (stw_rewrite(b->world.snapshot, &b->parsed[i], &b->sources[first + i],
				&b->verdicts[i], text_of(b, i), &b->moved[i]) == STW_OK)
			b->bytes_out += b->moved[i].len;
}

/* UDP's, over the whole message, as for a NIC that cannot. */
static void checksum(struct bench *b, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		b->sums += stw_cksum_sum(text_of(b, i) + b->moved[i].start, b->moved[i].len);
}

static void run_burst(struct bench *b, size_t first, uint32_t n)
{
	uint64_t t0 = stw_bench_ticks();
	copy(b, first, n);
	uint64_t t1 = stw_bench_ticks();
	parse(b, first, n);
	uint64_t t2 = stw_bench_ticks();
	route(b, first, n);
	uint64_t t3 = stw_bench_ticks();
	rewrite(b, first, n);
	uint64_t t4 = stw_bench_ticks();
	checksum(b, n);
	uint64_t t5 = stw_bench_ticks();

	b->ticks[STAGE_COPY] += t1 - t0;
	b->ticks[STAGE_PARSE] += t2 - t1;
	b->ticks[STAGE_ROUTE] += t3 - t2;
	b->ticks[STAGE_REWRITE] += t4 - t3;
	b->ticks[STAGE_CHECKSUM] += t5 - t4;
	b->ticks[STAGE_ALL] += t5 - t0;
}

/* Once through the corpus. @return bytes sent */
static uint64_t run_round(struct bench *b, uint32_t burst)
{
	memset(b->ticks, 0, sizeof(b->ticks));
	b->bytes_out = 0;
	for (size_t i = 0; i < b->n_frames; i += burst) {
		size_t left = b->n_frames - i;
		run_burst(b, i, left < burst ? (uint32_t)left : burst);
	}
	return b->bytes_out;
}

/* Every round must send the bytes, and sum them to the sums, of the first. */
static int run_rounds(struct bench *b, const struct options *o, uint64_t bytes_out, double hz)
{
	uint64_t sums = 0;

	for (uint32_t r = 0; r < 3; r++) {
		b->sums = 0;
		run_round(b, o->burst); /* warm */
		sums = b->sums;
	}
	for (uint32_t r = 0; r < o->rounds; r++) {
		b->sums = 0;
		if (run_round(b, o->burst) != bytes_out || b->sums != sums) {
			fprintf(stderr, "stw-bench-stages: a round gave another answer\n");
			return STW_EMALFORMED;
		}
		for (int s = 0; s < N_STAGES; s++)
			b->ns[s][r] = (double)b->ticks[s] * 1e9 / hz / (double)b->n_frames;
	}
	return STW_OK;
}

static void print(const struct bench *b, const struct options *o, double hz)
{
	printf("{\"frames\": %zu, \"burst\": %u, \"ticks_hz\": %.0f, \"kernel\": \"%s\",\n",
	       b->n_frames, o->burst, hz, stw_sip_kernel_name(stw_sip_kernel_in_use()));
	printf(" \"ns_per_message\": {");
	for (int s = 0; s < N_STAGES; s++) {
		printf("%s\n  \"%s\": [", s ? "," : "", stage_names[s]);
		for (uint32_t r = 0; r < o->rounds; r++)
			printf("%s%.2f", r ? ", " : "", b->ns[s][r]);
		printf("]");
	}
	printf("}}\n");
}

static int run(const struct options *o)
{
	static struct bench b;
	uint64_t bytes_out;
	double hz = stw_bench_ticks_hz();
	int err = stw_sip_init(STW_KERNEL_AUTO);

	stw_cksum_init();
	if (err == STW_OK)
		err = load(&b, o);
	if (err == STW_OK)
		err = check(&b, &bytes_out);
	if (err == STW_OK)
		err = run_rounds(&b, o, bytes_out, hz);
	if (err == STW_OK)
		print(&b, o, hz);
	else
		fprintf(stderr, "stw-bench-stages: %s: failed\n", o->corpus);
	free(b.sources);
	free(b.slots);
	stw_bench_frames_free(b.frames, b.n_frames);
	stw_bench_world_fini(&b.world);
	return err == STW_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{"config", required_argument, NULL, 'c'},
		{"corpus", required_argument, NULL, 'p'},
		{"burst", required_argument, NULL, 'b'},
		{"rounds", required_argument, NULL, 'r'},
		{NULL, 0, NULL, 0},
	};
	struct options o = {.burst = 32, .rounds = 20};

	for (int c; (c = getopt_long(argc, argv, "c:p:b:r:", longs, NULL)) != -1;) {
		switch (c) {
		case 'c': o.config = optarg; break;
		case 'p': o.corpus = optarg; break;
		case 'b': o.burst = (uint32_t)strtoul(optarg, NULL, 10); break;
		case 'r': o.rounds = (uint32_t)strtoul(optarg, NULL, 10); break;
		default: return 2;
		}
	}
	if (!o.config || !o.corpus || o.burst < 1 || o.burst > BURST_MAX || o.rounds < 1 ||
	    o.rounds > ROUNDS_MAX || optind != argc) {
		fprintf(stderr,
			"usage: %s --config FILE --corpus FILE.pcap [--burst 1..%u]"
			" [--rounds 1..%u]\n",
			argv[0], BURST_MAX, ROUNDS_MAX);
		return 2;
	}
	return run(&o);
}
