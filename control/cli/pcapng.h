/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Writes datagrams as a pcapng file (raw IP link), each with a comment: Wireshark shows it as
 * packet comment, tshark as frame.comment.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <strowger/endpoint.h>

struct stw_pcapng_packet {
	uint64_t unix_us;
	struct stw_endpoint from, to; /* of one family */
	const void *bytes;	      /* of the datagram, as many as were kept */
	size_t len;
	size_t whole_len; /* of it on the wire */
	const char *comment;
};

/** Section and interface. @return false when @out failed */
bool stw_pcapng_begin(FILE *out);

/** One packet. @return false when @out failed, or both addresses are not of one family */
bool stw_pcapng_write(FILE *out, const struct stw_pcapng_packet *p);
