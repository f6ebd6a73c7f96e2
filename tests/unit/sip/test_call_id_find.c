/* SPDX-License-Identifier: BSD-3-Clause */
/* The Call-ID found without parsing: against a slow search of the same rules, wherever blocks of
 * the quick one begin and end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include <strowger/errors.h>
#include <strowger/sip.h>

/* Each text in a block of exactly its size: one byte further would be seen by sanitizers. */
static const char *key_of(const char *text, size_t len)
{
	static char out[128];
	char *copy = malloc(len + !len);
	struct stw_span id;

	assert_non_null(copy);
	memcpy(copy, text, len);
	bool found = stw_sip_find_call_id(copy, len, &id);
	if (found)
		snprintf(out, sizeof(out), "%.*s", (int)id.len, copy + id.off);
	free(copy);
	return found ? out : NULL;
}

static void a_call_has_one_in_all_its_forms(void **state)
{
	static const char *const forms[] = {
		"BYE sip:a@b SIP/2.0\r\nCall-ID: x1@y\r\n\r\n",
		"SIP/2.0 200 OK\r\nContact: <sip:c>\r\nCSeq: 1 BYE\r\ni:x1@y\r\n\r\n",
		"BYE sip:a@b SIP/2.0\r\nCALL-ID \t:\tx1@y\r\nTo: i: other\r\n\r\n",
		"BYE sip:a@b SIP/2.0\nInfo: q\ncall-id:\n x1@y\n\n",
		"BYE sip:a@b SIP/2.0\r\nI\t: x1@y\r\nCall-ID: other\r\n\r\n",
		"BYE sip:a@b SIP/2.0\r\nCall-ID: x1@y \t\r\n\r\n",
		"\r\n\r\n\nBYE sip:a@b SIP/2.0\r\nCall-ID: x1@y\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		assert_string_equal(key_of(forms[i], strlen(forms[i])), "x1@y");
}

static void what_has_none_is_told(void **state)
{
	static const char *const texts[] = {
		"",
		"\r\n\r\n",
		"i: x",
		"BYE sip:a SIP/2.0\r\n",
		"BYE sip:a SIP/2.0\r\ni",
		"a\r\ni:",
		"BYE sip:a SIP/2.0\r\nTo: b\r\n\r\nCall-ID: in the body\r\n",
		"BYE sip:a SIP/2.0\r\nCall-IDs: x\r\nIt: y\r\n\r\n",
		"a\r\nCall-ID\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_null(key_of(texts[i], strlen(texts[i])));
}

static void cut_anywhere_nothing_behind_the_end_is_read(void **state)
{
	const char *whole = "BYE sip:a@b SIP/2.0\r\nContact: c\r\nCall-ID \r\n : x1@y\r\n\r\n";

	(void)state;
	for (size_t n = 0; n <= strlen(whole); n++)
		key_of(whole, n);
}

/* ---- against a slow search ---- */

static size_t over(const char *text, size_t len, size_t at, const char *what)
{
	while (at < len && text[at] != '\0' && strchr(what, text[at]) != NULL)
		at++;
	return at;
}

/* The offset behind the name's colon; 0: another line. */
static size_t slow_name(const char *text, size_t len, size_t at)
{
	size_t n = (text[at] | 0x20) == 'i' ? 1 : 7;

	if (len - at <= n || (n == 7 && strncasecmp(text + at, "call-id", 7) != 0))
		return 0;
	at = over(text, len, at + n, " \t");
	return at < len && text[at] == ':' ? at + 1 : 0;
}

static bool slow_find(const char *text, size_t len, struct stw_span *out)
{
	for (size_t lf = over(text, len, 0, "\r\n"); lf + 1 < len; lf++) {
		size_t from, end;

		if (text[lf] != '\n')
			continue;
		if (text[lf + 1] == '\r' || text[lf + 1] == '\n')
			return false;
		if ((from = slow_name(text, len, lf + 1)) == 0)
			continue;
		from = over(text, len, from, " \t\r\n");
		for (end = from; end < len && text[end] != '\r' && text[end] != '\n';)
			end++;
		while (end > from && (text[end - 1] == ' ' || text[end - 1] == '\t'))
			end--;
		*out = (struct stw_span){(uint16_t)from, (uint16_t)(end - from)};
		return end > from;
	}
	return false;
}

static uint64_t seed = 1;

static unsigned chance(unsigned n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)((seed >> 33) % n);
}

/* Lines of what matters to the search, in any order and of any length. @return its length */
static size_t make(char *text, size_t size)
{
	static const char *const pieces[] = {
		"Call-ID: ", "i: ",	  "\r\n", "\n",	       "\r",	 "c",		"ca",
		"CALL-id",   ":",	  "x",	  "Contact: ", "Info: ", "a@b.example", " ",
		"\t",	     "call-i d:", "*",	  "-",	       "I:",	 "i",		"\r\n\r\n",
	};
	size_t len = 0, want = chance((unsigned)size - 16);

	while (len < want) {
		if (chance(3) == 0) {
			text[len++] = (char)('a' + chance(26));
			continue;
		}
		/* The blank line, seldom. */
		const char *p = pieces[chance(chance(8) == 0 ? 21 : 20)];
		memcpy(text + len, p, strlen(p));
		len += strlen(p);
	}
	return len;
}

static void it_finds_what_a_slow_search_does(void **state)
{
	char text[400];
	unsigned n_found = 0;

	(void)state;
	for (unsigned round = 0; round < 200000; round++) {
		struct stw_span want = {7, 7}, got = {7, 7};
		size_t len = make(text, sizeof(text));
		bool found = slow_find(text, len, &want);
		char *copy = malloc(len + !len);

		assert_non_null(copy);
		memcpy(copy, text, len);
		assert_int_equal(stw_sip_find_call_id(copy, len, &got), found);
		free(copy);
		n_found += found;
		if (!found)
			want = (struct stw_span){7, 7};
		assert_int_equal(got.off, want.off);
		assert_int_equal(got.len, want.len);
	}
	assert_true(n_found > 10000 && n_found < 190000);
}

/* Of what comes in a datagram of the largest size, nothing is beyond the reach of 16 bits. */
static void behind_64_k_it_does_not_look(void **state)
{
	const size_t len = 70000;
	char *text = malloc(len);
	struct stw_span id;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', len);
	memcpy(text + 65532, "\ni: x\r\n", 7);
	assert_false(stw_sip_find_call_id(text, len, &id));
	memcpy(text + 65529, "\ni:x", 5);
	assert_true(stw_sip_find_call_id(text, len, &id));
	assert_int_equal(id.off, 65532);
	assert_int_equal(id.off + id.len, 65535);
	free(text);
}

static int use_kernel(void **state)
{
	return stw_sip_init((enum stw_sip_kernel)(uintptr_t)*state);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup(name, use_kernel)
	const struct CMUnitTest cases[] = {
		CASE(a_call_has_one_in_all_its_forms),
		CASE(what_has_none_is_told),
		CASE(cut_anywhere_nothing_behind_the_end_is_read),
		CASE(it_finds_what_a_slow_search_does),
		CASE(behind_64_k_it_does_not_look),
	};
	const size_t n_cases = sizeof(cases) / sizeof(cases[0]);
	struct CMUnitTest tests[STW_N_KERNELS * (sizeof(cases) / sizeof(cases[0]))];
	size_t n = 0;

	for (uintptr_t k = STW_KERNEL_SCALAR; k < STW_N_KERNELS; k++) {
		if (stw_sip_init((enum stw_sip_kernel)k) != STW_OK)
			continue;
		for (size_t i = 0; i < n_cases; i++, n++) {
			tests[n] = cases[i];
			tests[n].initial_state = (void *)k;
		}
	}
	return _cmocka_run_group_tests("call_id_find", tests, n, NULL, NULL);
}
