/* SPDX-License-Identifier: BSD-3-Clause */
#include <strowger/sip.h>

#include <string.h>

#include "dataplane/sip/careful.h"

/* RFC 5389 s6: two zero bits, a length in fours, and the cookie. */
static bool is_stun(const char *buf, size_t len)
{
	static const uint8_t cookie[4] = {0x21, 0x12, 0xa4, 0x42};
	return len >= 20 && ((uint8_t)buf[0] & 0xc0) == 0 && memcmp(buf + 4, cookie, 4) == 0;
}

/* s7.5: CR LF before the start line is ignored. */
static uint32_t skip_line_ends(const char *buf, size_t len)
{
	uint32_t i = 0;
	while (i < len && (buf[i] == '\r' || buf[i] == '\n'))
		i++;
	return i;
}

enum stw_sip_reject stw_sip_parse(const char *buf, size_t len, struct stw_sip_msg *out)
{
	memset(out, 0, sizeof(*out));
	out->max_forwards = -1;
	out->content_length = -1;

	if (is_stun(buf, len)) {
		out->kind = STW_SIP_STUN;
		return STW_SIP_ACCEPTED;
	}
	size_t seen = len > UINT16_MAX ? UINT16_MAX : len;
	uint32_t from = skip_line_ends(buf, seen);
	if (from == seen) {
		out->kind = STW_SIP_KEEPALIVE;
		return STW_SIP_ACCEPTED;
	}
	enum stw_sip_reject reject = stw_parse_careful(buf, seen, from, out);
	if (seen < len && out->kind != STW_SIP_NEITHER) {
		reject = STW_REJECT_TOO_LARGE;
		out->reject = (uint8_t)reject;
		out->error_off = UINT16_MAX;
	}
	return reject;
}
