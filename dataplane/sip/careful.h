/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <strowger/sip.h>

/**
 * The scalar kernel: judges every byte in order and names the first that is wrong. The SIMD
 * kernels hand it each message that is not plainly in order.
 *
 * @param from  where the start line begins: after leading CR LF (s7.5)
 * @param out   cleared by the caller, max_forwards and content_length -1
 */
enum stw_sip_reject stw_parse_careful(const char *buf, size_t len, uint32_t from,
				      struct stw_sip_msg *out);

/** The same of the header lines alone, as stw_sip_locate() says. */
enum stw_sip_reject stw_locate_careful(const char *buf, size_t len, uint32_t from,
				       struct stw_sip_msg *out);
