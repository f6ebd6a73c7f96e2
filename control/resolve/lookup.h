/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * One host name to the addresses SIP requests by UDP are sent to (RFC 3263 s4):
 *
 *     port given        A and AAAA
 *     else              NAPTR "SIP+D2U" -> SRV -> A and AAAA
 *     no such NAPTR     SRV of _sip._udp.NAME -> A and AAAA
 *     no such SRV       A and AAAA, port 5060
 *     _service._proto   a name of SRV records: these alone
 *
 * Threads: the loop's only.
 */

#include <stdbool.h>
#include <stdint.h>

#include <strowger/table_image.h>

#include "control/resolve/dns.h"

#define STW_LOOKUP_TARGETS 64u /* of one answer, at most */

struct stw_lookup; /* opaque; lookup.c */

struct stw_lookup_question {
	const char *name; /* copied; as stw_name_canonical() makes it, NUL-terminated */
	uint16_t port;	  /* 0: not given */
	bool v4;	  /* families that we can send from */
	bool v6;
};

struct stw_lookup_result {
	int err;	/* STW_OK, STW_ENOENT (stands for nothing), STW_EIO (no answer) */
	uint32_t ttl_s; /* STW_OK, STW_ENOENT */
	uint8_t n_targets;
	/* by priority, then by address: the same answer in another order is the same list */
	struct stw_image_target targets[STW_LOOKUP_TARGETS];
	/* STW_OK: some question for addresses of the family had no answer */
	bool missed_v4, missed_v6;
	/* STW_OK: no server told of NAPTR, and there was no SRV: these may not be who is meant */
	bool guessed;
};

typedef void stw_lookup_done_fn(void *arg, const struct stw_lookup_result *result);

/**
 * @param done  called once, from the loop or from inside this call
 * @return NULL without memory (@done is not called)
 */
struct stw_lookup *stw_lookup_start(struct stw_dns *dns, const struct stw_lookup_question *question,
				    stw_lookup_done_fn *done, void *arg);

/** Whether @ip, which @result does not name, may be there all the same: nobody told. */
bool stw_lookup_missed(const struct stw_lookup_result *result, const struct stw_ip *ip);

/** Add to @result (STW_OK) whom of @before it missed, as far as there is room. */
void stw_lookup_keep(struct stw_lookup_result *result, const struct stw_image_target *before,
		     size_t n_before);

/** Its done() will not be called. Not from inside stw_lookup_start(). Accepts NULL. */
void stw_lookup_abandon(struct stw_lookup *l);
