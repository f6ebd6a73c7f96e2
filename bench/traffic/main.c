/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stw-bench-traffic: the generator. It opens one DPDK device, loads a corpus that was made with
 * --stamp, says "ready" as a line of JSON and then obeys lines on standard input:
 *
 *   run RATE SECONDS [PATIENCE [LEAD]]   sends, receives, and answers with a line of JSON; waits so
 *                                        many seconds for the next message when some are out still;
 *                                        latencies do not count in so many at the beginning
 *   quit                                 as does the end of the input
 *
 * One core does everything, sending and receiving in turn.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_ethdev.h>

#include <strowger/errors.h>

#include "bench/clock.h"
#include "bench/traffic/device.h"
#include "bench/traffic/load.h"

#define RX_BUFFERS 16383u
#define FRAMES_MAX 20000u
#define DRAIN_S	   0.2

struct options {
	struct stw_bench_device device;
	const char *corpus;
	const char *config;
	enum stw_traffic_expect expect;
};

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
	(void)number;
	stop = 1;
}

static double us(uint64_t ticks, double hz)
{
	return (double)ticks * 1e6 / hz;
}

static void print_latency(const struct stw_histogram *h, double hz)
{
	static const double shares[] = {0.1,  0.25,  0.5,   0.75,   0.9,    0.95,
					0.99, 0.995, 0.999, 0.9995, 0.9999, 1};

	printf("\"latency_us\": {\"mean\": %.3f", h->n ? us(h->sum, hz) / (double)h->n : 0);
	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++)
		printf(", \"p%g\": %.3f", shares[i] * 100, us(stw_histogram_at(h, shares[i]), hz));
	printf("}");
}

static void print_result(const struct stw_traffic_plan *plan, const struct stw_traffic_result *r,
			 double hz)
{
	printf("{\"rate\": %.0f, \"seconds\": %.4f, \"due\": %u, \"refused\": %u, "
	       "\"received\": %u, \"repeated\": %" PRIu64 ", \"wrong\": %" PRIu64
	       ", \"stale\": %" PRIu64 ", \"foreign\": %" PRIu64 ", ",
	       plan->rate, r->seconds, r->due, r->refused, r->received, r->repeated, r->wrong,
	       r->stale, r->foreign);
	printf("\"late_max_us\": %.1f, \"paused_us\": %.1f, ", us(r->late_max, hz),
	       us(r->paused, hz));
	print_latency(&r->latency, hz);
	printf("}\n");
	fflush(stdout);
}

static int obey(uint16_t port, struct stw_traffic_frames *frames)
{
	static struct stw_traffic_result result;
	struct stw_traffic_plan plan = {0};
	double hz = stw_bench_ticks_hz();
	char line[128];

	printf("{\"ready\": %u, \"ticks_hz\": %.0f}\n", frames->n, hz);
	fflush(stdout);
	while (!stop && fgets(line, sizeof(line), stdin) != NULL && line[0] != 'q') {
		plan.drain_s = DRAIN_S;
		plan.lead_s = 0;
		if (sscanf(line, "run %lf %lf %lf %lf", &plan.rate, &plan.seconds, &plan.drain_s,
			   &plan.lead_s) < 2 ||
		    !(plan.rate > 0) || !(plan.seconds > 0) || !(plan.lead_s >= 0)) {
			fprintf(stderr, "stw-bench-traffic: want: run RATE SECONDS [PATIENCE "
					"[LEAD]], or quit\n");
			return STW_EMALFORMED;
		}
		plan.run++;
		int err = stw_traffic_run(port, frames, &plan, hz, &stop, &result);
		if (err != STW_OK) {
			fprintf(stderr, "stw-bench-traffic: 1 to %u messages a run\n",
				STW_TRAFFIC_MESSAGES_MAX);
			return err;
		}
		print_result(&plan, &result, hz);
	}
	return STW_OK;
}

static int run(const struct options *o)
{
	struct stw_traffic_frames frames = {0};
	struct rte_mempool *rx = NULL, *tx = NULL;
	uint16_t port = 0;
	int err = STW_EIO;

	rx = rte_pktmbuf_pool_create("rx", RX_BUFFERS, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
				     SOCKET_ID_ANY);
	tx = rte_pktmbuf_pool_create("tx", FRAMES_MAX, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
				     SOCKET_ID_ANY);
	if (rx != NULL && tx != NULL)
		err = stw_traffic_frames_load(o->corpus, o->config, o->expect, tx, &frames);
	if (err == STW_OK)
		err = stw_bench_device_open(port, rx, &stop);
	if (err == STW_OK)
		err = obey(port, &frames);
	else
		fprintf(stderr, "stw-bench-traffic: %s, %s: failed\n", o->device.name, o->corpus);
	rte_eth_dev_stop(port);
	rte_eth_dev_close(port);
	stw_traffic_frames_fini(&frames);
	return err;
}

static int usage(const char *name)
{
	fprintf(stderr,
		"usage: %s --device NAME,ARGUMENTS --corpus FILE.pcap [--core N] [--no-huge]\n"
		"       [--expect any | --expect echo | --config FILE (expect what it forwards)]\n",
		name);
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{"device", required_argument, NULL, 'd'},
		{"corpus", required_argument, NULL, 'p'},
		{"config", required_argument, NULL, 'c'},
		{"expect", required_argument, NULL, 'e'},
		{"core", required_argument, NULL, 'k'},
		{"no-huge", no_argument, NULL, 'n'},
		{NULL, 0, NULL, 0},
	};
	struct options o = {.device.huge = true};
	struct sigaction action = {.sa_handler = on_signal};
	int err;

	for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
		switch (c) {
		case 'd': o.device.name = optarg; break;
		case 'p': o.corpus = optarg; break;
		case 'c':
			o.config = optarg;
			o.expect = STW_TRAFFIC_FORWARD;
			break;
		case 'e':
			o.expect = strcmp(optarg, "echo") == 0 ? STW_TRAFFIC_ECHO : STW_TRAFFIC_ANY;
			break;
		case 'k': o.device.core = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'n': o.device.huge = false; break;
		default: return usage(argv[0]);
		}
	}
	if (o.device.name == NULL || o.corpus == NULL || optind != argc)
		return usage(argv[0]);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	err = stw_bench_device_start(argv[0], &o.device);
	if (err == STW_OK)
		err = run(&o);
	rte_eal_cleanup();
	return err == STW_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
