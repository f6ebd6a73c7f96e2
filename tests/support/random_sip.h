/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Random valid requests: any method, shuffled header order, long and compact names in any case,
 * folded lines, lists on one line or on many, with and without what is optional. Not one of ours in
 * the Route list, so that nothing needs to be taken out.
 */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STW_RANDOM_LINES 24

struct stw_random_sip {
	unsigned int seed;
	char lines[STW_RANDOM_LINES][512];
	size_t n;
	char text[STW_RANDOM_LINES * 512 + 4096];
	size_t len;
};

static inline size_t stw_pick(struct stw_random_sip *r, size_t n)
{
	return (size_t)rand_r(&r->seed) % n;
}

#define STW_ONE_OF(r, ...)                              \
	(((const char *const[]){__VA_ARGS__})[stw_pick( \
		r, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))])

__attribute__((format(printf, 2, 3))) static inline void stw_random_line(struct stw_random_sip *r,
									 const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(r->lines[r->n++], sizeof(r->lines[0]), format, args);
	va_end(args);
}

static inline const char *stw_random_gap(struct stw_random_sip *r)
{
	return STW_ONE_OF(r, "", " ", " ", " ", "  ", "\t", " \r\n ");
}

static inline void stw_random_via(struct stw_random_sip *r, char *out, size_t size,
				  const char *host)
{
	snprintf(out, size, "%s %s%s%s%s%s%s", STW_ONE_OF(r, "SIP/2.0/UDP", "SIP / 2.0 / UDP"),
		 host, STW_ONE_OF(r, "", ":5062", ":5060", " : 5064"),
		 STW_ONE_OF(r, "", ";rport", ";rport=1", " ; rport"),
		 STW_ONE_OF(r, ";branch=z9hG4bKabc", ";branch=z9hG4bK.x-%1", ";branch=old", "",
			    " ;\r\n branch=z9hG4bKfold"),
		 STW_ONE_OF(r, "", ";received=192.0.2.77", ";received=2001:db8::4",
			    ";RECEIVED=1.2.3.4"),
		 STW_ONE_OF(r, "", ";ttl=3", ";x=\"a,b;rport\"", ";hidden", ";rport2=5"));
}

/* One to four Vias, some on one line. The first host tells the source. */
static inline void stw_random_vias(struct stw_random_sip *r)
{
	static const char *const hosts[] = {"203.0.113.5", "10.0.0.1", "ua.example.com",
					    "[2001:db8::7]"};
	char a[160], b[160];
	size_t n = 1 + stw_pick(r, 3);

	for (size_t i = 0; i < n; i++) {
		stw_random_via(r, a, sizeof(a), hosts[stw_pick(r, 4)]);
		stw_random_via(r, b, sizeof(b), hosts[stw_pick(r, 4)]);
		const char *name = STW_ONE_OF(r, "Via", "v", "VIA", "V", "via ");

		if (stw_pick(r, 3) == 0)
			stw_random_line(r, "%s:%s%s%s,%s%s", name, stw_random_gap(r), a,
					stw_random_gap(r), stw_random_gap(r), b);
		else
			stw_random_line(r, "%s:%s%s%s", name, stw_random_gap(r), a,
					STW_ONE_OF(r, "", " "));
	}
}

static inline void stw_random_shuffle(struct stw_random_sip *r, size_t first)
{
	for (size_t i = r->n; i-- > first + 1;) {
		size_t k = first + stw_pick(r, i - first + 1);
		char t[sizeof(r->lines[0])];

		memcpy(t, r->lines[i], sizeof(t));
		memcpy(r->lines[i], r->lines[k], sizeof(t));
		memcpy(r->lines[k], t, sizeof(t));
	}
}

static inline void stw_random_rest(struct stw_random_sip *r, const char *method, size_t body_len)
{
	stw_random_line(r, "%s:%s%s;tag=%u", STW_ONE_OF(r, "From", "f", "FROM "), stw_random_gap(r),
			STW_ONE_OF(r, "<sip:a@example.com>", "\"A <;tag=x>\" <sip:a@example.com>",
				   "sip:a@example.com", "A.B <sip:a@b;x=y>"),
			(unsigned int)stw_pick(r, 1000000));
	stw_random_line(r, "%s:%s%s%s", STW_ONE_OF(r, "To", "t", "tO"), stw_random_gap(r),
			STW_ONE_OF(r, "<sip:b@example.com>", "\"B\\\"\" <sip:b@example.com>"),
			STW_ONE_OF(r, "", ";tag=314", " ; x=1;tag=y"));
	stw_random_line(r, "%s:%s%u@host", STW_ONE_OF(r, "Call-ID", "i", "CALL-id"),
			stw_random_gap(r), (unsigned int)stw_pick(r, 1u << 30));
	stw_random_line(r, "CSeq:%s%u %s", stw_random_gap(r), (unsigned int)stw_pick(r, 1u << 30),
			method);
	if (stw_pick(r, 4) != 0)
		stw_random_line(r, "%s:%s%zu", STW_ONE_OF(r, "Max-Forwards", "MAX-FORWARDS "),
				stw_random_gap(r), 1 + stw_pick(r, 255));
	if (stw_pick(r, 3) != 0)
		stw_random_line(r, "%s:%s%zu", STW_ONE_OF(r, "Content-Length", "l", "L "),
				stw_random_gap(r), body_len);
	if (stw_pick(r, 3) == 0)
		stw_random_line(r, "Route:%s<sip:p1.example.com;lr>%s", stw_random_gap(r),
				STW_ONE_OF(r, "", ", <sip:p2.example.com>", ",\r\n <sip:p3;lr>"));
	if (stw_pick(r, 3) == 0)
		stw_random_line(r, "Record-Route: <sip:p9.example.com;lr>");
	for (size_t n = stw_pick(r, 6); n > 0; n--)
		stw_random_line(r, "%s",
				STW_ONE_OF(r, "Subject: lunch\r\n\ttoday", "s:", "X-Via: rport",
					   "Contact: <sip:a@10.0.0.1>", "Supported: timer, 100rel",
					   "User-Agent: x;received=1", "Max-Forwards-Not: 5",
					   "P-Asserted-Identity: \"x\" <tel:+1>"));
}

/** Compose one into @r->text. @param seed any number; the same gives the same */
static inline void stw_random_sip(struct stw_random_sip *r, unsigned int seed)
{
	static const char body[] = "v=0\r\nVia: not a header\r\n\r\nMax-Forwards: 9\r\n";

	r->seed = seed * 2654435761u + 1;
	r->n = 0;
	const char *method = STW_ONE_OF(r, "INVITE", "ACK", "BYE", "CANCEL", "REGISTER", "MESSAGE",
					"SUBSCRIBE", "X-NEW.one");
	size_t body_len = stw_pick(r, 2) * stw_pick(r, sizeof(body)), top = stw_pick(r, 3) == 0;

	if (top) /* Vias amid the others, yet in their order: a second shuffle leaves them behind */
		stw_random_rest(r, method, body_len);
	size_t rest = r->n;
	stw_random_vias(r);
	if (!top)
		rest = r->n, stw_random_rest(r, method, body_len);
	stw_random_shuffle(r, top ? 0 : rest);
	r->len = (size_t)snprintf(r->text, sizeof(r->text), "%s %s SIP/2.0\r\n", method,
				  STW_ONE_OF(r, "sip:b@example.com", "sips:b@example.com;x=y",
					     "tel:+123", "sip:[2001:db8::5]:5070;lr"));
	for (size_t i = 0; i < r->n; i++)
		r->len += (size_t)snprintf(r->text + r->len, sizeof(r->text) - r->len, "%s\r\n",
					   r->lines[i]);
	r->len += (size_t)snprintf(r->text + r->len, sizeof(r->text) - r->len, "\r\n%.*s",
				   (int)body_len, body);
}
