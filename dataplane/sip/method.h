/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <strowger/sip.h>

/** enum stw_sip_method of a name; case matters (RFC 3261 s7.1). */
uint8_t stw_method_of(const char *name, size_t len);
