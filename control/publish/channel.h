/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The bytes of control's side of ctl_proto.h: connect, receive one message with its descriptors,
 * send one image. No event loop and no state, so that each piece is tested on a socketpair.
 *
 * What arrives is checked here: type, version, length, number of descriptors.
 */

#include <stddef.h>
#include <stdint.h>

#include <strowger/ctl_proto.h>
#include <strowger/log.h>

#define STW_CHANNEL_FDS 2

/** One message from the data plane. Descriptors the type does not have are -1. */
struct stw_channel_message {
	union {
		struct stw_ctl_header header;
		struct stw_ctl_hello hello;
		struct stw_ctl_result result;
	};
	int fds[STW_CHANNEL_FDS]; /* HELLO: stats block, served image; the receiver closes them */
};

/**
 * Connect to the data plane's socket.
 *
 * @return a non-blocking descriptor, or -1 with errno set
 */
int stw_channel_connect(const char *path);

/**
 * Receive one message without blocking.
 *
 * @param out  on STW_OK only; its descriptors belong to the caller
 * @return STW_OK, STW_EAGAIN (nothing there), STW_ENOENT (the other end closed), STW_EVERSION,
 *         STW_EMALFORMED (length, type or descriptors wrong), STW_EIO
 */
int stw_channel_receive(int fd, struct stw_channel_message *out);

/**
 * Send an image: the bytes go into a sealed memfd, its descriptor over the socket.
 *
 * @return STW_OK, STW_EAGAIN (socket full), STW_ENOMEM (no memfd of that size), STW_EIO
 */
int stw_channel_send_image(int fd, uint64_t generation, const void *bytes, size_t size_bytes);

/** Send level and form of log lines. @return STW_OK, STW_EAGAIN (socket full), STW_EIO */
int stw_channel_send_log(int fd, enum stw_log_level level, enum stw_log_format format);

/** Pass the location table on, or say that there is none (-1). @return STW_OK, STW_EAGAIN, STW_EIO
 */
int stw_channel_send_location(int fd, int table_fd);

/** Pass lanes for @n workers on. @return STW_OK, STW_EAGAIN, STW_EIO */
int stw_channel_send_lanes(int fd, uint32_t n, int memory, int doorbell);

/** Close the descriptors of @m that are open. */
void stw_channel_close_fds(struct stw_channel_message *m);
