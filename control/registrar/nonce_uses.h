/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Which nonces were used, and how far their counts went: whoever copies an Authorization header
 * cannot use it again (RFC 7616 s3.4, nc). Of fixed size; what was forgotten for want of room, or
 * with a restart, is bounded by the nonces' own age.
 *
 * Threads: one.
 */

#include <stdbool.h>
#include <stdint.h>

struct stw_nonce_uses; /* opaque */

/** @param n  nonces remembered, a power of two from 4. @return NULL without memory */
struct stw_nonce_uses *stw_nonce_uses_new(uint32_t n);
void stw_nonce_uses_free(struct stw_nonce_uses *u);

/** One that is soon asked for. */
void stw_nonce_uses_prefetch(struct stw_nonce_uses *u, uint64_t nonce);

/**
 * Note a use that was seen to be right.
 *
 * @param nonce    its keyed sum, which is evenly spread
 * @param request  identifies what was signed: the same again (a retransmission) is no replay
 * @return false: that count was used before, by another request
 */
bool stw_nonce_use(struct stw_nonce_uses *u, uint64_t nonce, uint32_t nc, uint64_t request);
