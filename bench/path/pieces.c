/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stw-bench-pieces: single pieces of work over a corpus, ns each, as JSON: the keyed hash of a
 * Call-ID, a cookie's MAC, the Maglev slot and its member, a checksum of a whole message. Messages
 * are parsed beforehand. Every answer is checked before the time: the hash by that of a copy
 * elsewhere and that it differs from all others, the members' shares by their weights, sums by a
 * plain loop.
 */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>
#include <strowger/sip.h>

#include "bench/clock.h"
#include "bench/path/frame.h"
#include "bench/path/world.h"
#include "dataplane/path/cksum.h"
#include "dataplane/route/mac.h"

#define ROUNDS_MAX 200u
#define DRAWS	   1000000u
#define WINDOW	   128u

enum piece { PIECE_HASH, PIECE_MAC, PIECE_MAGLEV, PIECE_CHECKSUM, N_PIECES };

static const char *const piece_names[N_PIECES] = {"call_id_hash", "cookie_mac", "maglev",
						  "checksum"};

struct bench {
	struct stw_bench_world world;
	const struct stw_secret *secret;
	const struct stw_image_pool *pool;
	struct stw_bench_frame *frames;
	size_t n;
	struct stw_sip_msg *parsed; /* [n], like those below */
	stw_nh_sum *sums;
	uint64_t *hashes;
	uint64_t kept; /* so that no work can be left out by the compiler */
	double ns[N_PIECES][ROUNDS_MAX];
};

static const char *text(const struct bench *b, size_t i)
{
	return (const char *)b->frames[i].bytes + STW_BENCH_FRAME_HEADERS;
}

static size_t text_len(const struct bench *b, size_t i)
{
	return (size_t)b->frames[i].len - STW_BENCH_FRAME_HEADERS;
}

static int load(struct bench *b, const char *config, const char *corpus)
{
	int err = stw_bench_world_init(config, &b->world);

	if (err == STW_OK)
		err = stw_bench_pcap_read(corpus, &b->frames, &b->n);
	if (err != STW_OK)
		return err;
	b->secret = &b->world.tables->secrets[0];
	b->pool = &b->world.tables->pools[0];
	b->parsed = calloc(b->n, sizeof(*b->parsed));
	b->sums = calloc(b->n, sizeof(*b->sums));
	b->hashes = calloc(b->n, sizeof(*b->hashes));
	if (!b->parsed || !b->sums || !b->hashes)
		return STW_ENOMEM;
	for (size_t i = 0; i < b->n; i++)
		if (stw_sip_parse(text(b, i), text_len(b, i), &b->parsed[i]) != STW_SIP_ACCEPTED)
			return STW_EMALFORMED;
	return STW_OK;
}

static void hash_all(struct bench *b, size_t first, size_t end)
{
	for (size_t i = first; i < end; i++) {
		b->sums[i] = stw_call_sum(b->secret, text(b, i), &b->parsed[i]);
		b->hashes[i] = stw_nh_spread(b->sums[i]);
	}
}

static void mac_all(struct bench *b, size_t first, size_t end)
{
	for (size_t i = first; i < end; i++)
		b->kept += stw_cookie_mac(b->secret, (uint32_t)i, b->sums[i]);
}

static uint16_t member_of(const struct bench *b, uint64_t hash)
{
	return b->world.tables->slots[stw_pool_slot(b->pool, hash)];
}

static void maglev_all(struct bench *b, size_t first, size_t end)
{
	for (size_t i = first; i < end; i++)
		b->kept += member_of(b, b->hashes[i]);
}

static void checksum_all(struct bench *b, size_t first, size_t end)
{
	for (size_t i = first; i < end; i++)
		b->kept += stw_cksum_sum(text(b, i), text_len(b, i));
}

static void (*const pieces[N_PIECES])(struct bench *b, size_t first,
				      size_t end) = {hash_all, mac_all, maglev_all, checksum_all};

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Of a copy at another place the same; of 16 384 Call-IDs no two alike, by 64 bits. */
static bool hashes_hold(struct bench *b)
{
	static char copy[STW_BENCH_FRAME_MAX + 1];
	uint64_t *sorted = malloc(b->n * sizeof(*sorted));
	bool good = sorted != NULL;

	hash_all(b, 0, b->n);
	for (size_t i = 0; good && i < b->n; i++) {
		memcpy(copy + 1, text(b, i), text_len(b, i));
		good = stw_nh_spread(stw_call_sum(b->secret, copy + 1, &b->parsed[i])) ==
		       b->hashes[i];
	}
	if (good)
		qsort(memcpy(sorted, b->hashes, b->n * sizeof(*sorted)), b->n, sizeof(*sorted),
		      compare);
	for (size_t i = 1; good && i < b->n; i++)
		good = sorted[i] != sorted[i - 1];
	free(sorted);
	return good;
}

/* Each member's share of many hashes is that of its weight, to one in a hundred of the whole. */
static bool shares_hold(const struct bench *b)
{
	const struct stw_image_pool_member *rows =
		&b->world.tables->pool_members[b->pool->first_member];
	double total = 0;
	bool good = true;

	for (uint32_t m = 0; m < b->pool->n_members; m++)
		total += rows[m].weight;
	for (uint32_t m = 0; m < b->pool->n_members; m++) {
		uint32_t seen = 0;
		for (uint64_t i = 0; i < DRAWS; i++)
			seen += member_of(b, i * 0x9e3779b97f4a7c15u) == rows[m].member;
		good &= fabs((double)seen / DRAWS - rows[m].weight / total) < 0.01;
	}
	return good;
}

static bool sums_hold(const struct bench *b)
{
	for (size_t i = 0; i < b->n; i++) {
		const uint8_t *p = (const uint8_t *)text(b, i);
		size_t len = text_len(b, i);
		uint64_t sum = 0;

		for (size_t k = 0; k < len; k++)
			sum += k % 2 == 0 ? p[k] : (uint64_t)p[k] << 8;
		if (stw_cksum_fold(sum) != stw_cksum_fold(stw_cksum_sum(p, len)))
			return false;
	}
	return true;
}

static int check(struct bench *b)
{
	const char *wrong = !hashes_hold(b)   ? "a hash"
			    : !shares_hold(b) ? "a member's share"
			    : !sums_hold(b)   ? "a checksum"
					      : NULL;

	if (wrong)
		fprintf(stderr, "stw-bench-pieces: %s is not what it must be\n", wrong);
	return wrong ? STW_EMALFORMED : STW_OK;
}

/* A window at a time, looked at once before, so that the piece is timed and not the memory. */
static void time_window(struct bench *b, size_t first, size_t end, uint64_t ticks[N_PIECES])
{
	for (int p = 0; p < N_PIECES; p++) {
		pieces[p](b, first, end);
		uint64_t start = stw_bench_ticks();
		pieces[p](b, first, end);
		ticks[p] += stw_bench_ticks() - start;
	}
}

static void time_all(struct bench *b, uint32_t rounds, double hz)
{
	for (uint32_t r = 0; r < rounds; r++) {
		uint64_t ticks[N_PIECES] = {0};

		for (size_t i = 0; i < b->n; i += WINDOW)
			time_window(b, i, i + WINDOW < b->n ? i + WINDOW : b->n, ticks);
		for (int p = 0; p < N_PIECES; p++)
			b->ns[p][r] = (double)ticks[p] * 1e9 / hz / (double)b->n;
	}
}

static void print(const struct bench *b, uint32_t rounds)
{
	printf("{\"messages\": %zu, \"kept\": %u, \"ns\": {", b->n, (unsigned)(b->kept & 1));
	for (int p = 0; p < N_PIECES; p++) {
		printf("%s\"%s\": [", p ? ", " : "", piece_names[p]);
		for (uint32_t r = 0; r < rounds; r++)
			printf("%s%.3f", r ? ", " : "", b->ns[p][r]);
		printf("]");
	}
	printf("}}\n");
}

static int run(const char *config, const char *corpus, uint32_t rounds)
{
	static struct bench b;
	int err = stw_sip_init(STW_KERNEL_AUTO);

	stw_cksum_init();
	if (err == STW_OK)
		err = load(&b, config, corpus);
	if (err == STW_OK)
		err = check(&b);
	if (err == STW_OK) {
		time_all(&b, rounds, stw_bench_ticks_hz());
		print(&b, rounds);
	} else {
		fprintf(stderr, "stw-bench-pieces: %s: failed\n", corpus);
	}
	free(b.parsed);
	free(b.sums);
	free(b.hashes);
	stw_bench_frames_free(b.frames, b.n);
	stw_bench_world_fini(&b.world);
	return err == STW_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{"config", required_argument, NULL, 'c'},
		{"corpus", required_argument, NULL, 'p'},
		{"rounds", required_argument, NULL, 'r'},
		{NULL, 0, NULL, 0},
	};
	const char *config = NULL, *corpus = NULL;
	uint32_t rounds = 20;

	for (int c; (c = getopt_long(argc, argv, "c:p:r:", longs, NULL)) != -1;) {
		switch (c) {
		case 'c': config = optarg; break;
		case 'p': corpus = optarg; break;
		case 'r': rounds = (uint32_t)strtoul(optarg, NULL, 10); break;
		default: return 2;
		}
	}
	if (!config || !corpus || rounds < 1 || rounds > ROUNDS_MAX || optind != argc) {
		fprintf(stderr, "usage: %s --config FILE --corpus FILE.pcap [--rounds 1..%u]\n",
			argv[0], ROUNDS_MAX);
		return 2;
	}
	return run(config, corpus, rounds);
}
