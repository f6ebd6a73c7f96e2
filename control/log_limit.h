/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * How often one message is logged: STW_LOG_BURST lines in STW_LOG_WINDOW_S, the rest counted. No
 * clock in here. A message is a place in the source, told by the address of its format.
 *
 * Threads: one at a time.
 */

#include <stdbool.h>
#include <stdint.h>

#include <strowger/log.h>

#define STW_LOG_MESSAGES 256

struct stw_log_message {
	const char *fmt;
	int64_t since_s; /* of its window */
	unsigned n;	 /* lines in it */
	unsigned suppressed;
};

/* All zero at first. When there are more messages than slots, one not heard for long is forgotten.
 */
struct stw_log_limit {
	struct stw_log_message slot[STW_LOG_MESSAGES];
};

/**
 * May this line be written?
 *
 * @param suppressed  on true only: how many of its kind before it were not
 */
bool stw_log_limit_admit(struct stw_log_limit *l, const char *fmt, int64_t now_s,
			 unsigned *suppressed);
