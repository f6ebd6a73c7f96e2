/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The shapes of the benchmark's messages, one table row each. The weights are those of a call
 * (INVITE, 100, 180, 200, ACK, BYE, 200) with registrations, probes and messages beside it.
 */

#include <stddef.h>
#include <stdint.h>

#include "bench/messages/call.h"
#include "bench/messages/draft.h"

/** Writes the request of a shape, but for the last step, stw_bench_draft_finish(). */
typedef void (*stw_bench_request_fn)(struct stw_bench_draft *d, const struct stw_bench_call *c);

struct stw_bench_shape {
	const char *name;
	uint32_t weight;	    /* frames of this shape in a hundred */
	enum stw_bench_side sender; /* of the request */
	stw_bench_request_fn request;
	uint16_t status;    /* 0: the frame is the request; else this answer to it */
	const char *phrase; /* of the answer */
};

extern const struct stw_bench_shape stw_bench_shapes[];
extern const size_t stw_bench_n_shapes;

/** The INVITE that begins a call, whatever its shape. */
void stw_bench_write_invite(struct stw_bench_draft *d, const struct stw_bench_call *c);

/**
 * Write the answer to a request as the next hop would: its Vias and Record-Routes in order, From,
 * To with a tag, Call-ID and CSeq as they came, the rest by @shape.
 *
 * @param request  the forwarded request, accepted by the parser, @len bytes
 * @return STW_OK, STW_EMALFORMED (a forwarded request that does not parse)
 */
int stw_bench_write_answer(struct stw_bench_draft *d, const struct stw_bench_call *c,
			   const struct stw_bench_shape *shape, const char *request, size_t len);
