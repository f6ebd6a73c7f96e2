/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * How the phones' messages travel: by a socket, or by a DPDK device.
 *
 * Threads: one.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/traffic/device.h"

#define STW_CARRIER_MESSAGE 1400u /* bytes, most of one that leaves */
#define STW_CARRIER_BATCH   64u
#define STW_PHONES_PORT	    5062u
#define STW_REGISTRAR_PORT  5060u

/** An answer, NUL-terminated. */
typedef void stw_carrier_take_fn(char *text, uint64_t now_ns);

struct stw_carrier {
	/** Where the next message is written. */
	char *(*room)(void);
	/** It is, @len bytes of it. It may wait for flush(). */
	void (*push)(size_t len);
	void (*flush)(void);
	/** Take what came, a batch at most. @return how many */
	unsigned (*receive)(stw_carrier_take_fn *take);
	/** Nothing came: wait a little. */
	void (*wait)(void);
};

/** @param from, to  IPv4 addresses. @return NULL: it cannot be opened, which was told */
const struct stw_carrier *stw_carrier_by_socket(const char *from, const char *to);

/** Frames from any MAC address to any: the device's other end is the registrar's. */
const struct stw_carrier *stw_carrier_by_device(const char *program,
						const struct stw_bench_device *d, const char *from,
						const char *to);
