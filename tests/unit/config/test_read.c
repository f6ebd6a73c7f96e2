/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/config/read_text.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <strowger/log.h>

static const char whole[] =
	"dataplane:\n"
	"  cores: [3, 1]\n"
	"  hugepages: no\n"
	"  memory_mb: 512\n"
	"  mbufs: 32768\n"
	"  burst: 16\n"
	"  idle_sleep_us: 0\n"
	"  socket: /tmp/d.sock\n"
	"control:\n"
	"  state_dir: /tmp/state\n"
	"  log_level: warn\n"
	"api:\n"
	"  socket: /tmp/a.sock\n"
	"  group: ops\n"
	"  mode: \"0600\"\n"
	"ports:\n"
	"  - name: outside\n"
	"    device: \"net_af_xdp0,iface=eth1\"\n"
	"    kernel: twin\n"
	"    twin: outside0\n"
	"    mtu: 1400\n"
	"    rx_descriptors: 512\n"
	"    tx_descriptors: 256\n"
	"    addresses: [192.0.2.1/24, \"2001:db8::1/64\", {address: 10.0.0.1/24, vlan: 100}]\n"
	"    routes:\n"
	"      - {to: default, via: 192.0.2.254}\n"
	"      - {to: default, via: \"2001:db8::fe\"}\n"
	"      - {to: 10.9.0.0/16, via: 10.0.0.9, vlan: 100}\n"
	"    neighbours: [{address: 192.0.2.2, mac: \"02:00:00:00:00:02\", vlan: 7}]\n"
	"  - {name: inside, device: net_null0, kernel: none}\n"
	"listeners:\n"
	"  - {name: edge, address: 192.0.2.1, pool: second}\n"
	"  - {name: inner, address: \"[2001:db8::1]:5080\", nat: never, trusted: [192.0.2.7, "
	"\"2001:db8:5::/48\"]}\n"
	"pools:\n"
	"  - name: farm\n"
	"    record_route: false\n"
	"    slots: 655373\n"
	"    members:\n"
	"      - {name: k1, address: 198.51.100.11, weight: 10, state: drain}\n"
	"      - \"198.51.100.12:5070\"\n"
	"  - name: second\n"
	"    members:\n"
	"      - {address: \"198.51.100.11:5060\", weight: 0}\n"
	"      - {name: k3, address: \"2001:db8::3\", state: down}\n"
	"secrets:\n"
	"  - {id: 3, key: \"0123456789abcdef0123456789abcdef\"}\n"
	"  - {id: 4, key: \"fedcba9876543210fedcba9876543210\"}\n"
	"proxy:\n"
	"  options: [sec-agree, Foo]\n"
	"  closed_ports: [53, 111-139]\n"
	"  max_breadth: 60\n";

static void text_is(const struct stw_endpoint *ep, const char *text)
{
	char got[STW_ENDPOINT_TEXT];

	stw_endpoint_format(ep, got);
	assert_string_equal(got, text);
}

static void ip_is(const struct stw_ip *ip, const char *text)
{
	char got[64];

	got[stw_ip_format(ip, got)] = '\0';
	assert_string_equal(got, text);
}

static void processes_are_read(void **state)
{
	struct stw_model *m = read_good(whole);

	(void)state;
	assert_int_equal(m->dataplane.n_cores, 2);
	assert_int_equal(m->dataplane.cores[0], 3);
	assert_int_equal(m->dataplane.cores[1], 1);
	assert_int_equal(m->dataplane.hugepages, STW_HUGEPAGES_NO);
	assert_int_equal(m->dataplane.memory_mb, 512);
	assert_int_equal(m->dataplane.mbufs, 32768);
	assert_int_equal(m->dataplane.burst, 16);
	assert_int_equal(m->dataplane.idle_sleep_us, 0);
	assert_int_equal(m->dataplane.max_headers, 256);
	assert_int_equal(m->dataplane.max_vias, 128);
	assert_string_equal(m->dataplane.socket, "/tmp/d.sock");
	assert_string_equal(m->state_dir, "/tmp/state");
	assert_int_equal(m->log_level, STW_LOG_WARN);
	assert_string_equal(m->api.socket, "/tmp/a.sock");
	assert_string_equal(m->api.group, "ops");
	assert_int_equal(m->api.mode, 0600);
	stw_model_free(m);
}

static void ports_are_read(void **state)
{
	struct stw_model *m = read_good(whole);
	const struct stw_model_port *p = m->ports;

	(void)state;
	assert_int_equal(m->n_ports, 2);
	assert_string_equal(p[0].device, "net_af_xdp0,iface=eth1");
	assert_string_equal(p[0].twin, "outside0");
	assert_int_equal(p[0].mtu, 1400);
	assert_int_equal(p[0].rx_descriptors, 512);
	assert_int_equal(p[0].tx_descriptors, 256);
	assert_int_equal(p[0].line, 17);
	assert_int_equal(p[0].n_addresses, 3);
	ip_is(&p[0].addresses[2].prefix.ip, "10.0.0.1");
	assert_int_equal(p[0].addresses[2].prefix.bits, 24);
	assert_int_equal(p[0].addresses[2].vlan, 100);
	assert_int_equal(p[0].addresses[0].vlan, 0);
	assert_int_equal(p[0].n_neighbours, 1);
	assert_int_equal(p[0].neighbours[0].mac[5], 2);
	assert_int_equal(p[0].neighbours[0].vlan, 7);
	assert_int_equal(p[1].kernel, STW_KERNEL_SIDE_NONE);
	assert_int_equal(p[1].n_addresses, 0);
	stw_model_free(m);
}

static void a_default_route_has_the_family_of_its_gateway(void **state)
{
	struct stw_model *m = read_good(whole);
	const struct stw_model_route *r = m->ports[0].routes;

	(void)state;
	assert_int_equal(m->ports[0].n_routes, 3);
	ip_is(&r[0].to.ip, "0.0.0.0");
	assert_int_equal(r[0].to.bits, 0);
	ip_is(&r[1].to.ip, "::");
	assert_int_equal(r[1].to.bits, 0);
	ip_is(&r[2].to.ip, "10.9.0.0");
	assert_int_equal(r[2].to.bits, 16);
	assert_int_equal(r[2].vlan, 100);
	stw_model_free(m);
}

static void listeners_point_to_their_pools(void **state)
{
	struct stw_model *m = read_good(whole);

	(void)state;
	assert_int_equal(m->n_listeners, 2);
	text_is(&m->listeners[0].address, "192.0.2.1:5060");
	assert_int_equal(m->listeners[0].pool, 1);
	text_is(&m->listeners[1].address, "[2001:db8::1]:5080");
	assert_int_equal(m->listeners[1].pool, UINT32_MAX);
	stw_model_free(m);
}

static void what_the_proxy_lets_pass_is_read(void **state)
{
	struct stw_model *m = read_good(whole);

	(void)state;
	assert_int_equal(m->proxy.n_options, 2);
	assert_string_equal(m->proxy.options[1].tag, "Foo");
	assert_int_equal(m->proxy.n_closed_ports, 2);
	assert_int_equal(m->proxy.closed_ports[0].first, 53);
	assert_int_equal(m->proxy.closed_ports[0].last, 53);
	assert_int_equal(m->proxy.closed_ports[1].last, 139);
	assert_int_equal(m->proxy.max_breadth, 60);
	assert_int_equal(m->listeners[0].nat, STW_NAT_AUTO);
	assert_int_equal(m->listeners[0].n_trusted, 0);
	assert_int_equal(m->listeners[1].nat, STW_NAT_NEVER);
	assert_int_equal(m->listeners[1].n_trusted, 2);
	assert_int_equal(m->listeners[1].trusted[0].bits, 32);
	assert_int_equal(m->listeners[1].trusted[1].bits, 48);
	stw_model_free(m);
}

static void one_address_is_one_member_in_all_pools(void **state)
{
	struct stw_model *m = read_good(whole);

	(void)state;
	assert_int_equal(m->n_members, 3);
	assert_string_equal(m->members[0].name, "k1");
	assert_string_equal(m->members[1].name, "198.51.100.12:5070");
	assert_string_equal(m->members[2].name, "k3");
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(m->members[i].id, stw_member_id(&m->members[i].address));
	assert_int_equal(m->n_pools, 2);
	assert_false(m->pools[0].record_route);
	assert_true(m->pools[1].record_route);
	assert_int_equal(m->pools[0].slots, 655373);
	assert_int_equal(m->pools[0].members[0].member, 0);
	assert_int_equal(m->pools[0].members[0].asked, STW_ASKED_DRAIN);
	assert_int_equal(m->pools[0].members[0].weight, 10);
	assert_int_equal(m->pools[0].members[1].weight, 1);
	assert_int_equal(m->pools[1].members[0].member, 0);
	assert_int_equal(m->pools[1].members[0].weight, 0);
	assert_int_equal(m->pools[1].members[0].asked, STW_ASKED_UP);
	assert_int_equal(m->pools[1].members[1].asked, STW_ASKED_DOWN);
	assert_int_equal(m->pools[1].members[1].line, 44);
	stw_model_free(m);
}

static void a_name_given_in_a_later_pool_is_the_name(void **state)
{
	struct stw_model *m =
		read_good(PORTS "pools:\n"
				"  - {name: a, members: [198.51.100.1]}\n"
				"  - name: b\n"
				"    members: [{name: late, address: 198.51.100.1}]\n");

	(void)state;
	assert_int_equal(m->n_members, 1);
	assert_string_equal(m->members[0].name, "late");
	stw_model_free(m);
}

static void secrets_are_read(void **state)
{
	struct stw_model *m = read_good(whole);

	(void)state;
	assert_int_equal(m->n_secrets, 2);
	assert_int_equal(m->secrets[0].id, 3);
	assert_int_equal(m->secrets[0].key[1], 0x23);
	assert_int_equal(m->secrets[1].key[15], 0x10);
	stw_model_free(m);
}

static void what_is_not_given_has_its_default(void **state)
{
	struct stw_model *m = read_good("ports: [{name: a-rather-long-name, device: x}]\n");

	(void)state;
	assert_int_equal(m->dataplane.n_cores, 1);
	assert_int_equal(m->dataplane.cores[0], sysconf(_SC_NPROCESSORS_ONLN) > 1 ? 1 : 0);
	assert_int_equal(m->dataplane.hugepages, STW_HUGEPAGES_AUTO);
	assert_int_equal(m->dataplane.burst, 32);
	assert_string_equal(m->dataplane.socket, "/run/strowger/dataplane.sock");
	assert_string_equal(m->api.group, "");
	assert_int_equal(m->api.mode, 0660);
	assert_int_equal(m->log_level, STW_LOG_INFO);
	assert_int_equal(m->ports[0].kernel, STW_KERNEL_SIDE_TWIN);
	assert_string_equal(m->ports[0].twin, "stw-a-rather-lo");
	assert_int_equal(m->ports[0].mtu, 1500);
	assert_int_equal(m->proxy.n_options, 1);
	assert_string_equal(m->proxy.options[0].tag, "sec-agree");
	assert_int_equal(m->proxy.n_closed_ports, 1);
	assert_int_equal(m->proxy.closed_ports[0].first, 1);
	assert_int_equal(m->proxy.closed_ports[0].last, 1023);
	assert_int_equal(m->proxy.max_breadth, 0);
	assert_int_equal(m->n_listeners + m->n_pools + m->n_members + m->n_secrets, 0);
	stw_model_free(m);
}

static void a_section_or_list_may_be_empty(void **state)
{
	(void)state;
	stw_model_free(read_good("dataplane:\ncontrol: {}\nlisteners:\npools: []\n" PORTS));
}

static void line_ends_and_byte_order_mark_are_borne(void **state)
{
	char text[2 * sizeof(whole)] = "\xef\xbb\xbf";
	size_t n = 3;

	(void)state;
	for (const char *p = whole; *p; p++) {
		if (*p == '\n')
			text[n++] = '\r';
		text[n++] = *p;
	}
	text[n] = '\0';
	struct stw_model *m = read_good(text);

	assert_int_equal(m->pools[1].members[1].line, 44);
	stw_model_free(m);
}

static void text_that_is_none_is_refused(void **state)
{
	(void)state;
	refuses("a: 1\nb: \xff\n", "t.yaml:2: not UTF-8", "0xff");
	refuses("a: \xc0\xaf\n", "t.yaml:1: not UTF-8", "0xc0");	 /* overlong */
	refuses("a: \xed\xa0\x80\n", "t.yaml:1: not UTF-8", "0xed");	 /* surrogate */
	refuses("a: \xf4\x90\x80\x80\n", "t.yaml:1: not UTF-8", "0xf4"); /* beyond U+10FFFF */
	refuses("a: \xe2\x82", "t.yaml:1: not UTF-8", "0xe2");		 /* cut */
	refuses("\n\na: \x01\n", "t.yaml:3: control character", "0x01");
	refuses("\x7f"
		"ELF",
		"t.yaml:1: control character", "0x7f");
}

static void what_is_no_mapping_is_refused(void **state)
{
	(void)state;
	refuses("- a\n", "t.yaml:1: the file must be a mapping", "got a list");
	refuses("word\n", "t.yaml:1: the file must be a mapping", "got a single value");
	refuses(PORTS "api: 3\n", "t.yaml:5: api must be a mapping", "got a single value");
	refuses(PORTS "listeners: {}\n", "t.yaml:5: listeners must be a list", "got a mapping");
	refuses(PORTS "listeners: [x]\n", "t.yaml:5: listener \"x\": ", "must be a mapping");
	refuses(PORTS "dataplane: {burst: [1]}\n", "t.yaml:5: burst must be 1..64 packets",
		"got a list");
}

static void an_empty_file_names_what_is_missing(void **state)
{
	(void)state;
	refuses("", "t.yaml:1: ports is missing", "name at least one port");
	refuses("ports:\n", "t.yaml:1: ports is empty", "name at least one port");
}

static void all_mistakes_are_told_in_order(void **state)
{
	static struct said s;
	struct stw_model *m;

	(void)state;
	assert_int_equal(said_read(&s,
				   "bogus: 1\n" PORTS "dataplane:\n"
				   "  burst: 99\n"
				   "listeners:\n"
				   "  - {name: a, address: 192.0.2.9, pool: none}\n"
				   "  - {name: a, address: nowhere}\n",
				   &m),
			 STW_ECONFIG);
	assert_null(m);
	assert_int_equal(s.n, 6);
	const char *at = s.text;
	static const char *const lines[] = {"t.yaml:1: ", "t.yaml:7: ",	 "t.yaml:9: ",
					    "t.yaml:9: ", "t.yaml:10: ", "t.yaml:10: "};

	for (size_t i = 0; i < 6; i++) {
		assert_memory_equal(at, lines[i], strlen(lines[i]));
		at = strchr(at, '\n') + 1;
	}
}

static void a_file_is_read_by_its_path(void **state)
{
	char path[] = "/tmp/stw-test-read-XXXXXX";
	static struct said s;
	struct stw_model *m = NULL;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, whole, sizeof(whole) - 1), sizeof(whole) - 1);
	assert_int_equal(stw_config_read(path, said_keep, &s, &m), STW_OK);
	assert_int_equal(m->n_members, 3);
	stw_model_free(m);
	m = NULL;
	assert_int_equal(write(fd, "x: 1\n", 5), 5);
	assert_int_equal(stw_config_read(path, said_keep, &s, &m), STW_ECONFIG);
	assert_null(m);
	assert_memory_equal(s.text, path, strlen(path));
	close(fd);
	unlink(path);
}

static void what_cannot_be_read_says_so(void **state)
{
	static struct said s;
	struct stw_model *m = NULL;

	(void)state;
	assert_int_equal(stw_config_read("/proc/nowhere/x.yaml", said_keep, &s, &m), STW_EIO);
	assert_non_null(strstr(s.text, "/proc/nowhere/x.yaml: cannot be read: No such file"));
	assert_int_equal(stw_config_read("/", said_keep, &s, &m), STW_EIO);
	assert_non_null(strstr(s.text, "Is a directory"));
	assert_int_equal(stw_config_read("/", NULL, NULL, &m), STW_EIO);
	assert_null(m);
}

static void more_than_16_mib_are_refused(void **state)
{
	static struct said s;
	struct stw_model *m = NULL;

	(void)state;
	/* An endless file: reading must end by itself. */
	assert_int_equal(stw_config_read("/dev/zero", said_keep, &s, &m), STW_ECONFIG);
	assert_non_null(strstr(s.text, "longer than 16 MiB"));
	assert_null(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(processes_are_read),
		cmocka_unit_test(ports_are_read),
		cmocka_unit_test(a_default_route_has_the_family_of_its_gateway),
		cmocka_unit_test(listeners_point_to_their_pools),
		cmocka_unit_test(what_the_proxy_lets_pass_is_read),
		cmocka_unit_test(one_address_is_one_member_in_all_pools),
		cmocka_unit_test(a_name_given_in_a_later_pool_is_the_name),
		cmocka_unit_test(secrets_are_read),
		cmocka_unit_test(what_is_not_given_has_its_default),
		cmocka_unit_test(a_section_or_list_may_be_empty),
		cmocka_unit_test(line_ends_and_byte_order_mark_are_borne),
		cmocka_unit_test(text_that_is_none_is_refused),
		cmocka_unit_test(what_is_no_mapping_is_refused),
		cmocka_unit_test(an_empty_file_names_what_is_missing),
		cmocka_unit_test(all_mistakes_are_told_in_order),
		cmocka_unit_test(a_file_is_read_by_its_path),
		cmocka_unit_test(what_cannot_be_read_says_so),
		cmocka_unit_test(more_than_16_mib_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
