/* SPDX-License-Identifier: BSD-3-Clause */

/**
 * @file
 * The installer's loop with ports that have no kernel side: the FIB of the configuration, control
 * over the real socket, heartbeat, stop. No root, no network.
 */

#include "tests/unit/dataplane/farm_tables.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <strowger/ctl_proto.h>
#include <strowger/log.h>

#include "dataplane/ifaces.h"
#include "dataplane/installer.h"

struct fixture {
	char dir[64];
	char path[96];
	struct stw_model_address addresses[3];
	struct stw_model_route routes[1];
	struct stw_model_neighbour neighbours[2];
	struct stw_model_port models[2];
	struct stw_installer_port ports[2];
	struct stw_snapshots snapshots;
	struct stw_stats *stats;
	int stats_fd;
	int stop_fd;
	struct stw_installer *inst;
	pthread_t thread;
	atomic_uint n_refreshed;
};

static void refresh(void *arg)
{
	struct fixture *f = arg;
	atomic_fetch_add(&f->n_refreshed, 1);
}

static struct stw_ip v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	return stw_farm_v4(a, b, c, d, 0).ip;
}

/* Port 0: 192.0.2.1/24 untagged, 10.7.0.1/16 and 2001:db8::1/64 on VLAN 7. Port 1: nothing. */
static void configure(struct fixture *f)
{
	f->addresses[0].prefix = (struct stw_model_prefix){.ip = v4(192, 0, 2, 1), .bits = 24};
	f->addresses[1].prefix = (struct stw_model_prefix){.ip = v4(10, 7, 0, 1), .bits = 16};
	f->addresses[1].vlan = 7;
	f->addresses[2].prefix = (struct stw_model_prefix){.ip = stw_farm_v6(1, 0).ip, .bits = 64};
	f->addresses[2].vlan = 7;
	f->routes[0] = (struct stw_model_route){.to = {.ip = v4(0, 0, 0, 0), .bits = 0},
						.via = v4(192, 0, 2, 254)};
	f->neighbours[0] =
		(struct stw_model_neighbour){.ip = v4(192, 0, 2, 254), .mac = {2, 0, 0, 0, 0, 254}};
	f->neighbours[1] = (struct stw_model_neighbour){.ip = v4(10, 7, 0, 9),
							.mac = {2, 0, 0, 0, 7, 9},
							.vlan = 7};
	f->models[0] = (struct stw_model_port){.addresses = f->addresses,
					       .n_addresses = 3,
					       .routes = f->routes,
					       .n_routes = 1,
					       .neighbours = f->neighbours,
					       .n_neighbours = 2};
	for (unsigned i = 0; i < 2; i++)
		f->ports[i] = (struct stw_installer_port){.model = &f->models[i],
							  .mtu = 1500,
							  .mac = {2, 0, 0, 0, 1, (uint8_t)i}};
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	if (!f)
		return -1;
	*state = f;
	configure(f);
	snprintf(f->dir, sizeof(f->dir), "/tmp/strowger-installer-XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/control.sock", f->dir);
	f->stats = calloc(1, sizeof(*f->stats));
	f->stats_fd = memfd_create("stats", MFD_CLOEXEC);
	f->stop_fd = eventfd(0, EFD_CLOEXEC);
	return f->stats && stw_snapshots_init(&f->snapshots) == STW_OK ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	int left;
	stw_installer_free(f->inst);
	left = rmdir(f->dir);
	stw_snapshots_fini(&f->snapshots);
	close(f->stats_fd);
	close(f->stop_fd);
	free(f->stats);
	free(f);
	return left;
}

static void make(struct fixture *f)
{
	const struct stw_installer_config config = {
		.socket = f->path,
		.ports = f->ports,
		.n_ports = 2,
		.snapshots = &f->snapshots,
		.stats = f->stats,
		.stats_fd = f->stats_fd,
		.stop_fd = f->stop_fd,
		.hooks = {.arg = f, .refresh_ports = refresh},
	};
	assert_int_equal(stw_installer_new(&config, &f->inst), STW_OK);
}

static void *run(void *arg)
{
	struct fixture *f = arg;
	return (void *)(intptr_t)stw_installer_run(f->inst);
}

static void start(struct fixture *f)
{
	make(f);
	assert_int_equal(pthread_create(&f->thread, NULL, run, f), 0);
}

static void stop(struct fixture *f)
{
	void *err = NULL;
	eventfd_write(f->stop_fd, 1);
	pthread_join(f->thread, &err);
	assert_int_equal((int)(intptr_t)err, STW_OK);
}

static int dial(const struct fixture *f)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", f->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static struct stw_ctl_result offer_farm(int control, uint64_t generation)
{
	struct stw_image image = farm_image(generation);
	const struct stw_ctl_image m = {.h = {STW_CTL_IMAGE, STW_CTL_VERSION},
					.generation = generation,
					.size_bytes = image.size_bytes};
	char space[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8))) = {0};
	struct iovec iov = {.iov_base = (void *)(uintptr_t)&m, .iov_len = sizeof(m)};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = space,
			     .msg_controllen = sizeof(space)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	const int fd = memfd_create("image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct stw_ctl_result r;
	assert_int_equal(write(fd, image.bytes, image.size_bytes), image.size_bytes);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW), 0);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	assert_int_equal(sendmsg(control, &msg, MSG_NOSIGNAL), sizeof(m));
	close(fd);
	stw_image_fini(&image);
	assert_int_equal(recv(control, &r, sizeof(r), 0), sizeof(r));
	return r;
}

static struct stw_hop find(const struct fixture *f, struct stw_ip dst)
{
	struct stw_hop hop;
	assert_int_equal(stw_fib_lookup(f->snapshots.current->fib, &dst, &hop), STW_OK);
	return hop;
}

static void interfaces_are_ports_and_their_vlans(void **state)
{
	struct fixture *f = *state;
	struct stw_ifaces x;
	assert_int_equal(stw_ifaces_init(&x, f->ports, 2), STW_OK);
	assert_int_equal(x.n, 3);
	assert_int_equal(stw_ifaces_find(&x, 0, 0), 0);
	assert_int_equal(stw_ifaces_find(&x, 0, 7), 1);
	assert_int_equal(stw_ifaces_find(&x, 1, 0), 2);
	assert_int_equal(stw_ifaces_find(&x, 1, 7), -1);
	assert_memory_equal(x.rows[2].mac, f->ports[1].mac, 6);
	assert_int_equal(stw_ifaces_find_kernel(&x, 0), -1);
}

static void too_many_interfaces_are_refused(void **state)
{
	struct stw_model_address many[STW_FIB_IFACES_MAX];
	struct stw_model_port model = {.addresses = many, .n_addresses = STW_FIB_IFACES_MAX};
	const struct stw_installer_port port = {.model = &model};
	struct stw_ifaces x;
	(void)state;
	memset(many, 0, sizeof(many));
	for (uint16_t i = 0; i < STW_FIB_IFACES_MAX; i++)
		many[i].vlan = (uint16_t)(1 + i);
	assert_int_equal(stw_ifaces_init(&x, &port, 1), STW_ERANGE);
	model.n_addresses--;
	assert_int_equal(stw_ifaces_init(&x, &port, 1), STW_OK);
	assert_int_equal(x.n, STW_FIB_IFACES_MAX);
}

static void ports_without_a_kernel_use_the_configuration(void **state)
{
	struct fixture *f = *state;
	struct stw_hop hop;
	make(f);
	hop = find(f, v4(203, 0, 113, 1));
	assert_true(hop.resolved);
	assert_int_equal(hop.mac[5], 254);
	assert_int_equal(hop.iface, 0);
	hop = find(f, v4(10, 7, 0, 9));
	assert_true(hop.resolved);
	assert_int_equal(hop.iface, 1);
	hop = find(f, stw_farm_v6(9, 0).ip);
	assert_false(hop.resolved);
	assert_int_equal(hop.iface, 1);
	assert_int_equal(f->stats->routes, 4);
	assert_int_equal(f->stats->neighbours, 2);
}

static void control_is_served_until_the_stop(void **state)
{
	struct fixture *f = *state;
	struct stw_ctl_hello hello;
	int control;
	start(f);
	control = dial(f);
	assert_int_equal(recv(control, &hello, sizeof(hello), 0), sizeof(hello));
	for (uint64_t g = 1; g <= 50; g++)
		assert_int_equal(offer_farm(control, g).err, STW_OK);
	assert_int_equal(offer_farm(control, 50).err, STW_ESTALE);
	assert_int_equal(atomic_load(&f->stats->generation), 50);
	stop(f);
	assert_int_equal(stw_tables_generation(f->snapshots.tables), 50);
	assert_int_equal(f->snapshots.current->facing[0][0], 0);
	close(control);
	stw_installer_free(f->inst);
	f->inst = NULL;
	assert_int_equal(access(f->path, F_OK), -1);
}

static void heart_beats_and_ports_are_refreshed(void **state)
{
	struct fixture *f = *state;
	uint64_t first;
	start(f);
	while (atomic_load(&f->stats->heartbeat) == 0)
		usleep(1000);
	first = atomic_load(&f->stats->heartbeat);
	while (atomic_load(&f->stats->heartbeat) == first)
		usleep(1000);
	stop(f);
	assert_true(atomic_load(&f->n_refreshed) >= 2);
}

/* Workers judge by it whether bindings have ended, and read no clock themselves. */
static void the_time_is_told_again_and_again(void **state)
{
	struct fixture *f = *state;
	const uint64_t born_ms = atomic_load(&f->snapshots.boottime_ms);

	assert_int_not_equal(born_ms, 0);
	start(f);
	for (unsigned i = 0; i < 2; i++) {
		atomic_store(&f->snapshots.boottime_ms, 0);
		while (atomic_load(&f->snapshots.boottime_ms) == 0)
			usleep(1000);
	}
	assert_true(atomic_load(&f->snapshots.boottime_ms) >= born_ms);
	stop(f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(interfaces_are_ports_and_their_vlans),
		TEST(too_many_interfaces_are_refused),
		TEST(ports_without_a_kernel_use_the_configuration),
		TEST(control_is_served_until_the_stop),
		TEST(heart_beats_and_ports_are_refreshed),
		TEST(the_time_is_told_again_and_again),
	};
	stw_log_set_level(STW_LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
