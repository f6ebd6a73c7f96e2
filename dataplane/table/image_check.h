/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The parts of stw_image_check(), a file each, and what they share.
 *
 * Threads: any; no state. Fast path: no.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <strowger/endpoint.h>
#include <strowger/table_image.h>

/** The image, its header and sections in bounds, and where the reason goes. */
struct stw_image_check {
	const uint8_t *bytes;
	const struct stw_image_header *header; /* the same */
	char *reason;			       /* [reason_len], which may be 0 */
	size_t reason_len;
};

/** Say why. @return err */
__attribute__((format(printf, 3, 4))) int stw_image_refuse(const struct stw_image_check *c, int err,
							   const char *format, ...);

/** A section's first row, and in @n how many there are. */
const void *stw_image_rows(const struct stw_image_check *c, enum stw_image_kind kind, uint32_t *n);

/** Whether somebody may be sent to or heard at @a: UDP, a port, an address. */
bool stw_image_address_serves(const struct stw_endpoint *a);

/**
 * The sections of pools, their members and slots; of members; of names and their targets; of
 * domains; of rules, which come last: the others were checked.
 *
 * @return as stw_image_check()
 */
int stw_image_check_pools(const struct stw_image_check *c);
int stw_image_check_members(const struct stw_image_check *c);
int stw_image_check_names(const struct stw_image_check *c);
int stw_image_check_domains(const struct stw_image_check *c);
int stw_image_check_rules(const struct stw_image_check *c);
