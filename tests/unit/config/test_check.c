/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/config/read_text.h"

static void unknown_options_name_the_nearest(void **state)
{
	(void)state;
	refuses("contrl: {}\n" PORTS, "t.yaml:1: unknown option \"contrl\"",
		"did you mean \"control\"?");
	refuses(PORTS "api: {sokcet: /x}\n", "t.yaml:5: unknown option \"sokcet\" in api",
		"did you mean \"socket\"?");
	refuses(PORTS "    mtuu: 1500\n", "t.yaml:5: port \"outside\": unknown option \"mtuu\"",
		"did you mean \"mtu\"?");
	refuses(PORTS "qwertyuiop: 1\n", "t.yaml:5: unknown option", "strowger.yaml(5)");
	/* A path is no key, and a key of one place is none elsewhere. */
	refuses("api.socket: /x\n" PORTS, "t.yaml:1: unknown option \"api.socket\"", "");
	refuses("cores[]: 1\n" PORTS, "t.yaml:1: unknown option", "");
	refuses("burst: 1\n" PORTS, "t.yaml:1: unknown option \"burst\"", "");
}

static void names_of_other_programs_get_advice(void **state)
{
	(void)state;
	refuses("dataplane: {workers: 4}\n" PORTS, "t.yaml:1: workers is not an option",
		"write dataplane.cores");
	refuses(PORTS POOLS "    backends: [1.2.3.4]\n", "t.yaml:8: pool \"farm\": backends",
		"write members");
}

static void a_key_given_twice_is_refused(void **state)
{
	(void)state;
	refuses("dataplane:\n  burst: 1\n  burst: 1\n" PORTS, "t.yaml:3: burst is given twice",
		"line 2");
	refuses(PORTS "api: {}\napi: {}\n", "t.yaml:6: api is given twice", "line 5");
	refuses(PORTS "    mtu: 1500\n    mtu: 1500\n",
		"t.yaml:6: port \"outside\": mtu is given twice", "line 5");
}

static void what_must_be_given_is_missed(void **state)
{
	(void)state;
	refuses("ports: [{device: x}]\n", "t.yaml:1: port: name is missing", "add 1..31 of");
	refuses("ports: [{name: x}]\n", "t.yaml:1: port \"x\": device is missing", "add ");
	refuses(PORTS "listeners: [{name: a}]\n", "t.yaml:5: listener \"a\": address is missing",
		"");
	refuses(PORTS "pools: [{members: [192.0.2.7]}]\n", "t.yaml:5: pool: name is missing", "");
	refuses(PORTS "pools: [{name: a, members: [{name: x}]}]\n",
		"t.yaml:5: pool \"a\", member \"x\": address is missing", "");
	refuses(PORTS "secrets: [{id: 1}]\n", "t.yaml:5: secret \"1\": key is missing", "");
}

static void empty_pools_are_refused(void **state)
{
	(void)state;
	refuses(PORTS "pools:\n  - name: a\n    members: []\n",
		"t.yaml:7: pool \"a\": members is empty", "name at least one member");
	refuses(PORTS "pools:\n  - name: a\n    members:\n",
		"t.yaml:7: pool \"a\": members is empty", "");
	refuses(PORTS "pools:\n  - name: a\n", "t.yaml:6: pool \"a\": members is missing", "");
	refuses(PORTS "pools:\n  - name: a\n    members: x\n",
		"t.yaml:7: pool \"a\": members must be a list", "");
}

static void names_stand_once(void **state)
{
	(void)state;
	refuses(PORTS "  - {name: outside, device: y, twin: z}\n",
		"t.yaml:5: port \"outside\": name is used twice", "line 2");
	refuses(PORTS "listeners:\n  - {name: a, address: 192.0.2.1}\n"
		      "  - {name: a, address: \"2001:db8::1\"}\n",
		"t.yaml:7: listener \"a\": name is used twice", "line 6");
	refuses(PORTS POOLS "  - {name: farm, members: [198.51.100.12]}\n",
		"t.yaml:8: pool \"farm\": name is used twice", "line 6");
}

static void devices_and_twins_stand_once(void **state)
{
	(void)state;
	refuses(PORTS "  - {name: b, device: net_null0}\n", "t.yaml:5: port \"b\": device is used",
		"line 3");
	refuses(PORTS "  - {name: b, device: y, twin: stw-outside}\n",
		"t.yaml:5: port \"b\": twin is used twice", "line 2");
	/* Names that differ only where the twin's is cut. */
	refuses("ports:\n  - {name: abcdefghijklm, device: x}\n"
		"  - {name: abcdefghijkno, device: y}\n",
		"t.yaml:3: port \"abcdefghijkno\": twin is used twice", "line 2");
	refuses("ports: [{name: a, device: x, twin: a/b}]\n", "t.yaml:1: port \"a\": twin", "'/'");
	refuses("ports: [{name: a, device: x, kernel: none, twin: b}]\n",
		"t.yaml:1: port \"a\": twin is given but kernel is none", "");
}

#define SHARED "ports: [{name: lan, device: \"net_af_xdp0,iface=eth0\", kernel: shared"

static void shared_ports_are_the_kernels(void **state)
{
	(void)state;
	struct stw_model *m =
		read_good(SHARED "}]\nlisteners: [{name: edge, address: 192.0.2.7}]\n");

	assert_int_equal(m->ports[0].kernel, STW_KERNEL_SIDE_SHARED);
	assert_string_equal(m->ports[0].twin, "stw-lan");
	stw_model_free(m);
	refuses(SHARED ", addresses: [192.0.2.1/24]}]\n",
		"t.yaml:1: port \"lan\": addresses is given but kernel is shared", "remove it");
	refuses(SHARED ", routes: [{to: default, via: 192.0.2.9}]}]\n",
		"t.yaml:1: port \"lan\": routes is given but kernel is shared", "remove it");
	refuses(SHARED ", neighbours: [{address: 192.0.2.9, mac: 02:00:00:00:00:01}]}]\n",
		"t.yaml:1: port \"lan\": neighbours is given but kernel is shared", "remove it");
	m = read_good(SHARED ", vlans: [100, 4094]}]\n");
	assert_int_equal(m->ports[0].n_vlans, 2);
	assert_int_equal(m->ports[0].vlans[1], 4094);
	stw_model_free(m);
	refuses(SHARED ", vlans: [7, 100, 7]}]\n",
		"t.yaml:1: port \"lan\", VLAN \"7\": stands twice", "name it once");
	refuses(SHARED ", vlans: [4095]}]\n", "t.yaml:1: ", "4094");
	refuses(SHARED ", vlans: [0]}]\n", "t.yaml:1: port \"lan\", VLAN \"0\": ", "1..4094");
	refuses(SHARED ", vlans: [-1]}]\n", "t.yaml:1: port \"lan\", VLAN \"-1\": ", "1..4094");
	refuses(SHARED ", vlans: 7}]\n", "t.yaml:1: port \"lan\": vlans must be a list", "0..64");
	char many[64 * 5 + 32];
	int len = snprintf(many, sizeof(many), "%s", "1");
	for (unsigned v = 2; v <= 64; v++)
		len += snprintf(many + len, sizeof(many) - (size_t)len, ",%u", v);
	char text[sizeof(many) + 128];
	snprintf(text, sizeof(text), SHARED ", vlans: [%s]}]\n", many);
	m = read_good(text);
	assert_int_equal(m->ports[0].n_vlans, 64);
	stw_model_free(m);
	snprintf(text, sizeof(text), SHARED ", vlans: [%s,65]}]\n", many);
	refuses(text, "t.yaml:1: port \"lan\": vlans has 65 elements", "at most 64");
	refuses("ports: [{name: a, device: x, vlans: [7]}]\n",
		"t.yaml:1: port \"a\": vlans is given but kernel is not shared", "its vlan");
	refuses("ports: [{name: a, device: x, kernel: none, vlans: [7]}]\n",
		"t.yaml:1: port \"a\": vlans is given but kernel is not shared", "its vlan");
	m = read_good("ports: [{name: nic, device: \"0000:03:00.0\", kernel: shared}]\n");
	assert_int_equal(m->ports[0].kernel, STW_KERNEL_SIDE_SHARED);
	stw_model_free(m);
	refuses("ports: [{name: a, device: net_null0, kernel: shared}]\n",
		"t.yaml:1: port \"a\": device of a shared port must be net_af_xdp", "iface=eth0");
	refuses("ports: [{name: a, device: net_af_xdp0, kernel: shared}]\n",
		"t.yaml:1: port \"a\": device of a shared port must be net_af_xdp", "");
	refuses("ports: [{name: a, device: \"net_af_xdp0,iface=x,xdp_prog=/y\", kernel: shared}]\n",
		"t.yaml:1: port \"a\": xdp_prog is given but kernel is shared", "remove it");
}

static void port_addresses_are_those_of_hosts(void **state)
{
	static const char *const bad[] = {"192.0.2.0/24",   "192.0.2.255/24",	  "224.0.0.1/24",
					  "0.0.0.0/0",	    "255.255.255.255/24", "\"::/64\"",
					  "\"ff02::1/64\"", "240.0.0.1/8",	  "192.0.2.1/0"};
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text),
			 "ports:\n  - name: a\n    device: x\n"
			 "    addresses: [%s]\n",
			 bad[i]);
		refuses(text, "t.yaml:4: port \"a\", address \"", "cannot be an address of a port");
	}
	/* What is no address at all is told once. */
	refuses("ports: [{name: a, device: x, mtu: 600, addresses: [x]}]\n",
		"t.yaml:1: port \"a\", address \"x\": address must be", "");
	stw_model_free(read_good("ports:\n  - name: a\n    device: x\n"
				 "    addresses: [192.0.2.0/31, 198.51.100.255/32, 127.0.0.1/8,"
				 " \"2001:db8::/64\"]\n"));
}

static void port_addresses_stand_once(void **state)
{
	(void)state;
	refuses(PORTS "  - name: b\n    device: y\n    addresses: [192.0.2.1/32]\n",
		"t.yaml:7: port \"b\", address \"192.0.2.1/32\": address is used twice", "line 4");
	/* Each link has its own fe80::1. */
	stw_model_free(read_good("ports:\n"
				 "  - {name: a, device: x, addresses: [\"fe80::1/64\","
				 " {address: \"fe80::1/64\", vlan: 5}]}\n"
				 "  - {name: b, device: y, addresses: [\"fe80::1/64\"]}\n"));
	refuses("ports: [{name: a, device: x, addresses: [\"fe80::1/64\", \"fe80::1/64\"]}]\n",
		"t.yaml:1: port \"a\", address \"fe80::1/64\": address is used twice", "");
}

static void routes_lead_somewhere(void **state)
{
	(void)state;
	refuses(PORTS "    routes: [{to: default, via: 198.51.100.1}]\n",
		"t.yaml:5: port \"outside\", route \"default\": via 198.51.100.1 is in no subnet",
		"");
	refuses(PORTS "    routes: [{to: default, via: 192.0.2.9, vlan: 7}]\n",
		"t.yaml:5: port \"outside\", route \"default\": via 192.0.2.9 is in no subnet",
		"on that VLAN");
	refuses(PORTS "    routes: [{to: default, via: 192.0.2.1}]\n",
		"t.yaml:5: port \"outside\", route \"default\": via 192.0.2.1 is the port's own",
		"");
	refuses(PORTS "    routes: [{to: default, via: 224.0.0.1}]\n",
		"t.yaml:5: port \"outside\", route \"default\": via 224.0.0.1 cannot be a gateway",
		"");
	refuses(PORTS "    routes: [{to: 10.1.0.0/8, via: 192.0.2.9}]\n",
		"t.yaml:5: port \"outside\", route \"10.1.0.0/8\": to has bits",
		"did you mean 10.0.0.0/8?");
	refuses(PORTS "    routes: [{to: \"::/0\", via: 192.0.2.9}]\n",
		"t.yaml:5: port \"outside\", route \"::/0\": to and via are of different", "IPv6");
	refuses(PORTS "    routes: [{to: default, via: 192.0.2.8},"
		      " {to: 0.0.0.0/0, via: 192.0.2.9}]\n",
		"t.yaml:5: port \"outside\", route \"0.0.0.0/0\": to is used twice", "");
	stw_model_free(read_good(PORTS "    routes: [{to: default, via: \"fe80::1\"}]\n"));
}

static void two_ports_may_lead_to_one_network(void **state)
{
	(void)state;
	stw_model_free(read_good(PORTS "    routes: [{to: default, via: 192.0.2.8}]\n"
				       "  - name: b\n"
				       "    device: y\n"
				       "    addresses: [198.51.100.1/24]\n"
				       "    routes: [{to: default, via: 198.51.100.8}]\n"));
}

static void vlan_interfaces_have_names_of_15_bytes(void **state)
{
	(void)state;
	refuses("ports: [{name: a, device: x, twin: 0123456789a,"
		" addresses: [{address: 192.0.2.1/24, vlan: 1000}]}]\n",
		"t.yaml:1: port \"a\": twin is too long for its VLANs",
		"0123456789a.1000 has more than 15");
	stw_model_free(read_good("ports: [{name: a, device: x, twin: 0123456789a,"
				 " addresses: [{address: 192.0.2.1/24, vlan: 100}]}]\n"));
	stw_model_free(read_good("ports: [{name: abcdefghijklmnop, device: x, kernel: none,"
				 " addresses: [{address: 192.0.2.1/24, vlan: 1000}]}]\n"));
}

static void at_most_256_interfaces(void **state)
{
	static char text[32768];

	(void)state;
	for (unsigned vlans = 255; vlans <= 256; vlans++) {
		size_t at = (size_t)snprintf(text, sizeof(text),
					     "ports: [{name: a, device: x, addresses: [");

		for (unsigned i = 1; i <= vlans; i++)
			at += (size_t)snprintf(text + at, sizeof(text) - at,
					       "{address: 10.0.%u.1/24, vlan: %u},", i - 1, i);
		snprintf(text + at, sizeof(text) - at, "]}]\n");
		if (vlans == 255)
			stw_model_free(read_good(text));
		else
			refuses(text, "t.yaml:1: ports and their VLANs make 257 interfaces",
				"at most 256");
	}
}

static void neighbours_are_hosts(void **state)
{
	(void)state;
	refuses(PORTS "    neighbours: [{address: 192.0.2.2, mac: \"01:00:5e:00:00:01\"}]\n",
		"t.yaml:5: port \"outside\", neighbour \"192.0.2.2\": mac is a group's", "");
	refuses(PORTS "    neighbours: [{address: 224.0.0.1, mac: \"02:00:00:00:00:01\"}]\n",
		"t.yaml:5: port \"outside\", neighbour \"224.0.0.1\": address cannot be",
		"multicast");
	refuses(PORTS "    neighbours:\n"
		      "      - {address: 192.0.2.2, mac: \"02:00:00:00:00:01\"}\n"
		      "      - {address: 192.0.2.2, mac: \"02:00:00:00:00:02\"}\n",
		"t.yaml:7: port \"outside\", neighbour \"192.0.2.2\": address is used twice",
		"line 6");
}

static void rfc8200_s5_ipv6_needs_an_mtu_of_1280(void **state)
{
	(void)state;
	refuses(PORTS "    mtu: 1279\n", "t.yaml:5: port \"outside\": mtu must be at least 1280",
		"got 1279");
	stw_model_free(read_good(PORTS "    mtu: 1280\n"));
	stw_model_free(read_good("ports: [{name: a, device: x, mtu: 576,"
				 " addresses: [192.0.2.1/24]}]\n"));
}

static void queues_fit_the_packet_pool(void **state)
{
	(void)state;
	refuses("dataplane: {cores: [1], mbufs: 2079, burst: 32}\n" PORTS,
		"t.yaml:3: port \"outside\": 1 cores with 1024 + 1024", "need 2080 packets");
	stw_model_free(read_good("dataplane: {cores: [1], mbufs: 2080, burst: 32}\n" PORTS));
	refuses("dataplane: {cores: [1, 2], mbufs: 4159, burst: 32}\n" PORTS,
		"t.yaml:3: port \"outside\": 2 cores", "need 4160");
}

static void cores_stand_once(void **state)
{
	(void)state;
	refuses("dataplane: {cores: [1, 2, 1], mbufs: 65536}\n" PORTS,
		"t.yaml:1: core \"1\": core 1 stands twice", "");
	refuses("dataplane: {cores: [1, x]}\n" PORTS, "t.yaml:1: core \"x\": cores[] must be", "");
}

static void sockets_differ(void **state)
{
	(void)state;
	refuses(PORTS "api:\n  socket: /run/strowger/dataplane.sock\n",
		"t.yaml:6: api.socket and dataplane.socket are the same", "");
	refuses("dataplane: {socket: /run/strowger/api.sock}\n" PORTS,
		"t.yaml:1: api.socket and dataplane.socket are the same", "");
	refuses("resolver: {min_ttl_s: 60, max_ttl_s: 30}\n" PORTS,
		"t.yaml:1: min_ttl_s 60 is more than max_ttl_s 30", "lower it");
	refuses("resolver: {servers: [192.0.2.53, \"192.0.2.53:53\"]}\n" PORTS,
		"t.yaml:1: server \"192.0.2.53:53\": 192.0.2.53:53 stands twice", "name it once");
	refuses("resolver: {servers: [dns.example]}\n" PORTS, "t.yaml:1: server \"dns.example\"",
		"");
}

static void listeners_are_on_a_port(void **state)
{
	(void)state;
	refuses(PORTS "listeners: [{name: a, address: 192.0.2.2}]\n",
		"t.yaml:5: listener \"a\": address 192.0.2.2 is on no port",
		"addresses of the port");
	refuses(PORTS "listeners: [{name: a, address: 0.0.0.0}]\n",
		"t.yaml:5: listener \"a\": address 0.0.0.0 cannot be listened on", "");
	refuses(PORTS "listeners: [{name: a, address: \"::\"}]\n",
		"t.yaml:5: listener \"a\": address :: cannot be listened on", "unspecified");
	refuses(PORTS "listeners: [{name: a, address: 224.0.1.75}]\n",
		"t.yaml:5: listener \"a\": address 224.0.1.75 cannot be listened on", "multicast");
	refuses(PORTS "listeners: [{name: a, address: \"fe80::1\"}]\n",
		"t.yaml:5: listener \"a\": address fe80::1 cannot be listened on", "link-local");
}

static void two_listeners_have_two_addresses(void **state)
{
	(void)state;
	refuses(PORTS "listeners:\n  - {name: a, address: 192.0.2.1}\n"
		      "  - {name: b, address: \"192.0.2.1:5060\"}\n",
		"t.yaml:7: listener \"b\": address is used twice", "line 6");
	stw_model_free(read_good(PORTS "listeners:\n  - {name: a, address: 192.0.2.1}\n"
				       "  - {name: b, address: \"192.0.2.1:5061\"}\n"));
}

static void a_listener_names_a_pool_that_is(void **state)
{
	(void)state;
	refuses(PORTS POOLS "listeners: [{name: a, address: 192.0.2.1, pool: fram}]\n",
		"t.yaml:8: listener \"a\": there is no pool \"fram\"", "did you mean \"farm\"?");
	refuses(PORTS POOLS "listeners: [{name: a, address: 192.0.2.1, pool: xyzzy}]\n",
		"t.yaml:8: listener \"a\": there is no pool \"xyzzy\"", "add it under pools");
}

static void secrets_differ(void **state)
{
	(void)state;
	refuses(PORTS "secrets:\n  - {id: 1, key: \"0123456789abcdef0123456789abcdef\"}\n"
		      "  - {id: 1, key: \"1123456789abcdef0123456789abcdef\"}\n",
		"t.yaml:7: secret \"1\": id 1 is used twice", "");
	refuses(PORTS "secrets:\n  - {id: 1, key: \"0123456789abcdef0123456789abcdef\"}\n"
		      "  - {id: 2, key: \"0123456789abcdef0123456789abcdef\"}\n",
		"t.yaml:7: secret \"2\": both keys are the same", "");
	refuses(PORTS "secrets: [{id: 1, key: \"00000000000000000000000000000000\"}]\n",
		"t.yaml:5: secret \"1\": key must be 32 hex digits", "guessed");
}

static void domains_have_one_spelling(void **state)
{
	(void)state;
	const char *const wrong[] = {"Example.net",
				     "example.net.",
				     "a..b",
				     "a b",
				     "example.net:5060",
				     "[2001:DB8::1]",
				     "[2001:db8:0::1]",
				     "[1.2.3.4]x",
				     "[2001:db8::1]:5060",
				     "[]"};
	char text[256];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(text, sizeof(text), "registrar: {domains: [\"%s\"]}\n" PORTS, wrong[i]);
		refuses(text, "t.yaml:1: domain", "is no host name or shortest address");
	}
	refuses("registrar: {domains: [a.net, b.net, a.net]}\n" PORTS, "t.yaml:1: domain",
		"a.net stands twice");
	stw_model_free(read_good("registrar: {domains: [a.net, \"[2001:db8::1]\"]}\n" PORTS));
}

static void expiry_times_ascend(void **state)
{
	(void)state;
	refuses("registrar:\n  min_expires_s: 3600\n  default_expires_s: 600\n" PORTS,
		"t.yaml:2: min_expires_s 3600 is more than default_expires_s 600", "lower it");
	refuses("registrar:\n  max_expires_s: 600\n  default_expires_s: 3600\n" PORTS,
		"t.yaml:3: default_expires_s 3600 is more than max_expires_s 600", "lower it");
}

static void health_fits_together(void **state)
{
	(void)state;
	refuses(PORTS POOLS "    health:\n      fall: 5\n", "t.yaml:9: pool \"farm\"",
		"fall 5 of the last 4 probes can never be missed");
	refuses(PORTS POOLS "    health:\n      hold_down_s: 301\n", "t.yaml:9: pool \"farm\"",
		"hold_down_s 301 is more than hold_down_max_s 300");
	refuses(PORTS POOLS "    health:\n      backoff_ms: 1000\n", "t.yaml:9: pool \"farm\"",
		"backoff_ms 1000 is less than interval_ms 2000");
	refuses(PORTS POOLS "    health:\n      accept: 200-\n", "t.yaml:9: pool \"farm\"",
		"accept is not a list of codes");
	refuses(PORTS POOLS "    health:\n      from: \"<sip:a@b>\"\n", "t.yaml:9: pool \"farm\"",
		"from is not a URI");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unknown_options_name_the_nearest),
		cmocka_unit_test(names_of_other_programs_get_advice),
		cmocka_unit_test(a_key_given_twice_is_refused),
		cmocka_unit_test(what_must_be_given_is_missed),
		cmocka_unit_test(empty_pools_are_refused),
		cmocka_unit_test(names_stand_once),
		cmocka_unit_test(devices_and_twins_stand_once),
		cmocka_unit_test(shared_ports_are_the_kernels),
		cmocka_unit_test(port_addresses_are_those_of_hosts),
		cmocka_unit_test(port_addresses_stand_once),
		cmocka_unit_test(routes_lead_somewhere),
		cmocka_unit_test(two_ports_may_lead_to_one_network),
		cmocka_unit_test(vlan_interfaces_have_names_of_15_bytes),
		cmocka_unit_test(at_most_256_interfaces),
		cmocka_unit_test(neighbours_are_hosts),
		cmocka_unit_test(rfc8200_s5_ipv6_needs_an_mtu_of_1280),
		cmocka_unit_test(queues_fit_the_packet_pool),
		cmocka_unit_test(cores_stand_once),
		cmocka_unit_test(sockets_differ),
		cmocka_unit_test(listeners_are_on_a_port),
		cmocka_unit_test(two_listeners_have_two_addresses),
		cmocka_unit_test(a_listener_names_a_pool_that_is),
		cmocka_unit_test(secrets_differ),
		cmocka_unit_test(domains_have_one_spelling),
		cmocka_unit_test(expiry_times_ascend),
		cmocka_unit_test(health_fits_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
