/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Writes one SIP message of the benchmark's traffic: header lines are added in any order and come
 * out shuffled, as they do from the many products on a real network. A parser that saw one order
 * only would be flattered by the branch predictor.
 *
 * Threads: one user a draft. No allocation.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/random.h"

#define STW_BENCH_MESSAGE_MAX 12288u
#define STW_BENCH_LINES_MAX   160u

struct stw_bench_message {
	size_t len;
	char text[STW_BENCH_MESSAGE_MAX]; /* not NUL-terminated */
};

/* How header names are spelled: most products write RFC 3261's form, some do not. */
enum stw_bench_spelling {
	STW_BENCH_LONG,
	STW_BENCH_COMPACT, /* RFC 3261 s7.3.3, where a short form exists */
	STW_BENCH_LOWER,   /* long names in lower case (s7.3.1: any case) */
};

struct stw_bench_draft {
	struct stw_bench_random *random;
	bool overflow; /* some line did not fit: the message will be refused */
	enum stw_bench_spelling spelling;
	size_t n_lines;
	size_t used;
	uint16_t line_off[STW_BENCH_LINES_MAX];
	uint16_t line_len[STW_BENCH_LINES_MAX];
	char start_line[256];
	char lines[STW_BENCH_MESSAGE_MAX];
	char body[STW_BENCH_MESSAGE_MAX];
};

/** Start an empty message; the spelling is drawn from @random. */
void stw_bench_draft_init(struct stw_bench_draft *d, struct stw_bench_random *random);

/** The request or status line, without its CRLF. */
void stw_bench_draft_start(struct stw_bench_draft *d, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * Add one header line, named as the spelling says.
 *
 * @param name  the long name in RFC 3261's letter case
 */
void stw_bench_draft_add(struct stw_bench_draft *d, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** Add lines as they are, CRLFs included; they stay together and in order (a stack of Vias). */
void stw_bench_draft_block(struct stw_bench_draft *d, const char *text, size_t len);

/** Make the message about @bytes long, if it is shorter, by lines of SDP at the end of its body. */
void stw_bench_draft_pad(struct stw_bench_draft *d, size_t bytes);

/** The body, NUL-terminated here. Content-Type is the caller's to add. */
void stw_bench_draft_body(struct stw_bench_draft *d, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * Add Content-Length, shuffle the lines and put the message together.
 *
 * @return STW_OK, STW_ENOSPACE (a shape outgrew the buffers of this file)
 */
int stw_bench_draft_finish(struct stw_bench_draft *d, struct stw_bench_message *out);
