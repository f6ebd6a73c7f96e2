/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The way of a packet, in order. Each stage takes the whole burst; no stage allocates, locks, calls
 * the system (drivers apart), logs or reads a wall clock. What leaves a stage is in b->live; what
 * does not has ended: in a buffer towards a device, in the kernel, with another worker, held, or
 * dropped and counted.
 *
 *     rx -> decap -> parse -> classify -> route -> rewrite -> tx
 *             |                              |
 *             +------- kernel (twin) --------+--- control (lane)
 *
 * RCU reader: online worker only. Bytes from the wire are never asserted on; lengths are compared
 * as remaining bytes.
 */

#include <stdbool.h>
#include <stdint.h>

#include <strowger/likely.h>

#include "dataplane/burst.h"
#include "dataplane/probe.h"
#include "dataplane/worker.h"

/* ---- the stages ---- */

/** Take up to a burst: first what other workers handed over, then from the queues in turn. */
void stw_rx(struct stw_worker *w, struct stw_burst *b);

/** Ethernet, VLAN, IPv4 or IPv6, UDP: find the SIP bytes of what is ours; the rest is the kernel's.
 */
void stw_decap(struct stw_worker *w, struct stw_burst *b);

/** Parse each message (RFC 3261 s7). */
void stw_parse(struct stw_worker *w, struct stw_burst *b);

/** Requests, responses and STUN go on; CRLF is absorbed, what is not SIP is dropped. */
void stw_classify(struct stw_worker *w, struct stw_burst *b);

/** Ask stw_route() for a verdict on each message, and carry out those that end it here. */
void stw_route_burst(struct stw_worker *w, struct stw_burst *b);

/** Make each message what its verdict says, with new UDP, IP and Ethernet headers before it. */
void stw_rewrite_burst(struct stw_worker *w, struct stw_burst *b);

/** Frames of the twins this worker serves go to their wires. @return how many */
uint32_t stw_twin(struct stw_worker *w);

/** The snapshot has lanes: show control what this turn hands over, and send what it has ready.
 * @return how many came from it */
uint32_t stw_lane(struct stw_worker *w, struct stw_burst *b);

/** Buffer, fragment or hold each frame; then flush every buffer. */
void stw_tx(struct stw_worker *w, struct stw_burst *b);

/* ---- what stages share ---- */

/** End a packet: count @reason, and UNSENT of the member it was for; free it. */
void stw_drop(struct stw_worker *w, struct rte_mbuf *m, uint32_t tag, enum stw_counter reason);

/**
 * Hand message @i of the burst to control, or drop it when the lane is full: the kernel side would
 * let it overtake those that wait there, and a control that is behind needs less, not more.
 *
 * @return false: not by the lane: there is none, or a rule says that it is the kernel's. Nothing
 *         happened then
 */
bool stw_to_control(struct stw_worker *w, struct stw_burst *b, unsigned i);

/** Give a frame to the kernel side of the port it came from, as it came. */
void stw_to_kernel(struct stw_worker *w, struct rte_mbuf *m);

/**
 * Take a fragment of a datagram to one of our listeners' addresses.
 *
 * @param m        the frame, taken over
 * @param l3_off   where its IP header begins
 * @param f        the fragment in it
 * @param foreign  true when no other worker has seen it: it may be another's
 * @return the whole datagram as one frame when this was the missing piece, else NULL
 */
struct rte_mbuf *stw_fragment_take(struct stw_worker *w, struct rte_mbuf *m, uint32_t l3_off,
				   const struct stw_fragment *f, bool foreign);

/** Drop what waited too long for the rest of its datagram; all of it when @all. */
void stw_fragment_expire(struct stw_worker *w, bool all);

/** Give the frames buffered for a device to it, or to the worker that has the queue. */
void stw_out_flush_one(struct stw_worker *w, struct stw_out *out);

/** Queue a finished frame for a device (index into w->out). */
static inline void stw_out_push(struct stw_worker *w, uint32_t out, struct rte_mbuf *m,
				uint32_t tag)
{
	struct stw_out *o = w->out[out];

	if (stw_unlikely(o->n == STW_OUT_MAX))
		stw_out_flush_one(w, o);
	o->frame[o->n] = m;
	o->tag[o->n] = tag;
	o->bytes[o->n] = m->pkt_len;
	o->n++;
}

/** Queue a frame for a device in fragments, as its IP packet exceeds @mtu. */
void stw_out_push_split(struct stw_worker *w, uint32_t out, struct rte_mbuf *m, uint32_t tag,
			uint16_t mtu);

/** Queue a frame for a device, in fragments when its IP packet exceeds @mtu. */
static inline void stw_out_push_mtu(struct stw_worker *w, uint32_t out, struct rte_mbuf *m,
				    uint32_t tag, uint16_t mtu)
{
	if (stw_likely(m->pkt_len - m->l2_len <= mtu))
		stw_out_push(w, out, m, tag);
	else
		stw_out_push_split(w, out, m, tag, mtu);
}

/** Give every buffered frame to its device, or to the worker that has the queue. */
void stw_out_flush(struct stw_worker *w);

/**
 * Write all headers before a text and make a frame of it. The UDP checksum is left to
 * stw_frame_sum(), the destination's MAC address to stw_send_on().
 *
 * @param resolved  the next hop has a MAC address
 * @return STW_C_SENT, or why it is to be dropped
 */
enum stw_counter stw_wrap(struct stw_worker *w, struct rte_mbuf *m, char *text, uint32_t len,
			  const struct stw_endpoint *src, const struct stw_endpoint *dst,
			  const struct stw_iface *iface, bool resolved);

/** Hold a frame until the kernel knows its next hop, and ask for it. */
void stw_neighbour_hold(struct stw_worker *w, struct rte_mbuf *m, uint32_t tag,
			const struct stw_ip *dst, const struct stw_hop *hop);

/** Send what can be sent of the held, drop what waited a second; all of it when @all. */
void stw_neighbour_retry(struct stw_worker *w, const struct stw_snapshot *snap, bool all);

/** Send a frame on an interface: next hop's MAC, fragments, buffer. */
void stw_send_on(struct stw_worker *w, const struct stw_iface *iface, const uint8_t mac[6],
		 struct rte_mbuf *m, uint32_t tag);

/*
 * Fetch a line that will be written: where another core has it, it is asked for once, not a second
 * time to write. DPDK's and the compiler's do that only for CPUs that surely know how; others take
 * the instruction for nothing.
 */
static inline void stw_prefetch_write(const void *at)
{
#if defined(__x86_64__)
	__asm__ volatile("prefetchw %0" : : "m"(*(const char *)at));
#else
	__builtin_prefetch(at, 1);
#endif
}

#define STW_AHEAD_LINES 14u /* most messages whole */

/** Fetch one more of the frames of the next turn. */
static inline void stw_fetch_ahead(struct stw_ahead *a)
{
	if (stw_likely(a->next == a->n))
		return;
	const struct rte_mbuf *m = a->frame[a->next++];
	const char *at = rte_pktmbuf_mtod(m, const char *);

#pragma GCC unroll 14
	for (unsigned i = 0; i < STW_AHEAD_LINES; i++)
		stw_prefetch_write(at + (size_t)i * RTE_CACHE_LINE_MIN_SIZE);
}

static inline uint32_t stw_out_wire(uint32_t port)
{
	return port;
}

static inline uint32_t stw_out_twin(uint32_t port)
{
	return STW_STATS_PORTS_MAX + port;
}
