/* SPDX-License-Identifier: BSD-3-Clause */

/**
 * @file
 * The parts of the mirror: its set of rows against a plain list, device strings; and, with root,
 * events that come faster than they are read and the resolver's budget.
 */

#include "tests/unit/dataplane/netns.h"

#include <net/if.h>
#include <sys/socket.h>

#include <strowger/errors.h>
#include <strowger/log.h>

#include "dataplane/netlink/mirror.h"
#include "dataplane/netlink/resolver.h"
#include "dataplane/netlink/rows.h"
#include "dataplane/netif.h"

/* --- rows --- */

struct row {
	uint32_t key;
	uint32_t value;
};

#define KEYS 600u

/* The plain list: value 0 is "not there". */
static uint32_t plain[KEYS];
static bool plain_seen[KEYS];
static uint64_t random_state = 42;

static uint32_t random_below(uint32_t n)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((random_state >> 33) % n);
}

static void assert_same(const struct stw_rows *r)
{
	uint32_t n = 0;
	for (uint32_t k = 0; k < KEYS; k++) {
		const struct row *found = stw_rows_find(r, &k);
		n += plain[k] != 0;
		assert_int_equal(found != NULL, plain[k] != 0);
		if (found)
			assert_int_equal(found->value, plain[k]);
	}
	assert_int_equal(r->n, n);
	for (uint32_t i = 0; i < stw_rows_slots(r); i++)
		n -= stw_rows_at(r, i) != NULL;
	assert_int_equal(n, 0);
}

static void put_random(struct stw_rows *r)
{
	const struct row row = {.key = random_below(KEYS), .value = 1 + random_below(3)};
	bool changed = false;
	assert_int_equal(stw_rows_put(r, &row, &changed), STW_OK);
	assert_int_equal(changed, plain[row.key] != row.value);
	assert_true(stw_rows_seen(r, &row));
	plain[row.key] = row.value;
	plain_seen[row.key] = true;
}

static void sweep(struct stw_rows *r)
{
	size_t gone = 0;
	for (uint32_t k = 0; k < KEYS; k++) {
		if (plain[k] && !plain_seen[k]) {
			plain[k] = 0;
			gone++;
		}
	}
	assert_int_equal(stw_rows_sweep(r), gone);
}

static void rows_agree_with_a_plain_list(void **state)
{
	struct stw_rows r;
	(void)state;
	stw_rows_init(&r, sizeof(struct row), sizeof(uint32_t));
	assert_same(&r);
	for (unsigned round = 0; round < 40; round++) {
		for (unsigned i = random_below(300); i > 0; i--)
			put_random(&r);
		for (unsigned i = random_below(200); i > 0; i--) {
			const uint32_t key = random_below(KEYS);
			assert_int_equal(stw_rows_delete(&r, &key), plain[key] != 0);
			plain[key] = 0;
		}
		assert_same(&r);
		if (random_below(3) != 0)
			continue;
		stw_rows_mark(&r);
		memset(plain_seen, 0, sizeof(plain_seen));
		for (unsigned i = random_below(200); i > 0; i--)
			put_random(&r);
		sweep(&r);
		assert_same(&r);
	}
	stw_rows_fini(&r);
	assert_int_equal(stw_rows_slots(&r), 0);
}

/* --- device strings --- */

static void interface_under_a_device_is_found(void **state)
{
	static const struct {
		const char *device;
		const char *under;
	} rows[] = {
		{"net_af_xdp0,iface=eth1,start_queue=0", "eth1"},
		{"net_af_packet0,iface=enp1s0f0np0", "enp1s0f0np0"},
		{"net_af_xdp0,start_queue=0,iface=eth1", "eth1"},
		{"net_pcap0,rx_iface=eth1,tx_iface=eth2", ""},
		{"net_pcap0,rx_iface=eth1,iface=eth2", "eth2"},
		{"0000:81:00.0", ""},
		{"net_af_xdp0,iface=a-name-of-more-than-fifteen", ""},
		{"net_af_xdp0,iface=", ""},
		{"net_tap0,iface=eth0", ""},
		{"", ""},
	};
	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char under[16];
		stw_netif_of_device(rows[i].device, under);
		assert_string_equal(under, rows[i].under);
	}
}

/* --- with a kernel --- */

static struct stw_ip v4(uint32_t host_order)
{
	const uint32_t be = __builtin_bswap32(host_order);
	return stw_ip_from_v4(&be);
}

struct kernel {
	struct stw_rtnl rtnl;
	struct stw_ifaces ifaces;
	struct stw_mirror mirror;
	struct stw_fib_input input;
	struct stw_resolver resolver;
};

static int setup(void **state)
{
	struct kernel *k = calloc(1, sizeof(*k));
	if (!k)
		return -1;
	*state = k;
	if (!netns_enter())
		return -1;
	must_sh("ip link set dp0 up && ip addr add 192.0.2.1/24 dev dp0");
	assert_int_equal(stw_rtnl_open(&k->rtnl), STW_OK);
	k->ifaces.n = 1;
	k->ifaces.rows[0].kernel_ifindex = if_nametoindex("dp0");
	assert_int_equal(stw_mirror_init(&k->mirror, &k->ifaces, &k->rtnl), STW_OK);
	stw_resolver_init(&k->resolver, &k->ifaces, &k->rtnl);
	return 0;
}

static int teardown(void **state)
{
	struct kernel *k = *state;
	stw_mirror_fini(&k->mirror);
	stw_rtnl_close(&k->rtnl);
	stw_fib_input_fini(&k->input);
	netns_leave();
	free(k);
	return 0;
}

static size_t n_routes(struct kernel *k)
{
	stw_fib_input_clear(&k->input);
	stw_mirror_collect(&k->mirror, &k->input);
	assert_int_equal(k->input.err, STW_OK);
	return k->input.n_routes;
}

#define MANY 3000u

static void overrun_is_noticed_and_made_good(void **state)
{
	struct kernel *k = *state;
	const int little = 4096;
	FILE *batch;
	size_t before;
	before = n_routes(k);
	assert_int_equal(setsockopt(stw_mirror_fd(&k->mirror), SOL_SOCKET, SO_RCVBUF, &little,
				    sizeof(little)),
			 0);
	batch = popen("ip -batch -", "w");
	assert_non_null(batch);
	for (unsigned i = 0; i < MANY; i++)
		fprintf(batch, "route add 10.%u.%u.0/24 via 192.0.2.2\n", i >> 8, i & 255);
	assert_int_equal(pclose(batch), 0);
	assert_int_equal(stw_mirror_read(&k->mirror), STW_OK);
	assert_true(k->mirror.lost);
	assert_true(k->mirror.n_overruns > 0);
	assert_int_equal(stw_mirror_resync(&k->mirror), STW_OK);
	assert_false(k->mirror.lost);
	assert_int_equal(n_routes(k), before + MANY);
	/* And what went meanwhile goes. */
	must_sh("ip route flush root 10.0.0.0/8");
	assert_int_equal(stw_mirror_resync(&k->mirror), STW_OK);
	assert_int_equal(n_routes(k), before);
}

static void resolver_asks_once_and_within_its_budget(void **state)
{
	struct kernel *k = *state;
	struct stw_resolver *r = &k->resolver;
	const struct stw_ip one = v4(0xc0000209);
	unsigned asked = 0;
	assert_true(stw_resolver_ask(r, 0, &one, 1000));
	assert_false(stw_resolver_ask(r, 0, &one, 1000 + STW_RESOLVER_AGAIN_MS - 1));
	assert_true(stw_resolver_ask(r, 0, &one, 1000 + STW_RESOLVER_AGAIN_MS));
	assert_false(stw_resolver_ask(r, 1, &one, 5000)); /* no such interface */
	for (uint32_t i = 0; i < 2 * STW_RESOLVER_BURST; i++) {
		const struct stw_ip ip = v4(0x0a000000 + i);
		asked += stw_resolver_ask(r, 0, &ip, 9000);
	}
	/* Neighbours the kernel will not have (no route) were asked for all the same. */
	assert_int_equal(r->n_asked, STW_RESOLVER_BURST + 2);
	assert_true(asked <= STW_RESOLVER_BURST);
	assert_true(stw_resolver_ask(r, 0, &one, 9000 + STW_RESOLVER_AGAIN_MS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_agree_with_a_plain_list),
		cmocka_unit_test(interface_under_a_device_is_found),
		cmocka_unit_test_setup_teardown(overrun_is_noticed_and_made_good, setup, teardown),
		cmocka_unit_test_setup_teardown(resolver_asks_once_and_within_its_budget, setup,
						teardown),
	};
	const size_t n = sizeof(tests) / sizeof(tests[0]);
	stw_log_set_level(STW_LOG_ERROR);
	if (netns_possible())
		return _cmocka_run_group_tests("mirror", tests, n, NULL, NULL);
	puts("# without the last two tests: they need root and network namespaces");
	return _cmocka_run_group_tests("mirror", tests, n - 2, NULL, NULL);
}
