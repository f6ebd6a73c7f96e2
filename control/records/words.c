/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/records/words.h"

#include <stdio.h>

#include <strowger/counters.h>
#include <strowger/sip.h>

#include "dataplane/route/words.h"

const char *stw_flight_action_text(const struct stw_flight *r)
{
	return stw_action_text((enum stw_action)r->action);
}

const char *stw_flight_how_text(const struct stw_flight *r)
{
	return stw_how_text((enum stw_how)r->how);
}

void stw_flight_words(const struct stw_flight *r, char *out, size_t size)
{
	const char *how = stw_flight_how_text(r);
	char next[STW_ENDPOINT_TEXT];
	int n = 0;

	switch (r->action) {
	case STW_ACTION_FORWARD:
		stw_endpoint_format(&r->next, next);
		n = snprintf(out, size, "forward to %s%s%s", next, how ? " by " : "",
			     how ? how : "");
		break;
	case STW_ACTION_ANSWER: n = snprintf(out, size, "answer %u", r->end); break;
	case STW_ACTION_KERNEL:
		n = snprintf(out, size, "leave it to the kernel and control");
		break;
	default:
		n = snprintf(out, size, "drop: %s",
			     r->end < STW_N_COUNTERS ? stw_counter_rows[r->end].name : "?");
	}
	if (r->reject > 0 && r->reject < STW_N_SIP_REJECTS && n > 0 && (size_t)n < size)
		snprintf(out + n, size - (size_t)n, ", rejected: %s at byte %u (%s)",
			 stw_sip_reject_rows[r->reject].name, r->error_off,
			 stw_sip_reject_rows[r->reject].section);
}
