/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The generator's frames: one buffer for each of the corpus, made once and sent again and again.
 * Only the stamp and the UDP checksum change in between.
 *
 * Ownership: the frames' buffers belong to their pool. Threads: one, the generator's.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "bench/traffic/stamp.h"

/* How a message must come back. */
enum stw_traffic_expect {
	STW_TRAFFIC_ANY,     /* with its stamp, wherever to */
	STW_TRAFFIC_ECHO,    /* as it left */
	STW_TRAFFIC_FORWARD, /* as the balancer's own code says: to whom, and how long */
};

struct stw_traffic_frame {
	struct rte_mbuf *mbuf;
	uint16_t stamp_off;
	uint16_t sum; /* of all that the UDP checksum covers, but for the stamp */
	uint16_t len;
	uint16_t back_len; /* 0: any */
	uint32_t back_ip;  /* as on the wire, like the port; 0: any */
	uint16_t back_port;
};

struct stw_traffic_frames {
	struct stw_traffic_frame *list;
	uint32_t n;
};

/**
 * Load the corpus.
 *
 * @param config  the balancer's configuration, for STW_TRAFFIC_FORWARD only
 * @param pool    where buffers come from: one for each frame, for good
 * @param out     on STW_OK only; free with stw_traffic_frames_fini()
 * @return STW_OK, STW_EIO, STW_EMALFORMED (a frame without a stamp, or that the balancer would not
 *         forward), STW_ENOMEM; told on standard error
 */
int stw_traffic_frames_load(const char *corpus, const char *config, enum stw_traffic_expect expect,
			    struct rte_mempool *pool, struct stw_traffic_frames *out);

/** Accepts frames of zeros. */
void stw_traffic_frames_fini(struct stw_traffic_frames *f);

/** Stamp the frame and mend its checksum; it stays ours when it is sent. */
static inline struct rte_mbuf *stw_traffic_frame_ready(struct stw_traffic_frame *f,
						       struct stw_stamp stamp)
{
	uint8_t *bytes = rte_pktmbuf_mtod(f->mbuf, uint8_t *), *at = bytes + f->stamp_off;
	uint32_t sum;
	uint16_t check;

	stw_stamp_write(at, stamp);
	sum = f->sum + stw_stamp_sum(at, f->stamp_off & 1);
	sum = (sum & 0xffff) + (sum >> 16);
	check = (uint16_t) ~((sum & 0xffff) + (sum >> 16));
	check = check != 0 ? check : 0xffff; /* RFC 768: 0 would mean "no checksum" */
	memcpy(bytes + 40, &check, sizeof(check));
	rte_mbuf_refcnt_update(f->mbuf, 1);
	return f->mbuf;
}

/** Whether @bytes are what must come back of @f. */
static inline bool stw_traffic_frame_is_back(const struct stw_traffic_frame *f,
					     const uint8_t *bytes, size_t len)
{
	uint32_t ip;
	uint16_t port;

	memcpy(&ip, bytes + 30, sizeof(ip));
	memcpy(&port, bytes + 36, sizeof(port));
	return (f->back_len == 0 || f->back_len == len) &&
	       (f->back_ip == 0 || (f->back_ip == ip && f->back_port == port));
}
