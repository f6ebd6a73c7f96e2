/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/config/read_text.h"

#include <stdlib.h>
#include <unistd.h>

#include <strowger/sip.h>
#include <strowger/table_image.h>

#define FILE_HEAD "listeners: [{name: edge, address: 192.0.2.1, pool: farm}]\n" PORTS POOLS

/* One rule of these options, on line 10. */
static void refuses_rule(const char *options, const char *part)
{
	char text[2048];

	snprintf(text, sizeof(text), FILE_HEAD "rules:\n  - {name: r, %s}\n", options);
	refuses(text, "t.yaml:10: rule \"r\"", part);
}

static struct stw_model *good_rule(const char *options)
{
	char text[2048];

	snprintf(text, sizeof(text), FILE_HEAD "rules:\n  - {name: r, %s}\n", options);
	return read_good(text);
}

static void a_rule_is_read_whole(void **state)
{
	struct stw_model *m =
		good_rule("methods: [INVITE, other], users: [alice, \"conf-*\"], "
			  "domains: [a.net, \"*.b.net\"], sources: [10.0.0.0/8], "
			  "listeners: [edge], numbers: [\"+49 (30)\", {prefix: \"+49\", "
			  "pool: farm}], pool: farm");
	const struct stw_model_rule *r = &m->rules[0];

	(void)state;
	assert_int_equal(m->n_rules, 1);
	assert_int_equal(r->methods, 1u << STW_METHOD_INVITE | 1u << STW_METHOD_OTHER);
	assert_string_equal(r->users[1].text, "conf-*");
	assert_string_equal(r->domains[1].text, "*.b.net");
	assert_string_equal(r->numbers[0].prefix, "+49");
	assert_int_equal(r->numbers[0].pool, 0);
	assert_string_equal(r->numbers[1].prefix, "+4930");
	assert_int_equal(r->numbers[1].pool, UINT32_MAX);
	assert_int_equal(r->sources[0].bits, 8);
	assert_int_equal(r->listeners[0], 0);
	assert_int_equal(r->action, STW_IMAGE_RULE_TO_POOL);
	stw_model_free(m);
}

static void actions_are_read(void **state)
{
	static const struct {
		const char *options;
		int action;
		uint16_t status;
		const char *said;
	} rows[] = {
		{"reject: {code: 603}", STW_IMAGE_RULE_REJECT, 603, ""},
		{"reject: {code: 403, reason: Go away}", STW_IMAGE_RULE_REJECT, 403, "Go away"},
		{"redirect: {to: member, pool: farm}", STW_IMAGE_RULE_REDIRECT_MEMBER, 302, ""},
		{"redirect: {to: \"sip:a@b\", status: 305}", STW_IMAGE_RULE_REDIRECT_URI, 305,
		 "sip:a@b"},
		{"to: kernel", STW_IMAGE_RULE_TO_KERNEL, 0, ""},
		{"numbers: [{prefix: \"1\", pool: farm}]", STW_IMAGE_RULE_TO_POOL, 0, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct stw_model *m = good_rule(rows[i].options);

		assert_int_equal(m->rules[0].action, rows[i].action);
		assert_int_equal(m->rules[0].status, rows[i].status);
		assert_string_equal(m->rules[0].said, rows[i].said);
		stw_model_free(m);
	}
}

static void what_does_not_fit_is_told(void **state)
{
	static const char *const rows[][2] = {
		{"methods: [INVITE]", "it has no action"},
		{"pool: farm, reject: {code: 403}", "it has 2 actions"},
		{"pool: frm", "there is no pool \"frm\": did you mean \"farm\"?"},
		{"pool: farm, listeners: [egde]", "there is no listener \"egde\""},
		{"pool: farm, numbers: [abx]", "\"abx\" is not how a number begins"},
		{"pool: farm, numbers: [\"+4930\", \"+49-30\"]", "number is used twice"},
		{"pool: farm, users: [\"a*b\"]", "a * may stand at the end only"},
		{"pool: farm, users: [a, a]", "user is used twice"},
		{"pool: farm, domains: [\"*.\"]", "is no host name"},
		{"pool: farm, domains: [A.net]", "is no host name"},
		{"pool: farm, sources: [10.0.0.1/8]", "bits are set behind"},
		{"pool: farm, methods: [ACK]", "methods[] must be one of"},
		{"reject: {code: 200}", "code must be 400..699"},
		{"reject: {reason: no}", "it has no action"},
		{"redirect: {to: member}", "no pool says whose"},
		{"redirect: {to: \"sip:a@b\", pool: farm}", "pool says nothing without"},
		{"redirect: {to: \"<sip:a@b>\"}", "none of member, contacts and a URI"},
		{"redirect: {to: \"sip:a@b\", status: 300}", "status must be one of"},
		{"to: location", "there is no registrar"},
		{"redirect: {to: contacts}", "there is no registrar"},
		{"to: kernel, numbers: [{prefix: \"1\", pool: farm}]", "numbers name pools, but"},
		{"pool: farm, method: [INVITE]", "write methods"},
		{"pool: farm, numbers_file: /no/such/file", "cannot be read: No such file"},
		{"pool: farm, numbers_file: /dev", "cannot be read: it is no file"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		static struct said s;
		struct stw_model *m;
		char text[1024];

		snprintf(text, sizeof(text), FILE_HEAD "rules:\n  - {name: r, %s}\n", rows[i][0]);
		if (said_read(&s, text, &m) != STW_ECONFIG)
			fail_msg("%s: not refused", rows[i][0]);
		if (strncmp(s.text, "t.yaml:10: rule \"r\"", 19) != 0 ||
		    !strstr(s.text, rows[i][1]))
			fail_msg("%s: wanted \"%s\", said: %s", rows[i][0], rows[i][1], s.text);
	}
}

static void names_of_rules_stand_once(void **state)
{
	(void)state;
	refuses(FILE_HEAD "rules:\n  - {name: r, pool: farm}\n  - {name: r, pool: farm}\n",
		"t.yaml:11: rule \"r\"", "name is used twice, first in line 10");
}

/* ---- numbers of a file ---- */

static char path[] = "/tmp/strowger-numbers-XXXXXX";

static void write_numbers(const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static const char *of_file(const char *more)
{
	static char options[256];

	snprintf(options, sizeof(options), "pool: farm, numbers_file: %s%s", path, more);
	return options;
}

static void numbers_come_from_a_file_too(void **state)
{
	(void)state;
	write_numbers("; what we serve\n\n+49\r\n# capitals\n  +4930\tfarm  \n#31#\n+43");
	struct stw_model *m = good_rule(of_file(", numbers: [\"+1\"]"));
	static const char *const wanted[] = {"#31#", "+1", "+43", "+49", "+4930"};
	assert_int_equal(m->rules[0].n_numbers, 5);
	for (size_t i = 0; i < 5; i++) {
		assert_string_equal(m->rules[0].numbers[i].prefix, wanted[i]);
		assert_int_equal(m->rules[0].numbers[i].pool, i == 4 ? 0 : UINT32_MAX);
	}
	stw_model_free(m);
}

static void mistakes_in_a_file_have_its_line(void **state)
{
	char part[128];

	(void)state;
	write_numbers("+49\n+43\nsecret of another\n");
	snprintf(part, sizeof(part), "%s:3: not the beginning of a number", path);
	refuses_rule(of_file(""), part);
	write_numbers("+49\n+43 nobody\n");
	refuses_rule(of_file(""), "there is no pool \"nobody\"");
	write_numbers("+49\n+49\n");
	refuses_rule(of_file(""), "number is used twice");
	write_numbers("; nothing\n");
	refuses_rule(of_file(""), "has no numbers: the rule would fit all");
}

/* ---- limits ---- */

static void rules_that_share_all_are_few(void **state)
{
	static char text[32768];
	size_t at = (size_t)snprintf(text, sizeof(text), FILE_HEAD "rules:\n");

	(void)state;
	for (unsigned i = 0; i < STW_IMAGE_RULE_SHARE; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at,
				       "  - {name: r%u, domains: [a.net], pool: farm}\n", i);
	stw_model_free(read_good(text));
	snprintf(text + at, sizeof(text) - at, "  - {name: last, domains: [a.net], pool: farm}\n");
	refuses(text, "t.yaml:74: rule \"last\"", "more than 64 rules have no other values");
}

static int setup(void **state)
{
	(void)state;
	int fd = mkstemp(path);

	return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rule_is_read_whole),
		cmocka_unit_test(actions_are_read),
		cmocka_unit_test(what_does_not_fit_is_told),
		cmocka_unit_test(names_of_rules_stand_once),
		cmocka_unit_test(numbers_come_from_a_file_too),
		cmocka_unit_test(mistakes_in_a_file_have_its_line),
		cmocka_unit_test(rules_that_share_all_are_few),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
