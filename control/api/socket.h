/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The API's Unix socket in the file system: made with its mode and group before anybody can
 * connect, taken over from a control that died, never from one that lives.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct stw_api_socket {
	int fd; /* listening; whoever serves it closes it */
	char path[108];
	dev_t dev; /* of the file we made: another's is not removed */
	ino_t ino;
};

/**
 * Make the socket and listen. The directory is made when only its last part is missing.
 *
 * @param group   owner group, "" to leave it
 * @param reason  [reason_len] filled on failure: what, where, what to do
 * @return STW_OK, STW_EBUSY (another control listens there), STW_ENOENT (no such group), STW_EIO
 */
int stw_api_socket_open(struct stw_api_socket *s, const char *path, uint32_t mode,
			const char *group, char *reason, size_t reason_len);

/** Remove the file if it is still ours; the descriptor is not closed. */
void stw_api_socket_remove(struct stw_api_socket *s);
