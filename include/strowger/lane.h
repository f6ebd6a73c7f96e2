/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Lanes: messages between each worker and control in shared memory, without the kernel. Control
 * makes the memory anew for each connection and passes it on (ctl_proto.h, LANES):
 *
 *     header | for each worker: ring of what it hands to control, ring of what control has it send
 *
 * A ring has one writer and one reader, which never wait for one another. Records lie one behind
 * the other, each a whole number of units; one that would not fit before the end of the ring begins
 * at its start, behind a SKIP. Positions only grow. The writer shows @head when a record, or a
 * batch of them, is whole, so that nobody sees half of one, even of a writer that is killed.
 *
 * Each end keeps its own position to itself and takes none of what it reads for granted: of the
 * other's position and of each record's length only what lies within the ring is believed. What is
 * damaged is left out, up to what the other end shows as written.
 *
 * Control sleeps with @asleep set; whoever finds it so after writing takes it down and rings. A
 * worker that has nothing to do gives way to it where it is awake on the same core (@runs_on). It
 * gives workers nothing before the data plane has said, by @taken, that they look there.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <strowger/endpoint.h>
#include <strowger/errors.h>

#define STW_LANES_MAGIC	     0x73656e616c777473u /* "stwlanes" */
#define STW_LANES_VERSION    1u
#define STW_LANE_BYTES	     2097152u /* of a ring, a power of two: what comes while a disk writes */
#define STW_LANE_UNIT	     16u
#define STW_LANE_SKIP	     UINT32_MAX
#define STW_LANE_MESSAGE_MAX 65535u

/* What is written of a message; its bytes follow. */
struct stw_lane_record {
	uint32_t len; /* of the bytes, or SKIP: go on at the ring's start */
	uint32_t reserved;
	struct stw_endpoint local; /* the listener's */
	struct stw_endpoint peer;  /* who sent it, or to whom it is to be sent */
};

_Static_assert(sizeof(struct stw_lane_record) == 48, "whole units");

struct stw_lane_ring {
	_Atomic uint64_t head __attribute__((aligned(64))); /* the writer's */
	_Atomic uint64_t tail __attribute__((aligned(64))); /* the reader's */
	char bytes[STW_LANE_BYTES] __attribute__((aligned(64)));
};

struct stw_lane {
	struct stw_lane_ring up;   /* worker -> control */
	struct stw_lane_ring down; /* control -> worker */
};

struct stw_lanes_header {
	uint64_t magic;
	uint32_t version;
	uint32_t n; /* one lane a worker */
	uint64_t size_bytes;
	_Atomic uint32_t taken; /* 1: workers serve them; the data plane's word */
	_Atomic uint32_t asleep __attribute__((aligned(64)));
	_Atomic uint32_t runs_on; /* control: 1 + the CPU it was on when it last woke */
	struct stw_lane lane[];
};

static inline size_t stw_lanes_size(uint32_t n)
{
	return sizeof(struct stw_lanes_header) + n * sizeof(struct stw_lane);
}

/* ---- the writer's end ---- */

/** All zero but @ring at the start of a connection. */
struct stw_lane_writer {
	struct stw_lane_ring *ring;
	uint64_t head; /* written so far */
	uint64_t shown;
	uint64_t tail; /* the reader's, as last seen */
};

/* Whether @need bytes are free; the reader's position is looked at only when they seem not to be.
 * One that was never reached is no position: nothing is free then. */
static inline bool stw_lane_has_room(struct stw_lane_writer *w, uint64_t need)
{
	if (w->head - w->tail + need <= STW_LANE_BYTES)
		return true;
	const uint64_t tail = atomic_load_explicit(&w->ring->tail, memory_order_acquire);
	const uint64_t used = w->head - tail;

	if (used > STW_LANE_BYTES || need > STW_LANE_BYTES - used)
		return false;
	w->tail = tail;
	return true;
}

/**
 * Write a message behind those before it, not shown yet.
 *
 * @return false: there is no room, or it is longer than any may be
 *
 * Fast path: yes: one copy.
 */
static inline bool stw_lane_put(struct stw_lane_writer *w, const struct stw_endpoint *local,
				const struct stw_endpoint *peer, const char *bytes, size_t len)
{
	struct stw_lane_record record = {.len = (uint32_t)len, .local = *local, .peer = *peer};
	uint64_t size = (sizeof(record) + len + STW_LANE_UNIT - 1) & ~(uint64_t)(STW_LANE_UNIT - 1);
	uint64_t at = w->head % STW_LANE_BYTES;
	uint64_t skipped = size > STW_LANE_BYTES - at ? STW_LANE_BYTES - at : 0;

	if (len > STW_LANE_MESSAGE_MAX || !stw_lane_has_room(w, skipped + size))
		return false;
	if (skipped > 0) {
		const uint32_t skip = STW_LANE_SKIP;

		memcpy(w->ring->bytes + at, &skip, sizeof(skip));
		at = 0;
	}
	memcpy(w->ring->bytes + at, &record, sizeof(record));
	memcpy(w->ring->bytes + at + sizeof(record), bytes, len);
	w->head += skipped + size;
	return true;
}

/** Show what was written. @return true when there was something new */
static inline bool stw_lane_show(struct stw_lane_writer *w)
{
	if (w->shown == w->head)
		return false;
	atomic_store_explicit(&w->ring->head, w->head, memory_order_release);
	w->shown = w->head;
	return true;
}

/** After stw_lane_show(): whether control sleeps, and it is the caller who wakes it. */
static inline bool stw_lanes_must_ring(struct stw_lanes_header *h)
{
	/* Control sets it and then looks at the rings; either it sees what was shown, or this does
	 * see it asleep. */
	atomic_thread_fence(memory_order_seq_cst);
	return atomic_load_explicit(&h->asleep, memory_order_relaxed) != 0 &&
	       atomic_exchange_explicit(&h->asleep, 0, memory_order_relaxed) != 0;
}

/** Whether control has something to do that a thread on @core holds up. */
static inline bool stw_lanes_wait_for(const struct stw_lanes_header *h, uint32_t core)
{
	return atomic_load_explicit(&h->asleep, memory_order_relaxed) == 0 &&
	       atomic_load_explicit(&h->runs_on, memory_order_relaxed) == core + 1;
}

/* ---- the reader's end ---- */

/** All zero but @ring at the start of a connection. */
struct stw_lane_reader {
	struct stw_lane_ring *ring;
	uint64_t tail; /* read so far */
	uint64_t head; /* how far can be read */
	uint64_t seen; /* the writer's position as it was last seen, whatever it was worth */
};

/** A message in the ring: its bytes may change at any time, so they are copied before anything is
 * decided by them. */
struct stw_lane_message {
	struct stw_endpoint local, peer;
	const char *bytes;
	uint32_t len; /* at most STW_LANE_MESSAGE_MAX */
};

/** Whether there is more to read: one load of what the writer writes. */
static inline bool stw_lane_has_more(const struct stw_lane_reader *r)
{
	return atomic_load_explicit(&r->ring->head, memory_order_relaxed) != r->seen ||
	       r->tail != r->head;
}

/* Nothing up to @head can be read: go on behind it. */
static inline int stw_lane_give_up(struct stw_lane_reader *r)
{
	r->head &= ~(uint64_t)(STW_LANE_UNIT - 1);
	r->tail = r->head;
	return STW_EMALFORMED;
}

/**
 * The next message.
 *
 * @param out  on STW_OK only; its bytes are the ring's until stw_lane_release()
 * @return STW_OK, STW_EAGAIN (nothing more), STW_EMALFORMED (the ring is damaged; what it held is
 *         left out, and what comes after can be read)
 */
static inline int stw_lane_get(struct stw_lane_reader *r, struct stw_lane_message *out)
{
	struct stw_lane_record record;
	uint64_t at, left, to_end, size;

	if (r->tail == r->head) {
		const uint64_t seen = atomic_load_explicit(&r->ring->head, memory_order_acquire);

		if (seen == r->seen)
			return STW_EAGAIN;
		r->head = r->seen = seen;
	}
	left = r->head - r->tail;
	if (left == 0)
		return STW_EAGAIN;
	if (left > STW_LANE_BYTES || left % STW_LANE_UNIT != 0)
		return stw_lane_give_up(r);
	at = r->tail % STW_LANE_BYTES;
	to_end = STW_LANE_BYTES - at;
	memcpy(&record.len, r->ring->bytes + at, sizeof(record.len));
	if (record.len == STW_LANE_SKIP) {
		/* Never the last: it is there for the sake of the one behind. */
		if (at == 0 || to_end >= left)
			return stw_lane_give_up(r);
		r->tail += to_end;
		left -= to_end;
		to_end = STW_LANE_BYTES;
		at = 0;
	}
	if (left < sizeof(record) || to_end < sizeof(record))
		return stw_lane_give_up(r);
	memcpy(&record, r->ring->bytes + at, sizeof(record));
	size = (sizeof(record) + (uint64_t)record.len + STW_LANE_UNIT - 1) &
	       ~(uint64_t)(STW_LANE_UNIT - 1);
	if (record.len > STW_LANE_MESSAGE_MAX || size > left || size > to_end)
		return stw_lane_give_up(r);
	*out = (struct stw_lane_message){.local = record.local,
					 .peer = record.peer,
					 .bytes = r->ring->bytes + at + sizeof(record),
					 .len = record.len};
	r->tail += size;
	return STW_OK;
}

/** Give back the room of all that was read. */
static inline void stw_lane_release(struct stw_lane_reader *r)
{
	atomic_store_explicit(&r->ring->tail, r->tail, memory_order_release);
}
