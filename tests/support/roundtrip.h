/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * An oracle for forwarded requests, written without any of the code it judges: take away what a
 * proxy may change from both the input and the output, and compare the rest byte for byte.
 *
 * May change: our Via, Record-Route and Path lines on top, received and rport of the sender's Via,
 * the number in Max-Forwards, and bytes after the body. Routes are not touched here: the RFC tests
 * judge those.
 */

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

struct stw_bytes {
	char *p;
	size_t len;
};

static inline void stw_bytes_erase(struct stw_bytes *b, size_t at, size_t n)
{
	memmove(b->p + at, b->p + at + n, b->len - at - n);
	b->len -= n;
}

/* The byte after the line at @at, folds taken along. */
static inline size_t stw_bytes_line_end(const struct stw_bytes *b, size_t at)
{
	while (at < b->len && !(b->p[at] == '\n' && (at + 1 == b->len || (b->p[at + 1] != ' ' &&
									  b->p[at + 1] != '\t'))))
		at++;
	return at < b->len ? at + 1 : b->len;
}

/* Is the line at @at a header of this name? @return offset after its colon, or 0 */
static inline size_t stw_bytes_named(const struct stw_bytes *b, size_t at, const char *name)
{
	size_t n = strlen(name);

	if (at + n >= b->len || strncasecmp(b->p + at, name, n) != 0)
		return 0;
	for (at += n; at < b->len && (b->p[at] == ' ' || b->p[at] == '\t'); at++)
		;
	return at < b->len && b->p[at] == ':' ? at + 1 : 0;
}

/* Take ;name and ;name=value, in any case and spacing, out of the Via element at @at. */
static inline void stw_bytes_erase_param(struct stw_bytes *b, size_t at, size_t end,
					 const char *name)
{
	bool quoted = false;

	for (size_t i = at; i < end && (quoted || b->p[i] != ','); i++) {
		if (b->p[i] == '"')
			quoted = !quoted;
		if (quoted || b->p[i] != ';')
			continue;
		size_t from = i + 1;
		while (from < end && isspace((unsigned char)b->p[from]))
			from++;
		size_t to = from + strlen(name);
		if (to > end || strncasecmp(b->p + from, name, to - from) != 0 ||
		    (to < end && (isalnum((unsigned char)b->p[to]) || b->p[to] == '-')))
			continue;
		while (to < end && !strchr(";,\r", b->p[to]))
			to++;
		/* white space before the parameter goes with it, that behind it stays */
		while (to > from && isspace((unsigned char)b->p[to - 1]))
			to--;
		while (i > at && isspace((unsigned char)b->p[i - 1]))
			i--;
		stw_bytes_erase(b, i, to - i);
		end -= to - i;
		i--;
	}
}

/* Behind the start line; CR and LF before it are no lines (s7.5). */
static inline size_t stw_bytes_headers(const struct stw_bytes *b)
{
	size_t at = 0;
	while (at < b->len && (b->p[at] == '\r' || b->p[at] == '\n'))
		at++;
	return stw_bytes_line_end(b, at);
}

/* Reduce a request to what a proxy must not change. */
static inline void stw_bytes_reduce(struct stw_bytes *b)
{
	size_t at = stw_bytes_headers(b);
	bool via_seen = false;

	while (at < b->len && b->p[at] != '\r') {
		size_t end = stw_bytes_line_end(b, at), value;

		if (!via_seen && ((value = stw_bytes_named(b, at, "Via")) != 0 ||
				  (value = stw_bytes_named(b, at, "v")) != 0)) {
			via_seen = true;
			stw_bytes_erase_param(b, value, end, "received");
			end = stw_bytes_line_end(b, at);
			stw_bytes_erase_param(b, value, end, "rport");
			end = stw_bytes_line_end(b, at);
		} else if ((value = stw_bytes_named(b, at, "Max-Forwards")) != 0) {
			stw_bytes_erase(b, at, end - at);
			end = at;
		}
		at = end;
	}
}

/* Lines of this name from the line at @at on. */
static inline size_t stw_bytes_count(const struct stw_bytes *b, size_t at, const char *name)
{
	size_t n = 0;

	for (; at < b->len && b->p[at] != '\r'; at = stw_bytes_line_end(b, at))
		n += stw_bytes_named(b, at, name) != 0;
	return n;
}

/**
 * Does the forwarded @out say what @in said?
 *
 * @param in       the request; the bytes are destroyed
 * @param out      what was sent; the bytes are destroyed
 * @return true when they differ in what a proxy may change and in nothing else
 */
static inline bool stw_roundtrip_ok(char *in, size_t in_len, char *out, size_t out_len)
{
	struct stw_bytes a = {in, in_len}, b = {out, out_len};
	size_t top = stw_bytes_headers(&b), end = stw_bytes_line_end(&b, top);

	if (stw_bytes_named(&b, top, "Via") == 0)
		return false;
	stw_bytes_erase(&b, top, end - top);
	while (stw_bytes_named(&b, top, "Path") != 0 &&
	       stw_bytes_count(&b, top, "Path") >
		       stw_bytes_count(&a, stw_bytes_line_end(&a, 0), "Path"))
		stw_bytes_erase(&b, top, stw_bytes_line_end(&b, top) - top);
	while (memmem(b.p + top, stw_bytes_line_end(&b, top) - top, ";lr;stw=", 8) != NULL &&
	       stw_bytes_named(&b, top, "Record-Route") != 0)
		stw_bytes_erase(&b, top, stw_bytes_line_end(&b, top) - top);
	stw_bytes_reduce(&a);
	stw_bytes_reduce(&b);
	return a.len == b.len && memcmp(a.p, b.p, a.len) == 0;
}
