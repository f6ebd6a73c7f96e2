/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The flight recorder: for each worker a ring of the last messages with their decision, and a
 * smaller one of those that were rejected or dropped, at the end of the statistics block (stats.h).
 *
 * Threads: the worker writes and never waits; readers in another process copy an entry and then
 * look whether it was written meanwhile. Each entry tells its own place: @seq is 2 * place + 1
 * while it is written and 2 * place + 2 when it is whole.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <strowger/endpoint.h>

/** What the rings of each worker hold; all zero: nothing is recorded. */
struct stw_flight_shape {
	uint32_t n;	     /* messages, a power of two */
	uint32_t n_errors;   /* rejected and dropped ones, a power of two */
	uint32_t text_bytes; /* kept of each message at most, a multiple of 64 */
	uint32_t reserved;
};

struct stw_flight {
	_Atomic uint64_t seq;
	uint64_t tsc;
	struct stw_endpoint from; /* where it came from */
	struct stw_endpoint to;	  /* the listener it was sent to; port 0: not known */
	struct stw_endpoint next; /* FORWARD: where it goes; else port 0 */
	uint32_t len;		  /* of the message as it came */
	uint16_t n_text;	  /* bytes kept of it */
	uint16_t end;		  /* ANSWER: status; DROP: enum stw_counter */
	uint16_t error_off;	  /* of a rejected message: the byte that told */
	uint8_t kind;		  /* enum stw_sip_kind */
	uint8_t action;		  /* enum stw_action */
	uint8_t how;		  /* enum stw_how */
	uint8_t reject;		  /* enum stw_sip_reject */
	uint8_t reserved[38];
	char text[];
};

_Static_assert(sizeof(struct stw_flight) == 128, "two cache lines before the text");

struct stw_flight_ring {
	_Atomic uint64_t next; /* place of the entry written next, 0, 1, ... */
	uint64_t reserved[7];
	/* entries: n of stw_flight_bytes() */
};

_Static_assert(sizeof(struct stw_flight_ring) == 64, "entries begin on a line of their own");

static inline uint64_t stw_flight_bytes(const struct stw_flight_shape *shape)
{
	return sizeof(struct stw_flight) + shape->text_bytes;
}

static inline uint64_t stw_flight_ring_bytes(const struct stw_flight_shape *shape, uint32_t n)
{
	return n == 0 ? 0 : sizeof(struct stw_flight_ring) + n * stw_flight_bytes(shape);
}

/** Both rings of a worker. */
static inline uint64_t stw_flight_worker_bytes(const struct stw_flight_shape *shape)
{
	return stw_flight_ring_bytes(shape, shape->n) +
	       stw_flight_ring_bytes(shape, shape->n_errors);
}

/** The entry of a place in a ring of @n. */
static inline struct stw_flight *stw_flight_at(struct stw_flight_ring *ring,
					       const struct stw_flight_shape *shape, uint32_t n,
					       uint64_t place)
{
	return (struct stw_flight *)((char *)(ring + 1) +
				     (place & (n - 1)) * stw_flight_bytes(shape));
}

/**
 * Write the next entry.
 *
 * @param head  all but @seq, @n_text and the text
 * @param len   of @text; what exceeds the shape's is left out
 *
 * Fast path: yes: one copy.
 */
static inline void stw_flight_put(struct stw_flight_ring *ring,
				  const struct stw_flight_shape *shape, uint32_t n,
				  const struct stw_flight *head, const char *text, uint32_t len)
{
	uint64_t place = atomic_load_explicit(&ring->next, memory_order_relaxed);
	struct stw_flight *r = stw_flight_at(ring, shape, n, place);
	uint32_t kept = len < shape->text_bytes ? len : shape->text_bytes;

	atomic_store_explicit(&r->seq, 2 * place + 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release); /* seen before any of what follows */
	memcpy((char *)r + sizeof(r->seq), (const char *)head + sizeof(head->seq),
	       sizeof(*r) - sizeof(r->seq));
	r->n_text = (uint16_t)kept;
	memcpy(r->text, text, kept);
	atomic_store_explicit(&r->seq, 2 * place + 2, memory_order_release);
	atomic_store_explicit(&ring->next, place + 1, memory_order_release);
}

/**
 * Copy the entry of @place.
 *
 * @param out  stw_flight_bytes() bytes
 * @return false when it is not whole, or has been overwritten
 */
static inline bool stw_flight_get(struct stw_flight_ring *ring,
				  const struct stw_flight_shape *shape, uint32_t n, uint64_t place,
				  struct stw_flight *out)
{
	struct stw_flight *r = stw_flight_at(ring, shape, n, place);

	if (atomic_load_explicit(&r->seq, memory_order_acquire) != 2 * place + 2)
		return false;
	memcpy((char *)out + sizeof(out->seq), (const char *)r + sizeof(r->seq),
	       stw_flight_bytes(shape) - sizeof(r->seq));
	atomic_thread_fence(memory_order_acquire);
	if (atomic_load_explicit(&r->seq, memory_order_relaxed) != 2 * place + 2)
		return false;
	if (out->n_text > shape->text_bytes)
		out->n_text = (uint16_t)shape->text_bytes; /* never trusted */
	return true;
}
