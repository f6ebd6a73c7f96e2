/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Readiness and signs of life for whoever started us: one datagram to the socket named by
 * NOTIFY_SOCKET, the protocol of sd_notify(3), which needs no library.
 */

/** Send @state ("READY=1"); does nothing without NOTIFY_SOCKET. Never blocks, never fails. */
void stw_notify(const char *state);

/**
 * Seconds between two stw_notify("WATCHDOG=1"): a third of what systemd waits for (WATCHDOG_USEC).
 *
 * @return 0: nobody waits
 */
double stw_notify_watchdog_s(void);
