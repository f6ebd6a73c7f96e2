/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <strowger/errors.h>
#include <strowger/log.h>
#include <strowger/urcu.h>

#include "dataplane/ifaces.h"
#include "dataplane/installer.h"
#include "dataplane/netlink/mirror.h"
#include "dataplane/netlink/resolver.h"
#include "dataplane/netlink/rtnl.h"
#include "dataplane/netlink/twin.h"
#include "dataplane/table/install.h"

#define TICK_NS	       200000000u /* heartbeat, port counters, members' next hops */
#define AWAKE_NS       5000000u	  /* how long a neighbour request waits at most */
#define ASLEEP_NS      20000000u  /* the same, when its worker slept a moment ago */
#define FIB_NS	       5000000u	  /* between two FIBs, at least */
#define RESYNC_NS      100000000u /* between two readings of the kernel's tables, at least */
#define FACTOR	       10u	  /* ... and at least so many times what one takes */
#define REQUESTS       64u
#define REQUEST_ROUNDS 16u
#define KEPT_A_TICK    512u /* members' next hops looked after in one tick */
#define AGED_A_TICK    64u  /* other neighbours */

enum { FD_STOP, FD_LISTEN, FD_CONTROL, FD_NETLINK, N_FDS };

struct stw_installer {
	struct stw_installer_config config;
	struct stw_installer_port *ports;
	struct stw_ifaces ifaces;
	bool has_kernel; /* some port has a kernel side */
	struct stw_rtnl rtnl;
	struct stw_twins twins;
	struct stw_mirror mirror;
	struct stw_resolver resolver;
	struct stw_install install;
	struct stw_fib_input input;
	uint64_t next_fib_ns;
	uint64_t next_resync_ns;
	uint64_t next_tick_ns;
	bool links_settling; /* read once more at the next tick */
	bool deaf[N_FDS];    /* not polled before the next tick: it would be ready at once again */
	size_t next_member;  /* where the next tick goes on looking after next hops */
	uint32_t next_aged;
};

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t now_ms(void)
{
	return now_ns() / 1000000u;
}

static uint64_t later(uint64_t start, uint64_t least_ns)
{
	const uint64_t now = now_ns();
	const uint64_t pause = (now - start) * FACTOR;
	return now + (pause > least_ns ? pause : least_ns);
}

/* --- next hops --- */

static void keep_gateways(struct stw_installer *inst)
{
	const struct stw_fib *fib = inst->config.snapshots->fib;
	const size_t n = stw_fib_n_gateways(fib);
	for (size_t i = 0; i < n && i < STW_RESOLVER_BURST; i++) {
		struct stw_hop hop;
		stw_fib_gateway(fib, i, &hop);
		stw_resolver_keep(&inst->resolver, &inst->mirror, hop.iface, &hop.next_hop,
				  now_ms());
	}
}

/* Next hops of up to @max members, going round. */
static void keep_members(struct stw_installer *inst, size_t max)
{
	const struct stw_snapshots *s = inst->config.snapshots;
	const size_t n = s->tables ? stw_tables_n_members(s->tables) : 0;
	for (size_t i = 0; i < n && i < max; i++) {
		const uint16_t at = (uint16_t)(inst->next_member++ % n);
		struct stw_hop hop;
		if (stw_fib_lookup(s->fib, &stw_tables_member(s->tables, at)->address.ip, &hop) ==
		    STW_OK)
			stw_resolver_keep(&inst->resolver, &inst->mirror, hop.iface, &hop.next_hop,
					  now_ms());
	}
}

static void keep_aged(struct stw_installer *inst)
{
	struct stw_neighbour_request r[AGED_A_TICK];
	const size_t n = stw_mirror_aged(&inst->mirror, &inst->next_aged, r, AGED_A_TICK);
	for (size_t i = 0; i < n; i++)
		stw_resolver_ask(&inst->resolver, r[i].iface, &r[i].ip, now_ms());
}

static void take_requests(struct stw_installer *inst)
{
	const struct stw_installer_hooks *h = &inst->config.hooks;
	struct stw_neighbour_request r[REQUESTS];
	for (unsigned round = 0; h->take_requests && round < REQUEST_ROUNDS; round++) {
		const size_t n = h->take_requests(h->arg, r, REQUESTS);
		for (size_t i = 0; i < n; i++)
			stw_resolver_ask(&inst->resolver, r[i].iface, &r[i].ip, now_ms());
		if (n < REQUESTS)
			return;
	}
}

/* --- the FIB --- */

static void count_fib(struct stw_installer *inst, uint64_t swap_ns)
{
	const struct stw_fib *fib = inst->config.snapshots->fib;
	struct stw_stats *stats = inst->config.stats;
	atomic_store_explicit(&stats->routes, stw_fib_n_routes(fib), memory_order_relaxed);
	atomic_store_explicit(&stats->neighbours, stw_fib_n_neighbours(fib), memory_order_relaxed);
	stw_debug("FIB: %zu routes, %zu neighbours, swapped in %llu us", stw_fib_n_routes(fib),
		  stw_fib_n_neighbours(fib), (unsigned long long)(swap_ns / 1000));
}

/* Build from what is known now and publish. */
static int renew_fib(struct stw_installer *inst)
{
	struct stw_fib_input *in = &inst->input;
	struct stw_fib *fib = NULL;
	uint64_t swap_ns = 0;
	int err;
	stw_fib_input_clear(in);
	stw_fib_input_static(in, &inst->ifaces, inst->ports, inst->config.n_ports);
	stw_mirror_collect(&inst->mirror, in);
	if (in->err == STW_OK)
		fib = stw_fib_build(inst->ifaces.rows, inst->ifaces.n, in->routes, in->n_routes,
				    in->neighbours, in->n_neighbours);
	if (!fib)
		return STW_ENOMEM;
	err = stw_snapshots_swap_fib(inst->config.snapshots, fib, in->addresses, in->n_addresses,
				     &swap_ns);
	if (err != STW_OK) {
		stw_fib_free(fib);
		return err;
	}
	inst->mirror.changed = false;
	count_fib(inst, swap_ns);
	return STW_OK;
}

static void renew_fib_in_turn(struct stw_installer *inst)
{
	const uint64_t start = now_ns();
	if (!inst->mirror.changed || start < inst->next_fib_ns)
		return;
	if (renew_fib(inst) == STW_OK)
		keep_gateways(inst);
	else
		stw_error("no memory for a new FIB; the one before is served, another try follows");
	inst->next_fib_ns = later(start, FIB_NS);
}

static void resync_in_turn(struct stw_installer *inst)
{
	const uint64_t start = now_ns();
	if ((!inst->mirror.lost && !inst->mirror.links_changed) || start < inst->next_resync_ns)
		return;
	if (inst->mirror.links_changed) {
		inst->mirror.watch_links = !stw_twins_rebind(&inst->twins);
		/* The kernel may still be taking the link's routes away. */
		inst->links_settling = true;
	}
	stw_mirror_resync(&inst->mirror);
	inst->next_resync_ns = later(start, RESYNC_NS);
}

/* --- the loop --- */

static void tick(struct stw_installer *inst)
{
	const struct stw_installer_hooks *h = &inst->config.hooks;
	if (now_ns() < inst->next_tick_ns)
		return;
	inst->next_tick_ns = now_ns() + TICK_NS;
	memset(inst->deaf, 0, sizeof(inst->deaf));
	stw_counter_add(&inst->config.stats->heartbeat, 1);
	stw_snapshots_tell_time(inst->config.snapshots);
	if (h->refresh_ports)
		h->refresh_ports(h->arg);
	if (!inst->has_kernel)
		return;
	keep_members(inst, KEPT_A_TICK);
	keep_gateways(inst);
	keep_aged(inst);
	inst->mirror.lost |= inst->links_settling;
	inst->links_settling = false;
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Milliseconds to block, rounded up so that the awaited moment is past. */
static int patience_ms(const struct stw_installer *inst)
{
	const struct stw_installer_hooks *h = &inst->config.hooks;
	const uint64_t now = now_ns();
	uint64_t until = inst->next_tick_ns;
	if (inst->has_kernel && h->take_requests) {
		const bool awake = !h->workers_awake || h->workers_awake(h->arg);
		until = sooner(until, now + (awake ? AWAKE_NS : ASLEEP_NS));
	}
	if (inst->mirror.changed)
		until = sooner(until, inst->next_fib_ns);
	if (inst->mirror.lost || inst->mirror.links_changed)
		until = sooner(until, inst->next_resync_ns);
	return until <= now ? 0 : (int)((until - now + 999999u) / 1000000u);
}

/* Block offline: no grace period waits for this thread meanwhile. */
static int wait_for_work(struct stw_installer *inst, struct pollfd fds[N_FDS])
{
	int n;
	fds[FD_LISTEN].fd = inst->deaf[FD_LISTEN] ? -1 : inst->install.listen_fd;
	fds[FD_CONTROL].fd = inst->install.control_fd;
	fds[FD_NETLINK].fd =
		inst->has_kernel && !inst->deaf[FD_NETLINK] ? stw_mirror_fd(&inst->mirror) : -1;
	rcu_thread_offline();
	n = poll(fds, N_FDS, patience_ms(inst));
	rcu_thread_online();
	if (n < 0 && errno != EINTR) {
		stw_error("installer: poll: %s", strerror(errno));
		return STW_EIO;
	}
	for (unsigned i = 0; n <= 0 && i < N_FDS; i++)
		fds[i].revents = 0;
	return STW_OK;
}

static void new_tables(struct stw_installer *inst)
{
	const struct stw_installer_hooks *h = &inst->config.hooks;
	if (h->tables_changed)
		h->tables_changed(h->arg, inst->config.snapshots->tables);
	keep_members(inst, SIZE_MAX);
}

static void serve(struct stw_installer *inst, const struct pollfd fds[N_FDS])
{
	if (fds[FD_CONTROL].revents && stw_install_read(&inst->install))
		new_tables(inst);
	if (fds[FD_LISTEN].revents)
		inst->deaf[FD_LISTEN] = !stw_install_accept(&inst->install);
	if (fds[FD_NETLINK].revents && stw_mirror_read(&inst->mirror) != STW_OK) {
		inst->deaf[FD_NETLINK] = true;
		inst->mirror.lost = true;
	}
	take_requests(inst);
	resync_in_turn(inst);
	renew_fib_in_turn(inst);
	tick(inst);
}

int stw_installer_run(struct stw_installer *inst)
{
	struct pollfd fds[N_FDS] = {
		[FD_STOP] = {.fd = inst->config.stop_fd, .events = POLLIN},
		[FD_LISTEN] = {.events = POLLIN},
		[FD_CONTROL] = {.events = POLLIN},
		[FD_NETLINK] = {.events = POLLIN},
	};
	int err;
	rcu_register_thread();
	do {
		err = wait_for_work(inst, fds);
		if (err == STW_OK && !fds[FD_STOP].revents)
			serve(inst, fds);
	} while (err == STW_OK && !fds[FD_STOP].revents);
	rcu_unregister_thread();
	return err;
}

/* --- start and stop --- */

static int copy_ports(struct stw_installer *inst)
{
	const struct stw_installer_config *c = &inst->config;
	inst->ports = calloc(c->n_ports + 1, sizeof(*inst->ports));
	if (!inst->ports)
		return STW_ENOMEM;
	for (size_t i = 0; i < c->n_ports; i++) {
		inst->ports[i] = c->ports[i];
		inst->has_kernel |= c->ports[i].kernel[0] != '\0';
	}
	inst->config.ports = NULL; /* the caller's array may go */
	return stw_ifaces_init(&inst->ifaces, inst->ports, c->n_ports);
}

static int open_kernel(struct stw_installer *inst)
{
	char notes[128];
	int err;
	snprintf(notes, sizeof(notes), "%s.undo", inst->config.socket);
	if (stw_rtnl_open(&inst->rtnl) != STW_OK) {
		stw_error("netlink: open a socket: %s", strerror(errno));
		return STW_EIO;
	}
	err = stw_twins_init(&inst->twins, inst->ports, inst->config.n_ports, &inst->ifaces,
			     &inst->rtnl, notes);
	if (err == STW_OK)
		err = stw_mirror_init(&inst->mirror, &inst->ifaces, &inst->rtnl);
	return err;
}

int stw_installer_new(const struct stw_installer_config *config, struct stw_installer **out)
{
	struct stw_installer *inst = calloc(1, sizeof(*inst));
	int err;
	if (!inst)
		return STW_ENOMEM;
	inst->config = *config;
	inst->install = (struct stw_install){.listen_fd = -1, .control_fd = -1, .image_fd = -1};
	inst->mirror.ifaces = &inst->ifaces;
	stw_resolver_init(&inst->resolver, &inst->ifaces, &inst->rtnl);
	err = copy_ports(inst);
	/* First, because it fails when another data plane is at work: leave the network alone. */
	if (err == STW_OK)
		err = stw_install_open(&inst->install, config->socket, config->snapshots,
				       config->stats, config->stats_fd);
	if (err == STW_OK && inst->has_kernel)
		err = open_kernel(inst);
	if (err == STW_OK)
		err = renew_fib(inst);
	if (err != STW_OK) {
		stw_installer_free(inst);
		return err;
	}
	keep_gateways(inst);
	*out = inst;
	return STW_OK;
}

void stw_installer_free(struct stw_installer *inst)
{
	if (!inst)
		return;
	stw_install_close(&inst->install);
	stw_mirror_fini(&inst->mirror);
	if (inst->twins.rtnl)
		stw_twins_fini(&inst->twins);
	stw_rtnl_close(&inst->rtnl);
	stw_fib_input_fini(&inst->input);
	free(inst->ports);
	free(inst);
}
