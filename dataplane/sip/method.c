/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/sip/method.h"

#include <string.h>

static const char *const texts[STW_N_METHODS] = {[STW_METHOD_OTHER] = "other",
#define X(name) [STW_METHOD_##name] = #name,
						 STW_SIP_METHODS(X)
#undef X
};

uint8_t stw_method_of(const char *name, size_t len)
{
	for (uint8_t m = STW_METHOD_OTHER + 1; m < STW_N_METHODS; m++) {
		if (strlen(texts[m]) == len && memcmp(texts[m], name, len) == 0)
			return m;
	}
	return STW_METHOD_OTHER;
}

const char *stw_sip_method_text(enum stw_sip_method method)
{
	return (unsigned)method < STW_N_METHODS ? texts[method] : texts[STW_METHOD_OTHER];
}
