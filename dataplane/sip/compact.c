/* SPDX-License-Identifier: BSD-3-Clause */
/* Compact names, all that are registered: RFC 3261, 3515, 3841, 3892, 4028, 4474, 6665. */
#include <strowger/sip_headers.h>

#include <strings.h>

#include "dataplane/sip/chars.h"

static const char *const long_names[26] = {
	['a' - 'a'] = "Accept-Contact",
	['b' - 'a'] = "Referred-By",
	['c' - 'a'] = "Content-Type",
	['d' - 'a'] = "Request-Disposition",
	['e' - 'a'] = "Content-Encoding",
	['f' - 'a'] = "From",
	['i' - 'a'] = "Call-ID",
	['j' - 'a'] = "Reject-Contact",
	['k' - 'a'] = "Supported",
	['l' - 'a'] = "Content-Length",
	['m' - 'a'] = "Contact",
	['n' - 'a'] = "Identity-Info",
	['o' - 'a'] = "Event",
	['r' - 'a'] = "Refer-To",
	['s' - 'a'] = "Subject",
	['t' - 'a'] = "To",
	['u' - 'a'] = "Allow-Events",
	['v' - 'a'] = "Via",
	['x' - 'a'] = "Session-Expires",
	['y' - 'a'] = "Identity",
};

const char *stw_sip_long_name(char compact)
{
	return stw_is(compact, STW_C_ALPHA) ? long_names[stw_lower(compact) - 'a'] : NULL;
}

bool stw_sip_name_is(const char *buf, struct stw_span name, const char *long_name)
{
	const char *p = buf + name.off;

	if (name.len == 1) {
		const char *full = stw_sip_long_name(*p);
		if (full && strcasecmp(full, long_name) == 0)
			return true;
	}
	return strlen(long_name) == name.len && strncasecmp(p, long_name, name.len) == 0;
}
