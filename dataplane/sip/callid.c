/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/sip/check.h"
#include "dataplane/sip/chars.h"

bool stw_callid_ok(const char *buf, struct stw_span value)
{
	for (uint32_t i = value.off; i < stw_span_end(value); i++) {
		if (!stw_is(buf[i], STW_C_WORD) && buf[i] != '@')
			return false;
	}
	return value.len > 0;
}
