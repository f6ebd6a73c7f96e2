/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/sip/hdr_name.h"

#include <string.h>
#include <strings.h>

struct name {
	const char *text;
	const char *compact; /* NULL when there is none */
};

static const struct name names[STW_N_HOT_HEADERS] = {
#define X(id, text, compact) [STW_HDR_##id] = {text, compact},
	STW_SIP_HOT_HEADERS(X)
#undef X
};

static bool same(const char *text, const char *name, size_t len)
{
	return text && strlen(text) == len && strncasecmp(text, name, len) == 0;
}

uint8_t stw_hdr_of(const char *name, size_t len)
{
	for (uint8_t h = 0; h < STW_N_HOT_HEADERS; h++) {
		if (same(names[h].text, name, len) || same(names[h].compact, name, len))
			return h;
	}
	return STW_HDR_OTHER;
}
