/* SPDX-License-Identifier: BSD-3-Clause */
/* Neighbours and interfaces as a kernel has them, in a network namespace; needs root, and skips
 * without. */
#include "tests/unit/dataplane/netns.h"

#include "control/doctor/doctor.h"
#include "tests/support/ip.h"

static struct stw_model_member members[3];
static const struct stw_model model = {.members = members, .n_members = 3};

static int set_up(void **state)
{
	static const char *const addresses[] = {"192.0.2.11", "192.0.2.12", "2001:db8::11"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		snprintf(members[i].name, sizeof(members[i].name), "k%zu", i + 1);
		members[i].address.ip = ip(addresses[i]);
	}
	if (netns_enter_routed() != 0)
		return -1;
	return sh("ip neigh add 192.0.2.12 lladdr 02:00:00:00:00:12 dev dp0");
}

/* Whether a bad finding of @check has @words. */
static bool told(const struct stw_doctor *d, const char *check, const char *words)
{
	for (size_t i = 0; i < d->n; i++)
		if (strstr(d->findings[i].what, words)) {
			assert_int_equal(d->findings[i].grade, STW_GRADE_BAD);
			assert_string_equal(d->findings[i].check, check);
			return true;
		}
	return false;
}

static bool said(const struct stw_doctor *d, const char *words)
{
	return told(d, "neighbours", words);
}

static void members_and_gateways_of_both_families_are_named(void **state)
{
	struct stw_doctor d = {.root = "", .model = &model};

	(void)state;
	must_sh("ip neigh add 192.0.2.11 dev dp0 nud failed &&"
		" ip neigh add 2001:db8::11 dev dp0 nud failed &&"
		" ip neigh add 192.0.2.254 dev dp0 nud failed &&"
		" ip neigh add 2001:db8::fe dev dp0 nud failed");
	must_sh("ip neigh add 192.0.2.99 dev dp0 nud failed"); /* nobody's next hop */
	stw_doctor_neighbours(&d);
	assert_true(said(&d, "member k1 (192.0.2.11) does not answer ARP"));
	assert_true(said(&d, "member k3 (2001:db8::11) does not answer neighbour solicitations"));
	assert_true(said(&d, "gateway 192.0.2.254 does not answer ARP"));
	assert_true(said(&d, "gateway 2001:db8::fe does not answer neighbour solicitations"));
	assert_int_equal(d.n, 4);
	stw_doctor_fini(&d);
}

static void where_all_answer_nothing_is_said(void **state)
{
	struct stw_doctor d = {.root = "", .model = &model};

	(void)state;
	stw_doctor_neighbours(&d);
	assert_int_equal(d.n, 0);
	stw_doctor_members(&d);
	assert_int_equal(d.n, 1);
	assert_int_equal(d.findings[0].grade, STW_GRADE_GOOD);
	stw_doctor_fini(&d);
}

/* Of a shared port, whose inlet is its twin. */
static void look_at_port(struct stw_doctor *d, const json_t *ports)
{
	static struct stw_model_port port = {.name = "lan",
					     .device = "net_af_xdp0,iface=dp0",
					     .kernel = STW_KERNEL_SIDE_SHARED,
					     .twin = "dp0"};
	static const struct stw_model with_port = {.ports = &port, .n_ports = 1};

	*d = (struct stw_doctor){.root = "", .model = &with_port, .ports = ports};
	stw_doctor_ports(d);
}

static void interfaces_that_are_down_or_filter_are_named(void **state)
{
	json_t *ports = json_pack("[{s:s, s:s}]", "name", "lan", "link", "up");
	struct stw_doctor d;

	(void)state;
	must_sh("echo 2 >/proc/sys/net/ipv4/conf/dp0/rp_filter");
	look_at_port(&d, ports);
	assert_false(told(&d, "ports", "is down"));
	assert_false(told(&d, "ports", "rp_filter"));
	stw_doctor_fini(&d);
	must_sh("echo 1 >/proc/sys/net/ipv4/conf/dp0/rp_filter");
	look_at_port(&d, ports);
	assert_true(told(&d, "ports", "rp_filter of dp0 is 1"));
	stw_doctor_fini(&d);
	must_sh("ip link set dp0 down");
	look_at_port(&d, ports);
	assert_true(told(&d, "ports", "port \"lan\": interface dp0 is down"));
	assert_true(told(&d, "ports", "its twin dp0 is not there or down"));
	stw_doctor_fini(&d);
	json_decref(ports);
}

int main(void)
{
#define IN_NETNS(t) cmocka_unit_test_setup_teardown(t, set_up, netns_tear_down)
	const struct CMUnitTest tests[] = {
		IN_NETNS(members_and_gateways_of_both_families_are_named),
		IN_NETNS(where_all_answer_nothing_is_said),
		IN_NETNS(interfaces_that_are_down_or_filter_are_named),
	};

	if (!netns_possible()) {
		puts("1..0 # SKIP needs root");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
