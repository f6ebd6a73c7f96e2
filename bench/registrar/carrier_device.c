/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/registrar/carrier.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_pause.h>
#include <rte_udp.h>

#include <strowger/errors.h>

#include "bench/clock.h"

#define BUFFERS 16383u

struct headers {
	struct rte_ether_hdr eth;
	struct rte_ipv4_hdr ip;
	struct rte_udp_hdr udp;
};

_Static_assert(sizeof(struct headers) == 42, "as on the wire");

static struct headers headers;
static struct rte_mempool *pool;
static struct rte_mbuf *out[STW_CARRIER_BATCH];
static unsigned n_out;

/* It holds all that may be under way, so there is always one. */
static struct rte_mbuf *fresh(void)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

	if (m == NULL) {
		fprintf(stderr, "stw-bench-phones: no buffers left\n");
		exit(1);
	}
	return m;
}

static char *room(void)
{
	if (out[n_out] == NULL)
		out[n_out] = fresh();
	return rte_pktmbuf_mtod_offset(out[n_out], char *, sizeof(headers));
}

/* What the device does not take at once it takes soon: the other end reads without end. */
static void flush(void)
{
	unsigned done = 0;

	while (done < n_out)
		done += rte_eth_tx_burst(0, 0, out + done, (uint16_t)(n_out - done));
	memset(out, 0, n_out * sizeof(out[0]));
	n_out = 0;
}

/* No UDP checksum (RFC 768): the generator need not be the slower one. */
static void push(size_t len)
{
	struct rte_mbuf *m = out[n_out];
	struct headers *h = rte_pktmbuf_mtod(m, struct headers *);

	*h = headers;
	h->udp.dgram_len = htons((uint16_t)(sizeof(h->udp) + len));
	h->ip.total_length = htons((uint16_t)(sizeof(h->ip) + sizeof(h->udp) + len));
	h->ip.hdr_checksum = rte_ipv4_cksum(&h->ip);
	m->data_len = (uint16_t)(sizeof(*h) + len);
	m->pkt_len = m->data_len;
	if (++n_out == STW_CARRIER_BATCH)
		flush();
}

static bool is_answer(const struct rte_mbuf *m)
{
	const struct headers *h = rte_pktmbuf_mtod(m, const struct headers *);

	return m->data_len > sizeof(*h) && rte_pktmbuf_tailroom(m) > 0 &&
	       h->eth.ether_type == htons(RTE_ETHER_TYPE_IPV4) &&
	       h->ip.next_proto_id == IPPROTO_UDP && h->udp.dst_port == headers.udp.src_port;
}

static unsigned receive(stw_carrier_take_fn *take)
{
	struct rte_mbuf *in[STW_CARRIER_BATCH];
	const uint16_t n = rte_eth_rx_burst(0, 0, in, STW_CARRIER_BATCH);
	const uint64_t now_ns = stw_bench_now_ns();

	for (uint16_t i = 0; i < n; i++) {
		if (is_answer(in[i])) {
			char *text = rte_pktmbuf_mtod(in[i], char *);

			text[in[i]->data_len] = '\0';
			take(text + sizeof(headers), now_ns);
		}
		rte_pktmbuf_free(in[i]);
	}
	return n;
}

static void wait_a_little(void)
{
	rte_pause();
}

static bool address(const char *from, const char *to)
{
	headers = (struct headers){
		.eth = {.dst_addr = {{0x02, 0x70, 0x63, 0x61, 0x70, 0x00}},
			.src_addr = {{0x02, 0, 0, 0, 0, 0xfe}},
			.ether_type = htons(RTE_ETHER_TYPE_IPV4)},
		.ip = {.version_ihl = RTE_IPV4_VHL_DEF,
		       .time_to_live = 64,
		       .next_proto_id = IPPROTO_UDP},
		.udp = {.src_port = htons(STW_PHONES_PORT), .dst_port = htons(STW_REGISTRAR_PORT)},
	};
	return inet_pton(AF_INET, from, &headers.ip.src_addr) == 1 &&
	       inet_pton(AF_INET, to, &headers.ip.dst_addr) == 1;
}

const struct stw_carrier *stw_carrier_by_device(const char *program,
						const struct stw_bench_device *d, const char *from,
						const char *to)
{
	static const struct stw_carrier self = {room, push, flush, receive, wait_a_little};
	static const volatile sig_atomic_t never;

	if (!address(from, to) || stw_bench_device_start(program, d) != STW_OK)
		return NULL;
	pool = rte_pktmbuf_pool_create("phones", BUFFERS, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
				       SOCKET_ID_ANY);
	return pool != NULL && stw_bench_device_open(0, pool, &never) == STW_OK ? &self : NULL;
}
