/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Tables of the API's rows, a column a field: show and top draw with the same ones.
 */

#include <jansson.h>
#include <stdio.h>

enum stw_column_kind {
	STW_COLUMN_TEXT,
	STW_COLUMN_RATE,    /* a number with a decimal when it is small */
	STW_COLUMN_PERCENT, /* of a share 0..1 */
	STW_COLUMN_MS,	    /* milliseconds */
};

struct stw_column {
	const char *heading; /* '>' aligns right */
	const char *key;     /* "a.b": b in the object a */
	enum stw_column_kind kind;
};

/** Print @n columns of each row. @param max  rows at most, 0: all */
void stw_print_columns(const json_t *rows, size_t max, const struct stw_column *columns, size_t n,
		       FILE *out);

/* What every table of workers begins with. */
/* clang-format off */
#define STW_WORKER_COLUMNS                                                                        \
	{">WORKER", "worker", STW_COLUMN_TEXT}, {">CORE", "core", STW_COLUMN_TEXT},               \
	{">BUSY", "busy_1s", STW_COLUMN_PERCENT}, {">RX/S", "rate_1s.received", STW_COLUMN_RATE}, \
	{">TX/S", "rate_1s.sent", STW_COLUMN_RATE}
/* clang-format on */

#define STW_N_COLUMNS(columns) (sizeof(columns) / sizeof((columns)[0]))
