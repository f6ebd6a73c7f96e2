/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/config/read_text.h"

#include <stdlib.h>

#include "control/model/diff.h"

static const char whole[] =
	"dataplane: {cores: [3, 1], burst: 7}\n"
	"api: {group: \"a: 'b' \\\"c\\\" \\\\d\"}\n"
	"resolver: {servers: [192.0.2.53, \"[2001:db8::53]:5353\"], max_names: 9}\n"
	"ports:\n"
	"  - name: outside\n"
	"    device: \"net_af_xdp0,iface=eth1\"\n"
	"    addresses: [192.0.2.1/24, \"2001:db8::1/64\", {address: 10.0.0.1/24, vlan: 100}]\n"
	"    routes: [{to: default, via: 192.0.2.254}, {to: \"::/0\", via: \"2001:db8::fe\"},\n"
	"             {to: 10.9.0.0/16, via: 10.0.0.9, vlan: 100}]\n"
	"    neighbours: [{address: 192.0.2.2, mac: \"02:00:00:00:00:02\", vlan: 7}]\n"
	"  - {name: \"007\", device: \"*x\", kernel: none}\n"
	"listeners:\n"
	"  - {name: edge, address: 192.0.2.1, pool: \"yes\"}\n"
	"  - {name: inner, address: \"[2001:db8::1]:5080\", nat: always, trusted: [192.0.2.7, "
	"\"::/0\"]}\n"
	"proxy: {options: [a, b], closed_ports: [7, 9-11]}\n"
	"pools:\n"
	"  - {name: \"yes\", record_route: no, members: [1.2.3.4, {name: b, address: 1.2.3.5}]}\n"
	"  - {name: \"null\", slots: 655373, members: [{address: 1.2.3.4, weight: 9, state: "
	"down}]}\n"
	"secrets:\n"
	"  - {id: 3, key: \"0123456789abcdef0123456789abcdef\"}\n";

static char *dump(const struct stw_model *m, int (*how)(const struct stw_model *, FILE *))
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	assert_non_null(f);
	assert_int_equal(how(m, f), STW_OK);
	fclose(f);
	return text;
}

static void keep_line(void *ctx, bool needs_restart, const char *line)
{
	(void)needs_restart;
	said_keep(ctx, line);
}

static void a_dump_reads_back_as_the_same(const char *text)
{
	static struct said s;
	struct stw_model *m = read_good(text);
	char *first = dump(m, stw_config_dump_with_keys);
	struct stw_model *again = read_good(first);
	char *second = dump(again, stw_config_dump_with_keys);

	s = (struct said){0};
	assert_string_equal(first, second);
	if (stw_model_diff(m, again, keep_line, &s) != 0)
		fail_msg("differs: %s", s.text);
	free(first);
	free(second);
	stw_model_free(m);
	stw_model_free(again);
}

static void whole_files_come_back(void **state)
{
	(void)state;
	a_dump_reads_back_as_the_same(whole);
	a_dump_reads_back_as_the_same(PORTS);
	a_dump_reads_back_as_the_same(PORTS POOLS);
}

static void rules_come_back(void **state)
{
	(void)state;
	a_dump_reads_back_as_the_same(
		"registrar: {domains: [a.net]}\n"
		"listeners: [{name: edge, address: 192.0.2.1, pool: farm}]\n" PORTS POOLS "rules:\n"
		"  - {name: a, methods: [INVITE, other], users: [x, \"y*\"], domains: "
		"[\"*.a.net\"],\n"
		"     numbers: [\"+49-30\", {prefix: \"*1#\", pool: farm}], sources: "
		"[10.0.0.0/8],\n"
		"     listeners: [edge], pool: farm}\n"
		"  - {name: b, redirect: {to: member, pool: farm, status: 305}}\n"
		"  - {name: c, redirect: {to: contacts}}\n"
		"  - {name: d, redirect: {to: \"sip:a@b;x=y?h=1\", status: 301}}\n"
		"  - {name: e, reject: {code: 603, reason: \"No \\\"way\\\"\"}}\n"
		"  - {name: f, users: [f], to: location}\n"
		"  - {name: g, to: registrar}\n"
		"  - {name: h, to: kernel}\n"
		"  - {name: i, numbers: [{prefix: \"1\", pool: farm}]}\n");
}

static void defaults_are_spelled_out(void **state)
{
	struct stw_model *m = read_good(PORTS);
	char *text = dump(m, stw_config_dump);

	(void)state;
	assert_non_null(strstr(text, "  burst: 32\n"));
	assert_non_null(strstr(text, "  mode: 0660\n"));
	assert_non_null(strstr(text, "    twin: stw-outside\n"));
	free(text);
	stw_model_free(m);
}

static void keys_are_not_shown(void **state)
{
	struct stw_model *m = read_good(whole);
	char *text = dump(m, stw_config_dump);

	(void)state;
	assert_null(strstr(text, "0123456789abcdef"));
	assert_non_null(strstr(text, "# secrets: 1, not shown\n"));
	free(text);
	stw_model_free(m);
}

static void a_full_disk_is_told(void **state)
{
	struct stw_model *m = read_good(whole);
	FILE *f = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(f);
	assert_int_equal(stw_config_dump(m, f), STW_EIO);
	fclose(f);
	stw_model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_files_come_back),    cmocka_unit_test(rules_come_back),
		cmocka_unit_test(defaults_are_spelled_out), cmocka_unit_test(keys_are_not_shown),
		cmocka_unit_test(a_full_disk_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
