/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Control's images on their way to the workers: a listening Unix socket, at most one control, each
 * image checked before it is trusted, published, acknowledged after the grace period
 * (strowger/ctl_proto.h). Whatever is wrong with a message, what was served before goes on being
 * served, and the sender is told why.
 *
 * Threads: installer only.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include <strowger/stats.h>

#include "dataplane/snapshot.h"

#define STW_INSTALL_IMAGE_MAX (256u << 20) /* bytes */

struct stw_install {
	struct stw_snapshots *snapshots;
	struct stw_stats *stats;
	int stats_fd;
	int listen_fd;
	int control_fd;	      /* -1: no control is connected */
	int image_fd;	      /* of the image being served, -1 before the first */
	bool fresh;	      /* HELLO sent, no image received since */
	struct stat identity; /* of the socket file */
	char path[108];
};

/**
 * Listen. A socket file nobody listens on is replaced; a missing directory is made (0750).
 *
 * @param stats     generation and swap_ns are written here
 * @param stats_fd  its memfd, sent with each HELLO; not closed here
 * @return STW_OK, STW_EBUSY (another data plane listens there), STW_EIO; both are logged.
 *         Call stw_install_close() in any case.
 */
int stw_install_open(struct stw_install *x, const char *path, struct stw_snapshots *snapshots,
		     struct stw_stats *stats, int stats_fd);

/**
 * listen_fd is readable: take the newest control, leave the one before.
 *
 * @return false when it will stay readable though nobody could be taken (no descriptors left):
 *         wait before the next try
 */
bool stw_install_accept(struct stw_install *x);

/**
 * control_fd is readable: take one message.
 *
 * @return true when new tables are being served
 *
 * RCU writer: installer thread only; blocks for a grace period when it publishes.
 */
bool stw_install_read(struct stw_install *x);

/** Close all and remove the socket file if it is still ours. */
void stw_install_close(struct stw_install *x);
