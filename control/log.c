/* SPDX-License-Identifier: BSD-3-Clause */
#include <strowger/log.h>
#include <strowger/printable.h>

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "control/log_limit.h"

/* A line is cut at this length, so that one write(2) to a pipe stays whole (PIPE_BUF). */
#define LINE_MAX_BYTES 4096
#define TEXT_MAX_BYTES 2048
#define TAIL_BYTES     64 /* of a line: quote, suppressed count, newline */

static const char *const level_names[] = {
	[STW_LOG_ERROR] = "error",
	[STW_LOG_WARN] = "warn",
	[STW_LOG_INFO] = "info",
	[STW_LOG_DEBUG] = "debug",
};

static const char *const format_names[] = {[STW_LOG_LOGFMT] = "logfmt", [STW_LOG_JSON] = "json"};

/* As syslog(3) numbers them. */
static const char priorities[] = {
	[STW_LOG_ERROR] = '3', [STW_LOG_WARN] = '4', [STW_LOG_INFO] = '6', [STW_LOG_DEBUG] = '7'};

static const char *_Atomic log_who = "strowger";
static _Atomic int log_level = STW_LOG_INFO;
static _Atomic int log_format = STW_LOG_LOGFMT;
static _Atomic bool to_journal;

/* ---- settings ---- */

/* systemd tells device and inode of the journal's socket; somebody may have redirected us since. */
static bool is_journal(void)
{
	const char *told = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return told && sscanf(told, "%llu:%llu", &device, &inode) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

void stw_log_init(const char *who, enum stw_log_level level)
{
	atomic_store_explicit(&log_who, who, memory_order_relaxed);
	atomic_store_explicit(&to_journal, is_journal(), memory_order_relaxed);
	stw_log_set_level(level);
}

void stw_log_set_level(enum stw_log_level level)
{
	atomic_store_explicit(&log_level, (int)level, memory_order_relaxed);
}

enum stw_log_level stw_log_level(void)
{
	return (enum stw_log_level)atomic_load_explicit(&log_level, memory_order_relaxed);
}

void stw_log_set_format(enum stw_log_format format)
{
	atomic_store_explicit(&log_format, (int)format, memory_order_relaxed);
}

enum stw_log_format stw_log_format(void)
{
	return (enum stw_log_format)atomic_load_explicit(&log_format, memory_order_relaxed);
}

const char *stw_log_level_name(enum stw_log_level level)
{
	return level_names[level];
}

const char *stw_log_format_name(enum stw_log_format format)
{
	return format_names[format];
}

int stw_log_level_parse(const char *name)
{
	for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
		if (strcmp(name, level_names[i]) == 0)
			return (int)i;
	}
	return -1;
}

/* ---- the limit ---- */

static struct stw_log_limit limit;
static pthread_mutex_t limit_lock = PTHREAD_MUTEX_INITIALIZER;

static bool admit(const char *fmt, unsigned *suppressed)
{
	struct timespec now;
	bool yes;

	clock_gettime(CLOCK_MONOTONIC, &now);
	pthread_mutex_lock(&limit_lock);
	yes = stw_log_limit_admit(&limit, fmt, now.tv_sec, suppressed);
	pthread_mutex_unlock(&limit_lock);
	return yes;
}

/* ---- the line ---- */

struct line {
	char bytes[LINE_MAX_BYTES];
	size_t n;
};

__attribute__((format(printf, 2, 3))) static void put(struct line *line, const char *fmt, ...)
{
	size_t room = sizeof(line->bytes) - line->n;
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(line->bytes + line->n, room, fmt, ap);
	va_end(ap);
	if (n > 0)
		line->n += (size_t)n < room ? (size_t)n : room - 1;
}

/* Bytes of the UTF-8 character at @s, 0 for what is none (RFC 3629, without its finer rules). */
static size_t utf8_len(const char *s)
{
	const unsigned char *b = (const unsigned char *)s;
	size_t n = b[0] < 0x80 ? 1 : b[0] >= 0xf0 && b[0] < 0xf5 ? 4 : b[0] >= 0xe0 ? 3 : 2;

	if (b[0] >= 0xf5 || (b[0] >= 0x80 && b[0] < 0xc2))
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((b[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

#define ESCAPE_BYTES 16

/* What a terminal might obey, as numbers. @return bytes of @s */
static size_t escape_unprintable(const char *s, size_t n, bool json, char out[ESCAPE_BYTES])
{
	const unsigned char *b = (const unsigned char *)s;
	size_t at = 0;

	if (json && n <= 1)
		snprintf(out, ESCAPE_BYTES, "\\u%04x", b[0]);
	else if (json && n == 2)
		snprintf(out, ESCAPE_BYTES, "\\u%04x", (b[0] & 0x1fu) << 6 | (b[1] & 0x3fu));
	else if (json)
		snprintf(out, ESCAPE_BYTES, "\\u%04x",
			 (b[0] & 0xfu) << 12 | (b[1] & 0x3fu) << 6 | (b[2] & 0x3fu));
	for (size_t i = 0; !json && i < (n > 0 ? n : 1); i++)
		at += (size_t)snprintf(out + at, ESCAPE_BYTES - at, "\\x%02x", b[i]);
	return n > 0 ? n : 1;
}

/* One character as it stands in a quoted value; @return how many bytes of @s it was. */
static size_t escape(const char *s, bool json, char out[ESCAPE_BYTES])
{
	static const char from[] = "\"\\\n\r\t";
	static const char to[] = "\"\\nrt";
	const char *at = strchr(from, *s);
	const size_t n = utf8_len(s), bad = stw_unprintable(s);

	if (at) {
		snprintf(out, ESCAPE_BYTES, "\\%c", to[at - from]);
		return 1;
	}
	if (bad > 0 || n == 0)
		return escape_unprintable(s, bad, json, out);
	snprintf(out, ESCAPE_BYTES, "%.*s", (int)n, s);
	return n;
}

static void put_escaped(struct line *line, const char *text, bool json)
{
	while (*text) {
		char e[ESCAPE_BYTES];
		size_t used = escape(text, json, e), n = strlen(e);

		if (n > sizeof(line->bytes) - TAIL_BYTES - line->n)
			return;
		memcpy(line->bytes + line->n, e, n);
		line->n += n;
		text += used;
	}
}

static void put_head(struct line *line, enum stw_log_level level, bool json)
{
	const char *who = atomic_load_explicit(&log_who, memory_order_relaxed);
	struct timespec now;
	struct tm tm;
	char day[32];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	if (atomic_load_explicit(&to_journal, memory_order_relaxed))
		put(line, "<%c>", priorities[level]);
	put(line,
	    json ? "{\"time\":\"%s.%03ldZ\",\"level\":\"%s\",\"who\":\"%s\",\"msg\":\""
		 : "time=%s.%03ldZ level=%s who=%s msg=\"",
	    day, now.tv_nsec / 1000000, level_names[level], who);
}

static void put_tail(struct line *line, unsigned suppressed, bool json)
{
	put(line, "\"");
	if (suppressed > 0)
		put(line, json ? ",\"suppressed\":%u" : " suppressed=%u", suppressed);
	put(line, json ? "}\n" : "\n");
}

void stw_log(enum stw_log_level level, const char *fmt, ...)
{
	const bool json = stw_log_format() == STW_LOG_JSON;
	struct line line;
	char text[TEXT_MAX_BYTES];
	unsigned suppressed = 0;
	int saved = errno;
	va_list ap;

	if ((unsigned)level > STW_LOG_DEBUG || level > stw_log_level())
		return;
	if (level != STW_LOG_DEBUG && !admit(fmt, &suppressed)) {
		errno = saved;
		return;
	}
	va_start(ap, fmt);
	errno = saved; /* for %m */
	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		text[0] = '\0';
	va_end(ap);
	line.n = 0;
	put_head(&line, level, json);
	put_escaped(&line, text, json);
	put_tail(&line, suppressed, json);
	/* Nobody to tell when standard error is gone or full. */
	ssize_t written = write(STDERR_FILENO, line.bytes, line.n);
	(void)written;
	errno = saved;
}
