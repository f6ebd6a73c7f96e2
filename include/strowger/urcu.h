/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The only file that includes liburcu, and the place that fixes the flavour: QSBR. Readers are the
 * workers and the installer of one data-plane process; across processes travel table images.
 *
 * Fixed sentences used in comments, so that review can search for them:
 *   "RCU reader: online worker only."
 *   "RCU borrowed: dead at this thread's next quiescent state."
 *   "RCU writer: installer thread only."
 *   "RCU retire: freed after a grace period; caller gives up the pointer."
 *   "Not RCU: immutable after init."
 */

#define _LGPL_SOURCE 1
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#include <urcu-qsbr.h>
#pragma GCC diagnostic pop
