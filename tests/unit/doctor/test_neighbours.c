/* SPDX-License-Identifier: BSD-3-Clause */
/* Neighbours as a kernel has them, in a network namespace; needs root, and skips without. */
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

/* Whether a bad finding has @words. */
static bool said(const struct stw_doctor *d, const char *words)
{
	for (size_t i = 0; i < d->n; i++)
		if (strstr(d->findings[i].what, words)) {
			assert_int_equal(d->findings[i].grade, STW_GRADE_BAD);
			assert_string_equal(d->findings[i].check, "neighbours");
			return true;
		}
	return false;
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

int main(void)
{
#define IN_NETNS(t) cmocka_unit_test_setup_teardown(t, set_up, netns_tear_down)
	const struct CMUnitTest tests[] = {
		IN_NETNS(members_and_gateways_of_both_families_are_named),
		IN_NETNS(where_all_answer_nothing_is_said),
	};

	if (!netns_possible()) {
		puts("1..0 # SKIP needs root");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
