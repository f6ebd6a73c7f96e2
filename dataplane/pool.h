/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Packet buffers. DPDK fixes the headroom of a received packet at 128 bytes when its drivers are
 * built; a rewrite wants 512 before the message. So each buffer's private area, which lies right
 * before its data room, is used as more of the same: a rewrite may reach into it, and only a frame
 * that begins there at the end is moved up once (path/rewrite.c).
 *
 *     struct rte_mbuf | private 512 | headroom 128 | frame ... | slack
 *
 * The jumbo pool has few buffers, each of which takes a whole datagram. An mbuf counts its bytes in
 * 16 bits, so the longest is STW_DATAGRAM_MAX, about 700 bytes below what IP allows; anything
 * longer could not be forwarded with a Via more either.
 */

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "control/model/model.h"

#define STW_POOL_PRIVATE 512u
/* Beyond the longest frame: what a rewrite adds and a moved frame keeps in front. */
#define STW_POOL_SLACK 640u
/* First byte of a reassembled frame in its jumbo buffer, and the longest IP datagram in there. */
#define STW_JUMBO_START	 640u
#define STW_JUMBO_ROOM	 65472u
#define STW_DATAGRAM_MAX 64800u
/* Of its payload, behind the longest headers. */
#define STW_FRAGMENTED_MAX (STW_DATAGRAM_MAX - 40u)
/* Datagrams under reassembly in one worker, and reassembled ones on their way. */
#define STW_JUMBO_HELD	 128u
#define STW_JUMBO_FLIGHT 64u

/**
 * Memory all pools of this configuration need, with what DPDK itself takes, in MiB.
 *
 * @param hugepages  in these; in ordinary pages each buffer takes whole ones
 */
uint64_t stw_pool_memory_mb(const struct stw_model *m, bool hugepages);

/** Pool of one port. @return NULL without memory */
struct rte_mempool *stw_pool_new(const char *name, const struct stw_model_dataplane *d,
				 uint16_t mtu, int socket);

/** Pool of datagrams longer than a frame, shared by all workers. @return NULL without memory */
struct rte_mempool *stw_pool_jumbo_new(const struct stw_model_dataplane *d);
