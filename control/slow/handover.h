/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Control's ends of the lanes (strowger/lane.h): what workers hand over is taken in batches in each
 * turn of the loop, what is to be sent is shown to them at its end. While there is nothing the loop
 * sleeps, and the first worker that has something rings.
 *
 * The memory is made anew for each data plane that connects, so nothing of one before is in it.
 *
 * Threads: the loop's only.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/slow/datagram.h"

struct ev_loop;
struct stw_handover; /* opaque; handover.c */

/** What workers handed over: @d [n], 1..STW_SLOW_BATCH, until it returns. */
typedef void stw_handover_received_fn(void *ctx, struct stw_datagram *d, size_t n);

/**
 * @param damaged  counts how often what a worker wrote could not be read
 * @return NULL without memory. Free with stw_handover_free().
 */
struct stw_handover *stw_handover_new(struct ev_loop *loop, stw_handover_received_fn *received,
				      void *ctx, uint64_t *damaged);

/**
 * Make lanes for @n workers, instead of those there are, and serve them.
 *
 * @param memory, doorbell  to be passed on to the data plane; they stay ours
 * @return STW_OK, STW_ENOMEM (there are none then)
 */
int stw_handover_open(struct stw_handover *h, uint32_t n, int *memory, int *doorbell);

/** There are none any more. */
void stw_handover_close(struct stw_handover *h);

/** Whether there are lanes that workers serve: those that were passed on may not have been taken.
 */
bool stw_handover_is_open(const struct stw_handover *h);

/** Have a worker send @d: always the same one to the same peer. @return false: it was not taken */
bool stw_handover_send(struct stw_handover *h, const struct stw_datagram *d);

/** Accepts NULL. */
void stw_handover_free(struct stw_handover *h);
