/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/worker.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_pause.h>

#include <strowger/errors.h>
#include <strowger/log.h>
#include <strowger/urcu.h>

#include "dataplane/idle.h"
#include "dataplane/path/path.h"
#include "dataplane/pool.h"
#include "dataplane/recent/note.h"

/* ---- the loop ---- */

bool stw_worker_turn(struct stw_worker *w)
{
	struct stw_burst *b = &w->burst;
	uint32_t n_kernel;

	stw_timing_begin(&w->timing);
	stw_rx(w, b);
	stw_timing_mark(&w->timing, STW_STAGE_RX);
	stw_decap(w, b);
	stw_timing_mark(&w->timing, STW_STAGE_DECAP);
	stw_parse(w, b);
	stw_timing_mark(&w->timing, STW_STAGE_PARSE);
	stw_classify(w, b);
	stw_timing_mark(&w->timing, STW_STAGE_CLASSIFY);
	stw_route_burst(w, b);
	stw_timing_mark(&w->timing, STW_STAGE_ROUTE);
	stw_rewrite_burst(w, b);
	stw_timing_mark(&w->timing, STW_STAGE_REWRITE);
	n_kernel = stw_twin(w);
	w->gives_way = false;
	if (b->snap->lanes != NULL)
		n_kernel += stw_lane(w, b);
	stw_timing_mark(&w->timing, STW_STAGE_TWIN);
	stw_tx(w, b);
	stw_timing_mark(&w->timing, STW_STAGE_TX);
	if (w->has_given)
		stw_spread_done(w);
	stw_note_sweep(&w->memory, b->snap->tables, w->now_tsc);
	stw_timing_end(&w->timing, b->n);
	rcu_quiescent_state(); /* table pointers taken above are dead from here */
	return b->n > 0 || n_kernel > 0;
}

static void sleep_offline(struct stw_worker *w, uint32_t us)
{
	struct timespec t = {.tv_nsec = (long)us * 1000};

	stw_count(w, STW_C_SLEEPS, 1);
	rcu_thread_offline();
	nanosleep(&t, NULL);
	rcu_thread_online();
}

static void back_off(struct stw_worker *w)
{
	uint64_t idle_us;
	uint32_t sleep_us;

	if (w->idle_since_tsc == 0)
		w->idle_since_tsc = w->now_tsc;
	idle_us = (w->now_tsc - w->idle_since_tsc) / w->tsc_us;
	sleep_us = stw_idle_sleep_us(idle_us, w->idle_sleep_us);
	if (sleep_us == 0) {
		if (w->gives_way)
			sched_yield();
		else
			rte_pause();
		return;
	}
	/* The naps before are too short to tell anybody. */
	if (idle_us >= STW_IDLE_DEEP_US)
		atomic_store_explicit(&w->asleep, true, memory_order_relaxed);
	sleep_offline(w, sleep_us);
}

static void wake(struct stw_worker *w)
{
	w->busy_since_tsc = w->now_tsc;
	w->idle_since_tsc = 0;
	if (atomic_load_explicit(&w->asleep, memory_order_relaxed))
		atomic_store_explicit(&w->asleep, false, memory_order_relaxed);
}

/* Cycles of a busy turn are counted when the next one reads the clock: one reading a turn. */
static void tick(struct stw_worker *w)
{
	uint64_t now = rte_rdtsc();

	if (w->busy_since_tsc != 0)
		stw_count(w, STW_C_CYCLES_BUSY, now - w->busy_since_tsc);
	w->busy_since_tsc = 0;
	w->now_tsc = now;
}

static void turn(struct stw_worker *w)
{
	tick(w);
	if (stw_worker_turn(w)) {
		stw_count(w, STW_C_TURNS_BUSY, 1);
		wake(w);
	} else {
		stw_count(w, STW_C_TURNS_IDLE, 1);
		back_off(w);
	}
}

void stw_worker_drain(struct stw_worker *w)
{
	stw_out_flush(w);
	stw_neighbour_retry(w, NULL, true);
	stw_fragment_expire(w, true);
}

static int run(void *arg)
{
	struct stw_worker *w = arg;
	sigset_t all;

	/* Signals are main's; those that drivers use go to their own threads. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	prctl(PR_SET_TIMERSLACK, 1000UL);
	rcu_register_thread();
	w->stats->running = 1;
	while (atomic_load_explicit(&w->running, memory_order_relaxed))
		turn(w);
	stw_worker_drain(w);
	w->stats->running = 0;
	rcu_unregister_thread();
	return 0;
}

/* ---- life ---- */

static struct rte_ring *new_ring(const char *kind, uint32_t i, unsigned element, unsigned n,
				 unsigned flags)
{
	char name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof(name), "%s%u", kind, i);
	return rte_ring_create_elem(name, element, n, SOCKET_ID_ANY, flags);
}

static struct stw_out *new_out(const struct stw_worker *w, const struct stw_dev *dev,
			       uint32_t index)
{
	struct stw_out *o = aligned_alloc(64, (sizeof(*o) + 63) & ~(size_t)63);

	if (o == NULL)
		return NULL;
	memset(o, 0, sizeof(*o));
	o->dev = dev->id;
	o->owner = (uint16_t)(w->index % dev->n_tx);
	o->queue = o->owner;
	o->index = (uint16_t)index;
	o->sums = dev->sums;
	return o;
}

static void take_queues(const struct stw_worker *w, const struct stw_dev *dev, size_t port,
			struct stw_rx_queue *to, uint16_t *n)
{
	for (uint32_t q = w->index; q < dev->n_rx; q += w->n_workers)
		to[(*n)++] = (struct stw_rx_queue){dev->id, (uint16_t)q, (uint16_t)port};
}

static int share_out(struct stw_worker *w, const struct stw_ports *ports)
{
	for (size_t i = 0; i < ports->n; i++) {
		const struct stw_port *p = &ports->port[i];
		uint32_t wire = stw_out_wire((uint32_t)i), twin = stw_out_twin((uint32_t)i);

		take_queues(w, &p->wire, i, w->rx, &w->n_rx);
		w->out[wire] = new_out(w, &p->wire, wire);
		if (w->out[wire] == NULL)
			return STW_ENOMEM;
		if (p->twin.id == STW_NO_DEV)
			continue;
		/* Beside a shared port the kernel has its own way out. */
		if (p->model->kernel != STW_KERNEL_SIDE_SHARED)
			take_queues(w, &p->twin, i, w->twin, &w->n_twins);
		w->out[twin] = new_out(w, &p->twin, twin);
		if (w->out[twin] == NULL)
			return STW_ENOMEM;
	}
	return STW_OK;
}

static struct stw_worker *new_worker(const struct stw_model_dataplane *d, uint32_t i,
				     struct stw_stats *stats)
{
	struct stw_worker *w = aligned_alloc(64, (sizeof(*w) + 63) & ~(size_t)63);

	if (w == NULL)
		return NULL;
	memset(w, 0, sizeof(*w));
	w->index = i;
	w->n_workers = (uint32_t)d->n_cores;
	w->burst_max = d->burst >= 1 && d->burst <= STW_BURST_MAX ? d->burst : STW_BURST_MAX;
	w->idle_sleep_us = d->idle_sleep_us;
	w->tsc_hz = rte_get_tsc_hz();
	w->tsc_us = w->tsc_hz / 1000000;
	w->now_tsc = rte_rdtsc();
	/* Senders from one address must not repeat an id soon: workers start far apart. */
	w->ip_id = (uint16_t)(w->now_tsc + i * (65536u / w->n_workers));
	w->stats = stw_stats_worker(stats, i);
	w->stats->core = d->cores[i];
	w->members = stw_stats_members(stats, i);
	w->listeners = stw_stats_listeners(stats, i);
	w->rules = stw_stats_rules(stats, i);
	stw_recorder_init(&w->recorder, stats, i);
	stw_timing_init(&w->timing, stw_stats_stages(stats, i), w->tsc_hz);
	return w;
}

static int equip(struct stw_worker *w, const struct stw_model_dataplane *d, uint64_t secret)
{
	w->secret = secret;
	stw_spread_init(&w->spread, d->steering, w->n_workers, secret);
	w->held = calloc(STW_HELD_MAX, sizeof(*w->held));
	w->where = calloc(STW_BURST_MAX, sizeof(*w->where));
	w->reassembly =
		stw_reassembly_new(STW_JUMBO_HELD, STW_FRAGMENTED_MAX, 2 * w->tsc_hz, secret);
	w->requests = new_ring("requests", w->index, sizeof(struct stw_neighbour_request),
			       STW_REQUESTS, RING_F_SP_ENQ | RING_F_SC_DEQ);
	w->budget = stw_budget_new(d->answers_per_source, w->tsc_hz, secret);
	if (w->held == NULL || w->where == NULL || w->reassembly == NULL || w->requests == NULL ||
	    w->budget == NULL)
		return STW_ENOMEM;
	return STW_OK;
}

size_t stw_workers_memory(const struct stw_model_dataplane *d)
{
	return d->recent_calls > 0 ? stw_recent_size(d->recent_calls) : 0;
}

/* One table for all workers: a request and its answer seldom meet the same one. */
static int share_memory(const struct stw_model_dataplane *d, struct stw_stats *stats,
			struct stw_workers *ws)
{
	size_t size = stw_workers_memory(d);

	if (size > 0) {
		ws->recent = rte_zmalloc("recent", size, sizeof(struct stw_recent_bucket));
		if (ws->recent == NULL) {
			stw_error("no memory for a recent-call table of %zu MiB: lower "
				  "dataplane.recent_calls or raise dataplane.memory_mb",
				  size >> 20);
			return STW_ENOMEM;
		}
	}
	for (uint32_t i = 0; i < ws->n; i++) {
		struct stw_worker *w = ws->worker[i];

		w->memory = (struct stw_memory){.members = stw_stats_members(stats, 0),
						.n_workers = ws->n,
						.worker = i,
						.sweep_next = i,
						.turn = i * 7919};
		if (size == 0)
			continue;
		stw_recent_init(&w->recent, ws->recent, d->recent_calls, w->tsc_hz);
		w->memory.recent = &w->recent;
	}
	return STW_OK;
}

int stw_workers_new(const struct stw_model_dataplane *d, const struct stw_ports *ports,
		    const struct stw_snapshots *snapshots, struct stw_stats *stats,
		    struct stw_workers *out)
{
	uint64_t secret = rte_rdtsc() * 0x9e3779b97f4a7c15u;

	for (uint32_t i = 0; i < d->n_cores; i++) {
		struct stw_worker *w = new_worker(d, i, stats);

		if (w == NULL)
			return STW_ENOMEM;
		out->worker[i] = w;
		out->n = i + 1;
		w->ports = ports;
		w->snapshots = snapshots;
		w->inboxes = out->inboxes;
		w->peers = out->worker;
		out->inboxes[i] =
			new_ring("inbox", i, sizeof(void *), STW_INBOX_SIZE, RING_F_SC_DEQ);
		if (out->inboxes[i] == NULL || equip(w, d, secret) != STW_OK ||
		    share_out(w, ports) != STW_OK)
			return STW_ENOMEM;
	}
	return share_memory(d, stats, out);
}

int stw_workers_launch(struct stw_workers *ws)
{
	for (uint32_t i = 0; i < ws->n; i++) {
		atomic_store(&ws->worker[i]->running, true);
		if (rte_eal_remote_launch(run, ws->worker[i], i + 1) != 0) {
			stw_error("worker %u does not start", i);
			return STW_EIO;
		}
	}
	return STW_OK;
}

/* What another worker handed over after its owner had stopped. */
static void empty_inbox(struct stw_worker *w)
{
	void *handed;

	while (rte_ring_sc_dequeue(w->inboxes[w->index], &handed) == 0) {
		struct rte_mbuf *m = handed;
		bool raw = stw_tag_kind(m->hash.usr) <= STW_TAG_SPREAD; /* nobody's yet */

		if (stw_tag_counts(m->hash.usr)) {
			stw_count(w, STW_C_INJECTED, 1);
			stw_drop(w, m, raw ? stw_tag_plain(STW_TAG_RAW) : m->hash.usr,
				 STW_C_DROP_STOPPED);
		} else if (stw_tag_kind(m->hash.usr) == STW_TAG_CONTROL) {
			stw_drop(w, m, m->hash.usr, STW_C_DROP_STOPPED);
		} else {
			rte_pktmbuf_free(m);
		}
	}
}

void stw_workers_stop(struct stw_workers *ws)
{
	for (uint32_t i = 0; i < ws->n; i++)
		atomic_store(&ws->worker[i]->running, false);
	for (uint32_t i = 0; i < ws->n; i++)
		rte_eal_wait_lcore(i + 1);
	for (uint32_t i = 0; i < ws->n; i++)
		if (ws->inboxes[i] != NULL)
			empty_inbox(ws->worker[i]);
}

void stw_workers_free(struct stw_workers *ws)
{
	for (uint32_t i = 0; i < ws->n; i++) {
		struct stw_worker *w = ws->worker[i];

		for (unsigned k = 0; k < STW_QUEUES_MAX; k++)
			free(w->out[k]);
		stw_reassembly_free(w->reassembly);
		stw_budget_free(w->budget);
		rte_ring_free(w->requests);
		rte_ring_free(ws->inboxes[i]);
		free(w->where);
		free(w->held);
		free(w);
	}
	rte_free(ws->recent);
	memset(ws, 0, sizeof(*ws));
}

/* ---- hooks of the installer ---- */

size_t stw_workers_take_requests(void *arg, struct stw_neighbour_request *out, size_t max)
{
	struct stw_workers *ws = arg;
	size_t n = 0;

	for (uint32_t i = 0; i < ws->n && n < max; i++)
		n += rte_ring_sc_dequeue_burst_elem(ws->worker[i]->requests, out + n, sizeof(*out),
						    (unsigned)(max - n), NULL);
	return n;
}

bool stw_workers_awake(void *arg)
{
	const struct stw_workers *ws = arg;

	for (uint32_t i = 0; i < ws->n; i++)
		if (!atomic_load_explicit(&ws->worker[i]->asleep, memory_order_relaxed))
			return true;
	return false;
}
