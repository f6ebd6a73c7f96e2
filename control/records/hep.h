/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Recorded messages as HEPv3 packets (the capture protocol of Homer, sngrep and Kamailio's
 * sipcapture): chunks of vendor 0, type and length in network order. Pure.
 */

#include <stddef.h>
#include <stdint.h>

#include <strowger/flight.h>

/** Room for a packet beside its payload and Call-ID. */
#define STW_HEP_ROOM 256u

/**
 * Write one packet.
 *
 * @param out      [room]
 * @param unix_us  when it was recorded, microseconds since 1970
 * @param node     capture agent id
 * @return its length, 0 when it does not fit or there is nothing to send
 */
size_t stw_hep_write(uint8_t *out, size_t room, const struct stw_flight *r, uint64_t unix_us,
		     uint32_t node);
