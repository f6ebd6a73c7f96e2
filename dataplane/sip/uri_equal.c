/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * When two URIs are equal (RFC 3261 s19.1.4, RFC 3966 s4). Text is compared one character at a
 * time with its escape undone, so "%61" equals "a"; but an escaped reserved character does not
 * equal the character itself.
 */
#include <strowger/sip_headers.h>

#include <strings.h>

#include "dataplane/sip/chars.h"

struct text {
	const char *p, *end;
	bool fold;   /* letter case does not matter */
	bool digits; /* visual separators of a telephone number do not count */
};

static int hex(char c)
{
	return stw_is(c, STW_C_DIGIT) ? c - '0' : stw_lower(c) - 'a' + 10;
}

/* The next character; escaped ones that are reserved get 256 added, and -1 is the end. */
static int next(struct text *t)
{
	while (t->digits && t->p < t->end && memchr("-.()", *t->p, 4))
		t->p++;
	if (t->p == t->end)
		return -1;
	char c = *t->p++;
	bool reserved = false;
	if (c == '%' && t->end - t->p >= 2) {
		c = (char)(hex(t->p[0]) << 4 | hex(t->p[1]));
		reserved = c == 0 || memchr(";/?:@&=+$,", c, 10) != NULL;
		t->p += 2;
	}
	if (t->fold)
		c = stw_lower(c);
	return (uint8_t)c + (reserved ? 256 : 0);
}

static bool same_text(const char *a, struct stw_span x, const char *b, struct stw_span y, bool fold,
		      bool digits)
{
	struct text t = {a + x.off, a + stw_span_end(x), fold, digits};
	struct text u = {b + y.off, b + stw_span_end(y), fold, digits};
	int c, d;

	do {
		c = next(&t);
		d = next(&u);
	} while (c == d && c >= 0);
	return c == d;
}

/* One of "name=value" separated by @separator; @return false at the end. */
static bool take_pair(const char *buf, struct stw_span *rest, char separator, struct stw_span *name,
		      struct stw_span *value)
{
	const char *p = buf + rest->off, *end = buf + stw_span_end(*rest);

	if (p < end && *p == separator)
		p++;
	if (p >= end)
		return false;
	const char *stop = memchr(p, separator, (size_t)(end - p));
	stop = stop ? stop : end;
	const char *equal = memchr(p, '=', (size_t)(stop - p));
	const char *name_end = equal ? equal : stop, *from = equal ? equal + 1 : stop;
	*name = (struct stw_span){(uint16_t)(p - buf), (uint16_t)(name_end - p)};
	*value = (struct stw_span){(uint16_t)(from - buf), (uint16_t)(stop - from)};
	*rest = (struct stw_span){(uint16_t)(stop - buf), (uint16_t)(end - stop)};
	return true;
}

static bool find_pair(const char *buf, struct stw_span all, char separator, const char *other,
		      struct stw_span wanted, struct stw_span *value)
{
	struct stw_span name;

	while (take_pair(buf, &all, separator, &name, value)) {
		if (same_text(buf, name, other, wanted, true, false))
			return true;
	}
	return false;
}

/* Parameters that must be in both or in none. */
static bool counts_when_absent(const char *buf, struct stw_span name)
{
	static const char *const names[] = {"user", "ttl", "method", "maddr", "transport"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (stw_case_is(buf + name.off, name.len, names[i], strlen(names[i])))
			return true;
	}
	return false;
}

/* Each pair of @a agrees with @b; @all: it has to be there. */
static bool pairs_agree(const char *a, struct stw_span x, const char *b, struct stw_span y,
			char separator, bool all, bool digits)
{
	struct stw_span name, value, other;

	while (take_pair(a, &x, separator, &name, &value)) {
		if (!find_pair(b, y, separator, a, name, &other)) {
			if (all || counts_when_absent(a, name))
				return false;
		} else if (!same_text(a, value, b, other, true, digits)) {
			return false;
		}
	}
	return true;
}

static bool sip_equal(const char *a, const struct stw_sip_uri *x, const char *b,
		      const struct stw_sip_uri *y)
{
	bool same_host = x->host_is_ip && y->host_is_ip
				 ? stw_ip_equal(&x->ip, &y->ip)
				 : same_text(a, x->host, b, y->host, true, false);

	return same_host && x->port == y->port && x->has_user == y->has_user &&
	       same_text(a, x->user, b, y->user, false, false) &&
	       same_text(a, x->password, b, y->password, false, false) &&
	       pairs_agree(a, x->params, b, y->params, ';', false, false) &&
	       pairs_agree(b, y->params, a, x->params, ';', false, false) &&
	       pairs_agree(a, x->headers, b, y->headers, '&', true, false) &&
	       pairs_agree(b, y->headers, a, x->headers, '&', true, false);
}

static bool tel_equal(const char *a, const struct stw_sip_uri *x, const char *b,
		      const struct stw_sip_uri *y)
{
	return same_text(a, x->user, b, y->user, true, true) &&
	       pairs_agree(a, x->params, b, y->params, ';', true, true) &&
	       pairs_agree(b, y->params, a, x->params, ';', true, true);
}

bool stw_sip_uri_equal(const char *buf_a, const struct stw_sip_uri *a, const char *buf_b,
		       const struct stw_sip_uri *b)
{
	if (a->scheme != b->scheme)
		return false;
	if (a->scheme == STW_SCHEME_SIP || a->scheme == STW_SCHEME_SIPS)
		return sip_equal(buf_a, a, buf_b, b);
	if (a->scheme == STW_SCHEME_TEL)
		return tel_equal(buf_a, a, buf_b, b);
	const char *p = buf_a + a->all.off, *q = buf_b + b->all.off;
	const char *colon = memchr(p, ':', a->all.len);
	size_t scheme = colon ? (size_t)(colon - p) : 0;
	return a->all.len == b->all.len && strncasecmp(p, q, scheme) == 0 &&
	       memcmp(p + scheme, q + scheme, a->all.len - scheme) == 0;
}
