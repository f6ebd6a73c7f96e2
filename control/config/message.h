/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Messages about a configuration: `file:line: where: what, what to do`.
 *
 * Threads: one.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/config/config.h"

struct stw_node;

/* More than this many are counted, not told: one mistake may repeat in each of 8192 members. */
#define STW_REPORT_MAX 200

struct stw_report {
	const char *file;
	stw_config_message_fn message; /* may be NULL */
	void *ctx;
	size_t n_errors;
	/* Held back until stw_report_end(), which tells them in the order of the file. */
	struct {
		uint32_t line;
		char *text;
	} held[STW_REPORT_MAX];
	size_t n_held;
};

/** One message about @line of the file, 0: about the whole. */
void stw_report_line(struct stw_report *r, uint32_t line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** One message about @node, with the names of what it is in: `pool "farm", member "k1": ...`. */
void stw_report(struct stw_report *r, const struct stw_node *node, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** Tell all messages, by line, and how many more there were. Once, at the end. */
void stw_report_end(struct stw_report *r);

/** A text from the file made fit for a message: cut, control bytes as '?'. @return @out */
const char *stw_report_quote(const char *text, char out[64]);

/**
 * The nearest of some words, for "did you mean".
 *
 * @param word  called with i = 0, 1, ... until it returns NULL
 * @return      NULL when none is near
 */
const char *stw_nearest(const char *wanted, const char *(*word)(const void *ctx, size_t i),
			const void *ctx);
