/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Telephone numbers in URIs, in the one form that numbers are compared in (RFC 3966 s4): a global
 * number is '+' and digits, a local one digits, '*', '#' and a..f; visual separators are out,
 * escapes decoded, parameters left behind.
 */

#include <strowger/sip.h>

#define STW_NUMBER_MAX 32u /* what is longer is compared by its beginning */

struct stw_number {
	uint8_t len; /* 1..STW_NUMBER_MAX */
	char text[STW_NUMBER_MAX];
};

/**
 * Bring a number into that form. Blanks count as separators: people write them.
 *
 * @param text  up to the first ';', where parameters begin
 * @return false: this is no telephone number; @out is undefined
 *
 * Threads: any. Fast path: yes. RFC: 3966 s3, s5.1.1
 */
bool stw_number_read(const char *text, size_t len, struct stw_number *out);

/**
 * The number a URI names: a tel: URI, a SIP or SIPS URI with user=phone, and one whose user is a
 * global number, as most peers write them without the parameter.
 *
 * The context of a local number says where it is valid, not what to dial (RFC 3966 s5.1.5): it is
 * no part of the number.
 *
 * @return false: none
 *
 * Threads: any. Fast path: yes. RFC: 3261 s19.1.1, s19.1.6; 3966
 */
bool stw_sip_uri_number(const char *buf, const struct stw_sip_uri *uri, struct stw_number *out);
