/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * What this build is made of. STW_VERSION, STW_DPDK_VERSION and STW_URCU_VERSION come from the
 * build.
 */

/** "jemalloc 5.3.0-0-g..." as linked, or "system". Static text. */
const char *stw_version_allocator(void);

/** "4.33", as linked. Static text. */
const char *stw_version_libev(void);
