/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/sip/plain.h"

static bool no_via(const char *buf, struct stw_span value, struct stw_sip_via *out)
{
	(void)buf, (void)value, (void)out;
	return false;
}

static bool no_name_addr(const char *buf, struct stw_span value, struct stw_sip_name_addr *out)
{
	(void)buf, (void)value, (void)out;
	return false;
}

static bool no_uri(const char *buf, struct stw_span value, struct stw_sip_uri *out)
{
	(void)buf, (void)value, (void)out;
	return false;
}

const struct stw_plain stw_plain_none = {no_via, no_name_addr, no_uri};
struct stw_plain stw_plain = {no_via, no_name_addr, no_uri};
