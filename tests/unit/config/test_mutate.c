/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * 10 000 spoiled configurations: each is accepted, and then written out and read back the same, or
 * refused with messages that name file and line. None may crash; sanitizers watch.
 *
 *     test_mutate FILE...     the good ones to begin with
 */
#include "tests/unit/config/read_text.h"

#include <stdlib.h>

#include "control/model/diff.h"

#define RUNS	 10000
#define TEXT_MAX 16384
#define GOOD_MAX 16

struct text {
	char bytes[TEXT_MAX];
	size_t len;
};

static struct text good[GOOD_MAX];
static size_t n_good;
static uint64_t seed = 0x9e3779b97f4a7c15u;

static uint32_t roll(size_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return n ? (uint32_t)((seed >> 32) % n) : 0;
}

static void replace(struct text *t, size_t at, size_t len, const char *by, size_t by_len)
{
	if (t->len - len + by_len > TEXT_MAX)
		return;
	memmove(t->bytes + at + by_len, t->bytes + at + len, t->len - at - len);
	memcpy(t->bytes + at, by, by_len);
	t->len = t->len - len + by_len;
}

/* Some line of @t: where it begins; its length with the end in @len. */
static size_t some_line(const struct text *t, size_t *len)
{
	size_t at = roll(t->len), end;

	while (at > 0 && t->bytes[at - 1] != '\n')
		at--;
	for (end = at; end < t->len && t->bytes[end] != '\n'; end++)
		;
	*len = (end < t->len ? end + 1 : end) - at;
	return at;
}

static void truncate_it(struct text *t)
{
	t->len = roll(t->len + 1);
}

static void flip_bit(struct text *t)
{
	t->bytes[roll(t->len)] ^= (char)(1 << roll(8));
}

static void set_byte(struct text *t)
{
	t->bytes[roll(t->len)] = (char)roll(256);
}

static void duplicate_line(struct text *t)
{
	char line[TEXT_MAX];
	size_t len, at = some_line(t, &len);

	memcpy(line, t->bytes + at, len);
	at = some_line(t, &(size_t){0});
	replace(t, at, 0, line, len);
}

static void delete_line(struct text *t)
{
	size_t len, at = some_line(t, &len);

	replace(t, at, len, "", 0);
}

static void indent_line(struct text *t)
{
	replace(t, some_line(t, &(size_t){0}), 0, "    ", 1 + roll(4));
}

static void put_word(struct text *t)
{
	static const char *const words[] = {
		"0",
		"-1",
		"65536",
		"4294967296",
		"18446744073709551616",
		"\"",
		"'",
		"[",
		"]",
		"{",
		"}",
		": ",
		"- ",
		",",
		"&a ",
		"*a",
		"!!str ",
		"|",
		">",
		"? ",
		"%YAML 1.2\n",
		"---\n",
		"...\n",
		"\t",
		"#",
		"null",
		"~",
		"yes",
		"default",
		"::",
		"255.255.255.255",
		"fe80::1",
		"\xc3\xa4",
		"\xff",
		"\\0",
		"<<: ",
		"ports:\n",
		"- name: x\n",
	};
	const char *word = words[roll(sizeof(words) / sizeof(words[0]))];

	replace(t, roll(t->len + 1), 0, word, strlen(word));
}

static void put_garbage(struct text *t)
{
	char bytes[32];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)roll(256);
	replace(t, roll(t->len + 1), 0, bytes, 1 + roll(sizeof(bytes)));
}

static void splice(struct text *t)
{
	const struct text *other = &good[roll(n_good)];
	size_t from = roll(other->len), len = roll(other->len - from + 1);

	replace(t, roll(t->len + 1), 0, other->bytes + from, len);
}

static void (*const mutations[])(struct text *t) = {
	truncate_it, flip_bit, set_byte,    duplicate_line, delete_line,
	indent_line, put_word, put_garbage, splice,
};

/* "t.yaml:12: ..." */
static bool has_place(const char *message)
{
	const char *p = message + strlen("t.yaml:");

	if (strncmp(message, "t.yaml:", strlen("t.yaml:")) != 0 || *p < '1' || *p > '9')
		return false;
	p += strspn(p, "0123456789");
	return p[0] == ':' && p[1] == ' ';
}

static void keep_place(void *ctx, const char *message)
{
	size_t *n = ctx;

	if (!has_place(message) && !strstr(message, " more errors"))
		fail_msg("no place: %s", message);
	if (strlen(message) > 767 || strchr(message, '\n'))
		fail_msg("no line: %s", message);
	(*n)++;
}

static struct stw_model *read_exact(const char *text, size_t len, size_t *messages)
{
	char *copy = malloc(len ? len : 1); /* exact, so that a sanitizer sees one byte too far */
	struct stw_model *m = NULL;

	assert_non_null(copy);
	memcpy(copy, text, len);
	*messages = 0;
	int err = stw_config_read_text("t.yaml", copy, len, keep_place, messages, &m);

	assert_true(err == STW_OK || err == STW_ECONFIG);
	assert_true((err == STW_OK) == (m != NULL));
	assert_true((err == STW_OK) == (*messages == 0));
	free(copy);
	return m;
}

static void check_dump(const struct stw_model *m)
{
	char *text = NULL;
	size_t len = 0, messages;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	assert_int_equal(stw_config_dump_with_keys(m, f), STW_OK);
	fclose(f);
	struct stw_model *again = read_exact(text, len, &messages);

	if (!again)
		fail_msg("a dump is refused:\n%s", text);
	assert_int_equal(stw_model_diff(m, again, NULL, NULL), 0);
	stw_model_free(again);
	free(text);
}

static void spoiled_configurations_are_judged(void **state)
{
	size_t accepted = 0, refused = 0, messages;

	(void)state;
	for (size_t run = 0; run < RUNS; run++) {
		static struct text t;

		t = good[run % n_good];
		for (size_t i = 1 + roll(4); i > 0 && t.len > 0; i--)
			mutations[roll(sizeof(mutations) / sizeof(mutations[0]))](&t);
		struct stw_model *m = read_exact(t.bytes, t.len, &messages);

		if (m)
			check_dump(m);
		accepted += m != NULL;
		refused += m == NULL;
		stw_model_free(m);
	}
	/* Both happen often, else the mutations are too weak or too strong to find anything. */
	assert_true(accepted > RUNS / 50);
	assert_true(refused > RUNS / 2);
}

static void a_configuration_cut_anywhere_is_judged(void **state)
{
	size_t messages;

	(void)state;
	for (size_t i = 0; i < n_good; i++) {
		for (size_t len = 0; len < good[i].len; len++)
			stw_model_free(read_exact(good[i].bytes, len, &messages));
	}
}

static void the_good_ones_are_good(void **state)
{
	size_t messages;

	(void)state;
	for (size_t i = 0; i < n_good; i++) {
		struct stw_model *m = read_exact(good[i].bytes, good[i].len, &messages);

		assert_non_null(m);
		check_dump(m);
		stw_model_free(m);
	}
}

static bool load(const char *path)
{
	FILE *f = fopen(path, "r");

	if (!f || n_good == GOOD_MAX)
		return false;
	good[n_good].len = fread(good[n_good].bytes, 1, TEXT_MAX, f);
	fclose(f);
	return good[n_good++].len > 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_good_ones_are_good),
		cmocka_unit_test(a_configuration_cut_anywhere_is_judged),
		cmocka_unit_test(spoiled_configurations_are_judged),
	};

	for (int i = 1; i < argc; i++) {
		if (!load(argv[i])) {
			fprintf(stderr, "%s: cannot be read\n", argv[i]);
			return 2;
		}
	}
	if (n_good == 0) {
		fprintf(stderr, "usage: test_mutate FILE...\n");
		return 2;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
