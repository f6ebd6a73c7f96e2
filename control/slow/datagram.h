/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * What comes to the slow path and what leaves it: datagrams, many at a time, whoever carries them.
 */

#include <stdbool.h>
#include <stddef.h>

#include <strowger/endpoint.h>

/** Most of one batch. */
#define STW_SLOW_BATCH 128u

/** Writable bytes before one that came: more than a worker has, for contacts with a long way to
 * them. */
#define STW_SLOW_HEADROOM 3072u

struct stw_datagram {
	struct stw_endpoint local, peer; /* our end, the other end */
	char *bytes;
	uint32_t len;
	uint32_t room; /* of one that came: writable bytes from @bytes on */
	bool sent;     /* of one that leaves: it was taken */
};

/** Send @d [n] in this order, and say of each whether it was @sent. */
typedef void stw_datagrams_send_fn(void *ctx, struct stw_datagram *d, size_t n);
