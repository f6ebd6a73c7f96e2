/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Which row of the statistics block each listener counts in. Rows go by address and are given once
 * for the life of the process, so that counters survive reloads, restarts of control and a new
 * order in the file.
 *
 * Threads: installer only, before the tables are published.
 */

#include <strowger/stats.h>

#include "dataplane/table/lookup.h"

/** Give each listener of @t its row; when all are given away, the spare one that nobody reads. */
void stw_counted_listeners(struct stw_stats *s, struct stw_tables *t);
