/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

#include <strowger/device.h>
#include <strowger/errors.h>

#include "dataplane/cores.h"
#include "dataplane/netif.h"

static int plan(const uint16_t *cores, size_t n, unsigned long allowed, char *out, unsigned *bad)
{
	struct stw_model_dataplane d = {.cores = (uint16_t *)cores, .n_cores = n};
	cpu_set_t set;

	CPU_ZERO(&set);
	for (unsigned c = 0; c < 64; c++)
		if (allowed >> c & 1)
			CPU_SET(c, &set);
	return stw_cores_plan(&d, &set, out, bad);
}

static void workers_are_pinned_and_main_floats(void **state)
{
	char out[STW_CORES_TEXT];
	unsigned bad;

	(void)state;
	assert_int_equal(plan((uint16_t[]){1}, 1, 0x3, out, &bad), STW_OK);
	assert_string_equal(out, "0@(0),1@1");
	assert_int_equal(plan((uint16_t[]){2, 0}, 2, 0xf, out, &bad), STW_OK);
	assert_string_equal(out, "0@(1,3),1@2,2@0");
}

static void main_shares_when_workers_take_all(void **state)
{
	char out[STW_CORES_TEXT];
	unsigned bad;

	(void)state;
	assert_int_equal(plan((uint16_t[]){0, 1}, 2, 0x3, out, &bad), STW_OK);
	assert_string_equal(out, "0@(0,1),1@0,2@1");
	assert_int_equal(plan((uint16_t[]){5}, 1, 0x20, out, &bad), STW_OK);
	assert_string_equal(out, "0@(5),1@5");
}

static void core_that_is_not_ours_is_named(void **state)
{
	char out[STW_CORES_TEXT];
	unsigned bad = 0;

	(void)state;
	assert_int_equal(plan((uint16_t[]){0, 7}, 2, 0x3, out, &bad), STW_ENOENT);
	assert_int_equal(bad, 7);
	assert_int_equal(plan((uint16_t[]){60000}, 1, 0x3, out, &bad), STW_ENOENT);
	assert_int_equal(plan(NULL, 0, 0x3, out, &bad), STW_ERANGE);
}

static void longest_plan_fits(void **state)
{
	uint16_t cores[64];
	char out[STW_CORES_TEXT];
	unsigned bad;

	(void)state;
	for (uint16_t i = 0; i < 64; i++)
		cores[i] = i;
	assert_int_equal(plan(cores, 64, ~0ul, out, &bad), STW_OK);
	assert_string_equal(out + strlen(out) - 6, ",64@63");
}

static void pci_addresses_are_told_from_names(void **state)
{
	(void)state;
	assert_true(stw_device_is_pci("0000:01:00.0"));
	assert_true(stw_device_is_pci("3b:00.1"));
	assert_true(stw_device_is_pci("0000:01:00.0,representor=0"));
	assert_false(stw_device_is_pci("net_af_xdp0,iface=eth1"));
	assert_false(stw_device_is_pci("0000:01:00.0x"));
	assert_false(stw_device_is_pci("net_ring0"));
	const char none[8] = "";
	assert_false(stw_device_is_pci(none));
}

static void interface_under_a_device(void **state)
{
	char name[16];

	(void)state;
	stw_netif_of_device("net_af_xdp0,iface=eth1,start_queue=2", name);
	assert_string_equal(name, "eth1");
	stw_netif_of_device("net_af_packet0,qpairs=2,iface=wan", name);
	assert_string_equal(name, "wan");
	stw_netif_of_device("net_tap3,iface=tap9", name);
	assert_string_equal(name, "");
	stw_netif_of_device("net_af_xdp0,iface=name-longer-than-any", name);
	assert_string_equal(name, "");
	stw_netif_of_device("net_null0", name);
	assert_string_equal(name, "");
	stw_netif_of_device("ffff:ff:1f.7", name); /* nobody's address */
	assert_string_equal(name, "");
}

static void interface_of_a_nic(void **state)
{
	char dir[] = "/tmp/stw-pci-XXXXXX", path[96], name[16];

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/0000:03:00.0", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	stw_netif_of_pci(dir, "0000:03:00.0", name); /* bound to a driver of DPDK's */
	assert_string_equal(name, "");
	strcat(path, "/net");
	assert_int_equal(mkdir(path, 0700), 0);
	strcat(path, "/enp3s0f0np0");
	assert_int_equal(mkdir(path, 0700), 0);
	stw_netif_of_pci(dir, "0000:03:00.0,dv_flow_en=1", name);
	assert_string_equal(name, "enp3s0f0np0");
	stw_netif_of_pci(dir, "03:00.0", name);
	assert_string_equal(name, "enp3s0f0np0");
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(rmdir(path), 0);
		*strrchr(path, '/') = '\0';
	}
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(workers_are_pinned_and_main_floats),
		cmocka_unit_test(main_shares_when_workers_take_all),
		cmocka_unit_test(core_that_is_not_ours_is_named),
		cmocka_unit_test(longest_plan_fits),
		cmocka_unit_test(pci_addresses_are_told_from_names),
		cmocka_unit_test(interface_under_a_device),
		cmocka_unit_test(interface_of_a_nic),
	};

	return cmocka_run_group_tests_name("dataplane-cores", tests, NULL, NULL);
}
