/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * How many answers of our own one source may have: a token bucket for each IPv4 address or IPv6
 * /64, so that a spoofed source is not flooded through us and a scanner learns slowly. Fixed
 * memory, one cache line a look-up; a source that loses its row to another starts again with a full
 * bucket.
 *
 * Threads: one worker's; not shared.
 */

#include <stdbool.h>
#include <stdint.h>

#include <strowger/endpoint.h>

struct stw_budget;

/**
 * @param per_second  answers a source may have each second, and at once after a pause; 0: no limit
 * @param tsc_hz      of the time stamps
 * @param secret      of this process: senders must not be able to choose whose row they share
 * @return the budget, NULL without memory; free with stw_budget_free()
 */
struct stw_budget *stw_budget_new(uint32_t per_second, uint64_t tsc_hz, uint64_t secret);

/** Accepts NULL. */
void stw_budget_free(struct stw_budget *budget);

/** Take one answer from @source's bucket. @return false when it is empty. Fast path: yes. */
bool stw_budget_take(struct stw_budget *budget, const struct stw_ip *source, uint64_t now_tsc);
