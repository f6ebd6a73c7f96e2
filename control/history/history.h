/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Configurations that ran, as they were written: files in state_dir, mode 0600 as they hold keys,
 * the last STW_HISTORY_MAX of them.
 *
 * Threads: the loop's only.
 */

#include <stddef.h>
#include <stdint.h>

#define STW_HISTORY_MAX 20u

struct stw_history_entry {
	uint32_t id; /* 1, 2, ...: grows, never given twice */
	uint64_t at_unix_s;
	char how[16]; /* "start", "reload", "apply", "rollback", "save" */
	uint64_t bytes;
};

struct stw_history {
	struct stw_history_entry entries[STW_HISTORY_MAX + 1];
	size_t n; /* the oldest first */
};

/** List what is there. What is not ours is left alone. @return STW_OK, STW_EIO */
int stw_history_list(const char *state_dir, struct stw_history *out);

/**
 * Add @text, unless the newest entry is the same; the oldest go.
 *
 * @return STW_OK, STW_EIO; @reason tells why
 */
int stw_history_add(const char *state_dir, const char *how, uint64_t at_unix_s, const char *text,
		    size_t len, char *reason, size_t reason_len);

/** Text of an entry. @return STW_OK, STW_ENOENT, STW_ENOMEM, STW_EIO; free @text with free() */
int stw_history_read(const char *state_dir, uint32_t id, char **text, size_t *len, char *reason,
		     size_t reason_len);
