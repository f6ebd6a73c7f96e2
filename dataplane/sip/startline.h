/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <strowger/sip.h>

/**
 * Judge and take apart the first line.
 *
 * @param from  its first byte
 * @param end   one byte after its last, CR LF not included
 * @param m     kind, method, method_name, uri, status and reason are set, as far as they go
 * @param error_off  set when the result is not STW_SIP_ACCEPTED
 */
enum stw_sip_reject stw_startline_parse(const char *buf, uint32_t from, uint32_t end,
					struct stw_sip_msg *m, uint32_t *error_off);
