/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * A Unix SOCK_SEQPACKET socket file that only root and we may connect to, put in its place in one
 * step, never over one that is being listened on.
 */

#include <sys/stat.h>

/**
 * Listen at @path, mode 0600. Its directory is made when missing (0750).
 *
 * @param fd        on STW_OK: non-blocking
 * @param identity  on STW_OK: of the socket file, for stw_listen_remove()
 * @return STW_OK, STW_EBUSY (somebody listens there), STW_EIO; both are logged
 */
int stw_listen_open(const char *path, int *fd, struct stat *identity);

/** Remove the socket file, unless another one has taken its place. */
void stw_listen_remove(const char *path, const struct stat *identity);
