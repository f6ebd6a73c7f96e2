/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/sip/limits.h"

struct stw_sip_limits stw_limits = {
	.max_headers = STW_SIP_HEADERS_DEFAULT,
	.max_vias = STW_SIP_VIAS_DEFAULT,
};

int stw_sip_set_limits(const struct stw_sip_limits *limits)
{
	if (limits->max_headers < 5 || limits->max_headers > STW_SIP_HEADERS_MAX ||
	    limits->max_vias < 1 || limits->max_vias > STW_SIP_VIAS_MAX)
		return STW_ERANGE;
	stw_limits = *limits;
	return STW_OK;
}
