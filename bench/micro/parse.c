/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stw-bench-parse: nanoseconds a message, ours and others', one corpus, same core, interleaved.
 *
 *     stw-bench-parse --output FILE [--quick] [--runs N] [--seed N]
 *
 * First every parser has to tell the right Call-ID of every message; then each run times each of
 * them once over the whole corpus, sorted and shuffled. Every run is reported. What each does for
 * its time is told with it: ours stand there twice, for the whole parse and for its first stage
 * alone.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <strowger/sip.h>

#include "bench/clock.h"
#include "bench/micro/corpus.h"
#include "bench/micro/peers.h"
#include "bench/micro/worst.h"

#define MESSAGES  16384u
#define RUNS_MAX  101u
#define PEERS_MAX 16u
#define AHEAD	  8u /* messages: what the data plane prefetches, too */

struct corpus {
	char *bytes;
	uint32_t off[MESSAGES + 1];
};

struct sample {
	double ns[2][RUNS_MAX]; /* [sorted, shuffled] */
	bool runs;
};

static void corpus_make(struct corpus *c, uint64_t seed, bool shuffled)
{
	char text[STW_CORPUS_ROOM];

	c->bytes = malloc((size_t)MESSAGES * STW_CORPUS_ROOM);
	if (!c->bytes)
		exit(2);
	for (unsigned i = 0; i < MESSAGES; i++) {
		size_t len = stw_corpus_message(seed, i, shuffled, text, sizeof(text));
		memcpy(c->bytes + c->off[i], text, len);
		c->off[i + 1] = c->off[i] + (uint32_t)len;
	}
}

/* The Call-ID as the corpus wrote it, found without any of the parsers. */
static const char *true_call_id(const char *msg, size_t *len)
{
	const char *p = strstr(msg, "\r\nCall-ID: ");
	p = p ? p + strlen("\r\nCall-ID: ") : strstr(msg, "\r\ni: ") + strlen("\r\ni: ");
	*len = strcspn(p, "\r");
	return p;
}

static bool check(const struct stw_peer *peer, const struct corpus *c)
{
	char text[STW_CORPUS_ROOM + 1];

	for (unsigned i = 0; i < MESSAGES; i++) {
		size_t len = c->off[i + 1] - c->off[i], want_len, got_len = 0;
		const char *got = NULL;
		memcpy(text, c->bytes + c->off[i], len);
		text[len] = '\0';
		const char *want = true_call_id(text, &want_len);
		if (!peer->parse(c->bytes + c->off[i], len, &got, &got_len) ||
		    got_len != want_len || memcmp(got, want, want_len) != 0) {
			fprintf(stderr, "%s: wrong answer for message %u:\n%s\n", peer->name, i,
				text);
			return false;
		}
	}
	return true;
}

static void prefetch(const struct corpus *c, unsigned i)
{
	const char *next = c->bytes + c->off[i + AHEAD < MESSAGES ? i + AHEAD : i];

	for (unsigned line = 0; line < 10; line++)
		__builtin_prefetch(next + 64 * line);
}

static void each_alone(const struct stw_peer *peer, const struct corpus *c)
{
	const char *call_id = NULL;
	size_t len = 0;

	for (unsigned i = 0; i < MESSAGES; i++) {
		prefetch(c, i);
		peer->parse(c->bytes + c->off[i], c->off[i + 1] - c->off[i], &call_id, &len);
	}
}

static void in_bursts(const struct stw_peer *peer, const struct corpus *c)
{
	const char *msg[AHEAD];
	size_t len[AHEAD];

	_Static_assert(MESSAGES % AHEAD == 0 && AHEAD <= STW_PEER_BURST, "whole bursts");
	for (unsigned i = 0; i < MESSAGES; i += AHEAD) {
		for (unsigned k = 0; k < AHEAD; k++) {
			msg[k] = c->bytes + c->off[i + k];
			len[k] = c->off[i + k + 1] - c->off[i + k];
			prefetch(c, i + k);
		}
		peer->burst(msg, len, AHEAD);
	}
}

static double time_once(const struct stw_peer *peer, const struct corpus *c)
{
	uint64_t start = stw_bench_now_ns();

	if (peer->burst)
		in_bursts(peer, c);
	else
		each_alone(peer, c);
	return (double)(stw_bench_now_ns() - start) / MESSAGES;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void measure(const struct corpus corpora[2], struct sample samples[PEERS_MAX], unsigned runs)
{
	/* Run 0 warms up and is overwritten. Interleaved: a slow minute is slow for all. */
	for (unsigned run = 0; run <= runs; run++) {
		for (unsigned p = 0; stw_peers[p].name; p++) {
			for (unsigned order = 0; order < 2 && samples[p].runs; order++) {
				stw_peers[p].init();
				samples[p].ns[order][run ? run - 1 : 0] =
					time_once(&stw_peers[p], &corpora[order]);
			}
		}
	}
}

static double median(const double ns[], unsigned runs)
{
	double sorted[RUNS_MAX];

	memcpy(sorted, ns, runs * sizeof(*sorted));
	qsort(sorted, runs, sizeof(*sorted), by_value);
	return sorted[runs / 2];
}

static void write_runs(FILE *f, const char *order, const double ns[], unsigned runs)
{
	fprintf(f, "\"%s\":[", order);
	for (unsigned i = 0; i < runs; i++)
		fprintf(f, "%s%.1f", i ? "," : "", ns[i]);
	fprintf(f, "]");
}

static int report(const char *path, const struct sample samples[PEERS_MAX], unsigned runs,
		  size_t bytes, uint64_t seed)
{
	FILE *f = fopen(path, "w");
	const char *comma = "";

	if (!f) {
		fprintf(stderr, "stw-bench-parse: cannot write %s\n", path);
		return 2;
	}
	fprintf(f,
		"{\"micro\":{\"corpus\":{\"messages\":%u,\"shapes\":%d,\"bytes_per_msg\":%zu,"
		"\"seed\":%llu},\"runs\":%u,\"parse\":{",
		MESSAGES, (int)STW_N_CORPUS_SHAPES, bytes / MESSAGES, (unsigned long long)seed,
		runs);
	for (unsigned p = 0; stw_peers[p].name; p++) {
		const struct sample *s = &samples[p];
		if (!s->runs)
			continue;
		fprintf(f, "%s\"%s\":{\"work\":\"%s\",\"ns_per_msg\":{", comma, stw_peers[p].name,
			stw_peers[p].work);
		write_runs(f, "sorted", s->ns[0], runs);
		fprintf(f, ",");
		write_runs(f, "shuffled", s->ns[1], runs);
		fprintf(f, "}}");
		comma = ",";
	}
	fprintf(f, "},\"worst\":");
	stw_sip_init(STW_KERNEL_AUTO);
	stw_bench_worst(f);
	fprintf(f, "}}\n");
	return fclose(f) == 0 ? 0 : 2;
}

static void print(const struct sample samples[PEERS_MAX], unsigned runs)
{
	printf("%-16s %18s %18s\n", "parser", "sorted ns/msg", "shuffled ns/msg");
	for (unsigned p = 0; stw_peers[p].name; p++) {
		if (samples[p].runs)
			printf("%-16s %18.1f %18.1f\n", stw_peers[p].name,
			       median(samples[p].ns[0], runs), median(samples[p].ns[1], runs));
		else
			printf("%-16s %18s\n", stw_peers[p].name, "not on this machine");
	}
}

static int usage(void)
{
	fprintf(stderr, "usage: stw-bench-parse --output FILE [--quick] [--runs N] [--seed N]\n");
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"output", required_argument, NULL, 'o'},
						{"quick", no_argument, NULL, 'q'},
						{"runs", required_argument, NULL, 'r'},
						{"seed", required_argument, NULL, 's'},
						{NULL, 0, NULL, 0}};
	static struct corpus corpora[2];
	static struct sample samples[PEERS_MAX];
	const char *output = NULL;
	uint64_t seed = 7;
	unsigned runs = 15;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'o': output = optarg; break;
		case 'q': runs = 5; break;
		case 'r': runs = (unsigned)strtoul(optarg, NULL, 10); break;
		case 's': seed = strtoull(optarg, NULL, 10); break;
		default: return usage();
		}
	}
	if (!output || optind != argc || runs < 1 || runs > RUNS_MAX)
		return usage();
	for (unsigned order = 0; order < 2; order++)
		corpus_make(&corpora[order], seed, order == 1);
	for (unsigned p = 0; stw_peers[p].name; p++) {
		samples[p].runs = stw_peers[p].init() != 0;
		for (unsigned order = 0; order < 2 && samples[p].runs; order++) {
			if (!check(&stw_peers[p], &corpora[order]))
				return 1;
		}
	}
	measure(corpora, samples, runs);
	print(samples, runs);
	return report(output, samples, runs, corpora[0].off[MESSAGES], seed);
}
