/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/sip/hdr_name.h"

#include <strings.h>

#include "dataplane/sip/chars.h"

struct name {
	const char *text;
	size_t len;
	const char *compact; /* one letter in lower case, NULL when there is none */
};

static const struct name names[STW_N_HOT_HEADERS] = {
#define X(id, text, compact) [STW_HDR_##id] = {text, sizeof(text) - 1, compact},
	STW_SIP_HOT_HEADERS(X)
#undef X
};

/* Length and first letter tell nearly all apart. */
static bool is_long(const struct name *n, const char *name, size_t len)
{
	return len == n->len && stw_lower(*name) == stw_lower(*n->text) &&
	       strncasecmp(n->text, name, len) == 0;
}

static bool is_compact(const struct name *n, const char *name, size_t len)
{
	return len == 1 && n->compact && stw_lower(*name) == *n->compact;
}

uint8_t stw_hdr_of(const char *name, size_t len)
{
	for (uint8_t h = 0; h < STW_N_HOT_HEADERS; h++) {
		if (is_long(&names[h], name, len) || is_compact(&names[h], name, len))
			return h;
	}
	return STW_HDR_OTHER;
}
