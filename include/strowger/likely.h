/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Branches that nearly every message of a proxy takes the same way: the compiler puts the other way
 * behind the function, so that the usual one is read straight through. Whoever goes the other way
 * pays a jump, no more. Not for what comes in either way, requests and responses for instance.
 */

#define stw_likely(condition)	__builtin_expect(!!(condition), 1)
#define stw_unlikely(condition) __builtin_expect(!!(condition), 0)
