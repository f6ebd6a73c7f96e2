/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Messages and files on their way to the API: read, put into requests, and answers printed.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "control/cli/capture.h"

/** Read a whole file, "-": standard input. @return NULL after saying why; free with free() */
char *stw_file_read(const char *path, size_t max, size_t *len);

/** A message of an explain request. @param from, to  text of addresses, or NULL */
json_t *stw_ask_message(const void *bytes, size_t len, const char *from, const char *to);

/** "forward to k1 (198.51.100.11:5060) by hash", "answer 483 Too Many Hops", "drop: malformed". */
void stw_ask_verdict_text(const json_t *result, char *out, size_t size);

/** First line of the message: "INVITE sip:b@example.com", "200 OK (INVITE)". */
void stw_ask_message_text(const json_t *result, char *out, size_t size);

/** Bytes of a base64 text. @return NULL when it is none; free with free() */
unsigned char *stw_ask_bytes(const json_t *base64, size_t *len);

/** Print what came from the wire: no control character reaches the terminal. */
void stw_print_wire(const unsigned char *text, size_t len);

/** The same for a part of a line. @return the column at which byte @off was printed */
size_t stw_print_wire_line(const unsigned char *text, size_t len, size_t off);
