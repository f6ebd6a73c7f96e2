/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * A second parser, slow and plain, to hold stw_sip_parse() and stw_sip_locate() against: it copies
 * the message apart line by line and asks regular expressions written after the grammar of RFC 3261
 * s25.1. It shares no code with the library but the types of its result, and the parts of values of
 * what it accepts.
 */

#include <stddef.h>

#include <strowger/sip.h>

/** As stw_sip_parse(), with the default limits; @out agrees with it byte for byte. */
enum stw_sip_reject stw_oracle_parse(const char *buf, size_t len, struct stw_sip_msg *out);

/** As stw_sip_locate(), likewise. */
enum stw_sip_reject stw_oracle_locate(const char *buf, size_t len, struct stw_sip_msg *out);

/** True when stw_sip_via_parse() ought to take the first element of @text. */
bool stw_oracle_via(const char *text, size_t len);

/** What stw_sip_uri_parse() ought to return. */
int stw_oracle_uri(const char *text, size_t len);

/** True when stw_sip_name_addr_parse() ought to take the first element of @text. */
bool stw_oracle_name_addr(const char *text, size_t len);
