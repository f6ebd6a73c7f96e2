/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The searches that stw_sip_find_call_id() chooses from. All find the same.
 */

#include <stdint.h>

#include <strowger/sip.h>

typedef bool (*stw_call_id_fn)(const char *buf, size_t len, struct stw_span *out);

/* The one in use: the kernel's. */
extern stw_call_id_fn stw_call_id_find;

bool stw_call_id_find_any(const char *buf, size_t len, struct stw_span *out);

#if defined(__x86_64__)
bool stw_call_id_find_avx512(const char *buf, size_t len, struct stw_span *out);
#endif
