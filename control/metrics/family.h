/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Writes Prometheus' text format: families with their help, samples with escaped labels. All
 * samples of a family stand together, as the format asks.
 */

#include <stdint.h>
#include <stdio.h>

#define STW_METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/** One label; an array of them ends with a NULL name. */
struct stw_label {
	const char *name;
	const char *value; /* any bytes; what is not UTF-8 becomes '?' */
};

/** "# HELP" and "# TYPE". @param type  "counter", "gauge", "histogram" */
void stw_family(FILE *out, const char *name, const char *type, const char *help);

/** One sample. @param suffix  "" or "_bucket", "_sum", "_count"; @param labels  NULL: none */
void stw_sample(FILE *out, const char *name, const char *suffix, const struct stw_label *labels,
		double value);

/** A whole number, however large. */
void stw_sample_u64(FILE *out, const char *name, const char *suffix, const struct stw_label *labels,
		    uint64_t value);
