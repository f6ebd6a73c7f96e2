/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Inputs of 64 KiB made to cost as much as they can, a byte: none may cost more than ten times
 * what an ordinary INVITE costs.
 */

#include <stdio.h>

/** Time them with the kernel in use; writes a JSON object to @f and the worst to standard output.
 */
void stw_bench_worst(FILE *f);
