/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Which CPU runs what: worker i is pinned to the i-th configured core as lcore i + 1; the main
 * lcore 0 (the installer) floats over all other CPUs the process may use, or over all of them when
 * the workers take every one.
 */

#include <sched.h>
#include <stddef.h>

#include "control/model/model.h"

/** Long enough for the map of 64 workers and 1024 CPUs. */
#define STW_CORES_TEXT 8192

/**
 * Write the argument of EAL's --lcores, for example "0@(0,2-3),1@1".
 *
 * @param allowed  CPUs this process may use
 * @param out      [STW_CORES_TEXT]
 * @param bad      on STW_ENOENT: the core that may not be used
 * @return STW_OK, STW_ENOENT, STW_ERANGE (no cores, or more than STW_STATS_WORKERS_MAX)
 */
int stw_cores_plan(const struct stw_model_dataplane *d, const cpu_set_t *allowed, char *out,
		   unsigned *bad);
