/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/config/read_text.h"

#include "control/model/diff.h"

#define FARM(members) PORTS "pools:\n  - {name: farm, members: " members "}\n"

struct lines {
	struct said said;
	size_t restarts;
};

static void keep(void *ctx, bool needs_restart, const char *line)
{
	struct lines *l = ctx;

	said_keep(&l->said, line);
	l->restarts += needs_restart;
}

/* The lines must be @lines, of which @restarts wait for a restart. */
static void differ(const char *before, const char *after, const char *lines, size_t restarts)
{
	static struct lines l;
	struct stw_model *a = read_good(before), *b = read_good(after);

	l = (struct lines){0};
	int n = stw_model_diff(a, b, keep, &l);

	assert_string_equal(l.said.text, lines);
	assert_int_equal(n, l.said.n);
	assert_int_equal(l.restarts, restarts);
	assert_int_equal(stw_model_diff(a, b, NULL, NULL), n);
	assert_int_equal(stw_model_diff(a, a, keep, &l), 0);
	stw_model_free(a);
	stw_model_free(b);
}

#define AT_START " (takes effect when strowger-dataplane starts)\n"

static void the_same_has_no_lines(void **state)
{
	(void)state;
	differ(FARM("[1.2.3.4]"),
	       "# another way to write it\n" FARM("[{address: \"1.2.3.4:5060\"}]"), "", 0);
}

static void members_come_and_go(void **state)
{
	(void)state;
	differ(FARM("[1.2.3.4, {name: k2, address: 1.2.3.5}]"), FARM("[1.2.3.4, 1.2.3.6]"),
	       "pool \"farm\": member \"k2\" (1.2.3.5:5060) removed\n"
	       "pool \"farm\": member \"1.2.3.6:5060\" added\n",
	       0);
}

static void members_change(void **state)
{
	(void)state;
	differ(FARM("[{name: k1, address: 1.2.3.4}, 1.2.3.5]"),
	       FARM("[{address: 1.2.3.5, state: drain}, {name: k9, address: 1.2.3.4, weight: 7}]"),
	       "pool \"farm\": member \"1.2.3.5:5060\": state up -> drain\n"
	       "pool \"farm\": member \"k9\" (1.2.3.4:5060): name k1 -> k9\n"
	       "pool \"farm\": member \"k9\" (1.2.3.4:5060): weight 1 -> 7\n",
	       0);
}

static void the_order_of_members_means_nothing(void **state)
{
	(void)state;
	differ(FARM("[1.2.3.4, 1.2.3.5, 1.2.3.6]"), FARM("[1.2.3.6, 1.2.3.4, 1.2.3.5]"), "", 0);
}

static void pools_and_listeners_change(void **state)
{
	(void)state;
	differ(FARM("[1.2.3.4]") "listeners:\n"
				 "  - {name: a, address: 192.0.2.1, pool: farm}\n"
				 "  - {name: b, address: \"2001:db8::1\"}\n",
	       FARM("[1.2.3.4]") "  - {name: two, members: [1.2.3.5]}\n"
				 "listeners:\n"
				 "  - {name: a, address: \"192.0.2.1:5062\", pool: two}\n",
	       "listener \"b\" removed\n"
	       "listener \"a\": address 192.0.2.1:5060 -> 192.0.2.1:5062\n"
	       "listener \"a\": pool farm -> two\n"
	       "pool \"two\" added\n",
	       0);
}

static void the_order_of_listeners_means_something(void **state)
{
	(void)state;
	differ(PORTS
	       "listeners: [{name: a, address: 192.0.2.1}, {name: b, address: \"2001:db8::1\"}]\n",
	       PORTS
	       "listeners: [{name: b, address: \"2001:db8::1\"}, {name: a, address: 192.0.2.1}]\n",
	       "listeners: order changed\n", 0);
}

static void options_that_need_a_restart_say_so(void **state)
{
	(void)state;
	differ(PORTS, "dataplane: {burst: 8}\ncontrol: {state_dir: /x, log_level: debug}\n" PORTS,
	       "dataplane.burst 32 -> 8" AT_START
	       "control.state_dir /var/lib/strowger -> /x (takes effect when strowger-control "
	       "starts)\n"
	       "control.log_level info -> debug\n",
	       2);
}

static void ports_need_a_restart(void **state)
{
	(void)state;
	differ(PORTS
	       "    routes: [{to: default, via: 192.0.2.8}, {to: default, via: \"2001:db8::8\"}]\n",
	       "ports:\n"
	       "  - name: outside\n"
	       "    device: net_null1\n"
	       "    addresses: [{address: 192.0.2.1/24, vlan: 5}, \"2001:db8::1/64\"]\n"
	       "    routes: [{to: default, via: \"2001:db8::9\"}]\n",
	       "port \"outside\": device net_null0 -> net_null1" AT_START
	       "port \"outside\": address \"192.0.2.1/24\" removed" AT_START
	       "port \"outside\": address \"192.0.2.1/24\" on VLAN 5 added" AT_START
	       "port \"outside\": route \"default\" removed" AT_START
	       "port \"outside\": route \"default\": via 2001:db8::8 -> 2001:db8::9" AT_START,
	       5);
}

static void cores_are_a_list_of_numbers(void **state)
{
	(void)state;
	differ("dataplane: {cores: [1, 2]}\n" PORTS, "dataplane: {cores: [1, 3]}\n" PORTS,
	       "dataplane.core \"2\" removed" AT_START "dataplane.core \"3\" added" AT_START, 2);
	differ("dataplane: {cores: [1, 2]}\n" PORTS, "dataplane: {cores: [2, 1]}\n" PORTS,
	       "dataplane.cores: order changed" AT_START, 1);
}

static void keys_are_not_shown(void **state)
{
	(void)state;
	differ(PORTS "secrets: [{id: 1, key: \"0123456789abcdef0123456789abcdef\"}]\n",
	       PORTS "secrets: [{id: 1, key: \"1123456789abcdef0123456789abcdef\"}]\n",
	       "secret \"1\": key changed\n", 0);
}

#define RULES(list) FARM("[192.0.2.7]") "rules:\n" list

static void rules_are_known_by_name(void **state)
{
	(void)state;
	differ(RULES("  - {name: a, users: [x], pool: farm}\n  - {name: b, users: [y], pool: "
		     "farm}\n"),
	       RULES("  - {name: c, users: [z], pool: farm}\n"
		     "  - {name: a, numbers: [\"+49\"], reject: {code: 603}}\n"),
	       "rule \"b\" removed\n"
	       "rule \"c\" added\n"
	       "rule \"a\": user \"x\" removed\n"
	       "rule \"a\": number \"+49\" added\n"
	       "rule \"a\": pool farm -> none\n"
	       "rule \"a\": reject.code 0 -> 603\n",
	       0);
	differ(RULES("  - {name: a, users: [x], pool: farm}\n  - {name: b, users: [y], pool: "
		     "farm}\n"),
	       RULES("  - {name: b, users: [y], pool: farm}\n  - {name: a, users: [x], pool: "
		     "farm}\n"),
	       "rules: order changed\n", 0);
}

/* Two tables of numbers without one in common: told in part, and soon. */
static void long_lists_are_told_in_part(void **state)
{
	static char text[2][256 * 1024];
	struct stw_model *m[2];

	(void)state;
	for (int k = 0; k < 2; k++) {
		size_t at = (size_t)snprintf(text[k], sizeof(text[k]),
					     RULES("  - name: a\n    pool: farm\n    numbers:\n"));

		for (int i = 0; i < 5000; i++)
			at += (size_t)snprintf(text[k] + at, sizeof(text[k]) - at,
					       "      - \"+%d%04d\"\n", k + 1, i);
		m[k] = read_good(text[k]);
	}
	assert_int_equal(stw_model_diff(m[0], m[0], NULL, NULL), 0);
	assert_int_equal(stw_model_diff(m[0], m[1], NULL, NULL), 2 * 1001);
	stw_model_free(m[0]);
	stw_model_free(m[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_has_no_lines),
		cmocka_unit_test(members_come_and_go),
		cmocka_unit_test(members_change),
		cmocka_unit_test(the_order_of_members_means_nothing),
		cmocka_unit_test(pools_and_listeners_change),
		cmocka_unit_test(the_order_of_listeners_means_something),
		cmocka_unit_test(options_that_need_a_restart_say_so),
		cmocka_unit_test(ports_need_a_restart),
		cmocka_unit_test(cores_are_a_list_of_numbers),
		cmocka_unit_test(keys_are_not_shown),
		cmocka_unit_test(rules_are_known_by_name),
		cmocka_unit_test(long_lists_are_told_in_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
