/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <strowger/sip.h>

/** enum stw_sip_header of a name, long or compact, in any letter case; STW_HDR_OTHER if not hot. */
uint8_t stw_hdr_of(const char *name, size_t len);
