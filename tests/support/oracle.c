/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/support/oracle.h"

#include <ctype.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The grammar, bottom up. Matched in the C locale, byte by byte. */
#define TOKEN_SET "A-Za-z0-9.!%*_+`'~-"
#define TOKEN	  "[" TOKEN_SET "]+"
#define LWS	  "[ \t\r\n]*" /* in a value CR and LF stand in folds only */
#define LWS1	  "[ \t\r\n]+"
#define HEX2	  "%[0-9A-Fa-f][0-9A-Fa-f]"
#define UNRES	  "A-Za-z0-9_.!~*'()"
#define USER	  "([" UNRES "&=+$,;?/-]|" HEX2 ")+"
#define PASSWORD  "([" UNRES "&=+$,-]|" HEX2 ")*"
#define HOST	  "([A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\])"
#define PORT	  "[0-9]+"
#define PARAMC	  "([][" UNRES "/:&+$-]|" HEX2 ")"
#define UPARAMS	  "(;" PARAMC "+(=" PARAMC "*)?)*"
#define HEADERC	  "([][" UNRES "/?:+$-]|" HEX2 ")"
#define UHEADERS  "(\\?" HEADERC "+=" HEADERC "*(&" HEADERC "+=" HEADERC "*)*)?"
#define URIC	  "([" UNRES ";/?:@&=+$,-]|" HEX2 ")"
#define SCHEME	  "[A-Za-z][A-Za-z0-9+.-]*"
/* qdtext; then quoted-pair of any ASCII byte but CR and LF. A zero byte is shown as 0x01. */
#define QUOTED	 "\"([^\"\\\x01-\x08\x0b\x0c\x0e-\x1f\x7f]|\\\\[\x01-\x09\x0b\x0c\x0e-\x7f])*\""
#define GVALUE	 "([]:[" TOKEN_SET "]+|" QUOTED ")"
#define GPARAMS	 "(" LWS ";" LWS TOKEN "(" LWS "=" LWS GVALUE ")?)*"
#define ANYURI	 SCHEME ":([][" UNRES ";/?:@&=+$,-]|" HEX2 ")+"
#define PLAINURI SCHEME ":([][" UNRES "/:@&=+$-]|" HEX2 ")+"
#define DISPLAY	 "(" QUOTED LWS "|[ \t\r\n" TOKEN_SET "]*)"

#define VIA_PARM \
	TOKEN LWS "/" LWS TOKEN LWS "/" LWS TOKEN LWS1 HOST "(" LWS ":" LWS PORT ")?" GPARAMS
#define NAME_ADDR "(" DISPLAY "<" ANYURI ">|" PLAINURI ")" GPARAMS

/* One compiled expression per text; each text is a literal, so its address names it. */
static regex_t *compiled(const char *pattern)
{
	static struct {
		const char *pattern;
		regex_t re;
	} cache[64];
	size_t i = 0;

	for (; cache[i].pattern; i++) {
		if (strcmp(cache[i].pattern, pattern) == 0)
			return &cache[i].re;
	}
	char anchored[8192];
	snprintf(anchored, sizeof(anchored), "^(%s)$", pattern);
	if (i == 63 || regcomp(&cache[i].re, anchored, REG_EXTENDED | REG_NOSUB) != 0) {
		fprintf(stderr, "oracle: bad expression %s\n", pattern);
		abort();
	}
	cache[i].pattern = pattern;
	return &cache[i].re;
}

/* All of [p, p + n) matches. */
static bool is(const char *pattern, const char *p, size_t n)
{
	char *copy = malloc(n + 1);
	for (size_t i = 0; i < n; i++)
		copy[i] = p[i] ? p[i] : '\x01';
	copy[n] = '\0';
	bool yes = regexec(compiled(pattern), copy, 0, NULL, 0) == 0;
	free(copy);
	return yes;
}

static bool same(const char *p, size_t n, const char *text)
{
	return strlen(text) == n && strncasecmp(p, text, n) == 0;
}

static bool is_lws(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Bytes up to the first @stop outside quotes and angle brackets; all when there is none. */
static size_t until(const char *p, size_t n, char stop)
{
	bool quoted = false, bracketed = false;

	for (size_t i = 0; i < n; i++) {
		if (quoted && p[i] == '\\')
			i++;
		else if (p[i] == '"' && !bracketed)
			quoted = !quoted;
		else if (!quoted && p[i] == '<')
			bracketed = true;
		else if (!quoted && p[i] == '>')
			bracketed = false;
		else if (!quoted && !bracketed && p[i] == stop)
			return i;
	}
	return n;
}

/* The first element of a list, and that something follows its comma. */
static bool first_of_list(const char **p, size_t *n)
{
	while (*n > 0 && is_lws(**p)) {
		(*p)++;
		(*n)--;
	}
	size_t element = until(*p, *n, ',');
	size_t rest = element + 1;

	while (rest < *n && is_lws((*p)[rest]))
		rest++;
	if (element < *n && rest >= *n)
		return false;
	*n = element;
	while (*n > 0 && is_lws((*p)[*n - 1]))
		(*n)--;
	return true;
}

static bool port_ok(const char *p, size_t n)
{
	unsigned long value = 0;

	for (size_t i = 0; i < n && value < 100000; i++)
		value = value * 10 + (unsigned long)(p[i] - '0');
	return n > 0 && value >= 1 && value <= 65535;
}

/* Of the parameters we act upon there is one each, with a value where it needs one. */
static bool via_params_ok(const char *p, size_t n)
{
	static const char *const known[] = {"branch", "received", "maddr", "rport"};
	unsigned seen[4] = {0};

	for (size_t at = until(p, n, ';'); at < n;) {
		p += at + 1;
		n -= at + 1;
		at = until(p, n, ';');
		size_t eq = until(p, at, '='), from = 0, name_end = eq;
		while (from < name_end && is_lws(p[from]))
			from++;
		while (name_end > from && is_lws(p[name_end - 1]))
			name_end--;
		size_t v = eq + 1, v_end = at;
		while (v < v_end && is_lws(p[v]))
			v++;
		while (v_end > v && is_lws(p[v_end - 1]))
			v_end--;
		for (unsigned k = 0; k < 4; k++) {
			if (!same(p + from, name_end - from, known[k]))
				continue;
			if (seen[k]++ || (eq == at && k < 3))
				return false;
			if (k == 3 && eq < at &&
			    (!is("[0-9]+", p + v, v_end - v) || !port_ok(p + v, v_end - v)))
				return false;
			/* brackets come in pairs, with something in between */
			if ((k == 1 || k == 2) && p[v] == '[' &&
			    (v_end - v < 3 || p[v_end - 1] != ']'))
				return false;
		}
	}
	return true;
}

bool stw_oracle_via(const char *p, size_t n)
{
	if (!first_of_list(&p, &n) || !is(VIA_PARM, p, n))
		return false;
	/* sent-by ends where the parameters begin; its last colon outside brackets begins a port.
	 */
	size_t sent_by = until(p, n, ';');
	size_t colon = sent_by;
	while (colon > 0 && p[colon - 1] != ':' && p[colon - 1] != ']')
		colon--;
	if (colon > 0 && p[colon - 1] == ':') {
		while (is_lws(p[colon]))
			colon++;
		while (is_lws(p[sent_by - 1]))
			sent_by--;
		if (!port_ok(p + colon, sent_by - colon))
			return false;
	}
	return via_params_ok(p, n);
}

bool stw_oracle_name_addr(const char *p, size_t n)
{
	return first_of_list(&p, &n) && is(NAME_ADDR, p, n);
}

static bool sip_uri_port_ok(const char *p, size_t n)
{
	const char *at = memchr(p, '@', n);
	if (at) {
		n -= (size_t)(at + 1 - p);
		p = at + 1;
	} else {
		const char *scheme = memchr(p, ':', n);
		n -= (size_t)(scheme + 1 - p);
		p = scheme + 1;
	}
	size_t end = 0;
	while (end < n && p[end] != ';' && p[end] != '?')
		end++;
	size_t colon = end;
	while (colon > 0 && p[colon - 1] != ':' && p[colon - 1] != ']')
		colon--;
	return colon == 0 || p[colon - 1] != ':' || port_ok(p + colon, end - colon);
}

int stw_oracle_uri(const char *p, size_t n)
{
	if (is("[sS][iI][pP][sS]?:.*", p, n)) {
		bool ok = is("[^:]*:(" USER "(:" PASSWORD ")?@)?" HOST "(:" PORT
			     ")?" UPARAMS UHEADERS,
			     p, n);
		return ok && sip_uri_port_ok(p, n) ? STW_OK : STW_EMALFORMED;
	}
	if (is("[tT][eE][lL]:.*|[uU][rR][nN]:.*", p, n))
		return is("[^:]*:([" UNRES "/?:@&=+$,-]|" HEX2 ")+" UPARAMS, p, n) ? STW_OK
										   : STW_EMALFORMED;
	return is(SCHEME ":" URIC "+", p, n) ? STW_ENOENT : STW_EMALFORMED;
}

struct message {
	const char *buf;
	size_t len;
	struct stw_sip_msg *m;
	enum stw_sip_reject reject;
	size_t error_off;
};

static void reject(struct message *s, enum stw_sip_reject why, size_t off)
{
	if (s->reject == STW_SIP_ACCEPTED) {
		s->reject = why;
		s->error_off = off;
	}
}

static struct stw_span span(size_t from, size_t to)
{
	return (struct stw_span){(uint16_t)from, (uint16_t)(to - from)};
}

static uint8_t method_of(const char *p, size_t n)
{
	static const char *const names[] = {"",
#define X(name) #name,
					    STW_SIP_METHODS(X)
#undef X
	};
	for (uint8_t i = 1; i < STW_N_METHODS; i++) {
		if (strlen(names[i]) == n && memcmp(names[i], p, n) == 0)
			return i;
	}
	return STW_METHOD_OTHER;
}

/* Where a version that ought to fill the field goes wrong. */
static void judge_version(struct message *s, size_t from, size_t to)
{
	const char *p = s->buf + from;
	size_t n = to - from;

	if (!is("[sS][iI][pP]/[0-9]+[.][0-9]+", p, n))
		reject(s, STW_REJECT_START_LINE, from);
	else if (!is("[sS][iI][pP]/2[.]0", p, n))
		reject(s, STW_REJECT_VERSION, from);
}

static void status_line(struct message *s, size_t from, size_t to)
{
	const char *buf = s->buf;
	size_t space = from;

	s->m->kind = STW_SIP_RESPONSE;
	while (space < to && buf[space] != ' ')
		space++;
	judge_version(s, from, space);
	if (s->reject)
		return;
	size_t code = space < to ? space + 1 : to;
	if (!is("[1-6][0-9][0-9]( (.|\n)*)?", buf + code, to - code)) {
		reject(s, STW_REJECT_START_LINE, code);
		return;
	}
	s->m->status = (uint16_t)((buf[code] - '0') * 100 + (buf[code + 1] - '0') * 10 +
				  buf[code + 2] - '0');
	size_t reason = code + 4 < to ? code + 4 : to;
	s->m->reason = span(reason, to);
	for (size_t i = reason; i < to; i++) {
		uint8_t c = (uint8_t)buf[i];
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			reject(s, STW_REJECT_START_LINE, i);
	}
}

static void request_line(struct message *s, size_t from, size_t to)
{
	const char *buf = s->buf;
	size_t space = from;

	while (space < to && buf[space] != ' ' && buf[space] != '\t')
		space++;
	if (space == to || !is(TOKEN, buf + from, space - from))
		return;
	uint8_t method = method_of(buf + from, space - from);
	if (method == STW_METHOD_OTHER &&
	    !is("(.|\n)*[ \t][sS][iI][pP]/[^ \t]*[ \t]*", buf + space, to - space))
		return;
	s->m->kind = STW_SIP_REQUEST;
	s->m->method = method;
	s->m->method_name = span(from, space);
	if (buf[space] == '\t') {
		reject(s, STW_REJECT_START_LINE, space);
		return;
	}
	size_t uri = space + 1, uri_end = uri;
	while (uri_end < to && buf[uri_end] != ' ')
		uri_end++;
	s->m->uri = span(uri, uri_end);
	if (uri_end == uri || uri_end == to) {
		reject(s, STW_REJECT_START_LINE, uri_end);
		return;
	}
	judge_version(s, uri_end + 1, to);
	if (stw_oracle_uri(buf + uri, uri_end - uri) == STW_EMALFORMED)
		reject(s, STW_REJECT_REQUEST_URI, uri);
	else if (is("[sS][iI][pP][sS]?:[^?]*[?].*", buf + uri, uri_end - uri)) {
		/* headers begin behind the last "?" before them that is not of the user part */
		const char *at = memchr(buf + uri, '@', uri_end - uri);
		size_t i = at ? (size_t)(at - buf) : uri;
		while (i < uri_end && buf[i] != '?')
			i++;
		if (i < uri_end)
			reject(s, STW_REJECT_REQUEST_URI, i + 1);
	}
}

static uint8_t header_of(const char *p, size_t n)
{
	static const struct {
		const char *name, *compact;
	} rows[] = {
#define X(id, name, compact) {name, compact},
		STW_SIP_HOT_HEADERS(X)
#undef X
	};
	for (uint8_t h = 0; h < STW_N_HOT_HEADERS; h++) {
		if (same(p, n, rows[h].name) || (rows[h].compact && same(p, n, rows[h].compact)))
			return h;
	}
	return STW_HDR_OTHER;
}

/* First byte of [from, to) that may not stand there: CR or LF alone, or a zero not quoted. */
static size_t stray(const char *buf, size_t from, size_t to)
{
	bool escaped = false; /* by a backslash that is not itself escaped */

	for (size_t i = from; i < to; i++) {
		bool pair = i + 1 < to && buf[i] == '\r' && buf[i + 1] == '\n';
		if (pair) {
			i++;
			escaped = false;
			continue;
		}
		if (buf[i] == '\r' || buf[i] == '\n' || (buf[i] == '\0' && !escaped))
			return i;
		escaped = buf[i] == '\\' && !escaped;
	}
	return to;
}

static void header_line(struct message *s, size_t from, size_t to)
{
	const char *buf = s->buf;
	size_t colon = from, name_end;

	while (colon < to && is(TOKEN, buf + colon, 1))
		colon++;
	name_end = colon;
	while (colon < to && (buf[colon] == ' ' || buf[colon] == '\t'))
		colon++;
	bool named = name_end > from && colon < to && buf[colon] == ':';
	size_t bad = stray(buf, from, to);
	if (!named)
		reject(s, STW_REJECT_HEADER_NAME, name_end > from ? colon : from);
	if (bad < to)
		reject(s, STW_REJECT_STRAY_BYTE, bad);
	/* A line with a stray byte is nobody's: its value must not travel. With a bad name, too. */
	uint8_t h = named ? header_of(buf + from, name_end - from) : STW_HDR_OTHER;
	if (h == STW_HDR_OTHER || bad < to)
		return;
	if (s->m->present >> h & 1) {
		s->m->repeated |= 1u << h;
		return;
	}
	size_t value = colon + 1, end = to;
	while (value < end && is_lws(buf[value]))
		value++;
	while (end > value && is_lws(buf[end - 1]))
		end--;
	if (value == end)
		value = end = colon + 1;
	s->m->present |= 1u << h;
	s->m->value[h] = span(value, end);
	s->m->line_off[h] = (uint16_t)from;
	s->m->line_end[h] = (uint16_t)to;
}

static void header_block(struct message *s, size_t off)
{
	const char *buf = s->buf;
	unsigned n = 0;

	for (;;) {
		s->m->body_off = (uint16_t)off;
		if (off + 1 < s->len && buf[off] == '\r' && buf[off + 1] == '\n') {
			s->m->body_off = (uint16_t)(off + 2);
			return;
		}
		if (off < s->len && buf[off] == '\n') {
			reject(s, STW_REJECT_STRAY_BYTE, off);
			s->m->body_off = (uint16_t)(off + 1);
			return;
		}
		size_t end = off;
		do {
			while (end < s->len && buf[end] != '\n')
				end++;
			end++;
		} while (end < s->len && (buf[end] == ' ' || buf[end] == '\t'));
		if (end > s->len) {
			reject(s, STW_REJECT_HEADERS_UNFINISHED, s->len);
			return;
		}
		if (n++ == STW_SIP_HEADERS_DEFAULT) {
			reject(s, STW_REJECT_TOO_MANY_HEADERS, off);
			return;
		}
		header_line(s, off, end);
		off = end;
	}
}

static bool is_single(uint8_t h)
{
	return h == STW_HDR_CALL_ID || h == STW_HDR_FROM || h == STW_HDR_TO || h == STW_HDR_CSEQ ||
	       h == STW_HDR_MAX_FORWARDS || h == STW_HDR_CONTENT_LENGTH;
}

/* A second line of a single header: the same bytes pass, but never of Max-Forwards. */
static void duplicates(struct message *s)
{
	const char *buf = s->buf;

	for (size_t off = s->m->headers_off; off < s->m->body_off && buf[off] != '\r';) {
		struct stw_sip_msg alone = {0};
		struct message one = {.buf = buf, .len = s->len, .m = &alone};
		size_t end = off;
		do {
			while (buf[end] != '\n')
				end++;
			end++;
		} while (end < s->len && (buf[end] == ' ' || buf[end] == '\t'));
		header_line(&one, off, end);
		for (uint8_t h = 0; h < STW_N_HOT_HEADERS; h++) {
			struct stw_span first = s->m->value[h], this = alone.value[h];
			if (!(alone.present >> h & 1) || !is_single(h) || off == s->m->line_off[h])
				continue;
			if (h == STW_HDR_MAX_FORWARDS || first.len != this.len ||
			    memcmp(buf + first.off, buf + this.off, first.len) != 0)
				reject(s, STW_REJECT_DUPLICATE, off);
		}
		off = end;
	}
}

static void mandatory(struct message *s)
{
	static const struct {
		uint8_t header;
		enum stw_sip_reject missing;
	} rows[] = {{STW_HDR_VIA, STW_REJECT_VIA_MISSING},
		    {STW_HDR_CALL_ID, STW_REJECT_CALL_ID_MISSING},
		    {STW_HDR_FROM, STW_REJECT_FROM_MISSING},
		    {STW_HDR_TO, STW_REJECT_TO_MISSING},
		    {STW_HDR_CSEQ, STW_REJECT_CSEQ_MISSING}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!(s->m->present >> rows[i].header & 1))
			reject(s, rows[i].missing, s->m->headers_off);
	}
}

/* Via elements over all lines, counted by their commas, in a block that could hold too many. */
static void via_count(struct message *s)
{
	struct stw_sip_line line;
	unsigned n = 0;

	if (s->m->body_off - s->m->headers_off <= (int)STW_SIP_VIAS_DEFAULT * 8)
		return;
	for (bool ok = stw_sip_line_first(s->buf, s->m, &line); ok;
	     ok = stw_sip_line_next(s->buf, s->m, &line)) {
		if (line.header != STW_HDR_VIA)
			continue;
		const char *p = s->buf + line.value.off;
		size_t left = line.value.len;
		for (;;) {
			if (++n > STW_SIP_VIAS_DEFAULT) {
				reject(s, STW_REJECT_TOO_MANY_VIAS, line.off);
				return;
			}
			size_t comma = 0;
			bool quoted = false;
			for (; comma < left && (quoted || p[comma] != ','); comma++) {
				if (quoted && p[comma] == '\\')
					comma++;
				else if (p[comma] == '"')
					quoted = !quoted;
			}
			if (comma >= left)
				break;
			p += comma + 1;
			left -= comma + 1;
		}
	}
}

static const char *value(const struct message *s, uint8_t h, size_t *n)
{
	*n = s->m->value[h].len;
	return s->buf + s->m->value[h].off;
}

/* A whole decimal number up to @max; -1 when it is none, or more. */
static long number(const char *p, size_t n, unsigned long max)
{
	unsigned long v = 0;

	if (!is("[0-9]+", p, n))
		return -1;
	for (size_t i = 0; i < n && v <= max; i++)
		v = v * 10 + (unsigned long)(p[i] - '0');
	return v <= max ? (long)v : -1;
}

static void cseq(struct message *s)
{
	size_t n, digits = 0;
	const char *p = value(s, STW_HDR_CSEQ, &n);
	size_t off = s->m->value[STW_HDR_CSEQ].off;

	while (digits < n && isdigit((unsigned char)p[digits]))
		digits++;
	long v = number(p, digits, 0x7fffffff);
	if (v >= 0)
		s->m->cseq = (uint32_t)v;
	if (v < 0 || !is("[0-9]+" LWS1 TOKEN, p, n)) {
		reject(s, STW_REJECT_CSEQ, off);
		return;
	}
	size_t method = digits;
	while (is_lws(p[method]))
		method++;
	struct stw_span own = s->m->method_name;
	if (s->m->kind == STW_SIP_RESPONSE)
		s->m->method = method_of(p + method, n - method);
	else if (own.len != n - method || memcmp(s->buf + own.off, p + method, own.len) != 0)
		reject(s, STW_REJECT_CSEQ_METHOD, off + method);
}

/* The checks in their stated order; the first that fails is the reason, later ones are not made. */
static void values(struct message *s)
{
	size_t n;
	const char *p;

	p = value(s, STW_HDR_VIA, &n);
	if (!stw_oracle_via(p, n))
		reject(s, STW_REJECT_VIA, s->m->value[STW_HDR_VIA].off);
	p = value(s, STW_HDR_CALL_ID, &n);
	if (!is("[]A-Za-z0-9.!%*_+`'~()<>:\\\"/[?{}@-]+", p, n))
		reject(s, STW_REJECT_CALL_ID, s->m->value[STW_HDR_CALL_ID].off);
	p = value(s, STW_HDR_FROM, &n);
	if (until(p, n, ',') < n || !stw_oracle_name_addr(p, n))
		reject(s, STW_REJECT_FROM, s->m->value[STW_HDR_FROM].off);
	p = value(s, STW_HDR_TO, &n);
	if (until(p, n, ',') < n || !stw_oracle_name_addr(p, n))
		reject(s, STW_REJECT_TO, s->m->value[STW_HDR_TO].off);
	if (!s->reject)
		cseq(s);
}

static void max_forwards(struct message *s)
{
	size_t n;
	const char *p = value(s, STW_HDR_MAX_FORWARDS, &n);

	if (!(s->m->present >> STW_HDR_MAX_FORWARDS & 1) || s->m->kind != STW_SIP_REQUEST)
		return;
	long v = number(p, n, 255);
	if (v < 0)
		reject(s, STW_REJECT_MAX_FORWARDS, s->m->value[STW_HDR_MAX_FORWARDS].off);
	else
		s->m->max_forwards = (int32_t)v;
}

static void body(struct message *s)
{
	size_t n, off = s->m->value[STW_HDR_CONTENT_LENGTH].off;
	const char *p = value(s, STW_HDR_CONTENT_LENGTH, &n);

	if (!(s->m->present >> STW_HDR_CONTENT_LENGTH & 1))
		return;
	long v = number(p, n, 0x7fffffff);
	if (v < 0) {
		reject(s, STW_REJECT_CONTENT_LENGTH, off);
		return;
	}
	s->m->content_length = (int32_t)v;
	if ((size_t)v > s->len - s->m->body_off)
		reject(s, STW_REJECT_BODY_SHORT, off);
	else
		s->m->len = (uint32_t)(s->m->body_off + v);
}

static void route(struct message *s)
{
	size_t n, off = s->m->value[STW_HDR_ROUTE].off;
	const char *p = value(s, STW_HDR_ROUTE, &n);

	if (!(s->m->present >> STW_HDR_ROUTE & 1) || s->m->kind != STW_SIP_REQUEST)
		return;
	bool ok = first_of_list(&p, &n) && is("(" DISPLAY "<" ANYURI ">)" GPARAMS, p, n);
	if (ok) {
		size_t open = 0;
		bool quoted = false; /* the "<" outside quotes */
		for (; quoted || p[open] != '<'; open++) {
			if (quoted && p[open] == '\\')
				open++;
			else if (p[open] == '"')
				quoted = !quoted;
		}
		size_t close = open;
		while (p[close] != '>')
			close++;
		ok = stw_oracle_uri(p + open + 1, close - open - 1) != STW_EMALFORMED;
	}
	if (!ok)
		reject(s, STW_REJECT_ROUTE, off);
}

static void whole_message(struct message *s, size_t from)
{
	const char *buf = s->buf;
	size_t lf = from;

	s->m->kind = STW_SIP_NEITHER;
	while (lf < s->len && buf[lf] != '\n')
		lf++;
	if (lf == s->len)
		return;
	size_t end = lf > from && buf[lf - 1] == '\r' ? lf - 1 : lf;
	if (end - from >= 4 && same(buf + from, 4, "sip/"))
		status_line(s, from, end);
	else
		request_line(s, from, end);
	if (s->m->kind == STW_SIP_NEITHER)
		return;
	if (end == lf)
		reject(s, STW_REJECT_STRAY_BYTE, lf);
	s->m->headers_off = (uint16_t)(lf + 1);
	s->m->len = (uint32_t)s->len;
	header_block(s, lf + 1);

	void (*const checks[])(struct message *) = {duplicates,	  via_count, mandatory, values,
						    max_forwards, body,	     route};
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]) && !s->reject; i++)
		checks[i](s);
}

/* Parts of values are what the parsers of values say: those have oracles of their own above. */
static void parts(struct message *s)
{
	struct stw_sip_msg *m = s->m;

	stw_sip_via_parse(s->buf, m->value[STW_HDR_VIA], &m->via);
	stw_sip_tag_find(s->buf, m->value[STW_HDR_FROM], &m->from_tag);
	stw_sip_tag_find(s->buf, m->value[STW_HDR_TO], &m->to_tag);
	if (m->kind == STW_SIP_REQUEST && stw_sip_has(m, STW_HDR_ROUTE))
		stw_sip_name_addr_parse(s->buf, m->value[STW_HDR_ROUTE], &m->route);
}

/* An empty result. @return where the start line begins; the length when there is nothing to read */
static size_t begin(const char *buf, size_t len, struct stw_sip_msg *out)
{
	size_t from = 0;

	memset(out, 0, sizeof(*out));
	out->max_forwards = -1;
	out->content_length = -1;
	if (len >= 20 && (uint8_t)buf[0] < 0x40 && memcmp(buf + 4, "\x21\x12\xa4\x42", 4) == 0) {
		out->kind = STW_SIP_STUN;
		out->len = (uint32_t)len;
		return len;
	}
	while (from < len && from < 65535 && (buf[from] == '\r' || buf[from] == '\n'))
		from++;
	if (from == len || from == 65535) {
		out->kind = STW_SIP_KEEPALIVE;
		return len;
	}
	return from;
}

static enum stw_sip_reject conclude(struct message *s, size_t len)
{
	if (len > 65535 && s->m->kind <= STW_SIP_RESPONSE) {
		s->reject = STW_REJECT_TOO_LARGE;
		s->error_off = 65535;
	}
	s->m->reject = (uint8_t)s->reject;
	s->m->error_off = s->reject ? (uint16_t)s->error_off : 0;
	return s->reject;
}

enum stw_sip_reject stw_oracle_locate(const char *buf, size_t len, struct stw_sip_msg *out)
{
	struct message s = {.buf = buf, .len = len > 65535 ? 65535 : len, .m = out};
	size_t lf = begin(buf, len, out), from = lf;

	if (from == len)
		return STW_SIP_ACCEPTED;
	while (lf < s.len && buf[lf] != '\n')
		lf++;
	if (lf == s.len) {
		out->kind = STW_SIP_NEITHER;
		return STW_SIP_ACCEPTED;
	}
	if (lf == from || buf[lf - 1] != '\r')
		reject(&s, STW_REJECT_STRAY_BYTE, lf);
	out->headers_off = (uint16_t)(lf + 1);
	out->len = (uint32_t)s.len;
	header_block(&s, lf + 1);
	return conclude(&s, len);
}

enum stw_sip_reject stw_oracle_parse(const char *buf, size_t len, struct stw_sip_msg *out)
{
	struct message s = {.buf = buf, .len = len > 65535 ? 65535 : len, .m = out};
	size_t from = begin(buf, len, out);

	if (from == len)
		return STW_SIP_ACCEPTED;
	whole_message(&s, from);
	enum stw_sip_reject why = conclude(&s, len);
	if (!why && (out->kind == STW_SIP_REQUEST || out->kind == STW_SIP_RESPONSE))
		parts(&s);
	return why;
}
