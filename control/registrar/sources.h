/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * What each source may ask of the registrar in a while: one leaky bucket for each kind of request,
 * of an address by IPv4 and of a /64 network by IPv6. Of fixed size: of the sources that share a
 * place the one that is least in debt is forgotten.
 *
 * Addresses are easily forged. What cannot be forged (an answer to a nonce that was sent to that
 * very address) has buckets of its own: a flood in somebody's name takes nothing from who has
 * answered.
 *
 * Threads: one.
 */

#include <stdbool.h>
#include <stdint.h>

#include <strowger/endpoint.h>

enum stw_source_bucket {
	STW_SOURCE_STRANGER, /* a REGISTER in its name */
	STW_SOURCE_PROVEN,   /* one that answers a nonce we sent there */
	STW_SOURCE_FAILED,   /* such a one with a wrong password */
	STW_N_SOURCE_BUCKETS,
};

struct stw_sources; /* opaque */

/** @param n  sources remembered, a power of two from 4. @return NULL without memory */
struct stw_sources *stw_sources_new(uint32_t n);

/**
 * Whether one more would be within @rate in @period_us.
 *
 * @param rate  0: there is no limit
 */
bool stw_sources_has(const struct stw_sources *s, const struct stw_ip *ip,
		     enum stw_source_bucket bucket, uint32_t rate, uint64_t period_us,
		     uint64_t now_us);

/** Count one, if it is within the limit. @return whether it was */
bool stw_sources_take(struct stw_sources *s, const struct stw_ip *ip, enum stw_source_bucket bucket,
		      uint32_t rate, uint64_t period_us, uint64_t now_us);

/** Accepts NULL. */
void stw_sources_free(struct stw_sources *s);
