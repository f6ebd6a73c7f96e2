/* SPDX-License-Identifier: BSD-3-Clause */
#include <strowger/log.h>

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A line is cut at this length, so that one write(2) to a pipe stays whole (PIPE_BUF). */
#define LINE_MAX_BYTES 4096
#define TEXT_MAX_BYTES 2048

static const char *const level_names[] = {
	[STW_LOG_ERROR] = "error",
	[STW_LOG_WARN] = "warn",
	[STW_LOG_INFO] = "info",
	[STW_LOG_DEBUG] = "debug",
};

static const char *_Atomic log_who = "strowger";
static _Atomic int log_level = STW_LOG_INFO;

void stw_log_init(const char *who, enum stw_log_level level)
{
	atomic_store_explicit(&log_who, who, memory_order_relaxed);
	stw_log_set_level(level);
}

void stw_log_set_level(enum stw_log_level level)
{
	atomic_store_explicit(&log_level, (int)level, memory_order_relaxed);
}

int stw_log_level_parse(const char *name)
{
	for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
		if (strcmp(name, level_names[i]) == 0)
			return (int)i;
	}
	return -1;
}

/* Bytes of @c as it stands in a quoted value: quotes and control bytes are escaped, so that nobody
 * outside can forge a second line or a second field. UTF-8 passes. */
static size_t escape(unsigned char c, char out[5])
{
	static const char hex[] = "0123456789abcdef";
	static const char from[] = "\"\\\n\r\t";
	static const char to[] = "\"\\nrt";
	const char *at = c != '\0' ? strchr(from, c) : NULL;

	out[0] = '\\';
	if (at) {
		out[1] = to[at - from];
		return 2;
	}
	if (c < 0x20 || c == 0x7f) {
		out[1] = 'x';
		out[2] = hex[c >> 4];
		out[3] = hex[c & 15];
		return 4;
	}
	out[0] = (char)c;
	return 1;
}

static size_t put_escaped(char *line, size_t at, size_t room, const char *text)
{
	for (; *text; text++) {
		char e[5];
		size_t n = escape((unsigned char)*text, e);

		if (n > room - at)
			break;
		memcpy(line + at, e, n);
		at += n;
	}
	return at;
}

static size_t put_head(char *line, size_t room, enum stw_log_level level)
{
	struct timespec now;
	struct tm tm;
	char day[32];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	int n = snprintf(line, room, "time=%s.%03ldZ level=%s who=%s msg=\"", day,
			 now.tv_nsec / 1000000, level_names[level],
			 atomic_load_explicit(&log_who, memory_order_relaxed));
	return n < 0 ? 0 : (size_t)n < room ? (size_t)n : room - 1;
}

void stw_log(enum stw_log_level level, const char *fmt, ...)
{
	char text[TEXT_MAX_BYTES];
	char line[LINE_MAX_BYTES];
	int saved = errno;
	va_list ap;

	if ((int)level > atomic_load_explicit(&log_level, memory_order_relaxed) ||
	    (unsigned)level > STW_LOG_DEBUG)
		return;
	va_start(ap, fmt);
	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		text[0] = '\0';
	va_end(ap);

	size_t n = put_head(line, sizeof(line) - 2, level);
	n = put_escaped(line, n, sizeof(line) - 2, text);
	line[n++] = '"';
	line[n++] = '\n';
	/* Nobody to tell when standard error is gone or full. */
	ssize_t written = write(STDERR_FILENO, line, n);
	(void)written;
	errno = saved;
}
