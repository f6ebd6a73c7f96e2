/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/sip/values.h"

#define MESSAGE                                                                    \
	"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a\r\nSubject:\r\nX-Y \t: 1\r\n 2 \r\n" \
	"f: <sip:a@b>\r\nt: <sip:a@b>\r\ni: x\r\nCSeq: 1 BYE\r\n\r\nbody: no\r\n"

static void the_walk_sees_each_line_once(void **state)
{
	static const struct {
		const char *name, *value;
		uint8_t header;
	} want[] = {
		{"Via", "SIP/2.0/UDP a", STW_HDR_VIA}, {"Subject", "", STW_HDR_OTHER},
		{"X-Y", "1\r\n 2", STW_HDR_OTHER},     {"f", "<sip:a@b>", STW_HDR_FROM},
		{"t", "<sip:a@b>", STW_HDR_TO},	       {"i", "x", STW_HDR_CALL_ID},
		{"CSeq", "1 BYE", STW_HDR_CSEQ},
	};
	struct stw_sip_msg m;
	struct stw_sip_line line;
	struct stw_span all;
	(void)state;
	char *buf = value_of(MESSAGE, &all);
	assert_int_equal(stw_sip_parse(buf, all.len, &m), STW_SIP_ACCEPTED);
	size_t n = 0;
	uint32_t off = m.headers_off;
	for (bool ok = stw_sip_line_first(buf, &m, &line); ok;
	     ok = stw_sip_line_next(buf, &m, &line), n++) {
		assert_true(n < sizeof(want) / sizeof(want[0]));
		assert_part(buf, line.name, want[n].name);
		assert_part(buf, line.value, want[n].value);
		assert_int_equal(line.header, want[n].header);
		assert_int_equal(line.off, off);
		off = line.end;
	}
	assert_int_equal(n, sizeof(want) / sizeof(want[0]));
	assert_int_equal(off + 2, m.body_off);
	free(buf);
}

static void a_message_without_headers_has_no_line(void **state)
{
	struct stw_sip_msg m;
	struct stw_sip_line line;
	struct stw_span all;
	(void)state;
	char *buf = value_of("OPTIONS sip:a SIP/2.0\r\n\r\n", &all);
	assert_int_equal(stw_sip_parse(buf, all.len, &m), STW_REJECT_VIA_MISSING);
	assert_false(stw_sip_line_first(buf, &m, &line));
	free(buf);
}

/* Whether the lines that begin with one of @letters are those that a walk over all of them finds.
 */
static void assert_those_of_the_walk(const char *buf, const struct stw_sip_msg *m, uint32_t letters)
{
	struct stw_sip_line line = {.end = m->headers_off}, walked = line;

	while (stw_sip_line_next(buf, m, &walked)) {
		if (!(letters >> (buf[walked.name.off] & 31) & 1u))
			continue;
		assert_true(stw_sip_line_among(buf, m, letters, &line));
		assert_int_equal(line.off, walked.off);
		assert_int_equal(line.end, walked.end);
		assert_int_equal(line.header, walked.header);
	}
	assert_false(stw_sip_line_among(buf, m, letters, &line));
}

/* RFC 3261 s7.3.1: a line that begins with SP or HTAB goes on with the one before, and a HTAB's low
 * bits are those of "i". Wherever in a block a line begins, and however near the end. */
static void lines_by_first_letter_are_those_of_the_walk(void **state)
{
	const uint32_t some[] = {0, STW_SIP_LETTER('c'), STW_SIP_LETTER('V') | STW_SIP_LETTER('t'),
				 STW_SIP_LETTER('x') | STW_SIP_LETTER('i'), UINT32_MAX};
	char text[sizeof(MESSAGE) + 128];
	struct stw_sip_msg m;
	struct stw_span all;
	(void)state;

	for (int pad = 0; pad < 48; pad++) {
		snprintf(text, sizeof(text), "SIP/2.0 200 OK\r\nSubject: i%*s\r\n\ti:\r\n i:%s",
			 pad, "", strstr(MESSAGE, "\r\n"));
		char *buf = value_of(text, &all);

		assert_int_equal(stw_sip_parse(buf, all.len, &m), STW_SIP_ACCEPTED);
		for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++)
			assert_those_of_the_walk(buf, &m, some[i]);
		free(buf);
	}
}

static void a_rejected_message_still_has_the_lines_found(void **state)
{
	struct stw_sip_msg m;
	struct stw_sip_line line;
	struct stw_span all;
	unsigned n = 0;
	(void)state;
	char *buf = value_of("OPTIONS sip:a SIP/2.0\r\nVia: x\r\nCall-ID: y\r\nTo: cut", &all);
	assert_int_equal(stw_sip_parse(buf, all.len, &m), STW_REJECT_HEADERS_UNFINISHED);
	for (bool ok = stw_sip_line_first(buf, &m, &line); ok;
	     ok = stw_sip_line_next(buf, &m, &line))
		n++;
	assert_int_equal(n, 2);
	assert_part(buf, m.value[STW_HDR_CALL_ID], "y");
	free(buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_walk_sees_each_line_once),
		cmocka_unit_test(a_message_without_headers_has_no_line),
		cmocka_unit_test(lines_by_first_letter_are_those_of_the_walk),
		cmocka_unit_test(a_rejected_message_still_has_the_lines_found),
	};
	return cmocka_run_group_tests_name("sip-lines", tests, NULL, NULL);
}
