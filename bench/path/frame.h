/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * SIP in UDP in IPv4 in Ethernet, and files of such frames in the classic pcap format.
 *
 * Threads: one user a file or a list.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <strowger/endpoint.h>

#define STW_BENCH_FRAME_HEADERS 42u   /* Ethernet 14, IPv4 20, UDP 8 */
#define STW_BENCH_FRAME_MAX	9614u /* as large as ports go: 9600 bytes of IP */

struct stw_bench_frame {
	uint16_t len;
	uint8_t *bytes; /* from malloc, [len] */
};

/**
 * Wrap @text, checksums included.
 *
 * @param out  on STW_OK only
 * @return STW_OK, STW_ENOSPACE (over STW_BENCH_FRAME_MAX), STW_EMALFORMED (not IPv4), STW_ENOMEM
 */
int stw_bench_frame_make(struct stw_bench_frame *out, const char *text, size_t len,
			 const struct stw_endpoint *source, const struct stw_endpoint *destination);

/** Where a frame made by stw_bench_frame_make() came from. */
struct stw_endpoint stw_bench_frame_source(const struct stw_bench_frame *f);

/** @return STW_OK, STW_EIO */
int stw_bench_pcap_write(const char *path, const struct stw_bench_frame *frames, size_t n);

/**
 * Read what stw_bench_pcap_write() wrote.
 *
 * @param frames  on STW_OK only: the caller's, for stw_bench_frames_free()
 * @return STW_OK, STW_EIO, STW_EMALFORMED, STW_ENOMEM
 */
int stw_bench_pcap_read(const char *path, struct stw_bench_frame **frames, size_t *n);

/** Free [n] frames and the list. Accepts NULL. */
void stw_bench_frames_free(struct stw_bench_frame *frames, size_t n);
