/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/** @file Requests and responses for the proxy's RFC tests, made from a few fields and defaults. */

#include "tests/support/proxy.h"

/* Fields left NULL take the defaults of compose_request(). */
struct request {
	const char *method, *uri, *via, *max_forwards, *from, *to, *call_id, *cseq, *extra, *body;
};

#define UA_VIA "SIP/2.0/UDP 203.0.113.5:5062;branch=z9hG4bKnashds8"

static inline struct stw_endpoint ua(void)
{
	return stw_farm_v4(203, 0, 113, 5, 5062);
}

static inline struct stw_endpoint member(uint8_t i)
{
	return stw_farm_v4(198, 51, 100, (uint8_t)(10 + i), 5060);
}

static inline const char *or_else(const char *text, const char *other)
{
	return text != NULL ? text : other;
}

static inline const char *compose_request(struct request r)
{
	static char text[8][8192]; /* a test may hold a few at a time */
	static unsigned int turn;
	char *out = text[turn++ % 8];
	const char *method = or_else(r.method, "INVITE");
	const char *hops = or_else(r.max_forwards, "70");
	const char *body = or_else(r.body, "");
	char cseq[64];

	snprintf(cseq, sizeof(cseq), "314159 %s", method);
	snprintf(out, sizeof(text[0]),
		 "%s %s SIP/2.0\r\nVia: %s\r\n%s%s%sFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\n"
		 "CSeq: %s\r\n%sContent-Length: %zu\r\n\r\n%s",
		 method, or_else(r.uri, "sip:bob@biloxi.example.com"), or_else(r.via, UA_VIA),
		 *hops ? "Max-Forwards: " : "", hops, *hops ? "\r\n" : "",
		 or_else(r.from, "Alice <sip:alice@atlanta.example.com>;tag=1928301774"),
		 or_else(r.to, "Bob <sip:bob@biloxi.example.com>"),
		 or_else(r.call_id, "a84b4c76e66710@pc33.atlanta.example.com"),
		 or_else(r.cseq, cseq), or_else(r.extra, ""), strlen(body), body);
	return out;
}

#define REQUEST(...) compose_request((struct request){__VA_ARGS__})

/** What @p sent out, answered with @status by whoever got it: Vias and the rest echoed, To tagged.
 */
static inline const char *respond(const struct stw_proxy *p, const char *status)
{
	static char text[8][8192];
	static unsigned int turn;
	char *out = text[turn++ % 8];
	size_t n = (size_t)snprintf(out, sizeof(text[0]), "SIP/2.0 %s\r\n", status);

	for (const char *line = strstr(p->out, "\r\n") + 2; *line != '\r';) {
		size_t len = strcspn(line, "\r") + 2;
		bool to = strncmp(line, "To:", 3) == 0 && !memmem(line, len, ";tag=", 5);
		bool keep = strncmp(line, "Max-Forwards", 12) != 0 &&
			    strncmp(line, "Route:", 6) != 0 &&
			    strncmp(line, "Proxy-Require", 13) != 0;

		if (keep)
			n += (size_t)snprintf(out + n, sizeof(text[0]) - n, "%.*s%s", (int)len - 2,
					      line, to ? ";tag=a6c85cf\r\n" : "\r\n");
		line += len;
	}
	snprintf(out + n, sizeof(text[0]) - n, "\r\n");
	return out;
}

/** What @p sent out, sent on by member @i: its Via on top, and @uri as Request-URI unless NULL. */
static inline const char *onward(const struct stw_proxy *p, uint8_t i, const char *uri)
{
	static char text[8][8192];
	static unsigned int turn;
	static unsigned int branch;
	char *out = text[turn++ % 8];
	int method = (int)strcspn(p->out, " ");
	const char *was = p->out + method + 1;
	int was_len = (int)strcspn(was, " ");

	snprintf(out, sizeof(text[0]),
		 "%.*s %.*s SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.%d;branch=z9hG4bKm%u\r\n%s",
		 method, p->out, uri != NULL ? (int)strlen(uri) : was_len, uri != NULL ? uri : was,
		 10 + i, branch++, strstr(p->out, "\r\n") + 2);
	return out;
}

/** Value of a parameter of the first line that starts with @header; "" when absent. */
static inline const char *param(const struct stw_proxy *p, const char *header, const char *name)
{
	static char value[4][256];
	static unsigned int turn;
	char *out = value[turn++ % 4];
	const char *at = strstr(stw_proxy_line(p, header), name);

	out[0] = '\0';
	if (at != NULL)
		snprintf(out, sizeof(value[0]), "%.*s", (int)strcspn(at + strlen(name), ";>, \r"),
			 at + strlen(name));
	return out;
}

/** A copy that outlives what comes after it: the next 31 of these. */
static inline const char *hold(const char *text)
{
	static char kept[32][8192];
	static unsigned int turn;
	char *copy = kept[turn++ % 32];

	snprintf(copy, sizeof(kept[0]), "%s", text);
	return copy;
}

static inline int proxy_setup(void **state)
{
	*state = stw_proxy_new(4);
	return 0;
}

static inline int proxy_teardown(void **state)
{
	stw_proxy_free(*state);
	return 0;
}

#define PROXY_TEST(f) cmocka_unit_test_setup_teardown(f, proxy_setup, proxy_teardown)

#define assert_forwarded(p)                                          \
	do {                                                         \
		assert_string_equal(stw_proxy_drop(p), "");          \
		assert_int_equal((p)->v.action, STW_ACTION_FORWARD); \
		assert_int_equal((p)->err, STW_OK);                  \
	} while (0)

#define assert_answered(p, code)                                    \
	do {                                                        \
		assert_string_equal(stw_proxy_drop(p), "");         \
		assert_int_equal((p)->v.action, STW_ACTION_ANSWER); \
		assert_int_equal((p)->err, STW_OK);                 \
		assert_int_equal((p)->v.status, code);              \
		assert_int_equal(atoi((p)->out + 8), code);         \
	} while (0)

#define assert_dropped(p, word)                                   \
	do {                                                      \
		assert_int_equal((p)->v.action, STW_ACTION_DROP); \
		assert_string_equal(stw_proxy_drop(p), word);     \
	} while (0)

#define assert_sent_to(p, ep)                                                  \
	do {                                                                   \
		const struct stw_endpoint assert_ep = (ep);                    \
		char assert_a[STW_ENDPOINT_TEXT], assert_b[STW_ENDPOINT_TEXT]; \
		stw_endpoint_format(&(p)->v.dst, assert_a);                    \
		stw_endpoint_format(&assert_ep, assert_b);                     \
		assert_string_equal(assert_a, assert_b);                       \
	} while (0)
