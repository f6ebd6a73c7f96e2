/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Buffers are sized for the shapes of shapes.c. A shape that outgrows one is a mistake of the
 * benchmark itself: it is remembered and refused when the message is put together, never cut short.
 */
#include "bench/messages/draft.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <strowger/errors.h>

static const struct {
	const char *name;
	const char *compact;
} short_forms[] = {
	{"Via", "v"},	       {"Call-ID", "i"},	  {"From", "f"},
	{"To", "t"},	       {"Contact", "m"},	  {"Content-Length", "l"},
	{"Content-Type", "c"}, {"Supported", "k"},	  {"Subject", "s"},
	{"Event", "o"},	       {"Session-Expires", "x"},  {"Refer-To", "r"},
	{"Allow-Events", "u"}, {"Content-Encoding", "e"},
};

static size_t print(struct stw_bench_draft *d, char *out, size_t room, const char *fmt,
		    va_list args) __attribute__((format(printf, 4, 0)));

static size_t print(struct stw_bench_draft *d, char *out, size_t room, const char *fmt,
		    va_list args)
{
	int n = vsnprintf(out, room, fmt, args);

	if (n >= 0 && (size_t)n < room)
		return (size_t)n;
	d->overflow = true;
	return 0;
}

void stw_bench_draft_init(struct stw_bench_draft *d, struct stw_bench_random *random)
{
	d->random = random;
	d->overflow = false;
	d->n_lines = 0;
	d->used = 0;
	d->start_line[0] = '\0';
	d->body[0] = '\0';
	uint32_t draw = stw_bench_random_below(random, 16);
	d->spelling = draw < 2 ? STW_BENCH_COMPACT : draw < 3 ? STW_BENCH_LOWER : STW_BENCH_LONG;
}

void stw_bench_draft_start(struct stw_bench_draft *d, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print(d, d->start_line, sizeof(d->start_line), fmt, args);
	va_end(args);
}

static const char *spelled(const struct stw_bench_draft *d, const char *name)
{
	if (d->spelling != STW_BENCH_COMPACT)
		return name;
	for (size_t i = 0; i < sizeof(short_forms) / sizeof(short_forms[0]); i++)
		if (strcmp(short_forms[i].name, name) == 0)
			return short_forms[i].compact;
	return name;
}

/* "Name: " at @out, which has room for every name of shapes.c. @return bytes written */
static size_t write_name(const struct stw_bench_draft *d, const char *name, char *out, size_t room)
{
	int n = snprintf(out, room, "%s: ", spelled(d, name));

	for (int i = 0; d->spelling == STW_BENCH_LOWER && i < n; i++)
		out[i] = (char)tolower((unsigned char)out[i]);
	return (size_t)n;
}

void stw_bench_draft_block(struct stw_bench_draft *d, const char *text, size_t len)
{
	if (d->n_lines == STW_BENCH_LINES_MAX || len > sizeof(d->lines) - d->used)
		goto overflow;
	memcpy(d->lines + d->used, text, len);
	d->line_off[d->n_lines] = (uint16_t)d->used;
	d->line_len[d->n_lines] = (uint16_t)len;
	d->n_lines++;
	d->used += len;
	return;
overflow:
	d->overflow = true;
}

void stw_bench_draft_add(struct stw_bench_draft *d, const char *name, const char *fmt, ...)
{
	char line[1024];
	size_t len = write_name(d, name, line, 64);
	va_list args;

	va_start(args, fmt);
	len += print(d, line + len, sizeof(line) - len - 2, fmt, args);
	va_end(args);
	line[len++] = '\r';
	line[len++] = '\n';
	stw_bench_draft_block(d, line, len);
}

void stw_bench_draft_body(struct stw_bench_draft *d, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print(d, d->body, sizeof(d->body), fmt, args);
	va_end(args);
}

static size_t length(const struct stw_bench_draft *d)
{
	return strlen(d->start_line) + d->used + strlen(d->body) + 4;
}

void stw_bench_draft_pad(struct stw_bench_draft *d, size_t bytes)
{
	static const char line[] = "a=candidate:1 1 UDP 2130706431 203.0.113.141 8998 typ host\r\n";
	size_t used = strlen(d->body);

	for (; length(d) < bytes; used += sizeof(line) - 1) {
		if (sizeof(d->body) - used < sizeof(line)) {
			d->overflow = true;
			return;
		}
		memcpy(d->body + used, line, sizeof(line));
	}
}

/* Fisher and Yates: each order of the lines is as likely as any other. */
static void shuffle(struct stw_bench_draft *d)
{
	for (size_t i = d->n_lines; i > 1; i--) {
		size_t j = stw_bench_random_below(d->random, (uint32_t)i);
		uint16_t off = d->line_off[i - 1], len = d->line_len[i - 1];
		d->line_off[i - 1] = d->line_off[j];
		d->line_len[i - 1] = d->line_len[j];
		d->line_off[j] = off;
		d->line_len[j] = len;
	}
}

static void append(struct stw_bench_draft *d, struct stw_bench_message *out, const char *text,
		   size_t len)
{
	if (len > sizeof(out->text) - out->len) {
		d->overflow = true;
		return;
	}
	memcpy(out->text + out->len, text, len);
	out->len += len;
}

int stw_bench_draft_finish(struct stw_bench_draft *d, struct stw_bench_message *out)
{
	stw_bench_draft_add(d, "Content-Length", "%zu", strlen(d->body));
	shuffle(d);
	out->len = 0;
	append(d, out, d->start_line, strlen(d->start_line));
	append(d, out, "\r\n", 2);
	for (size_t i = 0; i < d->n_lines; i++)
		append(d, out, d->lines + d->line_off[i], d->line_len[i]);
	append(d, out, "\r\n", 2);
	append(d, out, d->body, strlen(d->body));
	return d->overflow ? STW_ENOSPACE : STW_OK;
}
