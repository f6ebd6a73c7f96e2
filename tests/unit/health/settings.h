/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* The defaults of the configuration, in round figures. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/model/model.h"

static inline struct stw_model_health settings(void)
{
	return (struct stw_model_health){
		.probes = true,
		.method = "OPTIONS",
		.accept = "200-499",
		.interval_ms = 2000,
		.timeout_ms = 1000,
		.backoff_ms = 10000,
		.fall = 3,
		.of = 4,
		.rise = 2,
		.hold_down_s = 30,
		.hold_down_max_s = 300,
		.slow_start_s = 40,
		.window_s = 10,
		.min_calls = 20,
		.unanswered_percent = 50,
		.errors_percent = 50,
		.eject_percent = 34,
		.retry_after_max_s = 60,
		.panic_percent = 20,
	};
}
