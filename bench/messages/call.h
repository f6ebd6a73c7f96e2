/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Who takes part in one call of the benchmark's traffic: names, tags and addresses that stay the
 * same from its INVITE to its BYE. Each call has a Call-ID of its own.
 */

#include <stdbool.h>
#include <stdint.h>

#include <strowger/endpoint.h>

#include "bench/random.h"

enum stw_bench_side { STW_BENCH_CALLER, STW_BENCH_MEMBER };

struct stw_bench_party {
	char user[32];
	char host[48];	  /* of its address-of-record */
	char address[46]; /* its IP address */
	char contact[64]; /* hostport where requests to it go */
	char sent_by[64]; /* hostport it writes in Via: private when behind a NAT */
	char tag[32];
	char branch[64];
	bool rport;
};

struct stw_bench_call {
	struct stw_endpoint
		source[2]; /* index = enum stw_bench_side: where its datagrams are from */
	char listener[STW_ENDPOINT_TEXT];
	char member[STW_ENDPOINT_TEXT];
	struct stw_bench_party party[2]; /* index = enum stw_bench_side */
	char call_id[96];
	uint32_t cseq;
	char route[256]; /* our Record-Route value, once the INVITE was forwarded; NUL-terminated */
};

/** Domains that parties live at, of their addresses-of-record; ends with NULL. */
extern const char *const stw_bench_domains[];

/**
 * Draw a call: a caller somewhere in 198.18.0.0/15 (RFC 2544's range for benchmarks), half of them
 * behind a NAT. Its member is not known yet: see stw_bench_call_set_member().
 *
 * @param serial    makes the Call-ID different from every other one
 * @param listener  the balancer's address
 */
void stw_bench_call_init(struct stw_bench_call *c, struct stw_bench_random *random, uint32_t serial,
			 const struct stw_endpoint *listener);

/** The balancer chose @member: the called party answers from behind it. */
void stw_bench_call_set_member(struct stw_bench_call *c, struct stw_bench_random *random,
			       const struct stw_endpoint *member);
