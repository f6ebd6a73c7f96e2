/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * DPDK's environment, started from the configuration: anonymous memory and no file of its own, no
 * PCI scan unless a port is a PCI device, no telemetry socket.
 */

#include <stdbool.h>

#include "control/model/model.h"

/**
 * Start EAL. Its log lines become ours at level debug.
 *
 * @return STW_OK, STW_ECONFIG (a core that may not be used), STW_ENOMEM (hugepages asked for and
 *         not there), STW_EIO; each logged in one line
 */
int stw_eal_start(const struct stw_model *model);

/** Free EAL's memory. */
void stw_eal_stop(void);

/** Forget the error line kept so far. */
void stw_eal_error_clear(void);

/** The first line DPDK logged as an error since stw_eal_error_clear(), or "". */
const char *stw_eal_error(void);
