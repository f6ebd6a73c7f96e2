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

static bool no_via_line(const char *buf, uint32_t off, struct stw_sip_via *out)
{
	(void)buf, (void)off, (void)out;
	return false;
}

static bool no_ipv4(const char *p, size_t len, struct stw_ip *out)
{
	(void)p, (void)len, (void)out;
	return false;
}

const struct stw_plain stw_plain_none = {no_via, no_name_addr, no_uri};
struct stw_plain stw_plain = {no_via, no_name_addr, no_uri};

const struct stw_next_hop stw_next_hop_none = {no_via_line, no_ipv4};
struct stw_next_hop stw_next_hop = {no_via_line, no_ipv4};

#if defined(__x86_64__)
#define LETTERS(a, b, c, d) (a | b << 8 | c << 16 | d << 24)
const uint32_t stw_next_hop_names[4] = {LETTERS('b', 'r', 'a', 'n'), LETTERS('r', 'p', 'o', 'r'),
					LETTERS('r', 'e', 'c', 'e'), LETTERS('m', 'a', 'd', 'd')};
#endif
