/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Log lines for people and for machines, on standard error, in one of two forms:
 *
 *     time=2026-01-31T12:00:00.000Z level=warn who=dataplane msg="..."
 *     {"time":"2026-01-31T12:00:00.000Z","level":"warn","who":"dataplane","msg":"..."}
 *
 * One message (one place in the source) gets at most STW_LOG_BURST lines in STW_LOG_WINDOW_S; the
 * next one after that says how many were left out (suppressed=). Debug has no such limit. Under
 * systemd each line carries its priority for the journal.
 *
 * What a SIP message holds, and every password and key, is logged at debug only, if at all. Never
 * called by a worker between rx and tx: a worker counts, it does not log.
 *
 * Threads: any (one write(2) per line). Fast path: no.
 */

#define STW_LOG_BURST	 50
#define STW_LOG_WINDOW_S 10

enum stw_log_level { STW_LOG_ERROR, STW_LOG_WARN, STW_LOG_INFO, STW_LOG_DEBUG };

enum stw_log_format { STW_LOG_LOGFMT, STW_LOG_JSON };

/** Name this process in each line ("dataplane", "control"). @who is kept, not copied. */
void stw_log_init(const char *who, enum stw_log_level level);

/** Change the level at run time. */
void stw_log_set_level(enum stw_log_level level);
enum stw_log_level stw_log_level(void);

/** Change the form at run time. */
void stw_log_set_format(enum stw_log_format format);
enum stw_log_format stw_log_format(void);

/** "error", "warn", "info", "debug"; "logfmt", "json". */
const char *stw_log_level_name(enum stw_log_level level);
const char *stw_log_format_name(enum stw_log_format format);

/** Read a level's name: "error", "warn", "info", "debug". @return the level or -1 */
int stw_log_level_parse(const char *name);

/**
 * One line; @fmt as printf, without a newline, a literal: lines of one literal are one message.
 * Control bytes and quotes are escaped, so that nobody outside can forge a line or a field.
 */
void stw_log(enum stw_log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define stw_error(...) stw_log(STW_LOG_ERROR, __VA_ARGS__)
#define stw_warn(...)  stw_log(STW_LOG_WARN, __VA_ARGS__)
#define stw_info(...)  stw_log(STW_LOG_INFO, __VA_ARGS__)
#define stw_debug(...) stw_log(STW_LOG_DEBUG, __VA_ARGS__)
