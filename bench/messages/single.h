/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Single messages of the benchmark's traffic, each of another call, the same from the same seed. No
 * balancer is asked: a cookie or branch of ours has its form, but verifies nowhere. Who wants them
 * to verify makes them as bench/path/corpus.c does.
 *
 * Threads: any. No allocation.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/messages/shapes.h"

/** Room that holds any of them. */
#define STW_BENCH_SINGLE_ROOM 2048u

/**
 * Write message @index of @seed.
 *
 * @param shuffled  header lines in any order; else in that of RFC 3261's examples. Nothing else
 *                  differs
 * @param out       not NUL-terminated
 * @param room      STW_BENCH_SINGLE_ROOM is enough
 * @return bytes written, 0 when @room is too small
 */
size_t stw_bench_single(uint64_t seed, uint32_t index, bool shuffled, char *out, size_t room);

/** The row of stw_bench_shapes that stw_bench_single() takes for @index. */
size_t stw_bench_single_shape(uint64_t seed, uint32_t index);
