/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Between control and the data plane: a Unix SOCK_SEQPACKET socket on which the data plane listens
 * (mode 0600, same user or root by SO_PEERCRED). One control at a time: a newer connection replaces
 * the older. All integers in host order; both ends are on one machine, from one build or its
 * neighbour, and check the version.
 *
 *   data plane -> control   HELLO   + 2 fds: the stats block (stats.h), the image being served
 *                                     (sealed memfd; absent before the first: then 1 fd)
 *   control -> data plane   IMAGE   + 1 fd: a sealed memfd with a table image (table_image.h)
 *   data plane -> control   RESULT    accepted (after the grace period) or refused with a reason
 *   control -> data plane   LOG       level and form of log lines from now on; not answered
 *   control -> data plane   LOCATION + 1 fd: the location table (location_table.h), a memfd sealed
 *                                     against shrinking and growing, which control goes on
 *                                     writing; sent when it is complete, and after each HELLO.
 *                                     Without a fd: there is none any more. Not answered
 *   control -> data plane   LANES   + 2 fds: lanes for messages between workers and control
 *                                     (lane.h), a memfd sealed against shrinking and growing, and
 *                                     the eventfd that wakes control. To a data plane whose HELLO
 *                                     says that it takes them. They end with the connection: the
 *                                     next one has its own. Not answered: whether they were
 *                                     taken is said in their memory
 *   control -> data plane   STOP_LISTENING is not here: the data plane stops by SIGTERM only
 *
 * Generations grow. An image whose generation is not above the served one is refused (STW_ESTALE),
 * so a control that hung cannot overwrite a newer one's tables when it wakes.
 */

#include <stdint.h>

#define STW_CTL_VERSION 1u

enum stw_ctl_type {
	STW_CTL_HELLO = 1,
	STW_CTL_IMAGE = 2,
	STW_CTL_RESULT = 3,
	STW_CTL_LOG = 4,
	STW_CTL_LOCATION = 5,
	STW_CTL_LANES = 6,
};

struct stw_ctl_header {
	uint32_t type;	  /* enum stw_ctl_type */
	uint32_t version; /* STW_CTL_VERSION */
};

struct stw_ctl_hello {
	struct stw_ctl_header h;
	uint64_t pid;
	uint64_t generation; /* being served, 0 before the first */
	uint8_t digest[32];  /* of it */
	uint32_t has_image;  /* 1: the second descriptor is the image */
	uint32_t n_lanes;    /* that it takes: one a worker; 0: it knows none */
};

struct stw_ctl_image {
	struct stw_ctl_header h;
	uint64_t generation;
	uint64_t size_bytes;
};

struct stw_ctl_location {
	struct stw_ctl_header h;
	uint32_t has_table; /* 1: there is a descriptor */
	uint32_t reserved;
};

struct stw_ctl_lanes {
	struct stw_ctl_header h;
	uint32_t n; /* lanes: one a worker */
	uint32_t reserved;
};

struct stw_ctl_log {
	struct stw_ctl_header h;
	uint32_t level;	 /* enum stw_log_level */
	uint32_t format; /* enum stw_log_format */
};

struct stw_ctl_result {
	struct stw_ctl_header h;
	uint64_t generation; /* the image this answers */
	int32_t err;	     /* STW_OK: every worker sees it and none still uses the old one */
	uint32_t reserved;
	uint64_t check_ns; /* time to check and copy */
	uint64_t swap_ns;  /* from publishing to the end of the grace period */
	char reason[160];  /* when refused: which section and row, for people; NUL-terminated */
};
