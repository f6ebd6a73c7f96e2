/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/config/read_text.h"

#include <stdlib.h>

/* One pool with the members @list, from line 5 on. */
static void refuses_members(const char *list, const char *begin, const char *part)
{
	char text[1024];

	snprintf(text, sizeof(text), PORTS "pools:\n  - name: farm\n    members:\n%s", list);
	refuses(text, begin, part);
}

static void weights_have_a_range(void **state)
{
	(void)state;
	refuses_members("      - {address: 1.2.3.4, weight: 65536}\n",
			"t.yaml:8: pool \"farm\", member \"1.2.3.4\": weight must be 0..65535",
			"got 65536");
	refuses_members("      - {address: 1.2.3.4, weight: -1}\n",
			"t.yaml:8: pool \"farm\", member \"1.2.3.4\": weight must be", "got -1");
}

static void refuses_pool(const char *options, const char *begin, const char *part)
{
	char text[512];

	snprintf(text, sizeof(text), PORTS "pools:\n  - name: farm\n    members: [1.2.3.4]\n%s",
		 options);
	refuses(text, begin, part);
}

static void policies_fit_together(void **state)
{
	(void)state;
	refuses_pool("    policy: best\n", "t.yaml:8: pool \"farm\": policy must be", "got best");
	refuses_pool("    hash_key: header\n", "t.yaml:8: pool \"farm\": hash_key is header",
		     "no hash_header");
	refuses_pool("    hash_header: X-A\n", "t.yaml:8: pool \"farm\": hash_header says nothing",
		     "hash_key: header");
	refuses_pool("    policy: least_open\n    bound_percent: 125\n",
		     "t.yaml:8: pool \"farm\": hash_key and bound_percent", "policy hash only");
	refuses_pool("    bound_percent: 100\n",
		     "t.yaml:8: pool \"farm\": bound_percent must be 0 or 101..1000", "got 100");
	refuses_pool("    failover: 8\n", "t.yaml:8: pool \"farm\": failover must be 0..7",
		     "got 8");
}

static void fallbacks_end(void **state)
{
	(void)state;
	refuses_pool("    fallback: none\n", "t.yaml:8: pool \"farm\": there is no pool \"none\"",
		     "add it");
	refuses_pool("    fallback: farm\n", "t.yaml:8: pool \"farm\": pool \"farm\" falls back on",
		     "itself");
	refuses_pool("    fallback: b\n  - {name: b, members: [1.2.3.5], fallback: farm}\n",
		     "t.yaml:8: pool \"farm\": pool \"farm\" falls back on itself", "\"b\"");
}

static void somebody_gets_calls(void **state)
{
	(void)state;
	refuses_members("      - {address: 1.2.3.4, weight: 0}\n"
			"      - {address: 1.2.3.5, weight: 0}\n",
			"t.yaml:8: pool \"farm\": all members have weight 0", "drain");
}

static void member_addresses_are_those_of_hosts(void **state)
{
	static const char *const bad[] = {
		"0.0.0.0",     "\"::\"",      "224.0.0.1", "\"ff02::1\"", "255.255.255.255",
		"192.0.2.255", "\"fe80::1\"", "240.0.0.1", "0.1.2.3",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char list[64];

		snprintf(list, sizeof(list), "      - %s\n", bad[i]);
		refuses_members(list, "t.yaml:8: pool \"farm\", member \"",
				"address cannot be a member's");
	}
}

static void host_names_are_refused(void **state)
{
	(void)state;
	refuses_members("      - proxy.example.com\n",
			"t.yaml:8: pool \"farm\", member \"proxy.example.com\": address must be",
			"host names are not resolved");
}

static void our_own_listener_is_no_member(void **state)
{
	(void)state;
	refuses_members("      - 192.0.2.1\n"
			"listeners: [{name: a, address: 192.0.2.1}]\n",
			"t.yaml:8: pool \"farm\", member \"192.0.2.1\": address is our own",
			"line 9");
	/* Another port of that host is another server. */
	stw_model_free(read_good(PORTS "listeners: [{name: a, address: 192.0.2.1}]\n"
				       "pools: [{name: p, members: [\"192.0.2.1:5070\"]}]\n"));
}

static void a_member_stands_once_in_a_pool(void **state)
{
	(void)state;
	refuses_members("      - 1.2.3.4\n      - 1.2.3.5\n      - \"1.2.3.4:5060\"\n",
			"t.yaml:10: pool \"farm\", member \"1.2.3.4:5060\": stands twice",
			"line 8");
}

static void one_member_has_one_name(void **state)
{
	(void)state;
	refuses_members("      - {name: a, address: 1.2.3.4}\n"
			"  - name: other\n"
			"    members: [{name: b, address: 1.2.3.4}]\n",
			"t.yaml:10: pool \"other\", member \"b\": its address is called \"a\"",
			"line 8");
}

static void one_name_is_of_one_member(void **state)
{
	(void)state;
	refuses_members("      - {name: a, address: 1.2.3.4}\n"
			"      - {name: a, address: 1.2.3.5}\n",
			"t.yaml:9: pool \"farm\", member \"a\": name is used for another",
			"line 8");
}

static void a_long_address_needs_a_name(void **state)
{
	(void)state;
	refuses_members("      - \"2001:db8:1234:5678:9abc:def0:1234:5678\"\n",
			"t.yaml:8: pool \"farm\", member \"2001:db8:1234", "add name");
}

/*
 * Two addresses with one identity: found by trying, since the identity is a hash of 32 bits. The
 * birthday bound says some 80 000 addresses hold a pair.
 */
struct tried {
	uint32_t id;
	uint32_t host;
};

static int by_id(const void *a, const void *b)
{
	const struct tried *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static struct stw_endpoint host_endpoint(uint32_t host)
{
	const uint8_t v4[4] = {10, (uint8_t)(host >> 16), (uint8_t)(host >> 8), (uint8_t)host};

	return (struct stw_endpoint){.ip = stw_ip_from_v4(v4), .port = 5060};
}

static void one_identity_for_two_addresses_is_refused(void **state)
{
	static struct tried t[600000];
	const size_t n = sizeof(t) / sizeof(t[0]);
	size_t i = 1;

	(void)state;
	for (uint32_t k = 0; k < n; k++) {
		struct stw_endpoint ep = host_endpoint(k + 1);

		t[k] = (struct tried){stw_member_id(&ep), k + 1};
	}
	qsort(t, n, sizeof(t[0]), by_id);
	while (i < n && t[i].id != t[i - 1].id)
		i++;
	assert_true(i < n);
	char a[STW_ENDPOINT_TEXT], b[STW_ENDPOINT_TEXT], list[256];
	struct stw_endpoint x = host_endpoint(t[i - 1].host), y = host_endpoint(t[i].host);

	stw_endpoint_format(&x, a);
	stw_endpoint_format(&y, b);
	snprintf(list, sizeof(list), "      - \"%s\"\n      - \"%s\"\n", a, b);
	refuses_members(list, "t.yaml:9: pool \"farm\", member \"", "same identity");
}

/* @pools pools of @members each, all different when @distinct. */
static char *many(unsigned pools, unsigned members, bool distinct)
{
	size_t room = 256 + pools * (64 + (size_t)members * 20);
	char *text = malloc(room);
	size_t at = (size_t)snprintf(text, room, PORTS "pools:\n");
	uint32_t host = 256;

	for (unsigned p = 0; p < pools; p++) {
		at += (size_t)snprintf(text + at, room - at, "  - name: p%u\n    members: [", p);
		if (!distinct)
			host = 256;
		for (unsigned m = 0; m < members; m++, host++)
			at += (size_t)snprintf(text + at, room - at, "%s10.%u.%u.%u", m ? "," : "",
					       host >> 16 & 255, host >> 8 & 255, host & 255);
		at += (size_t)snprintf(text + at, room - at, "]\n");
	}
	return text;
}

static void limits_are_kept(void **state)
{
	static const struct {
		unsigned pools, members;
		bool distinct;
		const char *begin, *part; /* NULL: fine */
	} rows[] = {
		{1, 4096, true, NULL, NULL},
		{1, 4097, true, "t.yaml:7: pool \"p0\": members has 4097 elements", "at most 4096"},
		{2, 4096, true, NULL, NULL},
		{3, 2731, true, "t.yaml:6: pools have 8193 different members", "at most 8192"},
		{256, 1, false, NULL, NULL},
		{257, 1, false, "t.yaml:6: pools has 257 elements", "at most 256"},
		{16, 4096, false, NULL, NULL},
		{17, 4000, false, "t.yaml:6: pools have 68000 members in total", "at most 65536"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = many(rows[i].pools, rows[i].members, rows[i].distinct);

		if (rows[i].begin)
			refuses(text, rows[i].begin, rows[i].part);
		else
			stw_model_free(read_good(text));
		free(text);
	}
}

static void names_in_dns_stand_once(void **state)
{
	(void)state;
	refuses_pool("    dns: [sip.example.net, 192.0.2.9]\n", "t.yaml:8: pool \"farm\"",
		     "is an address: put it into members");
	refuses_pool("    dns: [\"a..b\"]\n", "t.yaml:8: pool \"farm\"", "is no host name");
	refuses_pool("    dns: [a.net, A.NET]\n", "t.yaml:8: pool \"farm\"",
		     "\"A.NET\" stands twice in dns");
	refuses_pool("    dns: [a.net, a.net.]\n", "t.yaml:8: pool \"farm\"",
		     "stands twice in dns");
	stw_model_free(read_good(PORTS POOLS "    dns: [a.net, {name: a.net, port: 5070}]\n"));
}

static void fallbacks_come_to_an_end(void **state)
{
	(void)state;
	refuses_pool("    fallback: fram\n", "t.yaml:8: pool \"farm\"",
		     "there is no pool \"fram\"");
	refuses_pool("    fallback: farm\n", "t.yaml:8: pool \"farm\"", "falls back on itself");
	refuses_pool("    fallback: b\n  - {name: b, members: [1.2.3.5], fallback: c}\n"
		     "  - {name: c, members: [1.2.3.6], fallback: b}\n",
		     "t.yaml:9: pool \"b\"", "falls back on itself by way of \"c\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(weights_have_a_range),
		cmocka_unit_test(policies_fit_together),
		cmocka_unit_test(fallbacks_end),
		cmocka_unit_test(somebody_gets_calls),
		cmocka_unit_test(member_addresses_are_those_of_hosts),
		cmocka_unit_test(host_names_are_refused),
		cmocka_unit_test(our_own_listener_is_no_member),
		cmocka_unit_test(a_member_stands_once_in_a_pool),
		cmocka_unit_test(one_member_has_one_name),
		cmocka_unit_test(one_name_is_of_one_member),
		cmocka_unit_test(a_long_address_needs_a_name),
		cmocka_unit_test(one_identity_for_two_addresses_is_refused),
		cmocka_unit_test(limits_are_kept),
		cmocka_unit_test(names_in_dns_stand_once),
		cmocka_unit_test(fallbacks_come_to_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
