/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Members' numbers: rows of counters and states, 0..STW_MEMBER_NUMBERS - 1. An address keeps its
 * number over reloads and over a restart of control (stw_numbers_adopt()). A number whose member
 * went away is given to another only after
 *   - the data plane acknowledged a generation without the member, and
 *   - everyone who holds the number let go (stw_numbers_unref()),
 * and then as late as possible: numbers never used come first, then the one freed longest ago.
 *
 *   free -> live -> leaving -> free;  leaving -> live when the same address comes back
 *
 * Threads: control's loop only. Ownership: one registry, which outlives every model.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <strowger/stats.h>

#include "control/model/model.h"

struct stw_numbers; /* opaque; numbers.c */

/** @return an empty registry, NULL without memory. Free with stw_numbers_free(). */
struct stw_numbers *stw_numbers_new(void);

/** Accepts NULL. */
void stw_numbers_free(struct stw_numbers *n);

/**
 * Learn a number that the data plane serves already: before the first stw_numbers_assign() after a
 * start, once for each member of the image that came with its HELLO.
 *
 * @return STW_OK, STW_ERANGE (number too large), STW_EDUP (address or number known otherwise)
 */
int stw_numbers_adopt(struct stw_numbers *n, const struct stw_endpoint *address, uint16_t number);

/**
 * Give each member of @model its number. Addresses that @model no longer has start to leave.
 *
 * @param generation  the first image built from @model will carry; above every one before
 * @return STW_OK, STW_ENOSPACE (too many numbers in use or not yet let go: nothing has changed)
 */
int stw_numbers_assign(struct stw_numbers *n, struct stw_model *model, uint64_t generation);

/**
 * The data plane acknowledged @generation: no worker uses an older image. Frees the numbers that
 * left with it or before it and are held by nobody.
 */
void stw_numbers_acknowledged(struct stw_numbers *n, uint64_t generation);

/** Hold a number that is live or leaving: it is not given to another until stw_numbers_unref(). */
void stw_numbers_ref(struct stw_numbers *n, uint16_t number);
void stw_numbers_unref(struct stw_numbers *n, uint16_t number);

/** Number of a live address. @return it, or -1. */
int stw_numbers_find(const struct stw_numbers *n, const struct stw_endpoint *address);

/**
 * How often @number was given to an address: a reader whose remembered value differs takes a new
 * baseline of the counters, since nobody resets them.
 */
uint32_t stw_numbers_epoch(const struct stw_numbers *n, uint16_t number);

/** How many numbers are live, leaving and free; any pointer may be NULL. */
void stw_numbers_count(const struct stw_numbers *n, size_t *live, size_t *leaving, size_t *unused);
