/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/slow/handover.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <strowger/errors.h>
#include <strowger/lane.h>
#include <strowger/log.h>
#include <strowger/stats.h>

#define ROOM   (STW_LANE_MESSAGE_MAX + 65u)
#define STRIDE (STW_SLOW_HEADROOM + ROOM + 65u) /* not all in the same cache sets */

struct own_end {
	struct stw_lane_reader up;
	struct stw_lane_writer down;
};

struct stw_handover {
	struct ev_loop *loop;
	stw_handover_received_fn *received;
	void *ctx;
	struct stw_lanes_header *shared; /* NULL: closed */
	size_t size;
	uint32_t n;
	uint32_t next; /* lane that is looked at first */
	int memory, doorbell;
	uint64_t *damaged;
	struct ev_io rung;
	struct ev_check check;
	struct ev_prepare prepare;
	struct ev_idle awake; /* active while there is more to take: the loop does not sleep */
	struct own_end end[STW_STATS_WORKERS_MAX];
	struct stw_datagram datagram[STW_SLOW_BATCH];
	char buffer[STW_SLOW_BATCH][STRIDE]; /* memory only as far as something lay there */
};

/* ---- in ---- */

/* It may change while it is copied, as only a broken worker would: then it is a broken message. */
static void copy(struct stw_handover *h, size_t i, const struct stw_lane_message *m)
{
	char *bytes = h->buffer[i] + STW_SLOW_HEADROOM;

	memcpy(bytes, m->bytes, m->len);
	h->datagram[i] = (struct stw_datagram){
		.local = m->local, .peer = m->peer, .bytes = bytes, .len = m->len, .room = ROOM};
}

static size_t take_lane(struct stw_handover *h, struct stw_lane_reader *up, size_t n)
{
	struct stw_lane_message m;
	int err = STW_OK;

	if (!stw_lane_has_more(up))
		return n;
	while (n < STW_SLOW_BATCH && (err = stw_lane_get(up, &m)) == STW_OK)
		copy(h, n++, &m);
	if (err == STW_EMALFORMED)
		(*h->damaged)++;
	stw_lane_release(up);
	return n;
}

/* Lanes take turns at being first, so that a full one cannot starve the next. */
static void take(struct stw_handover *h)
{
	size_t n = 0;

	for (uint32_t k = 0; k < h->n && n < STW_SLOW_BATCH; k++)
		n = take_lane(h, &h->end[(h->next + k) % h->n].up, n);
	h->next = (h->next + 1) % h->n;
	if (n > 0)
		h->received(h->ctx, h->datagram, n);
}

static bool has_more(const struct stw_handover *h)
{
	for (uint32_t i = 0; i < h->n; i++)
		if (stw_lane_has_more(&h->end[i].up))
			return true;
	return false;
}

/* ---- the loop ---- */

static void on_check(struct ev_loop *loop, struct ev_check *check, int revents)
{
	struct stw_handover *h = check->data;
	const uint32_t cpu = 1 + (uint32_t)sched_getcpu();

	(void)loop;
	(void)revents;
	if (atomic_load_explicit(&h->shared->runs_on, memory_order_relaxed) != cpu)
		atomic_store_explicit(&h->shared->runs_on, cpu, memory_order_relaxed);
	if (atomic_load_explicit(&h->shared->asleep, memory_order_relaxed))
		atomic_store_explicit(&h->shared->asleep, 0, memory_order_relaxed);
	take(h);
}

/* @return false: there is something to take, that nobody would ring for */
static bool lie_down(struct stw_handover *h)
{
	if (has_more(h))
		return false;
	atomic_store_explicit(&h->shared->asleep, 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst); /* as in stw_lanes_must_ring() */
	if (!has_more(h))
		return true;
	atomic_store_explicit(&h->shared->asleep, 0, memory_order_relaxed);
	return false;
}

/* The last before the loop waits, of all that do something then. */
static void on_prepare(struct ev_loop *loop, struct ev_prepare *prepare, int revents)
{
	struct stw_handover *h = prepare->data;

	(void)revents;
	for (uint32_t i = 0; i < h->n; i++)
		stw_lane_show(&h->end[i].down);
	if (lie_down(h))
		ev_idle_stop(loop, &h->awake);
	else
		ev_idle_start(loop, &h->awake);
}

static void on_idle(struct ev_loop *loop, struct ev_idle *idle, int revents)
{
	(void)loop;
	(void)idle;
	(void)revents;
}

/* on_check() does the rest. */
static void on_rung(struct ev_loop *loop, struct ev_io *io, int revents)
{
	uint64_t rings;

	(void)loop;
	(void)revents;
	if (read(io->fd, &rings, sizeof(rings)) < 0 && errno != EAGAIN && errno != EINTR)
		stw_error("lanes: read the doorbell: %s", strerror(errno));
}

/* ---- life ---- */

struct stw_handover *stw_handover_new(struct ev_loop *loop, stw_handover_received_fn *received,
				      void *ctx, uint64_t *damaged)
{
	struct stw_handover *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->loop = loop;
	h->received = received;
	h->ctx = ctx;
	h->damaged = damaged;
	h->memory = h->doorbell = -1;
	ev_init(&h->rung, on_rung);
	ev_check_init(&h->check, on_check);
	ev_prepare_init(&h->prepare, on_prepare);
	ev_set_priority(&h->prepare, EV_MINPRI);
	ev_idle_init(&h->awake, on_idle);
	h->check.data = h->prepare.data = h;
	return h;
}

/* Allocated as well: without memory it fails here, and not in a worker that writes. */
static int make_memory(size_t size)
{
	int fd = memfd_create("strowger-lanes", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -1;
	if (ftruncate(fd, (off_t)size) == 0 && fallocate(fd, 0, 0, (off_t)size) == 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool map(struct stw_handover *h, uint32_t n)
{
	const size_t size = stw_lanes_size(n);
	void *base;

	h->memory = make_memory(size);
	h->doorbell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (h->memory < 0 || h->doorbell < 0)
		return false;
	base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, h->memory, 0);
	if (base == MAP_FAILED)
		return false;
	h->shared = base;
	h->size = size;
	h->shared->magic = STW_LANES_MAGIC;
	h->shared->version = STW_LANES_VERSION;
	h->shared->n = n;
	h->shared->size_bytes = size;
	return true;
}

int stw_handover_open(struct stw_handover *h, uint32_t n, int *memory, int *doorbell)
{
	stw_handover_close(h);
	if (n == 0 || n > STW_STATS_WORKERS_MAX || !map(h, n)) {
		stw_handover_close(h);
		return STW_ENOMEM;
	}
	h->n = n;
	h->next = 0;
	for (uint32_t i = 0; i < n; i++)
		h->end[i] = (struct own_end){.up = {.ring = &h->shared->lane[i].up},
					     .down = {.ring = &h->shared->lane[i].down}};
	ev_io_set(&h->rung, h->doorbell, EV_READ);
	ev_io_start(h->loop, &h->rung);
	ev_check_start(h->loop, &h->check);
	ev_prepare_start(h->loop, &h->prepare);
	*memory = h->memory;
	*doorbell = h->doorbell;
	return STW_OK;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void stw_handover_close(struct stw_handover *h)
{
	ev_io_stop(h->loop, &h->rung);
	ev_check_stop(h->loop, &h->check);
	ev_prepare_stop(h->loop, &h->prepare);
	ev_idle_stop(h->loop, &h->awake);
	if (h->shared)
		munmap(h->shared, h->size);
	h->shared = NULL;
	close_fd(&h->memory);
	close_fd(&h->doorbell);
}

bool stw_handover_is_open(const struct stw_handover *h)
{
	return h->shared && atomic_load_explicit(&h->shared->taken, memory_order_acquire) != 0;
}

void stw_handover_free(struct stw_handover *h)
{
	if (!h)
		return;
	stw_handover_close(h);
	free(h);
}

/* ---- out ---- */

static uint32_t lane_of(const struct stw_handover *h, const struct stw_endpoint *peer)
{
	uint32_t a;

	memcpy(&a, peer->ip.b + 12, sizeof(a));
	return (uint32_t)(((a ^ peer->port) * 0x9e3779b97f4a7c15u) >> 32) % h->n;
}

bool stw_handover_send(struct stw_handover *h, const struct stw_datagram *d)
{
	return stw_handover_is_open(h) && stw_lane_put(&h->end[lane_of(h, &d->peer)].down,
						       &d->local, &d->peer, d->bytes, d->len);
}
