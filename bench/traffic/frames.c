/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/traffic/frames.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include <strowger/errors.h>

#include "bench/path/frame.h"
#include "bench/path/world.h"

#define OFF_UDP_CHECK 40u

static int refuse(size_t i, const char *why)
{
	fprintf(stderr, "stw-bench-traffic: frame %zu: %s\n", i, why);
	return STW_EMALFORMED;
}

/* ~check is the sum over all that is covered (RFC 1071); the stamp's share is taken out. */
static void take_sum(const uint8_t *bytes, struct stw_traffic_frame *f)
{
	uint16_t check;
	uint32_t sum;

	memcpy(&check, bytes + OFF_UDP_CHECK, sizeof(check));
	sum = (uint16_t)~check;
	sum += 0xffffu - stw_stamp_sum(bytes + f->stamp_off, f->stamp_off & 1);
	f->sum = (uint16_t)((sum & 0xffff) + (sum >> 16));
}

static int take(const struct stw_bench_frame *in, struct rte_mempool *pool, size_t i,
		struct stw_traffic_frame *f)
{
	const uint8_t *at = stw_stamp_find(in->bytes + STW_BENCH_FRAME_HEADERS,
					   (size_t)in->len - STW_BENCH_FRAME_HEADERS);
	char *room;

	if (at == NULL || memchr(at, STW_STAMP_MARK, (size_t)(in->bytes + in->len - at)) != NULL)
		return refuse(i,
			      "does not hold exactly one stamp; is the corpus made with --stamp?");
	f->stamp_off = (uint16_t)(at - in->bytes);
	f->len = in->len;
	take_sum(in->bytes, f);
	f->mbuf = rte_pktmbuf_alloc(pool);
	room = f->mbuf != NULL ? rte_pktmbuf_append(f->mbuf, in->len) : NULL;
	if (room == NULL)
		return STW_ENOMEM;
	memcpy(room, in->bytes, in->len);
	return STW_OK;
}

static int expect_forward(const struct stw_bench_world *w, const struct stw_bench_frame *in,
			  size_t i, struct stw_traffic_frame *f)
{
	static struct stw_bench_sent sent;
	struct stw_endpoint source = stw_bench_frame_source(in);
	const char *why = "";

	if (stw_bench_world_forward(w, (const char *)in->bytes + STW_BENCH_FRAME_HEADERS,
				    (size_t)in->len - STW_BENCH_FRAME_HEADERS, &source, &sent,
				    &why) != STW_OK)
		return refuse(i, why);
	memcpy(&f->back_ip, sent.verdict.dst.ip.b + 12, sizeof(f->back_ip));
	f->back_port = htons(sent.verdict.dst.port);
	f->back_len = (uint16_t)(sent.len + STW_BENCH_FRAME_HEADERS);
	return STW_OK;
}

static int load(const struct stw_bench_frame *in, const struct stw_bench_world *w,
		enum stw_traffic_expect expect, struct rte_mempool *pool,
		struct stw_traffic_frames *out)
{
	int err = STW_OK;

	for (uint32_t i = 0; i < out->n && err == STW_OK; i++) {
		struct stw_traffic_frame *f = &out->list[i];

		err = take(&in[i], pool, i, f);
		if (err == STW_OK && expect == STW_TRAFFIC_FORWARD)
			err = expect_forward(w, &in[i], i, f);
		if (err == STW_OK && expect == STW_TRAFFIC_ECHO)
			f->back_len = f->len;
	}
	return err;
}

int stw_traffic_frames_load(const char *corpus, const char *config, enum stw_traffic_expect expect,
			    struct rte_mempool *pool, struct stw_traffic_frames *out)
{
	struct stw_traffic_frames f = {0};
	struct stw_bench_world world = {0};
	struct stw_bench_frame *in = NULL;
	size_t n = 0;
	int err = stw_bench_pcap_read(corpus, &in, &n);

	if (err == STW_OK && expect == STW_TRAFFIC_FORWARD)
		err = stw_bench_world_init(config, &world);
	if (err == STW_OK) {
		f.list = calloc(n, sizeof(*f.list));
		f.n = (uint32_t)n;
		err = f.list != NULL ? load(in, &world, expect, pool, &f) : STW_ENOMEM;
	}
	stw_bench_world_fini(&world);
	stw_bench_frames_free(in, n);
	if (err == STW_OK)
		*out = f;
	else
		stw_traffic_frames_fini(&f);
	return err;
}

void stw_traffic_frames_fini(struct stw_traffic_frames *f)
{
	for (uint32_t i = 0; f->list != NULL && i < f->n; i++)
		rte_pktmbuf_free(f->list[i].mbuf);
	free(f->list);
	memset(f, 0, sizeof(*f));
}
