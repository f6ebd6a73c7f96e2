/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/** @file Messages for the tests of the path. */

#include <stdio.h>
#include <string.h>

/** An INVITE with a body; @call is the number in its Call-ID. */
static inline size_t sip_invite(char *out, size_t room, const char *uri, unsigned max_forwards,
				unsigned call, size_t body_len)
{
	int n = snprintf(out, room,
			 "INVITE %s SIP/2.0\r\n"
			 "Via: SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bK-%u;rport\r\n"
			 "Max-Forwards: %u\r\n"
			 "From: <sip:a@example.com>;tag=f%u\r\n"
			 "To: <sip:b@example.com>\r\n"
			 "Call-ID: call-%u@example.com\r\n"
			 "CSeq: 1 INVITE\r\n"
			 "Contact: <sip:a@203.0.113.9>\r\n"
			 "Content-Length: %zu\r\n\r\n",
			 uri, call, max_forwards, call, call, body_len);

	if (n < 0 || (size_t)n + body_len > room)
		return 0;
	for (size_t i = 0; i < body_len; i++)
		out[(size_t)n + i] = (char)('a' + (i * 7 + i / 26) % 26);
	return (size_t)n + body_len;
}

/** The answer to a request as its receiver saw it: all its Vias, From, To, Call-ID, CSeq. */
static inline size_t sip_answer(char *out, size_t room, const char *status, const char *request,
				size_t request_len)
{
	const char *end = request + request_len;
	int n = snprintf(out, room, "SIP/2.0 %s\r\n", status);
	size_t len = n < 0 ? 0 : (size_t)n;

	for (const char *line = request; line < end && *line != '\r';) {
		const char *lf = memchr(line, '\n', (size_t)(end - line));
		size_t line_len = (size_t)(lf - line) + 1;

		if (memcmp(line, "Via", 3) == 0 || memcmp(line, "Fro", 3) == 0 ||
		    memcmp(line, "To:", 3) == 0 || memcmp(line, "Cal", 3) == 0 ||
		    memcmp(line, "CSe", 3) == 0) {
			memcpy(out + len, line, line_len);
			len += line_len;
		}
		line = lf + 1;
	}
	n = snprintf(out + len, room - len, "Content-Length: 0\r\n\r\n");
	return len + (size_t)n;
}
