/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/** @file What commands that go on until Ctrl-C have in common. */

#include <stdbool.h>

/** From now on Ctrl-C and SIGTERM end the loop instead of the program. */
void stw_loop_catch(void);

/** Whether one came. */
bool stw_loop_stopped(void);

/** Wait, or until a signal. */
void stw_wait_s(double seconds);
