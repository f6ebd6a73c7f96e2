/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <strowger/errors.h>

#include "dataplane/route/edit.h"
#include "dataplane/route/move.h"

#define MESSAGE 400u

static char memory[STW_REWRITE_HEADROOM + 70000];
static char *const buf = memory + STW_REWRITE_HEADROOM;

static void fill(size_t len)
{
	memset(memory, '#', sizeof(memory));
	for (size_t i = 0; i < len; i++)
		buf[i] = (char)('a' + i % 26);
}

/* The same edits by copying, as anyone would write it. @return the length */
static size_t naive(const struct stw_edits *edits, size_t len, char *out)
{
	size_t n = 0, at = 0;

	for (size_t i = 0; i < edits->n; i++) {
		const struct stw_edit *e = &edits->e[i];

		memcpy(out + n, buf + at, e->off - at);
		n += e->off - at;
		memcpy(out + n, e->text, e->len);
		n += e->len;
		at = (size_t)e->off + e->cut;
	}
	memcpy(out + n, buf + at, len - at);
	return n + len - at;
}

/* Random edits, as many as there may be, growing and shrinking in any order. */
static void does_what_copying_does(void **state)
{
	static const char text[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ!$%&()=?+*/0123456789";
	char want[2 * MESSAGE + 1024];

	(void)state;
	srandom(7);
	for (int round = 0; round < 20000; round++) {
		struct stw_edits edits = {.n = 0};
		struct stw_rewritten out;
		size_t at = 0, n_edits = (size_t)random() % (STW_EDITS_MAX + 1);
		uint32_t offs[STW_EDITS_MAX], cuts[STW_EDITS_MAX];

		fill(MESSAGE);
		for (size_t i = 0; i < n_edits; i++) {
			offs[i] = (uint32_t)(at + (size_t)random() % 30);
			cuts[i] = (uint32_t)random() % 3 == 0 ? 0 : (uint32_t)random() % 12;
			at = offs[i] + cuts[i];
			if (at > MESSAGE)
				n_edits = i;
		}
		for (size_t i = 0; i < n_edits; i++) {
			size_t len = (size_t)random() % (sizeof(text) / 2);

			stw_edits_add(&edits, offs[i], cuts[i], text + (size_t)random() % 20, len);
		}
		size_t want_len = naive(&edits, MESSAGE, want);
		assert_int_equal(stw_edits_growth(&edits), (int)want_len - (int)MESSAGE);
		assert_int_equal(stw_edits_apply(&edits, buf, MESSAGE, &out), STW_OK);
		assert_int_equal(out.len, want_len);
		assert_memory_equal(buf + out.start, want, want_len);
		assert_int_equal(buf[MESSAGE], '#'); /* nothing behind the message moved */
	}
}

static void sorts_by_offset_and_keeps_ties_in_order(void **state)
{
	struct stw_edits edits = {.n = 0};
	struct stw_rewritten out;

	(void)state;
	fill(10);
	stw_edits_add(&edits, 8, 1, "X", 1);
	stw_edits_add(&edits, 3, 0, "first", 5);
	stw_edits_add(&edits, 3, 0, "second", 6);
	stw_edits_add(&edits, 0, 2, NULL, 0);
	assert_int_equal(stw_edits_apply(&edits, buf, 10, &out), STW_OK);
	assert_int_equal(out.len, 19);
	assert_memory_equal(buf + out.start, "cfirstseconddefghXj", 19);
}

static void refuses_more_than_the_headroom(void **state)
{
	static char text[STW_REWRITE_HEADROOM + 1];
	struct stw_edits edits = {.n = 0};
	struct stw_rewritten out;

	(void)state;
	fill(10);
	stw_edits_add(&edits, 5, 0, text, sizeof(text));
	assert_int_equal(stw_edits_apply(&edits, buf, 10, &out), STW_ENOSPACE);
	assert_memory_equal(buf, "abcdefghij#", 11);
	edits.n = 0;
	stw_edits_add(&edits, 5, 0, text, sizeof(text) - 1);
	assert_int_equal(stw_edits_apply(&edits, buf, 65535 - 512, &out), STW_OK);
	assert_int_equal(out.start, -512);
	assert_int_equal(stw_edits_apply(&edits, buf, 65535 - 511, &out), STW_ENOSPACE);
}

static void moves_bytes_as_memmove_does(void **state)
{
	char want[256], got[256];

	(void)state;
	for (size_t n = 0; n <= 100; n++)
		for (size_t to = 0; to <= 120; to++) {
			for (size_t i = 0; i < sizeof(want); i++)
				want[i] = got[i] = (char)i;
			memmove(want + to, want + 60, n);
			stw_move_bytes(got + to, got + 60, n);
			assert_memory_equal(got, want, sizeof(want));
		}
}

/* Each value of an octet, with rport last and no received, as nearly everybody writes a Via. */
static void writes_received_as_the_formatter_does(void **state)
{
	static const struct stw_sip_via via = {.all = {5, 20}, .rport_param = {19, 6}};
	char text[STW_VIA_EDIT_TEXT], want[80] = ";rport=5070;received=";

	(void)state;
	for (unsigned n = 0; n < 256; n++) {
		uint8_t v4[4] = {(uint8_t)n, (uint8_t)(n + 91), (uint8_t)(n * 7),
				 (uint8_t)(n ^ 85)};
		struct stw_endpoint peer = {.ip = stw_ip_from_v4(v4), .port = 5070};
		struct stw_edits edits = {.n = 0};
		size_t len = 21 + stw_ip_format(&peer.ip, want + 21);

		stw_edits_via(&edits, &via, &peer, text);
		assert_int_equal(edits.n, 1);
		assert_int_equal(edits.e[0].off, 19);
		assert_int_equal(edits.e[0].cut, 6);
		assert_int_equal(edits.e[0].len, len);
		assert_memory_equal(edits.e[0].text, want, len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(does_what_copying_does),
		cmocka_unit_test(sorts_by_offset_and_keeps_ties_in_order),
		cmocka_unit_test(refuses_more_than_the_headroom),
		cmocka_unit_test(moves_bytes_as_memmove_does),
		cmocka_unit_test(writes_received_as_the_formatter_does),
	};
	return cmocka_run_group_tests_name("edit", tests, NULL, NULL);
}
