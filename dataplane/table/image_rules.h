/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/** @file The part of stw_image_check() that is about rules. */

#include <stddef.h>

#include <strowger/table_image.h>

/**
 * Check the sections of rules.
 *
 * @param image  its header and the other sections were checked
 * @return as stw_image_check()
 */
int stw_image_check_rules(const struct stw_image_header *image, char *reason, size_t reason_len);
