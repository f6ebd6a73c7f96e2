/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>

/** enum stw_transport of a name in any letter case; STW_TRANSPORT_OTHER for one we do not know. */
uint8_t stw_transport_of(const char *name, size_t len);
