/* SPDX-License-Identifier: BSD-3-Clause */
/* The canonical address-of-record: equal ones are equal bytes (RFC 3261 s10.3 step 5). */
#include <strowger/sip_headers.h>

#include "dataplane/sip/chars.h"

struct writer {
	char *p, *end;
	bool full;
};

static void put(struct writer *w, char c)
{
	if (w->p == w->end)
		w->full = true;
	else
		*w->p++ = c;
}

static void put_text(struct writer *w, const char *text)
{
	while (*text)
		put(w, *text++);
}

static int hex(char c)
{
	return stw_is(c, STW_C_DIGIT) ? c - '0' : stw_lower(c) - 'a' + 10;
}

/* Escapes of characters that may stand as they are are undone; others get capital digits. */
static void put_user(struct writer *w, const char *p, const char *end)
{
	static const char digits[] = "0123456789ABCDEF";

	for (; p < end; p++) {
		if (*p != '%') {
			put(w, *p);
			continue;
		}
		uint8_t c = (uint8_t)(hex(p[1]) << 4 | hex(p[2]));
		p += 2;
		if (stw_is((char)c, STW_C_USER) && !memchr(";/?:@&=+$,", c, 10)) {
			put(w, (char)c);
		} else {
			put(w, '%');
			put(w, digits[c >> 4]);
			put(w, digits[c & 15]);
		}
	}
}

static void put_host(struct writer *w, const char *buf, const struct stw_sip_uri *uri)
{
	char text[46];

	if (uri->host_is_ip) {
		bool v6 = !stw_ip_is_v4(&uri->ip);
		size_t n = stw_ip_format(&uri->ip, text);
		if (v6)
			put(w, '[');
		for (size_t i = 0; i < n; i++)
			put(w, text[i]);
		if (v6)
			put(w, ']');
		return;
	}
	/* The dot that ends a full name says nothing. */
	uint32_t end = stw_span_end(uri->host);
	if (uri->host.len > 1 && buf[end - 1] == '.')
		end--;
	for (uint32_t i = uri->host.off; i < end; i++)
		put(w, stw_lower(buf[i]));
}

static void put_number(struct writer *w, const char *buf, struct stw_span s)
{
	for (uint32_t i = s.off; i < stw_span_end(s); i++) {
		if (!memchr("-.()", buf[i], 4))
			put(w, stw_lower(buf[i]));
	}
}

/* A local number means nothing without its context (RFC 3966 s5.1.5). */
static bool put_tel(struct writer *w, const char *buf, const struct stw_sip_uri *uri)
{
	struct stw_span context;

	put_text(w, "tel:");
	put_number(w, buf, uri->user);
	if (buf[uri->user.off] == '+')
		return true;
	if (stw_sip_param_find(buf, uri->params, "phone-context", 13, &context) != STW_OK ||
	    context.len == 0)
		return false;
	put_text(w, ";phone-context=");
	if (buf[context.off] == '+') {
		put_number(w, buf, context);
	} else {
		for (uint32_t i = context.off; i < stw_span_end(context); i++)
			put(w, stw_lower(buf[i]));
	}
	return true;
}

int stw_sip_uri_aor(const char *buf, const struct stw_sip_uri *uri, char *out, size_t room,
		    size_t *len)
{
	struct writer w = {out, out + room, false};

	if (uri->scheme == STW_SCHEME_TEL) {
		if (!put_tel(&w, buf, uri))
			return STW_EMALFORMED;
	} else if (uri->scheme == STW_SCHEME_SIP || uri->scheme == STW_SCHEME_SIPS) {
		put_text(&w, uri->scheme == STW_SCHEME_SIP ? "sip:" : "sips:");
		if (uri->has_user) {
			put_user(&w, buf + uri->user.off, buf + stw_span_end(uri->user));
			put(&w, '@');
		}
		put_host(&w, buf, uri);
	} else {
		return STW_EMALFORMED;
	}
	if (w.full)
		return STW_ENOSPACE;
	*len = (size_t)(w.p - out);
	return STW_OK;
}
