/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A whole message: every kernel this machine has agrees with the oracle byte for byte, the line
 * walk stays inside, the Call-ID is found without parsing as well, and what was accepted parses to
 * the same again without its trailing bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <strowger/sip.h>

#include "tests/support/oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "fuzz_message: %s\n", what);
		abort();
	}
}

static void check_lines(const char *buf, const struct stw_sip_msg *m)
{
	struct stw_sip_line line;
	uint32_t off = m->headers_off;

	for (bool ok = stw_sip_line_first(buf, m, &line); ok;
	     ok = stw_sip_line_next(buf, m, &line)) {
		check(line.off == off && line.end > off && line.end <= m->body_off, "line");
		check(line.value.off >= line.off && stw_span_end(line.value) <= line.end, "value");
		off = line.end;
	}
}

static void check_again(const char *buf, const struct stw_sip_msg *m)
{
	struct stw_sip_msg again;

	check(stw_sip_parse(buf, m->len, &again) == STW_SIP_ACCEPTED, "cut message refused");
	check(memcmp(&again, m, sizeof(again)) == 0, "cut message differs");
}

static void check_located(const char *buf, size_t size)
{
	struct stw_sip_msg want, got;

	stw_oracle_locate(buf, size, &want);
	memset(&got, 0x55, sizeof(got));
	check(stw_sip_locate(buf, size, &got) == want.reject, "located: verdict");
	check(memcmp(&got, &want, sizeof(got)) == 0, "located");
}

/* Whoever steers by the Call-ID without parsing takes the one that the parser does. */
static void check_call_id(const char *buf, size_t size, const struct stw_sip_msg *m)
{
	const struct stw_span want = m->value[STW_HDR_CALL_ID];
	struct stw_span got;

	check(stw_sip_find_call_id(buf, size, &got), "the Call-ID is not found");
	check(got.off == want.off && got.len == want.len, "another Call-ID is found");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *buf = (const char *)data;
	struct stw_sip_msg want, got;

	stw_oracle_parse(buf, size, &want);
	for (int k = STW_KERNEL_SCALAR; k < STW_N_KERNELS; k++) {
		if (stw_sip_init((enum stw_sip_kernel)k) != STW_OK)
			continue;
		memset(&got, 0x55, sizeof(got));
		check(stw_sip_parse(buf, size, &got) == want.reject, "verdict");
		check(memcmp(&got, &want, sizeof(got)) == 0,
		      stw_sip_kernel_name((enum stw_sip_kernel)k));
		check_located(buf, size);
		if (want.reject == STW_SIP_ACCEPTED && want.kind <= STW_SIP_RESPONSE)
			check_call_id(buf, size, &want);
	}
	if (got.kind == STW_SIP_REQUEST || got.kind == STW_SIP_RESPONSE) {
		check_lines(buf, &got);
		if (got.reject == STW_SIP_ACCEPTED)
			check_again(buf, &got);
	}
	return 0;
}
