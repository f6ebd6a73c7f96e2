/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * UDP datagrams out of a capture: pcap (either byte order, micro- or nanoseconds) and pcapng, of
 * Ethernet (with VLAN tags), Linux cooked and raw IP links. Fragments and what is not UDP are
 * counted and left out. Nothing in the file is trusted.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <strowger/endpoint.h>

struct stw_datagram {
	uint64_t number; /* of the packet in the file, from 1 */
	struct stw_endpoint from, to;
	const uint8_t *bytes; /* valid until the next one is read */
	size_t len;
};

struct stw_capture; /* opaque; capture.c */

/**
 * @param f       read from now on; stays the caller's
 * @param reason  [reason_len] filled when NULL is returned: what is wrong
 * @return NULL when it is no capture, or without memory
 */
struct stw_capture *stw_capture_new(FILE *f, char *reason, size_t reason_len);

/** The next datagram. @return false at the end, or where the file is damaged */
bool stw_capture_next(struct stw_capture *c, struct stw_datagram *out);

/** What was left out so far. */
uint64_t stw_capture_n_fragments(const struct stw_capture *c);
uint64_t stw_capture_n_others(const struct stw_capture *c);

/** The file ended in the middle, or holds what cannot be. */
bool stw_capture_damaged(const struct stw_capture *c);

/** Accepts NULL. */
void stw_capture_free(struct stw_capture *c);
