/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/config/read_text.h"

#include "control/config/conf.h"
#include "control/config/value.h"

struct row {
	const char *option;
	const char *text;
	const char *written; /* NULL: refused */
};

static void reads(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct stw_opt *row = stw_schema_find(rows[i].option);
		_Alignas(8) unsigned char value[512] = {0}, before[512] = {0};
		char why[512] = "", written[STW_VALUE_TEXT];

		assert_non_null(row);
		bool ok = stw_value_read(row, rows[i].text, value, why, sizeof(why));

		if (ok != (rows[i].written != NULL))
			fail_msg("%s: \"%s\" %s %s", rows[i].option, rows[i].text,
				 ok ? "was taken" : "was refused:", why);
		if (!ok) {
			/* A refused value changes nothing and says which option it is. */
			assert_memory_equal(value, before, sizeof(value));
			assert_memory_equal(why, stw_schema_key(row), strlen(stw_schema_key(row)));
			continue;
		}
		stw_value_write(row, value, written);
		assert_string_equal(written, rows[i].written);
	}
}

#define READS(...)                                              \
	do {                                                    \
		static const struct row rows[] = {__VA_ARGS__}; \
		(void)state;                                    \
		reads(rows, sizeof(rows) / sizeof(rows[0]));    \
	} while (0)

static void numbers(void **state)
{
	READS({"dataplane.burst", "1", "1"}, {"dataplane.burst", "64", "64"},
	      {"dataplane.burst", "0", NULL}, {"dataplane.burst", "65", NULL},
	      {"dataplane.burst", "", NULL}, {"dataplane.burst", "-1", NULL},
	      {"dataplane.burst", "+1", NULL}, {"dataplane.burst", " 1", NULL},
	      {"dataplane.burst", "1 ", NULL}, {"dataplane.burst", "0x10", NULL},
	      {"dataplane.burst", "1e1", NULL}, {"dataplane.burst", "1.0", NULL},
	      {"dataplane.burst", "0032", "32"},
	      {"dataplane.burst", "18446744073709551617", NULL}, /* 2^64 + 1 */
	      {"dataplane.burst", "4294967297", NULL},		 /* 2^32 + 1 */
	      {"dataplane.max_headers", "4", NULL}, {"dataplane.max_headers", "5", "5"},
	      {"dataplane.max_headers", "1025", NULL}, {"dataplane.max_vias", "0", NULL},
	      {"dataplane.max_vias", "1024", "1024"}, {"dataplane.max_vias", "1025", NULL},
	      {"secrets[].id", "15", "15"}, {"secrets[].id", "16", NULL});
}

static void octal_modes(void **state)
{
	READS({"api.mode", "0660", "0660"}, {"api.mode", "600", "0600"},
	      {"api.mode", "0o660", "0660"}, {"api.mode", "0666", NULL}, {"api.mode", "0680", NULL},
	      {"api.mode", "1660", NULL}, {"api.mode", "rw", NULL}, {"api.mode", "", NULL});
}

static void booleans(void **state)
{
	READS({"pools[].record_route", "true", "true"}, {"pools[].record_route", "Yes", "true"},
	      {"pools[].record_route", "on", "true"}, {"pools[].record_route", "FALSE", "false"},
	      {"pools[].record_route", "no", "false"}, {"pools[].record_route", "off", "false"},
	      {"pools[].record_route", "1", NULL}, {"pools[].record_route", "", NULL});
}

static void choices(void **state)
{
	READS({"ports[].kernel", "twin", "twin"}, {"ports[].kernel", "none", "none"},
	      {"ports[].kernel", "shared", "shared"}, {"ports[].kernel", "Twin", NULL},
	      {"ports[].kernel", "", NULL}, {"ports[].kernel", "twin|none", NULL},
	      {"pools[].slots", "65537", "65537"}, {"pools[].slots", "196613", "196613"},
	      {"pools[].slots", "655373", "655373"}, {"pools[].slots", "65536", NULL},
	      {"control.log_level", "debug", "debug"}, {"control.log_level", "trace", NULL});
}

static void names(void **state)
{
	READS({"ports[].name", "a", "a"}, {"ports[].name", "A-z_0.9", "A-z_0.9"},
	      {"ports[].name", "", NULL}, {"ports[].name", "a b", NULL},
	      {"ports[].name", "a/b", NULL}, {"ports[].name", "\xc3\xa4", NULL},
	      {"ports[].name", "0123456789012345678901234567890",
	       "0123456789012345678901234567890"},
	      {"ports[].name", "01234567890123456789012345678901", NULL});
}

static void texts_and_paths(void **state)
{
	READS({"api.socket", "/x", "/x"}, {"api.socket", "x", NULL}, {"api.socket", "", NULL},
	      {"api.socket", "/", NULL}, {"api.socket", "/a\nb", NULL}, {"api.group", "", ""},
	      {"ports[].device", "", NULL}, {"ports[].device", "0000:03:00.0", "0000:03:00.0"},
	      {"ports[].device", "a\x7f", NULL},
	      {"ports[].twin", "0123456789abcde", "0123456789abcde"},
	      {"ports[].twin", "0123456789abcdef", NULL});
}

static void endpoints(void **state)
{
	READS({"listeners[].address", "192.0.2.1", "192.0.2.1:5060"},
	      {"listeners[].address", "192.0.2.1:5080", "192.0.2.1:5080"},
	      {"listeners[].address", "2001:DB8::1", "[2001:db8::1]:5060"},
	      {"listeners[].address", "[2001:db8::1]:1", "[2001:db8::1]:1"},
	      {"listeners[].address", "[2001:db8::1]", "[2001:db8::1]:5060"},
	      {"listeners[].address", "192.0.2.1:0", NULL},
	      {"listeners[].address", "192.0.2.1:65536", NULL},
	      {"listeners[].address", "192.0.2.256", NULL},
	      {"listeners[].address", "192.0.2", NULL},
	      {"listeners[].address", "sip.example", NULL},
	      {"listeners[].address", "[192.0.2.1]:5060", NULL}, {"listeners[].address", "", NULL},
	      {"listeners[].address", "192.0.2.1:", NULL},
	      {"listeners[].address", "192.0.2.1/24", NULL});
}

static void prefixes(void **state)
{
	READS({"ports[].addresses[].address", "192.0.2.1/24", "192.0.2.1/24"},
	      {"ports[].addresses[].address", "2001:db8::1/128", "2001:db8::1/128"},
	      {"ports[].addresses[].address", "192.0.2.1/33", NULL},
	      {"ports[].addresses[].address", "2001:db8::1/129", NULL},
	      {"ports[].addresses[].address", "192.0.2.1/", NULL},
	      {"ports[].addresses[].address", "192.0.2.1", NULL},
	      {"ports[].addresses[].address", "/24", NULL},
	      {"ports[].addresses[].address", "192.0.2.1/2 4", NULL},
	      {"ports[].addresses[].address", "default", NULL},
	      {"ports[].routes[].to", "default", "default"},
	      {"ports[].routes[].to", "10.0.0.0/8", "10.0.0.0/8"},
	      {"ports[].routes[].to", "::/0", "::/0"}, {"ports[].routes[].to", "Default", NULL},
	      {"ports[].routes[].via", "192.0.2.1", "192.0.2.1"},
	      {"ports[].routes[].via", "[2001:db8::1]", NULL},
	      {"ports[].routes[].via", "192.0.2.1:5060", NULL});
}

static void networks_ports_and_tokens(void **state)
{
	READS({"listeners[].trusted[]", "192.0.2.7", "192.0.2.7/32"},
	      {"listeners[].trusted[]", "192.0.2.0/24", "192.0.2.0/24"},
	      {"listeners[].trusted[]", "2001:db8::/32", "2001:db8::/32"},
	      {"listeners[].trusted[]", "2001:db8::1", "2001:db8::1/128"},
	      {"listeners[].trusted[]", "0.0.0.0/0", "0.0.0.0/0"},
	      {"listeners[].trusted[]", "192.0.2.1/24", NULL},
	      {"listeners[].trusted[]", "2001:db8::1/64", NULL},
	      {"listeners[].trusted[]", "192.0.2.0/33", NULL},
	      {"listeners[].trusted[]", "192.0.2", NULL},
	      {"listeners[].trusted[]", "default", NULL}, {"listeners[].trusted[]", "", NULL},
	      {"proxy.closed_ports[]", "53", "53"}, {"proxy.closed_ports[]", "1-1023", "1-1023"},
	      {"proxy.closed_ports[]", "7-7", "7"}, {"proxy.closed_ports[]", "65535", "65535"},
	      {"proxy.closed_ports[]", "0", NULL}, {"proxy.closed_ports[]", "65536", NULL},
	      {"proxy.closed_ports[]", "9-7", NULL}, {"proxy.closed_ports[]", "7-", NULL},
	      {"proxy.closed_ports[]", "-7", NULL},
	      {"proxy.closed_ports[]", "0000000000000001-7", NULL},
	      {"proxy.closed_ports[]", "7 - 9", NULL}, {"proxy.closed_ports[]", "", NULL},
	      {"proxy.options[]", "sec-agree", "sec-agree"},
	      {"proxy.options[]", "X-My.Own!", "X-My.Own!"}, {"proxy.options[]", "a b", NULL},
	      {"proxy.options[]", "a,b", NULL}, {"proxy.options[]", "", NULL},
	      {"proxy.options[]", "0123456789012345678901234567890",
	       "0123456789012345678901234567890"},
	      {"proxy.options[]", "01234567890123456789012345678901", NULL},
	      {"listeners[].nat", "auto", "auto"}, {"listeners[].nat", "never", "never"},
	      {"listeners[].nat", "yes", NULL});
}

static void macs_and_keys(void **state)
{
	READS({"ports[].neighbours[].mac", "02:00:00:aB:Cd:ef", "02:00:00:ab:cd:ef"},
	      {"ports[].neighbours[].mac", "02:00:00:ab:cd", NULL},
	      {"ports[].neighbours[].mac", "02:00:00:ab:cd:ef:00", NULL},
	      {"ports[].neighbours[].mac", "02-00-00-ab-cd-ef", NULL},
	      {"ports[].neighbours[].mac", "0200:00:ab:cd:ef", NULL},
	      {"ports[].neighbours[].mac", "02:00:00:ab:cd:e", NULL},
	      {"ports[].neighbours[].mac", "", NULL},
	      {"secrets[].key", "0123456789ABCDEF0123456789abcdef",
	       "0123456789abcdef0123456789abcdef"},
	      {"secrets[].key", "0123456789abcdef0123456789abcde", NULL},
	      {"secrets[].key", "0123456789abcdef0123456789abcdef0", NULL},
	      {"secrets[].key", "0123456789abcdef0123456789abcdeg", NULL},
	      {"secrets[].key", "00000000000000000000000000000000", NULL},
	      {"secrets[].key", "abababababababababababababababab", NULL});
}

static void a_refused_key_is_not_repeated_in_the_message(void **state)
{
	const struct stw_opt *row = stw_schema_find("secrets[].key");
	uint8_t key[STW_SECRET_BYTES];
	char why[512];

	(void)state;
	assert_false(stw_value_read(row, "5f1c0a9be27d43688c94d5f03b7ae21", key, why, sizeof(why)));
	assert_null(strstr(why, "5f1c"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(octal_modes),
		cmocka_unit_test(booleans),
		cmocka_unit_test(choices),
		cmocka_unit_test(names),
		cmocka_unit_test(texts_and_paths),
		cmocka_unit_test(endpoints),
		cmocka_unit_test(prefixes),
		cmocka_unit_test(networks_ports_and_tokens),
		cmocka_unit_test(macs_and_keys),
		cmocka_unit_test(a_refused_key_is_not_repeated_in_the_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
