/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Log lines for people, in logfmt on standard error: `time=... level=warn who=dataplane msg="..."`.
 * Never called by a worker between rx and tx: a worker counts, it does not log.
 *
 * Threads: any (one write(2) per line). Fast path: no.
 */

enum stw_log_level { STW_LOG_ERROR, STW_LOG_WARN, STW_LOG_INFO, STW_LOG_DEBUG };

/** Name this process in each line ("dataplane", "control"). @who is kept, not copied. */
void stw_log_init(const char *who, enum stw_log_level level);

/** Change the level at run time. */
void stw_log_set_level(enum stw_log_level level);

/** Read a level's name: "error", "warn", "info", "debug". @return the level or -1 */
int stw_log_level_parse(const char *name);

/** One line; @fmt as printf, without a newline. Control bytes and quotes are escaped. */
void stw_log(enum stw_log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define stw_error(...) stw_log(STW_LOG_ERROR, __VA_ARGS__)
#define stw_warn(...)  stw_log(STW_LOG_WARN, __VA_ARGS__)
#define stw_info(...)  stw_log(STW_LOG_INFO, __VA_ARGS__)
#define stw_debug(...) stw_log(STW_LOG_DEBUG, __VA_ARGS__)
