/* SPDX-License-Identifier: BSD-3-Clause */

/**
 * @file
 * The installer against a real kernel, in network namespaces of its own: what is configured appears
 * on the twin, what the kernel knows appears in the FIB, what it does not know is asked for, and at
 * the stop everything is as before. Skipped without root.
 *
 * The installer runs in its thread; the test reads snapshots as a worker would and waits for what
 * should come.
 */

#include "tests/unit/dataplane/netns.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>

#include <strowger/errors.h>
#include <strowger/log.h>

#include "dataplane/installer.h"
#include "tests/support/ip.h"
#include "tests/unit/dataplane/farm_tables.h"

#define PATIENCE_MS 60000u
#define MAX	    8u

static const uint8_t port_mac[6] = {2, 0, 0, 0, 0, 0x77};
static const uint8_t far_mac[6] = {2, 0, 0, 0, 0x0f, 0x0f};

struct fixture {
	char dir[64];
	char path[96];
	struct stw_model_port model;
	struct stw_model_address addresses[MAX];
	struct stw_model_route routes[MAX];
	struct stw_model_neighbour neighbours[MAX];
	struct stw_installer_port port;
	struct stw_snapshots snapshots;
	struct stw_stats *stats;
	int stop_fd;
	struct stw_installer *inst;
	pthread_t thread;
	bool running;
	/* what a worker asks for until the installer takes it */
	struct stw_neighbour_request request;
	atomic_bool requested;
};

/* --- configuration --- */

static void with_address(struct fixture *f, const char *text, uint8_t bits, uint16_t vlan)
{
	f->addresses[f->model.n_addresses++] =
		(struct stw_model_address){.prefix = {.ip = ip(text), .bits = bits}, .vlan = vlan};
}

static void with_route(struct fixture *f, const char *to, uint8_t bits, const char *via)
{
	f->routes[f->model.n_routes++] =
		(struct stw_model_route){.to = {.ip = ip(to), .bits = bits}, .via = ip(via)};
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	if (!f)
		return -1;
	*state = f;
	f->stop_fd = -1;
	if (!netns_enter())
		return -1;
	snprintf(f->dir, sizeof(f->dir), "/tmp/strowger-netlink-XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/control.sock", f->dir);
	f->stats = calloc(1, sizeof(*f->stats));
	f->stop_fd = eventfd(0, EFD_CLOEXEC);
	f->model.addresses = f->addresses;
	f->model.routes = f->routes;
	f->model.neighbours = f->neighbours;
	f->port = (struct stw_installer_port){.model = &f->model, .kernel = "dp0", .mtu = 1400};
	memcpy(f->port.mac, port_mac, sizeof(port_mac));
	return f->stats && f->stop_fd >= 0 ? stw_snapshots_init(&f->snapshots) : -1;
}

/* --- the installer in its thread --- */

static size_t take_request(void *arg, struct stw_neighbour_request *out, size_t max)
{
	struct fixture *f = arg;
	if (!max || !atomic_load(&f->requested))
		return 0;
	out[0] = f->request;
	atomic_store(&f->requested, false);
	return 1;
}

static void *run(void *arg)
{
	struct fixture *f = arg;
	return (void *)(intptr_t)stw_installer_run(f->inst);
}

static int make(struct fixture *f)
{
	const struct stw_installer_config config = {
		.socket = f->path,
		.ports = &f->port,
		.n_ports = 1,
		.snapshots = &f->snapshots,
		.stats = f->stats,
		.stats_fd = -1,
		.stop_fd = f->stop_fd,
		.hooks = {.arg = f, .take_requests = take_request},
	};
	return stw_installer_new(&config, &f->inst);
}

static void start(struct fixture *f)
{
	assert_int_equal(make(f), STW_OK);
	assert_int_equal(pthread_create(&f->thread, NULL, run, f), 0);
	f->running = true;
}

static void stop(struct fixture *f)
{
	void *err = NULL;
	if (f->running) {
		eventfd_write(f->stop_fd, 1);
		pthread_join(f->thread, &err);
		f->running = false;
		assert_int_equal((int)(intptr_t)err, STW_OK);
	}
	stw_installer_free(f->inst);
	f->inst = NULL;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	int left = 0;
	if (f->stop_fd >= 0) {
		stop(f);
		stw_snapshots_fini(&f->snapshots);
		close(f->stop_fd);
		left = rmdir(f->dir);
	}
	netns_leave();
	free(f->stats);
	free(f);
	return left;
}

/* --- what a worker sees --- */

struct seen {
	int err;
	struct stw_hop hop;
	uint16_t vlan;
};

static struct seen see(const struct fixture *f, const char *dst)
{
	const struct stw_ip d = ip(dst);
	struct seen s = {0};
	const struct stw_snapshot *snap;
	rcu_thread_online();
	snap = stw_snapshot_rcu(&f->snapshots);
	s.err = stw_fib_lookup(snap->fib, &d, &s.hop);
	if (s.err == STW_OK)
		s.vlan = stw_fib_iface(snap->fib, s.hop.iface)->vlan;
	rcu_thread_offline();
	return s;
}

static bool is_on_link(const struct fixture *f, const char *dst)
{
	const struct stw_ip d = ip(dst);
	const struct seen s = see(f, dst);
	return s.err == STW_OK && stw_ip_equal(&s.hop.next_hop, &d);
}

static bool is_via(const struct fixture *f, const char *dst, const char *gateway)
{
	const struct stw_ip g = ip(gateway);
	const struct seen s = see(f, dst);
	return s.err == STW_OK && stw_ip_equal(&s.hop.next_hop, &g);
}

static bool has_mac(const struct fixture *f, const char *dst, const uint8_t mac[6])
{
	const struct seen s = see(f, dst);
	return s.err == STW_OK && s.hop.resolved && memcmp(s.hop.mac, mac, 6) == 0;
}

static bool is_unresolved(const struct fixture *f, const char *dst)
{
	const struct seen s = see(f, dst);
	return s.err == STW_OK && !s.hop.resolved;
}

static bool is_unroutable(const struct fixture *f, const char *dst)
{
	return see(f, dst).err == STW_ENOENT;
}

static uint64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

/* Look again until it holds. The limit only ends a test that has failed. */
#define await(condition)                                                       \
	do {                                                                   \
		const uint64_t start_ = now_ms();                              \
		while (!(condition)) {                                         \
			const struct timespec nap_ = {.tv_nsec = 2000000};     \
			if (now_ms() - start_ > PATIENCE_MS)                   \
				fail_msg("waited in vain for %s", #condition); \
			nanosleep(&nap_, NULL);                                \
		}                                                              \
	} while (0)

/* Unless the request before is still waiting. */
static void ask(struct fixture *f, const char *next_hop)
{
	if (atomic_load(&f->requested))
		return;
	f->request = (struct stw_neighbour_request){.ip = ip(next_hop),
						    .iface = see(f, next_hop).hop.iface};
	atomic_store(&f->requested, true);
}

/* --- the twin --- */

static void twin_is_dressed(void **state)
{
	struct fixture *f = *state;
	with_address(f, "192.0.2.1", 24, 0);
	with_address(f, "2001:db8::1", 64, 0);
	start(f);
	must_sh("ip -o link show dp0 | grep -q 'UP.*mtu 1400.*02:00:00:00:00:77'");
	must_sh("ip -o -4 addr show dev dp0 | grep -q '192.0.2.1/24 brd 192.0.2.255'");
	must_sh("ip -o -6 addr show dev dp0 | grep '2001:db8::1/64' | grep -qv tentative");
	assert_true(is_on_link(f, "192.0.2.9"));
	assert_true(is_on_link(f, "2001:db8::9"));
	assert_true(is_unroutable(f, "198.51.100.1"));
	stop(f);
	assert_int_not_equal(sh("ip -o addr show dev dp0 | grep -qE '192.0.2.1|2001:db8::1'"), 0);
}

static void vlans_get_interfaces_of_their_own(void **state)
{
	struct fixture *f = *state;
	with_address(f, "192.0.2.1", 24, 0);
	with_address(f, "10.100.0.1", 24, 100);
	far_sh("ip link add link far0 name far0.100 type vlan id 100 && ip link set far0.100 up &&"
	       " ip addr add 10.100.0.2/24 dev far0.100");
	start(f);
	assert_int_equal(see(f, "10.100.0.2").vlan, 100);
	assert_int_equal(see(f, "192.0.2.2").vlan, 0);
	ask(f, "10.100.0.2");
	await(has_mac(f, "10.100.0.2", far_mac));
	stop(f);
	assert_int_not_equal(sh("ip link show dp0.100 2>/dev/null"), 0);
}

/* An interface of the VLAN's name that is there already is used as it is: so this needs no 8021q.
 */
static void vlan_s_neighbours_are_asked_for_on_its_interface(void **state)
{
	struct fixture *f = *state;
	must_sh("ip link add dp0.100 type veth peer name vfar address " FAR_MAC
		" && ip link set vfar netns %d",
		netns_peer);
	far_sh("ip link set vfar up && ip addr add 10.100.0.2/24 dev vfar");
	with_address(f, "192.0.2.1", 24, 0);
	with_address(f, "10.100.0.1", 24, 100);
	start(f);
	assert_int_equal(see(f, "10.100.0.2").vlan, 100);
	assert_int_equal(see(f, "192.0.2.2").vlan, 0);
	ask(f, "10.100.0.2");
	await(has_mac(f, "10.100.0.2", far_mac));
	stop(f);
	/* Not made here, not removed here; but its address was ours. */
	must_sh("ip link show dp0.100 >/dev/null");
	assert_int_not_equal(sh("ip -o addr show dev dp0.100 | grep -q 10.100.0.1"), 0);
}

/* Shared: nothing is made or dressed; what the kernel has is found. */
static void a_shared_port_s_vlans_are_found(void **state)
{
	static uint16_t vlans[] = {100};
	struct fixture *f = *state;
	must_sh("ip link add in0 type veth peer name in1 && ip link set dp0 up &&"
		" ip addr add 192.0.2.1/24 dev dp0 &&"
		" ip link add carrier100 type veth peer name vfar &&"
		" ip link property add dev carrier100 altname dp0.100 &&"
		" ip link set carrier100 up && ip link set vfar up &&"
		" ip addr add 10.100.0.1/24 dev carrier100 &&"
		" ip neigh add 10.100.0.2 lladdr " FAR_MAC " dev carrier100");
	strcpy(f->port.inlet, "in0");
	f->model.vlans = vlans;
	f->model.n_vlans = 1;
	start(f);
	assert_int_equal(see(f, "10.100.0.2").vlan, 100);
	assert_int_equal(see(f, "192.0.2.2").vlan, 0);
	assert_true(has_mac(f, "10.100.0.2", far_mac));
	stop(f);
	must_sh("ip -o addr show dev carrier100 | grep -q 10.100.0.1/24");
}

static void a_shared_port_s_vlan_must_be_there(void **state)
{
	static uint16_t vlans[] = {100};
	struct fixture *f = *state;
	must_sh("ip link add in0 type veth peer name in1");
	strcpy(f->port.inlet, "in0");
	f->model.vlans = vlans;
	f->model.n_vlans = 1;
	assert_int_equal(make(f), STW_EIO);
}

static void missing_twin_is_an_error(void **state)
{
	struct fixture *f = *state;
	strcpy(f->port.kernel, "nothere0");
	with_address(f, "192.0.2.1", 24, 0);
	assert_int_equal(make(f), STW_EIO);
	assert_null(f->inst);
}

static void configured_neighbours_are_permanent(void **state)
{
	struct fixture *f = *state;
	with_address(f, "192.0.2.1", 24, 0);
	f->neighbours[f->model.n_neighbours++] =
		(struct stw_model_neighbour){.ip = ip("192.0.2.50"), .mac = {2, 0, 0, 0, 5, 0}};
	start(f);
	must_sh("ip neigh show dev dp0 | grep -q '192.0.2.50.*02:00:00:00:05:00 PERMANENT'");
	assert_true(has_mac(f, "192.0.2.50", f->neighbours[0].mac));
}

static void configured_routes_do_not_replace_the_kernel_s(void **state)
{
	struct fixture *f = *state;
	must_sh("ip link add mgmt0 type veth peer name mgmt1 &&"
		" ip link set mgmt0 up && ip link set mgmt1 up &&"
		" ip addr add 10.9.9.1/24 dev mgmt0 && ip route add default via 10.9.9.254");
	with_address(f, "192.0.2.1", 24, 0);
	with_route(f, "0.0.0.0", 0, "192.0.2.2");
	start(f);
	/* The kernel keeps its way, workers take ours. */
	must_sh("ip route get 203.0.113.1 | grep -q 'via 10.9.9.254'");
	assert_true(is_via(f, "203.0.113.1", "192.0.2.2"));
	/* And what leads over interfaces that are not ours leads nowhere for us. */
	assert_true(is_via(f, "10.9.9.7", "192.0.2.2"));
	stop(f);
	must_sh("test \"$(ip route show default)\" = 'default via 10.9.9.254 dev mgmt0 '");
}

/* --- taken over and given back --- */

static void addresses_are_taken_over_and_given_back(void **state)
{
	struct fixture *f = *state;
	must_sh("ip link add under0 type veth peer name under1 &&"
		" ip link set under0 up && ip link set under1 up &&"
		" ip addr add 192.0.2.1/24 brd + dev under0 && ip addr add 192.0.2.77/24 dev "
		"under0 &&"
		" ip addr add 2001:db8::1/64 dev under0 nodad &&"
		" ip route add 203.0.113.0/24 via 192.0.2.254 &&"
		" ip route add default via 192.0.2.254 src 192.0.2.1");
	must_sh("(ip -4 route show dev under0; ip -o -4 addr show dev under0) | sort > %s/before",
		f->dir);
	snprintf(f->model.device, sizeof(f->model.device),
		 "net_af_xdp0,iface=under0,start_queue=0");
	with_address(f, "192.0.2.1", 24, 0);
	with_address(f, "2001:db8::1", 64, 0);
	start(f);
	assert_int_not_equal(sh("ip -o addr show dev under0 | grep -qE '192.0.2.1/|2001:db8::1/'"),
			     0);
	must_sh("ip -o addr show dev under0 | grep -q 192.0.2.77/24");
	must_sh("ip -o addr show dev dp0 | grep -q 192.0.2.1/24");
	stop(f);
	must_sh("(ip -4 route show dev under0; ip -o -4 addr show dev under0) | sort > %s/after",
		f->dir);
	/* The second address may now be the first: what counts is that all are there. */
	must_sh("sed -i -E 's/ (secondary|valid_lft.*|src 192.0.2.77)//g' %s/before %s/after",
		f->dir, f->dir);
	must_sh("sed -i -E 's/^[0-9]+: //; s/ src [0-9.]+//' %s/before %s/after", f->dir, f->dir);
	must_sh("diff %s/before %s/after", f->dir, f->dir);
	must_sh("ip -o addr show dev under0 | grep -q 2001:db8::1/64");
	assert_int_not_equal(sh("ip -o addr show dev dp0 | grep -q 192.0.2.1"), 0);
	must_sh("rm %s/before %s/after", f->dir, f->dir);
}

static void addresses_come_back_even_after_a_kill(void **state)
{
	struct fixture *f = *state;
	int status = 0;
	pid_t pid;
	must_sh("ip link add under0 type veth peer name under1 &&"
		" ip link set under0 up && ip link set under1 up &&"
		" ip addr add 192.0.2.1/24 dev under0 && ip addr add 2001:db8::1/64 dev under0 "
		"nodad &&"
		" ip route add 203.0.113.0/24 via 192.0.2.254 dev under0");
	snprintf(f->model.device, sizeof(f->model.device), "net_af_xdp0,iface=under0");
	with_address(f, "192.0.2.1", 24, 0);
	with_address(f, "2001:db8::1", 64, 0);
	pid = fork();
	if (pid == 0)
		_exit(make(f) == STW_OK ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_not_equal(sh("ip -o addr show dev under0 | grep -q 192.0.2.1/24"), 0);
	/* The TAP would be gone with its process; this stand-in is not. */
	must_sh("ip addr flush dev dp0");
	start(f);
	assert_int_not_equal(sh("ip -o addr show dev under0 | grep -q 192.0.2.1/24"), 0);
	stop(f);
	must_sh("ip -o addr show dev under0 | grep -q 192.0.2.1/24");
	must_sh("ip -o addr show dev under0 | grep -q 2001:db8::1/64");
	must_sh("ip route show dev under0 | grep -q '203.0.113.0/24 via 192.0.2.254'");
}

static void interface_without_our_addresses_is_left_alone(void **state)
{
	struct fixture *f = *state;
	must_sh("ip link add under0 type veth peer name under1 &&"
		" ip link set under0 up && ip link set under1 up &&"
		" ip addr add 198.51.100.1/24 dev under0 &&"
		" ip route add 203.0.113.0/24 via 198.51.100.254");
	snprintf(f->model.device, sizeof(f->model.device), "net_af_packet0,iface=under0");
	with_address(f, "192.0.2.1", 24, 0);
	start(f);
	must_sh("ip -o addr show dev under0 | grep -q 198.51.100.1/24");
	must_sh("ip route del 203.0.113.0/24");
	stop(f);
	/* Nothing was taken, so nothing comes back: not even what went meanwhile. */
	assert_int_not_equal(sh("ip route show | grep -q 203.0.113.0"), 0);
}

/* --- neighbours --- */

/* As a worker that holds a message does: the kernel gives up after three solicitations. */
static bool asks_until_it_has_mac(struct fixture *f, const char *ip)
{
	ask(f, ip);
	return has_mac(f, ip, far_mac);
}

static void missing_neighbours_are_asked_for(void **state)
{
	struct fixture *f = *state;
	far_sh("ip addr add 192.0.2.2/24 dev far0 && ip addr add 2001:db8::2/64 dev far0 nodad");
	with_address(f, "192.0.2.1", 24, 0);
	with_address(f, "2001:db8::1", 64, 0);
	start(f);
	assert_true(is_unresolved(f, "192.0.2.2"));
	await(asks_until_it_has_mac(f, "192.0.2.2"));
	await(asks_until_it_has_mac(f, "2001:db8::2"));
	await(atomic_load(&f->stats->neighbours) >= 2);
}

static void gateways_are_asked_for_by_themselves(void **state)
{
	struct fixture *f = *state;
	far_sh("ip addr add 192.0.2.2/24 dev far0 && ip addr add 2001:db8::2/64 dev far0 nodad");
	with_address(f, "192.0.2.1", 24, 0);
	with_address(f, "2001:db8::1", 64, 0);
	with_route(f, "0.0.0.0", 0, "192.0.2.2");
	with_route(f, "::", 0, "2001:db8::2");
	start(f);
	await(has_mac(f, "203.0.113.1", far_mac));
	await(has_mac(f, "2001:db8:ffff::1", far_mac));
	/* And again when the kernel has lost them. */
	must_sh("ip neigh flush all dev dp0");
	await(has_mac(f, "203.0.113.1", far_mac));
	/* A gateway of a route that comes later, too. */
	far_sh("ip addr add 192.0.2.3/24 dev far0");
	must_sh("ip route add 10.0.0.0/8 via 192.0.2.3");
	await(has_mac(f, "10.1.1.1", far_mac));
}

static void members_are_asked_for_by_themselves(void **state)
{
	struct fixture *f = *state;
	far_sh("ip addr add 198.51.100.10/24 dev far0");
	with_address(f, "198.51.100.1", 24, 0);
	assert_int_equal(make(f), STW_OK);
	assert_int_equal(stw_snapshots_swap_tables(&f->snapshots, farm_tables(1), NULL), STW_OK);
	assert_int_equal(pthread_create(&f->thread, NULL, run, f), 0);
	f->running = true;
	await(has_mac(f, "198.51.100.10", far_mac));
	/* Aged, it is asked for again. */
	must_sh("ip neigh change 198.51.100.10 lladdr " FAR_MAC " dev dp0 nud stale");
	await(sh("ip neigh show dev dp0 | grep 198.51.100.10 | grep -qE 'DELAY|PROBE|REACHABLE'") ==
	      0);
}

static void changed_and_lost_neighbours_are_seen(void **state)
{
	static const uint8_t first[6] = {2, 0, 0, 0, 9, 1};
	static const uint8_t second[6] = {2, 0, 0, 0, 9, 2};
	struct fixture *f = *state;
	with_address(f, "192.0.2.1", 24, 0);
	start(f);
	must_sh("ip neigh add 192.0.2.9 lladdr 02:00:00:00:09:01 dev dp0 nud permanent");
	await(has_mac(f, "192.0.2.9", first));
	must_sh("ip neigh replace 192.0.2.9 lladdr 02:00:00:00:09:02 dev dp0 nud stale");
	await(has_mac(f, "192.0.2.9", second));
	must_sh("ip neigh del 192.0.2.9 dev dp0");
	await(is_unresolved(f, "192.0.2.9"));
}

/* What answered before and does not now, or has another MAC address, is found out. */
static void aged_neighbours_are_made_sure_of(void **state)
{
	static const uint8_t wrong[6] = {2, 0, 0, 0, 9, 1};
	struct fixture *f = *state;
	far_sh("ip addr add 192.0.2.2/24 dev far0");
	with_address(f, "192.0.2.1", 24, 0);
	must_sh("ip link set dp0 up &&"
		" ip ntable change name arp_cache dev dp0 delay_probe 1 retrans 20");
	start(f);
	must_sh("ip neigh add 192.0.2.9 lladdr 02:00:00:00:09:01 dev dp0 nud stale");
	await(has_mac(f, "192.0.2.9", wrong));
	await(is_unresolved(f, "192.0.2.9"));
	must_sh("ip neigh add 192.0.2.2 lladdr 02:00:00:00:09:01 dev dp0 nud stale");
	await(has_mac(f, "192.0.2.2", wrong));
	await(is_unresolved(f, "192.0.2.2"));
	/* Again and again, as a worker does: once may be too soon after it was made sure of. */
	await((ask(f, "192.0.2.2"), has_mac(f, "192.0.2.2", far_mac)));
}

/* --- routes --- */

static void routes_come_change_and_go(void **state)
{
	struct fixture *f = *state;
	with_address(f, "192.0.2.1", 24, 0);
	with_address(f, "2001:db8::1", 64, 0);
	start(f);
	must_sh("ip route add 10.0.0.0/8 via 192.0.2.2 && ip -6 route add 2001:db8:a::/48 via "
		"2001:db8::2");
	await(is_via(f, "10.1.2.3", "192.0.2.2"));
	await(is_via(f, "2001:db8:a::1", "2001:db8::2"));
	must_sh("ip route replace 10.0.0.0/8 via 192.0.2.3");
	await(is_via(f, "10.1.2.3", "192.0.2.3"));
	must_sh("ip route add 10.0.0.0/8 via 192.0.2.4 metric 50 && ip route del 10.0.0.0/8 via "
		"192.0.2.3");
	await(is_via(f, "10.1.2.3", "192.0.2.4"));
	must_sh("ip route add blackhole 10.1.0.0/16");
	await(is_unroutable(f, "10.1.2.3"));
	must_sh("ip route del 10.0.0.0/8 && ip route del blackhole 10.1.0.0/16 &&"
		" ip -6 route del 2001:db8:a::/48");
	await(is_unroutable(f, "10.2.2.3") && is_unroutable(f, "2001:db8:a::1"));
	assert_true(is_on_link(f, "192.0.2.9"));
}

static void one_way_of_several_is_taken(void **state)
{
	struct fixture *f = *state;
	with_address(f, "192.0.2.1", 24, 0);
	with_address(f, "2001:db8::1", 64, 0);
	start(f);
	must_sh("ip route add 10.0.0.0/8 nexthop via 192.0.2.2 nexthop via 192.0.2.3");
	await(is_via(f, "10.1.2.3", "192.0.2.2"));
	must_sh("ip route add 10.3.0.0/16 via inet6 2001:db8::3 dev dp0");
	await(is_via(f, "10.3.2.3", "2001:db8::3"));
	/* IPv6 tells of each way by itself; one gone, the other is found. */
	must_sh("ip -6 route add 2001:db8:a::/48 via 2001:db8::2 &&"
		" ip -6 route append 2001:db8:a::/48 via 2001:db8::3");
	await(is_via(f, "2001:db8:a::1", "2001:db8::2"));
	must_sh("ip -6 route del 2001:db8:a::/48 via 2001:db8::2");
	await(is_via(f, "2001:db8:a::1", "2001:db8::3"));
}

static void link_down_takes_its_routes_and_up_brings_them(void **state)
{
	struct fixture *f = *state;
	with_address(f, "192.0.2.1", 24, 0);
	start(f);
	must_sh("ip route add 10.0.0.0/8 via 192.0.2.2");
	await(is_via(f, "10.1.2.3", "192.0.2.2"));
	must_sh("ip link set dp0 down");
	await(is_unroutable(f, "192.0.2.9") && is_unroutable(f, "10.1.2.3"));
	must_sh("ip link set dp0 up");
	await(is_on_link(f, "192.0.2.9"));
}

static void vlan_interface_made_anew_is_found(void **state)
{
	struct fixture *f = *state;
	must_sh("ip link add dp0.100 type veth peer name v1 && ip link set v1 up");
	with_address(f, "10.100.0.1", 24, 100);
	start(f);
	await(is_on_link(f, "10.100.0.2"));
	must_sh("ip link del dp0.100");
	await(is_unroutable(f, "10.100.0.2"));
	must_sh("ip link add dp0.100 type veth peer name v1 && ip link set v1 up &&"
		" ip link set dp0.100 up &&"
		" ip addr add 10.100.0.1/24 dev dp0.100");
	await(is_on_link(f, "10.100.0.2"));
	assert_int_equal(see(f, "10.100.0.2").vlan, 100);
}

static void new_addresses_change_who_faces_the_interface(void **state)
{
	struct fixture *f = *state;
	struct stw_farm farm;
	struct stw_image image;
	struct stw_tables *t = NULL;
	char reason[160];
	stw_farm_init(&farm, 1);
	farm.listeners[2].address = stw_farm_v4(203, 0, 113, 1, 5060);
	farm.model.n_listeners = 3;
	assert_int_equal(stw_image_build(&farm.model, NULL, 1, &image), STW_OK);
	assert_int_equal(stw_tables_new(image.bytes, image.size_bytes, reason, sizeof(reason), &t),
			 STW_OK);
	stw_image_fini(&image);
	with_address(f, "203.0.113.1", 24, 0);
	assert_int_equal(make(f), STW_OK);
	assert_int_equal(stw_snapshots_swap_tables(&f->snapshots, t, NULL), STW_OK);
	assert_int_equal(f->snapshots.current->facing[0][0], 2);
	assert_int_equal(pthread_create(&f->thread, NULL, run, f), 0);
	f->running = true;
	must_sh("ip addr add 192.0.2.1/24 dev dp0");
	await(is_on_link(f, "192.0.2.9"));
	stop(f);
	assert_int_equal(f->snapshots.current->facing[0][0], 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static bool has_vlans(void)
{
	int status = 0;
	const pid_t pid = fork();
	if (pid == 0)
		_exit(!netns_enter() ||
		      sh("ip link add link dp0 name dp0.9 type vlan id 9 2>/dev/null") != 0);
	return waitpid(pid, &status, 0) == pid && status == 0;
}

static int run_in_namespaces(const struct CMUnitTest *tests, size_t n)
{
	int failed;
	rcu_register_thread();
	rcu_thread_offline();
	failed = _cmocka_run_group_tests("netlink", tests, n, NULL, NULL);
	rcu_unregister_thread();
	return failed;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(twin_is_dressed),
		TEST(vlan_s_neighbours_are_asked_for_on_its_interface),
		TEST(a_shared_port_s_vlans_are_found),
		TEST(a_shared_port_s_vlan_must_be_there),
		TEST(missing_twin_is_an_error),
		TEST(configured_neighbours_are_permanent),
		TEST(configured_routes_do_not_replace_the_kernel_s),
		TEST(addresses_are_taken_over_and_given_back),
		TEST(addresses_come_back_even_after_a_kill),
		TEST(interface_without_our_addresses_is_left_alone),
		TEST(missing_neighbours_are_asked_for),
		TEST(gateways_are_asked_for_by_themselves),
		TEST(members_are_asked_for_by_themselves),
		TEST(changed_and_lost_neighbours_are_seen),
		TEST(aged_neighbours_are_made_sure_of),
		TEST(routes_come_change_and_go),
		TEST(one_way_of_several_is_taken),
		TEST(link_down_takes_its_routes_and_up_brings_them),
		TEST(vlan_interface_made_anew_is_found),
		TEST(new_addresses_change_who_faces_the_interface),
		TEST(vlans_get_interfaces_of_their_own),
	};
	const size_t n = sizeof(tests) / sizeof(tests[0]);
	stw_log_set_level(STW_LOG_ERROR);
	if (!netns_possible()) {
		puts("1..0 # SKIP needs root and network namespaces");
		return 0;
	}
	if (has_vlans())
		return run_in_namespaces(tests, n);
	puts("# without the last test: the kernel has no 8021q");
	return run_in_namespaces(tests, n - 1);
}
