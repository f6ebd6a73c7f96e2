/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Small files of state_dir that are whole or absent, whenever the process is killed.
 *
 * Threads: control's loop only.
 */

#include <stdbool.h>
#include <stddef.h>

/** Longest path of a file in state_dir, with the NUL. */
#define STW_STATE_PATH 160

enum stw_state_write {
	STW_STATE_REPLACE, /* over what is there */
	STW_STATE_CREATE,  /* STW_EDUP when one is there already */
};

/**
 * Write @dir/@name with mode 0600: a new file, fsync, into place, fsync of the directory.
 *
 * @return STW_OK, STW_EIO, STW_EDUP; @reason tells why
 */
int stw_state_write(const char *dir, const char *name, enum stw_state_write how, const void *bytes,
		    size_t len, char *reason, size_t reason_len);

/**
 * Read @dir/@name, a regular file of at most @room bytes; a link is not followed.
 *
 * @param secret  refuse it when others than its owner may read it, or the owner is another
 * @param len     on STW_OK only: bytes read
 * @return STW_OK, STW_ENOENT, STW_EIO, STW_ERANGE (larger than @room); @reason tells why
 */
int stw_state_read(const char *dir, const char *name, bool secret, void *bytes, size_t room,
		   size_t *len, char *reason, size_t reason_len);
