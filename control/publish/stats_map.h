/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The data plane's stats block (strowger/stats.h), mapped read-only and checked: every offset and
 * count lies inside the file, so readers may use the accessors of stats.h without further checks.
 */

#include <stddef.h>

#include <strowger/stats.h>

/**
 * Map the block behind @fd. The descriptor may be closed afterwards.
 *
 * @param reason  [reason_len] when refused: what is wrong, for people
 * @param out     on STW_OK only; release with stw_stats_unmap()
 * @return STW_OK, STW_EVERSION (of another build's layout), STW_EBOUNDS, STW_EMALFORMED, STW_EIO
 */
int stw_stats_map(int fd, char *reason, size_t reason_len, struct stw_stats **out);

/** Accepts NULL. */
void stw_stats_unmap(struct stw_stats *s);
