/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The reader with each allocation failing in turn (those of libyaml go on): it says so, changes
 * nothing and leaks nothing. Linked with --wrap for malloc and its kin.
 */
#include "tests/unit/config/read_text.h"

#include <stdlib.h>

#include "control/model/diff.h"
#include "control/model/numbers.h"
#include "control/model/override.h"

static const char whole[] =
	"dataplane: {cores: [3, 1]}\n"
	"ports:\n"
	"  - name: outside\n"
	"    device: net_null0\n"
	"    addresses: [192.0.2.1/24, {address: 10.0.0.1/24, vlan: 100}]\n"
	"    routes: [{to: default, via: 192.0.2.254}]\n"
	"    neighbours: [{address: 192.0.2.2, mac: \"02:00:00:00:00:02\"}]\n"
	"listeners: [{name: edge, address: 192.0.2.1, pool: farm}]\n"
	"pools:\n"
	"  - {name: farm, members: [1.2.3.4, {name: b, address: 1.2.3.5}]}\n"
	"  - {name: other, members: [1.2.3.4]}\n"
	"rules:\n"
	"  - {name: r, methods: [INVITE], users: [a], domains: [b], numbers: [\"1\"],\n"
	"     sources: [10.0.0.0/8], listeners: [edge], pool: farm}\n"
	"secrets: [{id: 3, key: \"0123456789abcdef0123456789abcdef\"}]\n";

static long left = -1; /* allocations until one fails; below 0: none does */
static bool failed;

static bool fails(void)
{
	if (left < 0 || left-- > 0)
		return false;
	failed = true;
	return true;
}

/* The linker's names for the wrapped functions. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_reallocarray(void *p, size_t n, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
char *__wrap_strdup(const char *text);

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return fails() ? NULL : __real_realloc(p, size);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
	return fails() ? NULL : __real_reallocarray(p, n, size);
}

char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}

/* Run @work with the n-th allocation failing, for n = 0, 1, ... until none fails any more. */
static void each_in_turn(void (*work)(bool *gave_up))
{
	long n = 0;

	do {
		bool gave_up = false;

		left = n++;
		failed = false;
		work(&gave_up);
		left = -1;
		assert_int_equal(gave_up, failed);
	} while (failed);
	assert_true(n > 1);
}

static void read_it(bool *gave_up)
{
	static struct said s;
	struct stw_model *m;
	int err = said_read(&s, whole, &m);

	left = -1;
	assert_true(err == STW_OK || err == STW_ENOMEM);
	assert_int_equal(s.n, 0);
	assert_true((err == STW_OK) == (m != NULL));
	*gave_up = err == STW_ENOMEM;
	stw_model_free(m);
}

static void reading_gives_up(void **state)
{
	(void)state;
	each_in_turn(read_it);
}

static struct stw_model *good;

static void dump_it(bool *gave_up)
{
	static FILE *sink;

	if (!sink)
		sink = fopen("/dev/null", "w");
	*gave_up = stw_config_dump(good, sink) == STW_ENOMEM;
}

static void diff_it(bool *gave_up)
{
	int n = stw_model_diff(good, good, NULL, NULL);

	assert_true(n == 0 || n == -1);
	*gave_up = n == -1;
}

static void dump_and_diff_give_up(void **state)
{
	(void)state;
	good = read_good(whole);
	bool ignored;

	dump_it(&ignored); /* the stream's own buffer is there from now on */
	each_in_turn(dump_it);
	each_in_turn(diff_it);
	stw_model_free(good);
}

static void ask_it(bool *gave_up)
{
	struct stw_overrides *o = stw_overrides_new();
	struct stw_endpoint ep = {.port = 1};

	*gave_up = !o;
	for (uint32_t i = 0; o && i < 40; i++, ep.port++) {
		size_t before = stw_overrides_n(o);

		if (stw_overrides_set_weight(o, "p", &ep, i, 1) == STW_ENOMEM) {
			*gave_up = true;
			assert_int_equal(stw_overrides_n(o), before);
		}
	}
	stw_overrides_free(o);
}

static void overrides_give_up(void **state)
{
	(void)state;
	each_in_turn(ask_it);
}

static void number_it(bool *gave_up)
{
	struct stw_numbers *n = stw_numbers_new();

	*gave_up = !n;
	stw_numbers_free(n);
}

static void numbers_give_up(void **state)
{
	(void)state;
	each_in_turn(number_it);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reading_gives_up),
		cmocka_unit_test(dump_and_diff_give_up),
		cmocka_unit_test(overrides_give_up),
		cmocka_unit_test(numbers_give_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
