/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Maglev (Eisenbud et al., NSDI 2016): members to slots, such that a change of one member moves
 * little but its own share. Pure: ids and weights are the only input, so each node builds the same
 * table.
 */

#include <stddef.h>
#include <stdint.h>

struct stw_maglev_member {
	uint32_t id;	 /* no id twice */
	uint32_t weight; /* 0..65535; 0: no slots */
};

/**
 * Fill the slots.
 *
 * Each member gets its weight's share of the slots, exact within rounding (largest remainder; equal
 * remainders go to the lower ids). The order of @members has no influence on who gets a slot.
 *
 * @param members   [n_members]
 * @param n_members 1..65534
 * @param slots     [n_slots], filled on STW_OK with indices into @members
 * @param n_slots   a prime, 3..2^24: then each member's preferences reach every slot
 * @return STW_OK, STW_ENOENT (no member has weight), STW_ERANGE, STW_EDUP (an id twice), STW_ENOMEM
 */
int stw_maglev_build(const struct stw_maglev_member *members, size_t n_members, uint16_t *slots,
		     size_t n_slots);
