/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <strowger/sip.h>

/* Not RCU: immutable after stw_sip_set_limits(), which comes before any parser thread. */
extern struct stw_sip_limits stw_limits;
