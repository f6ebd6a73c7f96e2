/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Messages for tests of parsing: a sound OPTIONS request with one line replaced or added, parsed
 * from an exact-size copy by every kernel this machine has, and by the oracle.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <strowger/sip.h>

#include "tests/support/oracle.h"

#define START_LINE "OPTIONS sip:bob@example.com SIP/2.0\r\n"
#define VIA	   "Via: SIP/2.0/UDP 192.0.2.4:5060;branch=z9hG4bK776\r\n"
#define FROM	   "From: <sip:alice@example.com>;tag=1928\r\n"
#define TO	   "To: <sip:bob@example.com>\r\n"
#define CALL_ID	   "Call-ID: a84b4c76e66710\r\n"
#define CSEQ	   "CSeq: 63104 OPTIONS\r\n"
#define HEADERS	   VIA FROM TO CALL_ID CSEQ
#define PLAIN	   START_LINE HEADERS "\r\n"

/* Parse @len bytes with each kernel and the oracle, which must agree; @out is what they say. */
static inline enum stw_sip_reject parse_bytes(const char *bytes, size_t len,
					      struct stw_sip_msg *out)
{
	char *copy = malloc(len ? len : 1);
	struct stw_sip_msg got;

	assert_non_null(copy);
	if (len > 0)
		memcpy(copy, bytes, len);
	enum stw_sip_reject want = stw_oracle_parse(copy, len, out);
	for (int k = STW_KERNEL_SCALAR; k < STW_N_KERNELS; k++) {
		if (stw_sip_init((enum stw_sip_kernel)k) != STW_OK)
			continue;
		memset(&got, 0x5a, sizeof(got));
		enum stw_sip_reject is = stw_sip_parse(copy, len, &got);
		if (is != want || memcmp(&got, out, sizeof(got)) != 0)
			print_error("kernel %s: %s at %u; oracle: %s at %u\n",
				    stw_sip_kernel_name((enum stw_sip_kernel)k),
				    stw_sip_reject_rows[is].name, got.error_off,
				    stw_sip_reject_rows[want].name, out->error_off);
		assert_int_equal(is, want);
		assert_memory_equal(&got, out, sizeof(got));
	}
	free(copy);
	return want;
}

static inline enum stw_sip_reject parse_text(const char *text, struct stw_sip_msg *out)
{
	return parse_bytes(text, strlen(text), out);
}

#define assert_span(text, span, want)                                       \
	do {                                                                \
		assert_int_equal((span).len, strlen(want));                 \
		assert_memory_equal((text) + (span).off, want, (span).len); \
	} while (0)

#define assert_accepted(text)                                                     \
	do {                                                                      \
		struct stw_sip_msg accepted_;                                     \
		assert_int_equal(parse_text(text, &accepted_), STW_SIP_ACCEPTED); \
	} while (0)

/* @at: text that begins at the byte that told, NULL when the end of the message did */
#define assert_rejected(text, why, at)                                                \
	do {                                                                          \
		struct stw_sip_msg rejected_;                                         \
		const char *text_ = (text), *at_ = (at);                              \
		assert_int_equal(parse_text(text_, &rejected_), STW_REJECT_##why);    \
		const char *told_ = at_ ? strstr(text_, at_) : text_ + strlen(text_); \
		assert_non_null(told_);                                               \
		assert_int_equal(rejected_.error_off, told_ - text_);                 \
	} while (0)
