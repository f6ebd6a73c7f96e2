/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The control process while it runs: one thread, one event loop. SIGHUP reads the configuration
 * again, SIGTERM and SIGINT stop. The data plane goes on serving whatever happens here.
 */

/**
 * Read the configuration, publish, serve the API until told to stop. Why a start fails is written
 * to standard error, one line a message.
 *
 * @return exit status: 0 stopped by a signal, 1 could not start
 */
int stw_loop_run(const char *config_path);
